//! Every example of a rule about Dockerfiles.

use super::cases::chosen;
use podreeve::dockerfile::Dockerfile;
use podreeve::rule::{FileCheck, FileEdit, FileExample, FileRule, Judges, Rule};

fn each(mut test: impl FnMut(&'static Rule, &'static FileRule, &'static FileExample, &str)) {
    for rule in chosen() {
        if let Judges::Dockerfile(file) = &rule.judges {
            for example in file.examples {
                test(rule, file, example, &format!("{} / {}", rule.id, example.name));
            }
        }
    }
}

fn check(file: &FileRule, example: &FileExample) -> Box<dyn FileCheck> {
    let params = if example.params.is_empty() { "null" } else { example.params };
    let params = serde_json::from_str(params).expect("params of an example are JSON");
    (file.compile)(params).expect("params of an example")
}

/// The line of each finding, and the edits.
fn found(check: &dyn FileCheck, text: &str, case: &str) -> (Vec<usize>, Vec<Option<FileEdit>>) {
    let file = Dockerfile::parse(text);
    assert_eq!(file.errors, [], "{case}");
    let mut findings = Vec::new();
    check.check(&file, &mut findings);
    for finding in &findings {
        let span = finding.at.span.clone();
        assert_eq!(file.place(span.clone()), finding.at, "{case}");
        assert!(file.text().get(span).is_some_and(|text| !text.is_empty()), "{case}: {finding:?}");
        assert!(!finding.found.is_empty() && !finding.wanted.is_empty(), "{case}: {finding:?}");
    }
    (findings.iter().map(|f| f.at.line).collect(), findings.iter().map(|f| check.suggest(&file, f)).collect())
}

#[test]
fn every_example_has_its_findings() {
    each(|_, file, example, case| {
        let (lines, _) = found(&*check(file, example), example.text, case);
        assert_eq!(
            lines, example.lines,
            "{case}: the lines of the findings (left) and of the example (right)\n{}",
            example.text
        );
    });
}

/// The edits are what the example says, and leave nothing of what they repair.
#[test]
fn every_suggested_edit_repairs() {
    each(|_, file, example, case| {
        let check = check(file, example);
        let (lines, edits) = found(&*check, example.text, case);
        let mut text = example.text.to_owned();
        let left = edits.iter().filter(|edit| edit.is_none()).count();
        for edit in edits.into_iter().rev().flatten() {
            text.replace_range(edit.span, &edit.text);
        }
        let repaired = if text == example.text { "" } else { &text };
        assert_eq!(repaired, example.repaired, "{case}");
        if !example.repaired.is_empty() {
            assert!(left < lines.len(), "{case}");
            assert_eq!(found(&*check, &text, case).0.len(), left, "{case}: after the edit\n{text}");
        }
    });
}

/// What the schema calls the default of a parameter is what the code does without the parameter.
#[test]
fn a_default_that_is_written_down_changes_nothing() {
    each(|rule, file, example, case| {
        let schema = (rule.params)(&mut schemars::SchemaGenerator::default());
        let defaults = schema.as_value()["properties"].as_object().cloned().unwrap_or_default();
        let mut params: serde_json::Value =
            serde_json::from_str(example.params).unwrap_or_else(|_| serde_json::json!({}));
        for (key, property) in defaults {
            if let (Some(default), true) = (property.get("default"), params[&key].is_null()) {
                params[&key] = default.clone();
            }
        }
        let with = (file.compile)(params).expect("the defaults are parameters");
        assert_eq!(found(&*with, example.text, case).0, example.lines, "{case}");
    });
}

/// With CRLF and without an end of the last line, the same lines are found.
#[test]
fn line_ends_change_nothing() {
    each(|_, file, example, case| {
        let check = check(file, example);
        let crlf = example.text.replace('\n', "\r\n");
        assert_eq!(found(&*check, &crlf, case).0, example.lines, "{case}: CRLF");
        assert_eq!(found(&*check, example.text.trim_end(), case).0, example.lines, "{case}: no line end");
        let below = format!("# a comment\n{}", example.text);
        let moved: Vec<usize> = example.lines.iter().map(|line| line + 1).collect();
        if !example.text.starts_with('#') {
            assert_eq!(found(&*check, &below, case).0, moved, "{case}: a line lower");
        }
    });
}
