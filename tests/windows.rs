//! Pods with `spec.os.name: windows`: the API refuses the fields of Linux there, so nobody can be asked for them.

#[path = "common/finding.rs"]
mod finding;

use finding::{found, pod};
use podreeve::rules::{Example, RULES};
use serde_json::{Value, json};

/// Rules of both systems that ask a Windows pod for less, and in which examples: those that ask for a field to be set.
const LESS: &[(&str, &str)] = &[
    ("allow-privilege-escalation", "the API has no such field for Windows"),
    ("capabilities", "the API has no such field for Windows"),
    ("seccomp-profile", "the API has no such field for Windows"),
    ("apparmor-profile", "`required` is about profiles that Windows does not have; one that is set is judged"),
];

fn is_about_windows(example: &Example) -> bool {
    example.pod()["spec"]["os"]["name"] == "windows"
}

#[test]
fn rules_of_linux_find_nothing_and_the_others_as_much() {
    let mut less: Vec<&str> = Vec::new();
    for rule in RULES {
        for example in rule.examples.iter().filter(|example| example.is_bad()) {
            let case = format!("{} / {}", rule.id, example.name);
            let mut pod = pod(example, *rule.lists.last().expect("a list"));
            // Which repair there is may differ.
            let found = |pod: &Value| -> Vec<(String, String)> {
                found(rule, example, pod).into_iter().map(|(field, found, _)| (field, found)).collect()
            };
            let linux = found(&pod);
            assert!(!linux.is_empty(), "{case}: it is found where the example has it");
            pod["spec"]["os"] = json!({"name": "windows"});
            let windows = found(&pod);
            if rule.linux_only {
                assert!(windows.is_empty(), "{case}: {windows:?}");
            } else if windows != linux {
                assert!(
                    LESS.iter().any(|(id, _)| *id == rule.id),
                    "{case}: {windows:?} on Windows, {linux:?} elsewhere"
                );
                assert!(windows.is_empty(), "{case}: less, and not something else: {windows:?}");
                less.push(rule.id);
            }
        }
    }
    less.dedup();
    for (id, why) in LESS {
        assert!(less.contains(id), "{id} asks Windows pods for as much as others: it need not be listed ({why})");
    }
}

#[test]
fn what_is_different_on_windows_has_an_example() {
    for rule in RULES {
        let less = rule.linux_only || LESS.iter().any(|(id, _)| *id == rule.id);
        let shown = rule.examples.iter().any(|example| !example.is_bad() && is_about_windows(example));
        assert!(!less || shown, "{}: nothing shows that a Windows pod need not have it", rule.id);
    }
    let rule = podreeve::rules::find("host-process").expect("the rule");
    assert!(rule.examples.iter().filter(|example| example.is_bad()).any(is_about_windows));
}
