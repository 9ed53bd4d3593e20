//! The table of rules is complete, and so is each rule in it.

use super::cases::chosen;
use podreeve::policy::{CompiledPolicy, PolicyDocument};
use podreeve::rule::{Judges, Kinds};
use podreeve::rules::RULES;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_table_is_complete() {
    let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    for rule in RULES {
        assert!(
            rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{}: an id has lower-case letters and hyphens only. Rename the rule and its file.",
            rule.id
        );
        assert!(
            rule.owasp.iter().all(|item| (1..=93).contains(item)) && !rule.owasp.is_empty(),
            "{}: name its items of the OWASP list, 1 to 93, in `owasp`.",
            rule.id
        );
        assert!(
            rule.docs.len() > 80 && rule.title.len() < 80 && !rule.why.ends_with('.'),
            "{}: write more than 80 characters of `docs`, fewer than 80 of `title`, and no full stop after `why`.",
            rule.id
        );
        let (bad, names): (Vec<bool>, Vec<&str>) = match &rule.judges {
            Judges::Pod(_) | Judges::Exec(_) => rule.examples().map(|e| (e.is_bad(), e.name)).unzip(),
            Judges::Dockerfile(file) => file.examples.iter().map(|e| (e.is_bad(), e.name)).unzip(),
            Judges::Image(image) => image.examples.iter().map(|e| (e.is_bad(), e.name)).unzip(),
            Judges::Node(node) => node.examples.iter().map(|e| (e.is_bad(), e.name)).unzip(),
        };
        assert!(
            bad.contains(&true),
            "{}: it has no bad example. Add one, so that the harness sees the rule find something.",
            rule.id
        );
        assert!(
            bad.contains(&false),
            "{}: it has no good example. Add one, so that the harness sees the rule find nothing.",
            rule.id
        );
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len(), "{}: two examples have the same name. Rename one.", rule.id);
        for example in rule.examples() {
            let job = if let Kinds::Job(job) = example.kinds { job } else { "" };
            for json in
                [example.params, example.spec, example.annotations, job, example.container, example.network_policies]
            {
                assert!(
                    json.is_empty() || serde_json::from_str::<Value>(json).is_ok(),
                    "{} / {}: this part of the example is no JSON: {json}",
                    rule.id,
                    example.name
                );
            }
        }
    }
    let folders = ["pod", "exec", "dockerfile", "image", "node"]
        .map(|subject| format!("{}/src/rules/{subject}", env!("CARGO_MANIFEST_DIR")));
    let files: Vec<String> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder for each subject"))
        .filter_map(|entry| {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let stem = path.file_stem()?.to_str()?.replace('_', "-");
            text.contains("pub static RULE: Rule").then_some(stem)
        })
        .collect();
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    files.sort_unstable();
    ids.sort_unstable();
    assert_eq!(
        ids, files,
        "RULES (left) and the files of src/rules/ (right) differ. Add a `mod` line and a line in RULES of src/rules.rs for \
         each file, and name the file after the rule's id, with _ in place of -."
    );
}

#[test]
fn unknown_parameters_are_refused() {
    for rule in chosen() {
        let document = json!({
            "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
            "spec": {"rules": {rule.id: {"action": "warn", "params": {"noSuchKey": 1}}}},
        });
        let document = PolicyDocument::from_json(&document.to_string()).expect("the document is well-formed");
        let error = CompiledPolicy::new(&document).expect_err(rule.id).0.remove(0);
        assert!(error.key.starts_with(&format!("spec.rules.{}.params", rule.id)), "{error}");
        assert!(error.message.contains("noSuchKey"), "{error}");
    }
}
