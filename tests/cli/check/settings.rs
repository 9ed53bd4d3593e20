//! `.podreeve.yaml`.

use super::{BAD, GOOD, POLICY};
use crate::binary::{Dir, Ran};

fn run(dir: &Dir, args: &[&str]) -> Ran {
    dir.run(&[&["check"], args].concat())
}

/// A repository, so that no file above it counts.
fn repository(name: &str, settings: &str) -> Dir {
    let dir = Dir::new(
        name,
        &[(".podreeve.yaml", settings), ("deploy/web/bad.yaml", BAD), ("deploy/good.yaml", GOOD), (".git/HEAD", "")],
    );
    dir.write("policies/test.yaml", POLICY);
    dir
}

#[test]
fn the_nearest_file_above_the_manifests_counts() {
    let dir = repository("nearest", "policies: [policies]\nseverity: high\nformats: [json]\n");
    let ran = run(&dir, &["deploy/web/bad.yaml"]);
    let report = ran.json();
    assert_eq!(report["settings"], ".podreeve.yaml");
    assert_eq!(report["objects"][0]["violations"][0]["policy"], "test", "{report:#}");
    // An argument replaces the setting.
    let text = run(&dir, &["-o", "text", "deploy/web/bad.yaml"]).out;
    assert!(text.ends_with("; settings of .podreeve.yaml\n"), "{text}");
    let report = run(&dir, &["--policy", "owasp", "deploy/web/bad.yaml"]).json();
    assert_eq!(report["objects"][0]["violations"][0]["policy"], "owasp");
    let text = run(&dir, &["--no-config", "deploy/web/bad.yaml"]).out;
    assert!(text.contains("run-as-non-root") && !text.contains("settings"), "{text}");
    // The nearer one wins, and an empty one has no settings.
    dir.write("deploy/.podreeve.yaml", "");
    let text = run(&dir, &["deploy/web/bad.yaml"]).out;
    assert!(text.ends_with("settings of deploy/.podreeve.yaml\n"), "{text}");
    // Files of both: the one that is above them all.
    dir.write("other/bad.yaml", BAD);
    let report = run(&dir, &["deploy/web/bad.yaml", "other/bad.yaml"]).json();
    assert_eq!(report["settings"], ".podreeve.yaml");
}

#[test]
fn a_file_outside_of_the_repository_does_not_count() {
    let dir = repository("outside", "policies: [policies]\n");
    dir.write("inner/.git/HEAD", "");
    dir.write("inner/bad.yaml", BAD);
    assert!(!run(&dir, &["inner/bad.yaml"]).out.contains("settings"));
}

#[test]
fn paths_are_relative_to_the_settings() {
    let dir = repository(
        "relative",
        "policies: [policies]\nexclude: [deploy/web, 'vendor']\nformats: ['json=out.json', text]\n",
    );
    dir.write("deploy/vendor/bad.yaml", BAD);
    let output = dir.command(&["check", "-R", "."]).current_dir(dir.0.join("deploy")).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.0.join("out.json")).expect("written")).expect("JSON");
    let files: Vec<_> = report["objects"].as_array().expect("objects").iter().map(|object| &object["file"]).collect();
    assert_eq!(files, ["./good.yaml"]);
    assert!(report["passedOver"].as_array().expect("a list").is_empty(), "{report:#}");
}

#[test]
fn faults_have_their_position_and_what_was_meant() {
    for (settings, fault) in [
        ("polices: [owasp]\n", "1:1: there is no setting `polices`; did you mean `policies`?"),
        ("policies: [owasp]\nzzz: 1\n", "2:1: there is no setting `zzz`; the keys are policies, exclude, severity"),
        ("severity: hihg\n", "1:11: `hihg` in `severity`: did you mean `high`?"),
        ("formats: [text, sarf]\n", "1:17: `sarf` in `formats`: there is no such format (did you mean `sarif`?)"),
        ("all: 7\n", "1:6: `all` must be true or false, not a number"),
        ("exclude: ['[']\n", "1:11: `[` in `exclude`: "),
        ("namespace: Bad_NS\n", "1:12: `Bad_NS` in `namespace`: a namespace has at most"),
        ("policies: {a: 1}\n", "1:11: `policies` must be a list of strings, not an object"),
        ("- a\n", "1:1: settings are a map of keys"),
        ("a: [1\n", "1:4: this `[` has no `]`"),
        ("all: true\n---\nall: false\n", "3:1: settings are one document"),
    ] {
        let dir = repository("faults", settings);
        let ran = run(&dir, &["deploy/good.yaml"]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{settings}: {ran:?}");
        assert!(ran.err.contains(&format!("error: .podreeve.yaml:{fault}")), "{settings}: {}", ran.err);
    }
    // All of them are reported.
    let dir = repository("all-faults", "polices: [owasp]\nall: 7\n");
    assert_eq!(run(&dir, &["deploy/good.yaml"]).err.lines().count(), 2);
}

/// Each key changes something.
#[test]
fn every_key_counts() {
    let warned = BAD.replace("privileged: true", "privileged: false");
    for (settings, file, code, out) in [
        ("policies: [policies]\nwarningsAsErrors: true\n", &*warned, 1, "1 with warnings"),
        ("policies: [policies]\nall: true\n", "", 0, "without a pod: 1 v1 ConfigMap"),
        ("policies: [policies]\nseverity: critical\n", &warned, 0, "1 admitted"),
        ("policies: [policies]\nnamespace: team\n", &BAD.replace("  namespace: shop\n", ""), 1, "Deployment team/web"),
        ("policies: [policies]\nbaseline: known.json\n", BAD, 0, "2 known violations in the baseline"),
        ("policies: [policies]\nexemptionNamespaces: [shop]\n", BAD, 0, "1 with warnings"),
    ] {
        let dir = repository("keys", settings);
        let exemption = "---\napiVersion: podreeve.dev/v1alpha1\nkind: Exemption\nmetadata: {name: e, namespace: shop}\nspec: {rules: [privileged], reason: a test}\n";
        let rest = if settings.contains("exemption") { exemption } else { "" };
        dir.write("deploy/bad.yaml", format!("{file}{rest}"));
        dir.write("deploy/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
        if settings.contains("baseline") {
            let ran = run(
                &dir,
                &["--no-config", "--policy", "policies", "--write-baseline", "known.json", "deploy/bad.yaml"],
            );
            assert_eq!(ran.code, Some(0), "{ran:?}");
        }
        let ran = run(&dir, &["deploy/bad.yaml", "deploy/map.yaml"]);
        assert_eq!(ran.code, Some(code), "{settings}: {ran:?}");
        assert!(ran.out.contains(out), "{settings}: {}", ran.out);
    }
}
