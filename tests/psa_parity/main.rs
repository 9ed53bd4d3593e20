//! Verdicts equal to upstream's Pod Security Standards, pod by pod: the fixtures of
//! k8s.io/pod-security-admission and generated pods go to its evaluator (a Go program, tests/psa) and to podreeve
//! with the policies pss-baseline and pss-restricted, and the same checks must refuse them.
//!
//! `PODREEVE_PARITY_PODS` (5,000; 0 skips all of this), `PODREEVE_PARITY_UPDATES` (2,000) and `PODREEVE_PARITY_SEED` say
//! how many pods and updates are generated and from what;
//! `make fuzz-parity` generates 200,000 and 50,000 and writes docs/psa-parity.md (`PODREEVE_PARITY_DOC`).

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod compare;
mod document;
mod pods;
mod updated;
mod updates;
mod upstream;

use checks::Groups;
use compare::{Figures, Ours, compare, minimise, report, review};
use podreeve::manifest;
use podreeve::policy::{Action, PolicyDocument, builtin};
use podreeve::rule::Pss;
use podreeve::rules::RULES;
use podreeve::workload::kinds::KINDS;
use serde_json::{Value, json};
use std::{env, fs};
use updated::{Seen, Sort};
use upstream::{Fixture, Target, Upstream, targets};

fn setting(variable: &str, otherwise: u64) -> u64 {
    let Ok(text) = env::var(variable) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number"))
}

/// Every minor version that upstream's fixtures know, the next one, and `latest`.
fn all_minors(fixtures: &[Fixture]) -> Vec<Option<u16>> {
    let minor = |fixture: &Fixture| fixture.version.strip_prefix("v1.")?.parse().ok();
    let newest: u16 = fixtures.iter().filter_map(minor).max().expect("upstream has fixtures");
    (0..=newest + 1).map(Some).chain([None]).collect()
}

/// Each pod once: upstream repeats most for every version.
fn different_pods(fixtures: &[Fixture]) -> Vec<&Fixture> {
    let mut pods: Vec<&Fixture> = fixtures.iter().collect();
    pods.sort_by_cached_key(|fixture| fixture.pod.to_string());
    pods.dedup_by(|a, b| a.pod == b.pod);
    pods
}

fn compare_fixtures(upstream: &Upstream, ours: &Ours, fixtures: &[Fixture]) -> Figures {
    let pods = different_pods(fixtures);
    let figures = compare(upstream, ours, pods.len() as u64, &|n| {
        let fixture = pods[usize::try_from(n).expect("an index")];
        (fixture.file.clone(), fixture.pod.to_string())
    });
    assert_same(upstream, ours, &figures);
    figures
}

fn compare_generated(upstream: &Upstream, ours: &Ours, fixtures: &[Fixture], seed: u64, count: u64) -> Figures {
    let fixtures: Vec<Value> = different_pods(fixtures).iter().map(|fixture| fixture.pod.clone()).collect();
    compare(upstream, ours, count, &|n| (format!("pod {n} of seed {seed}"), pods::pod(seed, n, &fixtures)))
}

fn assert_same(upstream: &Upstream, ours: &Ours, figures: &Figures) {
    assert!(figures.unreadable.is_empty(), "the API server could not read {}", figures.unreadable.join("\n"));
    assert!(figures.differences == 0, "{}", report(upstream, ours, figures));
}

/// The object of this kind that holds the pod.
fn wrapped(kind: &podreeve::workload::Kind, pod: &Value) -> Value {
    let mut object = kind.template.iter().rev().fold(pod.clone(), |inner, key| json!({ key.as_ref(): inner }));
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.as_ref().into();
    object
}

#[test]
fn every_fixture_gets_upstreams_verdict() {
    let Some(upstream) = Upstream::get() else { return };
    let fixtures = upstream.fixtures();
    assert!(fixtures.len() > 4_000, "only {} fixtures", fixtures.len());
    let ours = Ours::new(targets(&all_minors(&fixtures)));
    let target = |fixture: &Fixture| {
        let is_its = |target: &Target| target.level == fixture.level && target.version() == fixture.version;
        ours.targets.iter().position(is_its).expect("a target for each version")
    };
    for fixture in &fixtures {
        let verdict = ours.judge(target(fixture), &review(&fixture.pod.to_string()));
        assert_eq!(verdict.denied, !fixture.pass, "{}: {verdict:?}", fixture.file);
    }
    compare_fixtures(upstream, &ours, &fixtures);
    for fixture in different_pods(&fixtures) {
        for kind in KINDS {
            let body = common::review("CREATE", &wrapped(kind, &fixture.pod), None).to_string();
            let verdict = ours.judge(target(fixture), &body);
            assert_eq!(verdict.denied, !fixture.pass, "{} in a {}: {verdict:?}", fixture.file, kind.kind);
        }
        let documents = manifest::parse(fixture.yaml.as_bytes()).expect("a fixture is YAML");
        let read: Value = serde_json::from_str(&documents[0].root.to_json()).expect("a node is JSON");
        assert_eq!(read, fixture.pod, "{}: `check` reads the file otherwise", fixture.file);
    }
}

#[test]
fn generated_pods_get_upstreams_verdict() {
    let Some(upstream) = Upstream::get() else { return };
    let (count, seed) = (setting("PODREEVE_PARITY_PODS", 5_000), setting("PODREEVE_PARITY_SEED", 1));
    println!("podreeve: comparing {count} pods with upstream, PODREEVE_PARITY_SEED={seed}");
    let fixtures = upstream.fixtures();
    let ours = Ours::new(targets(&upstream.about.edges()));
    let figures = compare_generated(upstream, &ours, &fixtures, seed, count);
    assert_same(upstream, &ours, &figures);
    if count >= 5_000 {
        assert_strong(upstream, &ours, &figures);
    }
    if let Some(path) = env::var_os("PODREEVE_PARITY_DOC") {
        let at_updates = Ours::new(update_targets());
        let updates = setting("PODREEVE_PARITY_UPDATES", 2_000);
        let updates = compare_updates(upstream, &at_updates, &fixtures, seed, updates);
        assert_no_update_differs(upstream, &at_updates, &updates);
        assert_updates_strong(&updates);
        let every = Ours::new(targets(&all_minors(&fixtures)));
        let run = document::Run {
            seed,
            generated: &figures,
            fixture_files: fixtures.len(),
            fixtures: &compare_fixtures(upstream, &every, &fixtures),
            targets: &ours.targets,
            fixture_targets: &every.targets,
            updates: &updates,
            update_targets: &at_updates.targets,
        };
        fs::write(&path, document::document(&upstream.about, &run))
            .unwrap_or_else(|e| panic!("{} cannot be written: {e}", path.display()));
    }
}

/// At which updates are judged: whether upstream looks at one does not depend on the version.
fn update_targets() -> Vec<Target> {
    targets(&[Some(24), None])
}

fn compare_updates(upstream: &Upstream, ours: &Ours, fixtures: &[Fixture], seed: u64, count: u64) -> Seen {
    let fixtures: Vec<Value> = different_pods(fixtures).iter().map(|fixture| fixture.pod.clone()).collect();
    updated::compare(upstream, ours, count, &|n| updates::update(seed, n, &fixtures))
}

#[test]
fn generated_updates_are_answered_as_upstream_does_or_more_strictly_as_documented() {
    let Some(upstream) = Upstream::get() else { return };
    let (count, seed) = (setting("PODREEVE_PARITY_UPDATES", 2_000), setting("PODREEVE_PARITY_SEED", 1));
    println!("podreeve: comparing {count} updates with upstream, PODREEVE_PARITY_SEED={seed}");
    let ours = Ours::new(update_targets());
    let answers = compare_updates(upstream, &ours, &upstream.fixtures(), seed, count);
    assert_no_update_differs(upstream, &ours, &answers);
    if count >= 2_000 {
        assert_updates_strong(&answers);
    }
}

fn assert_no_update_differs(upstream: &Upstream, ours: &Ours, seen: &Seen) {
    assert!(seen.unreadable.is_empty(), "the API server could not read {}", seen.unreadable.join("\n"));
    assert!(seen.of(Sort::Differs) == 0, "{}", updated::report(upstream, ours, seen));
}

/// Whether the updates could have shown a difference: each sort of answer is given often, at each sub-resource, and by
/// each group of checks.
fn assert_updates_strong(seen: &Seen) {
    for sort in [Sort::BothDeny, Sort::BothAllow, Sort::Warned, Sort::Introduced] {
        let percent = seen.of(sort) * 100 / seen.verdicts;
        assert!(percent >= 3, "only {percent} % of the answers are {sort:?}");
    }
    for sub_resource in ["", "ephemeralcontainers", "resize"] {
        let denied = seen.denied_at.get(sub_resource).copied().unwrap_or_default();
        assert!(denied > 50, "upstream denies only {denied} updates of pods/{sub_resource}");
    }
    for (index, group) in checks::GROUPS.iter().enumerate() {
        let group_of = Groups::of_check(group.checks[0]).expect("a group");
        let (looked_at, introduced) = seen.groups.get(&group_of).copied().unwrap_or_default();
        assert!(
            looked_at > 5 && introduced > 2,
            "{group_of} ({index}) denies only {looked_at} and {introduced} updates"
        );
    }
}

/// Whether the pods could have shown a difference: at every target each check decides about some of them alone,
/// and many pass.
fn assert_strong(upstream: &Upstream, ours: &Ours, figures: &Figures) {
    for ((target, refused), passed) in ours.targets.iter().zip(&figures.refused).zip(&figures.passed) {
        for (check, (refused, alone)) in upstream.about.checks.iter().zip(refused) {
            if upstream.about.runs(check, target) {
                assert!(*alone > 2, "{} alone refuses only {alone} pods at {target}", check.id);
            } else {
                assert_eq!(*refused, 0, "{} is not run at {target}", check.id);
            }
        }
        let percent = passed * 100 / figures.pods;
        assert!((15..85).contains(&percent), "{percent} % of the pods pass at {target}");
    }
}

#[test]
fn a_difference_is_found_and_minimised() {
    let Some(upstream) = Upstream::get() else { return };
    let target = |level, minor| Target { level, minor: Some(minor) };
    // Version 1.35 lets pods in user namespaces run as root.
    let ours = Ours::with_policies(vec![target("restricted", 35)], &[target("restricted", 34).policy()]);
    let figures = compare_generated(upstream, &ours, &upstream.fixtures(), 1, 1_000);
    assert!(figures.differences > 0);
    let run_as = Groups::of_rule("run-as-non-root").expect("a rule of the standard");
    assert_eq!(figures.first.keys().collect::<Vec<_>>(), [&(run_as, true)]);
    let smallest = minimise(upstream, &ours, &figures.first[&(run_as, true)]);
    let expected =
        ["initContainers", "containers", "ephemeralContainers"].map(|list| json!({"hostUsers": false, list: [{}]}));
    let pod: Value = serde_json::from_str(&smallest.pod).expect("JSON");
    let bad_on_pod = pod["spec"]["securityContext"].is_object() && smallest.pod.len() < 80;
    assert!(expected.contains(&pod["spec"]) || bad_on_pod, "{pod}");
    let text = report(upstream, &ours, &figures);
    for part in ["1.35, from pod ", "\nupstream: ", "\npodreeve: deny ", "run-as-non-root"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_wrong_answer_to_an_update_is_found_and_minimised() {
    let Some(upstream) = Upstream::get() else { return };
    let target = |level, minor| Target { level, minor: Some(minor) };
    let ours = Ours::with_policies(vec![target("restricted", 35)], &[target("restricted", 34).policy()]);
    let seen = compare_updates(upstream, &ours, &upstream.fixtures(), 1, 400);
    assert!(seen.of(Sort::Differs) > 0);
    let text = updated::report(upstream, &ours, &seen);
    for part in
        ["at restricted:v1.35, from update ", "\nold {", "\nnew {", "\nupstream ", "\npodreeve denies ", "runAsNonRoot"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_policies_hold_the_rules_that_agree_with_a_check() {
    for (level, other) in [("baseline", Pss::Restricted), ("restricted", Pss::Baseline)] {
        let yaml = builtin(&format!("pss-{level}")).expect("no version").expect("a built-in policy");
        let document = manifest::parse(yaml.as_bytes()).expect("the policy is YAML").remove(0);
        let policy = PolicyDocument::from_json(&document.root.to_json()).expect("the policy loads").spec;
        assert!(
            policy.rules.iter().flat_map(|rules| rules.0.values()).all(|setting| setting.action == Some(Action::Deny)),
            "{level}"
        );
        let rules: Vec<&str> = policy.rules.iter().flat_map(|rules| rules.0.keys()).map(String::as_str).collect();
        for rule in RULES {
            let of_level = match rule.pss() {
                None => false,
                // Baseline's checks are restricted's too, except the one that volume-types stands in for.
                Some(pss) if level == "restricted" => pss != other || rule.id != "host-path",
                Some(pss) => pss != other,
            };
            assert_eq!(rules.contains(&rule.id), of_level, "{} in pss-{level}", rule.id);
            assert_eq!(rule.pss().is_some(), document::rules().any(|known| known == rule.id), "{} in GROUPS", rule.id);
        }
    }
}

#[test]
fn the_published_table_is_upstreams() {
    let Some(upstream) = Upstream::get() else { return };
    let text = fs::read_to_string(document::PATH).expect("docs/psa-parity.md is there");
    assert!(
        text.starts_with(&document::fixed(&upstream.about)),
        "docs/psa-parity.md is not of this upstream: make fuzz-parity"
    );
    assert!(text.contains("| differences | 0 |"), "docs/psa-parity.md tells of differences");
}
