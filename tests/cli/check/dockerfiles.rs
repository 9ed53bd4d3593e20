//! Dockerfiles among the files that `check` judges.

use crate::binary::Dir;
use podreeve::rule::Judges;
use podreeve::rules::RULES;
use serde_json::{Value, json};

const BAD: &str = "\
FROM debian
ADD app.py /srv/
RUN set -e; \\
  curl -sSf https://example.com/a.sh | sh
";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec: {containers: [{name: app, image: a@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d}]}\n";
const POLICY: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: test}
spec:
  rules:
    privileged: {action: deny}
    dockerfile-unverified-packages: {action: deny}
    dockerfile-pin: {action: warn}
    dockerfile-add: {action: audit}
";

fn dir(name: &str) -> Dir {
    Dir::new(
        name,
        &[
            ("policy.yaml", POLICY),
            ("app/Dockerfile", BAD),
            ("app/pod.yaml", POD),
            ("app/deep/web.dockerfile", "FROM debian:12\n"),
            ("app/deep/Containerfile.dev", "FROM debian\n"),
            ("app/deep/Dockerfile.j2", "FROM {{ base }}\n{% if x %}\nRUN a\n{% endif %}\n"),
            ("app/deep/Dockerfile.notes", "Some notes.\n"),
            ("app/deep/Dockerfile.go", "# A service in Go.\nfrom debian:12\n"),
            ("app/deep/Dockerfile.java", "package a;\npublic class Dockerfile {}\n"),
            ("app/deep/Dockerfile.dockerignore", "*\n"),
            ("app/deep/broken/Dockerfile", "FROM debian:12\nRUNN a\nRUN curl https://example.com | sh\n"),
            ("other", BAD),
        ],
    )
}

fn check(dir: &Dir, args: &[&str]) -> crate::binary::Ran {
    dir.run(&[&["check", "--policy", "policy.yaml"], args].concat())
}

/// The file, line, rule and effect of each violation.
fn violations(report: &Value) -> Vec<(String, u64, String, String)> {
    let objects = report["objects"].as_array().expect("objects").iter();
    let of = |object: &Value| {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let violations = object["violations"].as_array().expect("violations").clone();
        let file = text(&object["file"]);
        violations
            .into_iter()
            .map(move |v| (file.clone(), v["line"].as_u64().expect("a line"), text(&v["rule"]), text(&v["effect"])))
    };
    objects.flat_map(|object| of(object).collect::<Vec<_>>()).collect()
}

#[test]
fn a_dockerfile_is_judged_beside_manifests() {
    let dir = dir("dockerfile-beside");
    let ran = check(&dir, &["app"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.starts_with(
            "app/Dockerfile:4:40 dockerfile-unverified-packages high denied: Dockerfile, RUN: found the output of curl run by sh"
        ),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("app/Dockerfile:1:6 dockerfile-pin medium warning: Dockerfile, FROM: found debian without a tag"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("dockerfile-add"), "audit is for --all: {}", ran.out);
    assert!(ran.out.contains("\n2 objects: 1 denied, 0 repaired, 0 with warnings, 1 admitted\n"), "{}", ran.out);
    let report = check(&dir, &["-o", "json", "app/Dockerfile"]).json();
    let found =
        |line, rule: &str, effect: &str| ("app/Dockerfile".to_owned(), line, rule.to_owned(), effect.to_owned());
    assert_eq!(
        violations(&report),
        [
            found(1, "dockerfile-pin", "warn"),
            found(2, "dockerfile-add", "audit"),
            found(4, "dockerfile-unverified-packages", "deny"),
        ]
    );
    assert_eq!(report["objects"][0]["kind"], "Dockerfile");
    let edit = json!({"line": 2, "column": 1, "endLine": 2, "endColumn": 4, "text": "COPY"});
    assert_eq!(report["objects"][0]["violations"][1]["edit"], edit);
    assert_eq!(report["objects"][0]["violations"][0].get("edit"), None);
}

#[test]
fn folders_have_dockerfiles_by_their_names() {
    let dir = dir("dockerfile-folders");
    let ran = check(&dir, &["-R", "-o", "json", "--exclude", "broken", "app"]);
    let report = ran.json();
    let files: Vec<&str> =
        report["objects"].as_array().expect("a list").iter().filter_map(|o| o["file"].as_str()).collect();
    let dockerfiles =
        ["app/Dockerfile", "app/deep/Containerfile.dev", "app/deep/Dockerfile.go", "app/deep/web.dockerfile"];
    assert_eq!(files, [&dockerfiles[..], &["app/pod.yaml"]].concat());
    let passed: Vec<(&str, bool)> = report["passedOver"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| (p["file"].as_str().expect("a file"), p["reason"].as_str().expect("a reason").contains("template")))
        .collect();
    assert_eq!(passed, [("app/deep/Dockerfile.j2", true), ("app/deep/Dockerfile.notes", false)]);
    dir.write(".podreeve.yaml", "exclude: [\"*Dockerfile*\", deep]\n");
    let report = check(&dir, &["-R", "-o", "json", "app"]).json();
    assert_eq!(report["objects"].as_array().map(Vec::len), Some(1), "{report:#}");
}

#[test]
fn any_file_and_stdin_can_be_a_dockerfile() {
    let dir = dir("dockerfile-named");
    let ran = check(&dir, &["--dockerfile", "other"]);
    assert!(ran.code == Some(1) && ran.out.contains("other:4:40 dockerfile-unverified-packages"), "{ran:?}");
    let args = ["check", "--policy", "policy.yaml", "--dockerfile", "-"];
    let ran = dir.run_with(&args, BAD);
    assert!(ran.code == Some(1) && ran.out.contains("-:4:40 dockerfile-unverified-packages"), "{ran:?}");
    assert_eq!(dir.run_with(&args, "FROM debian:12\n").code, Some(0));
    let ran = dir.run_with(&args, "");
    assert!(ran.code == Some(2) && ran.err.contains("there is no FROM"), "{ran:?}");
    let ran = dir.run_with(&[&args[..], &["-"]].concat(), "");
    assert!(ran.code == Some(2) && ran.err.contains("`-` is named twice"), "{ran:?}");
    let ran = check(&dir, &[]);
    assert!(ran.code == Some(2) && ran.err.contains("no FILE is named"), "{ran:?}");
}

#[test]
fn a_fault_is_an_error_and_hides_no_violation() {
    let dir = dir("dockerfile-fault");
    let ran = check(&dir, &["app/deep/broken/Dockerfile"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("app/deep/broken/Dockerfile:2:1: `RUNN` is no instruction of a Dockerfile"), "{ran:?}");
    assert!(ran.out.contains("app/deep/broken/Dockerfile:3:32 dockerfile-unverified-packages"), "{ran:?}");
    dir.write("only/Dockerfile", b"FROM a:1\n\xff\n");
    let ran = check(&dir, &["only/Dockerfile"]);
    assert!(ran.code == Some(2) && ran.err.contains("is no UTF-8 text"), "{ran:?}");
}

#[test]
fn modes_severities_and_baselines_count() {
    let dir = dir("dockerfile-modes");
    let ran = check(&dir, &["--mode", "warn", "app/Dockerfile"]);
    assert!(ran.code == Some(0) && ran.out.contains("dockerfile-unverified-packages high warning"), "{ran:?}");
    assert_eq!(check(&dir, &["--min-severity", "critical", "app/Dockerfile"]).out.lines().count(), 1);
    assert_eq!(check(&dir, &["--write-baseline", "known.json", "app/Dockerfile"]).code, Some(0));
    let ran = check(&dir, &["--baseline", "known.json", "app/Dockerfile"]);
    assert!(ran.code == Some(0) && ran.out.contains("2 known violations in the baseline"), "{ran:?}");
    // Lines that move change nothing, another finding is new.
    dir.write("app/Dockerfile", format!("# moved\n{BAD}RUN wget -qO- https://example.com/b | bash\n"));
    let ran = check(&dir, &["--baseline", "known.json", "app/Dockerfile"]);
    assert!(ran.code == Some(1) && ran.out.contains("wget run by bash") && !ran.out.contains("curl"), "{ran:?}");
}

#[test]
fn an_edit_is_shown_and_in_sarif() {
    let dir = dir("dockerfile-edit");
    let ran = check(&dir, &["--diff", "app/Dockerfile"]);
    assert!(
        ran.out.contains("this edit repairs 1 of 3 findings:\n- ADD app.py /srv/\n+ COPY app.py /srv/\n"),
        "{}",
        ran.out
    );
    let sarif = check(&dir, &["-o", "sarif", "--all", "app/Dockerfile"]).json();
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let add = results.iter().find(|result| result["ruleId"] == "dockerfile-add").expect("the finding");
    let replacement = &add["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["deletedRegion"], json!({"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 4}));
    assert_eq!(replacement["insertedContent"]["text"], "COPY");
    assert!(results.iter().all(|r| r["ruleId"] == "dockerfile-add" || r.get("fixes").is_none()));
}

/// Every bad example of the rule about secrets, with a planted one, in every format.
#[test]
fn no_report_has_a_secret() {
    const PLANTED: &str = "Zq7planted9Xw";
    let rule = RULES.iter().find(|rule| rule.id == "dockerfile-secrets").expect("the rule");
    let Judges::Dockerfile(file) = &rule.judges else { panic!("a rule about Dockerfiles") };
    let mut planted = 0;
    for (index, example) in file.examples.iter().filter(|example| example.params.is_empty()).enumerate() {
        let text = example.text.replace("hunter2", PLANTED).replace("MHcCAQ", PLANTED);
        planted += usize::from(text != example.text);
        let dir = Dir::new(&format!("dockerfile-secret-{index}"), &[("Dockerfile", &text)]);
        for format in ["text", "json", "sarif", "junit", "github", "gitlab", "markdown", "html"] {
            let ran = dir.run(&["check", "--all", "--snippet", "--diff", "-o", format, "Dockerfile"]);
            assert!(!ran.out.contains(PLANTED) && !ran.err.contains(PLANTED), "{}: {format}: {ran:?}", example.name);
            assert!(
                !example.is_bad() || ran.out.contains("dockerfile-secrets"),
                "{}: {format}: {}",
                example.name,
                ran.out
            );
        }
        dir.run(&["check", "--write-baseline", "known.json", "Dockerfile"]);
        let baseline = std::fs::read_to_string(dir.0.join("known.json")).expect("written");
        assert!(!baseline.contains(PLANTED), "{baseline}");
    }
    assert!(planted >= 3, "{planted}");
}

#[test]
fn an_exemption_cannot_name_a_rule_about_files() {
    let dir = dir("dockerfile-exemption");
    dir.write(
        "p.yaml",
        format!("{POLICY}  exemptions:\n  - {{rules: [dockerfile-pin], namespaces: [a], reason: r}}\n"),
    );
    let ran = dir.run(&["check", "--policy", "p.yaml", "app/Dockerfile"]);
    assert!(ran.code == Some(2) && ran.err.contains("`dockerfile-pin` judges files and no pods"), "{ran:?}");
}
