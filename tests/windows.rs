//! Pods with `spec.os.name: windows`: the API refuses the fields of Linux there, so nobody can be asked for them.

use podreeve::decide::findings;
use podreeve::json::Raw;
use podreeve::policy::{Action, CompiledRule};
use podreeve::rules::{Example, Kinds, RULES, Rule};
use podreeve::workload::kinds;
use podreeve::workload::{Around, Connect, Ingress};
use serde_json::{Value, json};

/// Rules of both systems that ask a Windows pod for less, and in which examples: those that ask for a field to be set.
const LESS: &[(&str, &str)] = &[
    ("allow-privilege-escalation", "the API has no such field for Windows"),
    ("capabilities", "the API has no such field for Windows"),
    ("seccomp-profile", "the API has no such field for Windows"),
    ("apparmor-profile", "`required` is about profiles that Windows does not have; one that is set is judged"),
];

/// Dotted fields that the rule finds in the example's pod, on this system.
fn found(rule: &'static Rule, example: &Example, os: Option<&str>) -> Vec<String> {
    let check = (rule.compile)(example.params_value()).expect("params of an example");
    let compiled = CompiledRule::new(rule, 0, Action::Deny, check);
    let mut object = example.pod();
    if let Some(container) = object["spec"]["containers"][0].as_object().cloned().filter(|_| example.is_container()) {
        let list = rule.lists.last().expect("a list").field();
        object["spec"][list] = json!([container]);
    }
    if let Some(os) = os {
        object["spec"]["os"] = json!({"name": os});
    }
    let mut kind = "Pod";
    if let Kinds::Job(job) = example.kinds {
        object = json!({"spec": {"template": object}});
        json_patch::merge(&mut object["spec"], &serde_json::from_str::<Value>(job).expect("JSON"));
        kind = "Job";
    }
    let kind = kinds::KINDS.iter().find(|known| known.kind == kind).expect("the kind");
    let text = object.to_string();
    let mut pod = kind.pod(Raw::new(&text)).expect("it is read").expect("it holds a pod");
    pod.around = Around {
        ingress: (!example.network_policies.is_empty()).then_some(Ingress::Open),
        connect: (example.kinds == Kinds::Connect).then_some(Connect { container: None }),
        ..Around::default()
    };
    findings(&compiled, &pod).iter().map(|finding| finding.at.field()).collect()
}

fn is_about_windows(example: &Example) -> bool {
    example.pod()["spec"]["os"]["name"] == "windows"
}

#[test]
fn rules_of_linux_find_nothing_and_the_others_as_much() {
    let mut less: Vec<&str> = Vec::new();
    for rule in RULES {
        for example in rule.examples.iter().filter(|example| example.is_bad()) {
            let case = format!("{} / {}", rule.id, example.name);
            let linux = found(rule, example, None);
            assert!(!linux.is_empty(), "{case}: it is found where the example has it");
            let windows = found(rule, example, Some("windows"));
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
