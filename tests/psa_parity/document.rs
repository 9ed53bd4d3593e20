//! docs/psa-parity.md: the figures of a run, written by the run.

use crate::checks::{GROUPS, Groups};
use crate::compare::Figures;
use crate::updated::{Seen, Sort};
use crate::upstream::{About, Target};
use std::fmt::Write;

pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/psa-parity.md");

/// What a run has done.
pub struct Run<'r> {
    pub seed: u64,
    pub generated: &'r Figures,
    pub fixture_files: usize,
    pub fixtures: &'r Figures,
    /// At which both sorts of pods were judged.
    pub targets: &'r [Target],
    pub fixture_targets: &'r [Target],
    pub updates: &'r Seen,
    pub update_targets: &'r [Target],
}

/// What is the same for every run with this upstream.
pub fn fixed(about: &About) -> String {
    let mut text = String::from(
        "# Parity with the Pod Security Standards\n\n\
         Written by `make fuzz-parity`; do not edit.\n\n\
         The policies `pss-baseline` and `pss-restricted` refuse the pods that Kubernetes' own Pod Security admission \
         refuses, at every version of the standards (`--policy pss-restricted@v1.30`; without a version, `latest`). \
         That is not claimed but compared, pod by pod and check by check: each pod goes to podreeve's `admit` and to \
         the evaluator of the Go module that kube-apiserver is built with, and the rules that refuse it must be those \
         that stand for the checks that refuse it. Updates are compared with the answer of the same module's admission \
         (`Admission.Validate`). `make test` compares upstream's fixtures, 5,000 generated pods and 2,000 generated \
         updates each time.\n\n## Checks\n\n",
    );
    let _ = writeln!(text, "{} {} has these:\n", about.module, about.version);
    text.push_str("| check | level | came, changed | rules of podreeve |\n|---|---|---|---|\n");
    for check in &about.checks {
        let versions: Vec<&str> = check.versions.iter().map(|version| version.since.as_str()).collect();
        let rules = Groups::of_check(&check.id).unwrap_or_default().iter().flat_map(|group| group.rules);
        let rules: Vec<String> = rules.map(|rule| format!("`{rule}`")).collect();
        let _ = writeln!(text, "| {} | {} | {} | {} |", check.id, check.level, versions.join(", "), rules.join(", "));
    }
    text.push_str(
        "\nAt `restricted`, hostPathVolumes is not run upstream, because restrictedVolumes refuses what it refuses; so \
         `pss-restricted` has `volume-types` and not `host-path`.\n\n\
         ## Pods\n\n\
         - **Fixtures**: every file of the module's `test/testdata`. Each gets the verdict that its folder says at its \
         own level and version. Each different pod among them gets it in every kind that holds one, too, and the \
         evaluator's verdict at both levels of every version.\n\
         - **Generated**: pods that pass, fixtures and wild ones, with up to ten changes in the fields that any check \
         reads, in all lists of containers: values, null, empty and absent, pod against container, spellings, Windows, \
         user namespaces, annotations, volume types, probes. They are judged at both levels of these versions: ",
    );
    let versions: Vec<String> =
        about.edges().iter().map(|minor| Target { level: "", minor: *minor }.version()).collect();
    text.push_str(&versions.join(", "));
    text.push_str(
        " (each in which a check came or changed, the one before it, and latest).\n\n\
         Not compared: JSON that no API server of this version sends to a webhook, because it does not read it as a pod \
         or writes it otherwise (`null` in a list, a key twice, a volume of an unknown type). podreeve denies what it \
         cannot read, and `restricted` a volume of a type that it does not know.\n",
    );
    text.push_str(UPDATES);
    text
}

const UPDATES: &str = "
## Updates

Upstream looks at an update of a pod only when it is significant: the image of a container changes, a container is added (an ephemeral \
one too), or the number of containers or init containers changes. Then both judge the pod as if it were created, and podreeve must \
deny exactly what upstream denies, by the same checks. Every other update upstream lets pass, whatever it does. Here podreeve differs \
on purpose, and the comparison holds it to this:

- all that the pod violates is reported, by the same checks that would refuse it if it were created;
- what the old pod violated in the same container with the same value is a warning;
- what the update introduces is denied: at least by each check that refuses a container which it did not refuse before (or the pod \
itself, where it refused nothing of the pod before), and by no check that refuses only what the update leaves alone. The rules that \
one check and another share (`run-as-non-root` for runAsNonRoot and runAsUser) count as one.

The old pods are made as the generated pods above. The new one is the old one with up to four changes: images, ephemeral containers, \
containers added, removed, renamed, reordered and moved between the lists, the fields that checks read, labels, annotations, \
finalizers, a deletion timestamp, resources, and what no check reads. They are sent as updates of `pods`, `pods/ephemeralcontainers` and \
`pods/resize`. A volume has at most one source, as the API server has it. Of templates upstream denies nothing; so they are compared when \
they are created only.
";

/// The whole document.
pub fn document(about: &About, run: &Run<'_>) -> String {
    let mut text = fixed(about);
    text.push_str("\n## The last run\n\n| | |\n|---|---|\n");
    let mut row = |what: &str, figure: String| {
        let _ = writeln!(text, "| {what} | {figure} |");
    };
    row("upstream", format!("{} {}", about.module, about.version));
    row(
        "fixtures",
        format!("{} files, {} different pods", thousands(run.fixture_files as u64), thousands(run.fixtures.pods)),
    );
    row(
        "their verdicts",
        format!("{}, at {} levels and versions", thousands(run.fixtures.verdicts), run.fixture_targets.len()),
    );
    row("generated pods", thousands(run.generated.pods));
    row(
        "their verdicts",
        format!("{}, at {} levels and versions", thousands(run.generated.verdicts), run.targets.len()),
    );
    row("generated updates", thousands(run.updates.updates));
    row(
        "their verdicts",
        format!("{}, at {} levels and versions", thousands(run.updates.verdicts), run.update_targets.len()),
    );
    row("both deny a significant update", thousands(run.updates.of(Sort::BothDeny)));
    row("nothing is violated", thousands(run.updates.of(Sort::BothAllow)));
    row("upstream lets pass, podreeve warns of what was there", thousands(run.updates.of(Sort::Warned)));
    row("upstream lets pass, podreeve denies what came", thousands(run.updates.of(Sort::Introduced)));
    row("seed", format!("{} (`PODREEVE_PARITY_SEED={} make fuzz-parity` repeats it)", run.seed, run.seed));
    row("differences", thousands(run.fixtures.differences + run.generated.differences + run.updates.of(Sort::Differs)));
    text.push_str(
        "\nOf the verdicts on generated pods, these were refusals by the check, and by no other check:\n\n\
         | check | refused | by it alone |\n|---|---|---|\n",
    );
    for (check, told) in about.checks.iter().enumerate() {
        let (refused, alone) = run.generated.of_check(check);
        let _ = writeln!(text, "| {} | {} | {} |", told.id, thousands(refused), thousands(alone));
    }
    text
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The rules for a check.
pub fn rules() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.rules).copied()
}
