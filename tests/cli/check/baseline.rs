//! `--write-baseline` and `--baseline`.

use super::{BAD, check};
use crate::binary::Dir;
use serde_json::Value;

#[test]
fn a_baseline_takes_what_is_known_and_leaves_what_is_new() {
    let dir = Dir::new("baseline", &[("bad.yaml", BAD)]);
    let ran = check(&dir, &["--write-baseline", "known.json", "bad.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err, "note: known.json: written, with 2 violations\n");
    let ran = check(&dir, &["--baseline", "known.json", "bad.yaml"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.out,
        "1 object: 0 denied, 0 repaired, 0 with warnings, 1 admitted; 2 known violations in the baseline\n"
    );
    // Lines move, keys change their order, a container comes before it, and the file is renamed.
    let moved = BAD
        .replace("# A comment\n", "# A comment\n# and one more\n\n")
        .replace("      containers:\n", "      containers:\n        - {name: first, image: nginx, securityContext: {allowPrivilegeEscalation: false}}\n");
    dir.write("moved.yaml", moved);
    assert_eq!(check(&dir, &["--baseline", "known.json", "moved.yaml"]).code, Some(0));
    // Another container, another object, and another value are new.
    for new in [
        BAD.replace("- name: app", "- name: other"),
        BAD.replace("name: web", "name: shop"),
        BAD.replace("namespace: shop", "namespace: mall"),
        format!("{BAD}---\n{BAD}"),
    ] {
        dir.write("new.yaml", new);
        let ran = check(&dir, &["--baseline", "known.json", "new.yaml"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
    }
}

#[test]
fn a_baseline_reads_well_and_is_checked() {
    let dir = Dir::new("baseline-file", &[("bad.yaml", BAD)]);
    check(&dir, &["--write-baseline", "known.json", "bad.yaml"]);
    let text = std::fs::read_to_string(dir.0.join("known.json")).expect("written");
    let known: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(known["kind"], "CheckBaseline");
    let finding = &known["findings"][1];
    assert_eq!((&finding["rule"], &finding["count"]), (&"privileged".into(), &1.into()), "{known:#}");
    assert_eq!(finding["subject"], "Deployment shop/web, container \"app\"");
    for (content, fault) in [
        ("", "this is no baseline"),
        ("{}", "this is no baseline"),
        (&*text.replace("CheckBaseline", "CheckReport"), "this is no podreeve.dev/v1alpha1 CheckBaseline"),
        (&text.replace("\"count\"", "\"coumt\""), "unknown field `coumt`"),
    ] {
        dir.write("wrong.json", content);
        let ran = check(&dir, &["--baseline", "wrong.json", "bad.yaml"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.starts_with("error: wrong.json: ") && ran.err.contains(fault), "{}", ran.err);
    }
    let ran = check(&dir, &["--baseline", "nowhere.json", "bad.yaml"]);
    assert!(ran.code == Some(2) && ran.err.contains("nowhere.json: cannot be read"), "{ran:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_no_baseline() {
    let dir = Dir::new("baseline-unread", &[("bad.yaml", BAD), ("broken.yaml", "a: [")]);
    assert_eq!(check(&dir, &["--write-baseline", "known.json", "bad.yaml", "broken.yaml"]).code, Some(2));
}
