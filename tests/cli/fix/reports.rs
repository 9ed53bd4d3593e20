//! What the formats say of edits: the fields of JSON, and the fixes of SARIF.

use super::{BAD, fix};
use crate::binary::Dir;
use crate::json_schema::validate;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

#[test]
fn json_has_the_same_in_fields() {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/check-report.schema.json")).expect("JSON");
    let dir = Dir::new("json", &[("web.yaml", BAD), ("out.yaml", &format!("# Source: a/templates/b.yaml\n{BAD}"))]);
    let shown = fix(&dir, &["--diff", "--unsafe-fixes", "-o", "json", "web.yaml"]).json();
    assert!(shown["fixes"][0]["diff"].as_str().is_some_and(|diff| diff.starts_with("--- web.yaml\n")), "{shown:#}");
    let report = fix(&dir, &["--unsafe-fixes", "-o", "json", "web.yaml", "out.yaml"]).json();
    for report in [&shown, &report] {
        validate(&schema, &schema, report, "").expect("the report fits");
    }
    let fixes = report["fixes"].as_array().expect("fixes");
    let of = |file: &str| fixes.iter().find(|fix| fix["file"] == file).expect(file);
    let web = of("web.yaml");
    assert_eq!((web["found"].as_u64(), web["fixed"].as_u64(), &web["written"]), (Some(9), Some(9), &Value::Bool(true)));
    let out = of("out.yaml");
    assert_eq!((out["fixed"].as_u64(), &out["written"]), (Some(0), &Value::Bool(false)));
    assert_eq!(out["left"][0]["reason"], "helm made it from a/templates/b.yaml; edit it there");
    assert_eq!((&out["left"][0]["object"], out["left"][0]["line"].as_u64()), (&"Pod default/web".into(), Some(3)));
    // Without --fix there is no such field.
    assert!(dir.run(&["check", "-o", "json", "web.yaml"]).json().get("fixes").is_none());
}

/// Every fix of the results of a file, each once: those that are the same are one.
fn sarif_fixes(report: &Value, file: &str, unsafe_too: bool) -> Vec<Value> {
    let mut fixes = Vec::new();
    for result in report["runs"][0]["results"].as_array().expect("results") {
        for fix in result["fixes"].as_array().into_iter().flatten() {
            let needs_person = fix["description"]["text"].as_str().is_some_and(|text| text.contains("--unsafe-fixes"));
            let change = &fix["artifactChanges"][0];
            if change["artifactLocation"]["uri"] == file && needs_person == unsafe_too && !fixes.contains(change) {
                fixes.push(change.clone());
            }
        }
    }
    fixes
}

/// The text with the replacements of all fixes, as an editor makes them.
fn applied(text: &str, fixes: &[Value]) -> String {
    let bom = text.len() - text.trim_start_matches('\u{FEFF}').len();
    let body = &text[bom..];
    let mut starts: Vec<usize> = vec![0];
    starts.extend(body.match_indices('\n').map(|(at, _)| at + 1));
    let byte = |region: &Value, line: &str, column: &str| {
        let start = starts[usize::try_from(region[line].as_u64().expect("a line")).expect("small") - 1];
        let column = usize::try_from(region[column].as_u64().expect("a column")).expect("small") - 1;
        start + body[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
    };
    let mut edits: BTreeMap<(usize, usize, usize), String> = BTreeMap::new();
    for replacement in fixes.iter().flat_map(|fix| fix["replacements"].as_array().expect("replacements")) {
        let region = &replacement["deletedRegion"];
        let range = (byte(region, "startLine", "startColumn"), byte(region, "endLine", "endColumn"), edits.len());
        let text = replacement["insertedContent"]["text"].as_str().unwrap_or_default();
        edits.insert(range, text.to_owned());
    }
    let mut after = text[..bom].to_owned();
    let mut at = 0;
    for ((start, end, _), text) in edits {
        after.push_str(&body[at..start]);
        after.push_str(&text);
        at = end;
    }
    after + &body[at..]
}

/// An editor that applies the fixes of SARIF makes the file that `--fix` makes.
#[test]
fn the_fixes_of_sarif_are_those_of_fix() {
    let two = format!(
        "\u{FEFF}{}---\r\n{}",
        BAD.replace('\n', "\r\n"),
        BAD.replace("web", "\u{fc}\u{1F600}").replace('\n', "\r\n")
    );
    let dir = Dir::new(
        "sarif",
        &[("web.yaml", BAD), ("with two.yaml", &two), ("out.yaml", &format!("# Source: a/b.yaml\n{BAD}"))],
    );
    let report = dir.run(&["check", "-o", "sarif", "web.yaml", "with two.yaml", "out.yaml", "--all"]).json();
    let schema = include_str!("../../schemas/sarif-2.1.0.json").replace("{2}]?$", "{2}?$");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(&report).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(sarif_fixes(&report, "out.yaml", true).is_empty() && sarif_fixes(&report, "out.yaml", false).is_empty());
    for unsafe_too in [false, true] {
        for (file, uri, objects) in [("web.yaml", "web.yaml", 1), ("with two.yaml", "with%20two.yaml", 2)] {
            let before = fs::read_to_string(dir.0.join(file)).expect("a file");
            let fixes = sarif_fixes(&report, uri, unsafe_too);
            assert_eq!(fixes.len(), objects, "{file}: one edit for each object");
            let mut args = vec![file];
            args.extend(unsafe_too.then_some("--unsafe-fixes"));
            fix(&dir, &args);
            let written = fs::read_to_string(dir.0.join(file)).expect("a file");
            assert_ne!(before, written);
            assert_eq!(applied(&before, &fixes), written, "{file}");
            dir.write(file, before);
        }
    }
}

/// The last lines lead to the edit of the reader's own object, by the same policies.
#[test]
fn the_last_lines_lead_to_the_edit() {
    let policy = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: t}\nspec: {rules: {privileged: {action: deny}}}\n";
    let dir = Dir::new("leads", &[("a b.yaml", BAD), ("policy.yaml", policy)]);
    let ran = dir.run(&["check", "--policy", "policy.yaml", "-n", "shop", "a b.yaml"]);
    let line = "To see the edit: podreeve explain --policy policy.yaml -n shop -f 'a b.yaml'\n";
    assert!(ran.out.contains(line), "{}", ran.out);
    let ran = dir.run(&["explain", "--policy", "policy.yaml", "-n", "shop", "-f", "a b.yaml"]);
    assert!(ran.code == Some(0) && ran.out.contains("-       privileged: true"), "{ran:?}");
    // stdin cannot be read again.
    let ran = dir.run_with(&["check", "--policy", "policy.yaml", "-"], BAD);
    assert!(ran.out.contains("To see the repair: podreeve explain privileged\n"), "{}", ran.out);
}

/// In mode warn, the edit is that for mode deny, with what mode deny would repair.
#[test]
fn mode_warn_shows_the_whole_edit() {
    let dir = Dir::new("mode", &[("web.yaml", BAD)]);
    let edit = |mode: &str| {
        let report = dir.run(&["check", "--mode", mode, "-o", "json", "web.yaml"]).json();
        report["objects"][0]["patch"].clone()
    };
    let (warned, denied) = (edit("warn"), edit("deny"));
    assert_eq!(warned, denied);
    assert!(denied.to_string().contains("RuntimeDefault"), "{denied:#}");
    assert_eq!(edit("audit"), denied);
}
