//! Pods with `spec.os.name: windows`. The API refuses the fields of Linux there, so no rule may require them.

use super::finding::{found, pod};
use podreeve::rule::{Example, Kinds, PodRule, Rule};
use podreeve::rules::{RULES, of_pods};
use serde_json::{Value, json};

/// Rules that require less of a Windows pod, and the examples that show it.
const LESS: &[(&str, &str)] = &[
    ("allow-privilege-escalation", "the API has no such field for Windows"),
    ("capabilities", "the API has no such field for Windows"),
    ("seccomp-profile", "the API has no such field for Windows"),
    ("apparmor-profile", "`required` is about profiles that Windows does not have; one that is set is judged"),
];

/// How the rule judges a pod.
fn judges(rule: &'static Rule) -> &'static PodRule {
    rule.pod().expect("a rule about pods")
}

fn is_about_windows(example: &Example) -> bool {
    example.pod()["spec"]["os"]["name"] == "windows"
}

#[test]
fn rules_of_linux_find_nothing_and_the_others_as_much() {
    let mut less: Vec<&str> = Vec::new();
    for rule in RULES {
        for example in rule.examples().filter(|example| example.is_bad()) {
            let case = format!("{} / {}", rule.id, example.name);
            let mut pod = pod(example, *judges(rule).lists.last().expect("a list"));
            // The repairs may differ.
            let found = |pod: &Value| -> Vec<(String, String)> {
                found(rule, example, pod).into_iter().map(|(field, found, _)| (field, found)).collect()
            };
            let linux = found(&pod);
            assert!(!linux.is_empty(), "{case}: it is found where the example has it");
            pod["spec"]["os"] = json!({"name": "windows"});
            let windows = found(&pod);
            if judges(rule).linux_only {
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
fn each_difference_on_windows_has_an_example() {
    for (rule, _) in of_pods() {
        let less = judges(rule).linux_only || LESS.iter().any(|(id, _)| *id == rule.id);
        let shown = rule.examples().any(|example| !example.is_bad() && is_about_windows(example));
        assert!(!less || shown, "{}: nothing shows that a Windows pod need not have it", rule.id);
    }
    let rule = podreeve::rules::find("host-process").expect("the rule");
    assert!(rule.examples().filter(|example| example.is_bad()).any(is_about_windows));
}

/// A pod that selects Windows nodes without `spec.os` is judged as a Linux pod, and is not repaired.
#[test]
fn a_pod_that_chooses_windows_nodes_is_to_say_so_and_gets_nothing_of_linux() {
    let mut hints = 0;
    for rule in RULES {
        for example in rule.examples().filter(|example| example.is_bad()) {
            let case = format!("{} / {}", rule.id, example.name);
            let mut pod = pod(example, *judges(rule).lists.last().expect("a list"));
            if !pod["spec"]["os"].is_null() {
                continue;
            }
            let linux = judged(rule, example, &pod);
            pod["spec"]["os"] = json!({"name": "windows"});
            let windows = judged(rule, example, &pod);
            pod["spec"]["os"] = Value::Null;
            pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
            let chooses = judged(rule, example, &pod);
            let places =
                |found: &[Judged]| found.iter().map(|one| (one.field.clone(), one.found.clone())).collect::<Vec<_>>();
            assert_eq!(places(&chooses), places(&linux), "{case}: judged as on Linux");
            for (chosen, plain) in chooses.iter().zip(&linux) {
                let is_of_linux = !places(&windows).contains(&(chosen.field.clone(), chosen.found.clone()));
                if is_of_linux && !ENTERED.contains(&rule.id) {
                    hints += 1;
                    assert_eq!(chosen.wanted, "spec.os.name: windows", "{case}");
                    assert!(chosen.why.contains("set spec.os.name: windows"), "{case}: {}", chosen.why);
                    assert!(!chosen.is_repaired, "{case}: Windows has no such field");
                } else {
                    assert_eq!(chosen.wanted, plain.wanted, "{case}");
                }
            }
        }
    }
    assert!(hints > 20, "{hints}");
}

/// They judge a user who enters a running pod, whose system cannot change any more.
const ENTERED: &[&str] = &["exec-privileged", "exec-root"];

#[test]
fn nothing_of_linux_is_patched_into_a_pod_that_chooses_windows_nodes() {
    for rule in RULES.iter().filter(|rule| rule.fixes()) {
        for example in rule.examples().filter(|example| example.is_bad() && example.kinds != Kinds::Entered) {
            let mut pod = pod(example, *judges(rule).lists.last().expect("a list"));
            if !pod["spec"]["os"].is_null() {
                continue;
            }
            pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
            for one in judged(rule, example, &pod) {
                let patch = one.patch.to_string();
                for field in OF_LINUX {
                    assert!(!patch.contains(field), "{} / {}: {patch}", rule.id, example.name);
                }
            }
        }
    }
}

/// The fields, of those that rules repair, that the API server refuses in a Windows pod.
const OF_LINUX: &[&str] = &[
    "allowPrivilegeEscalation",
    "readOnlyRootFilesystem",
    "capabilities",
    "seccompProfile",
    "appArmorProfile",
    "seLinuxOptions",
    "runAsUser",
    "hostUsers",
    "pids",
];

#[derive(Debug)]
struct Judged {
    field: String,
    found: String,
    wanted: String,
    why: String,
    is_repaired: bool,
    patch: Value,
}

fn judged(rule: &'static Rule, example: &Example, pod: &Value) -> Vec<Judged> {
    use podreeve::rule::{Fix, Scope};
    super::finding::with_pod(rule, example.params_value(), example, pod, |compiled, pod| {
        let judged = |finding: &podreeve::rule::Finding<'_>| {
            let mut fix = Fix::new(Scope::Pod);
            let is_repaired = compiled.check.repair(pod, finding, &mut fix);
            Judged {
                field: finding.at.field(),
                found: finding.found.to_string(),
                wanted: finding.wanted.to_string(),
                why: finding.why.as_deref().unwrap_or_default().to_owned(),
                is_repaired,
                patch: json!(fix.into_patch().finish("")),
            }
        };
        podreeve::decide::findings(compiled, pod).iter().map(judged).collect()
    })
}
