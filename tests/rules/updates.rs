//! The examples of the rules in updates.

use super::cases::{each, expected, kinds, pod_with, run, with_action, wrap};
use podreeve::admit::Hook;
use podreeve::outcome::Verdict;
use serde_json::{Value, json};

#[test]
fn an_update_denies_only_new_violations() {
    each(|rule, example, list| {
        if !example.is_bad() {
            return;
        }
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        let snapshot = with_action(rule, example, "deny");
        let pod = pod_with(example, list);
        let good: Value = serde_json::from_str(podreeve::rule::GOOD_POD).expect("the good pod is JSON");
        for kind in kinds(example) {
            let old = wrap(kind, &pod, example);
            let mut new = old.clone();
            new["metadata"]["labels"] = json!({"a": "b"});
            let outcome = run(&new, Some(&old), Hook::Validate, &snapshot);
            assert_eq!(outcome.verdict, Verdict::Warn, "{case} / {}: a label change passes", kind.kind);
            assert_eq!(outcome.violations.len(), expected(example, list, kind).len(), "{case}");
            if !kind.template.is_empty() {
                // The old template is a good one.
                let mut before = pod.clone();
                before["spec"] = good["spec"].clone();
                let outcome = run(&old, Some(&wrap(kind, &before, example)), Hook::Validate, &snapshot);
                assert_eq!(outcome.verdict, Verdict::Deny, "{case} / {}: a new violation", kind.kind);
            } else if example.is_container() {
                // The same container was good before, and only its fields change.
                let mut before = old.clone();
                let bad = &mut before["spec"][list.field()][1];
                let mut container = good["spec"]["containers"][0].clone();
                (container["name"], container["image"]) = (bad["name"].take(), bad["image"].take());
                *bad = container;
                let found = |pod: &Value| -> Vec<_> {
                    let violations = run(pod, None, Hook::Validate, &snapshot).violations;
                    violations.into_iter().map(|v| (v.subject, v.field, v.found)).collect()
                };
                let was_there = found(&before);
                let is_new = found(&old).iter().any(|found| !was_there.contains(found));
                let outcome = run(&old, Some(&before), Hook::Validate, &snapshot);
                assert_eq!(outcome.verdict == Verdict::Deny, is_new, "{case}: a new violation");
            }
        }
    });
}
