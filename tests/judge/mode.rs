//! The mode: the most that happens because of a violation, whatever the policies say.

use super::common::{TODAY, good_pod, policies, response, review, snapshot};
use jiff::ToSpan;
use jiff::civil::Date;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::pods::Texts;
use podreeve::facts::{FactAnswer, FactQuery, Labels};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{Ceiling, Cluster, CompiledPolicy, Mode, PolicyDocument, PolicySet};
use podreeve::rule::Severity;
use rstest::rstest;
use serde_json::{Value, json, value::to_raw_value};
use std::sync::Arc;

const ACTIONS: [&str; 5] = ["off", "audit", "warn", "patch", "deny"];
const MODES: [&str; 3] = ["audit", "warn", "deny"];
/// From the mildest.
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// A ceiling as a user writes it.
fn ceiling(mode: &str, from: &str, after: Option<Date>) -> Ceiling {
    serde_json::from_value(json!({"mode": mode, "denyFrom": from, "denyAfter": after})).unwrap()
}

fn judge(object: &Value, hook: Hook, snapshot: &Snapshot) -> Outcome {
    admit(review("CREATE", object, None).to_string().as_bytes(), hook, snapshot, TODAY)
}

/// A rule with this severity, and a pod that violates it alone. `privileged` has no repair.
struct Fault {
    rule: &'static str,
    severity: &'static str,
    params: Value,
    pod: Value,
}

fn faults() -> [Fault; 4] {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut pod = good_pod();
        change(&mut pod["spec"]);
        pod
    };
    let container = |key: &'static str, value: Value| {
        with(&move |spec| spec["containers"][0]["securityContext"][key] = value.clone())
    };
    let user = with(&|spec| {
        spec["securityContext"] = json!({});
        spec["containers"][0]["securityContext"] = json!({});
    });
    [
        Fault {
            rule: "privileged",
            severity: "critical",
            params: json!({}),
            pod: container("privileged", json!(true)),
        },
        Fault { rule: "run-as-non-root", severity: "high", params: json!({"user": 10001}), pod: user },
        Fault {
            rule: "read-only-root-filesystem",
            severity: "medium",
            params: json!({}),
            pod: container("readOnlyRootFilesystem", json!(false)),
        },
        Fault {
            rule: "host-users",
            severity: "low",
            params: json!({}),
            pod: with(&|spec| spec["hostUsers"] = Value::Null),
        },
    ]
}

fn deployment(pod: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "good"}, "spec": {"template": {"spec": pod["spec"]}}})
}

/// What the answer must be: allowed, patched, warned, and the audit annotations.
type Answer = (bool, bool, bool, Vec<&'static str>);

/// Written by the documentation, without a look at the code.
fn oracle(action: &str, is_strict: bool, mode: &str, hook: Hook, is_pod: bool, is_repairable: bool) -> Answer {
    let is_silent = mode == "audit";
    if hook == Hook::Mutate {
        // Templates are repaired for policies with `patchTemplates` alone.
        let patches = action == "patch" && is_strict && is_pod && is_repairable;
        return (true, patches, false, if patches { vec!["patched"] } else { vec![] });
    }
    let seen = if is_silent { "audited" } else { "warned" };
    match action {
        "off" => (true, false, false, vec![]),
        "audit" => (true, false, false, vec!["audited"]),
        "warn" => (true, false, !is_silent, vec![seen]),
        "patch" if is_repairable && !is_strict => (true, false, false, vec!["audited", "would-patch"]),
        "patch" if is_repairable && !is_pod => (true, false, false, vec!["audited"]),
        _ if is_strict => (false, false, false, vec!["denied"]),
        _ => (true, false, !is_silent, vec![seen, "would-deny"]),
    }
}

#[test]
fn each_action_severity_mode_and_day_has_its_answer() {
    let rank = |severity: &str| SEVERITIES.iter().position(|s| *s == severity).unwrap();
    let (yesterday, tomorrow) = (TODAY.saturating_sub(1.days()), TODAY.saturating_add(1.days()));
    let (mut cases, mut denied) = (0, 0);
    for fault in faults() {
        let is_repairable = fault.rule != "privileged";
        for action in ACTIONS.into_iter().filter(|action| is_repairable || *action != "patch") {
            let unlimited = snapshot(json!({fault.rule: {"action": action, "params": fault.params}}));
            for (mode, from) in MODES.iter().flat_map(|mode| SEVERITIES.map(|from| (*mode, from))) {
                for after in [None, Some(yesterday), Some(TODAY), Some(tomorrow)] {
                    let snapshot = Snapshot { ceiling: ceiling(mode, from, after), ..unlimited.clone() };
                    let is_over = after.is_none_or(|last| last < TODAY);
                    let is_strict = mode == "deny" && rank(fault.severity) >= rank(from) && is_over;
                    for (hook, object) in
                        Hook::ALL.iter().flat_map(|hook| [(*hook, fault.pod.clone()), (*hook, deployment(&fault.pod))])
                    {
                        let is_pod = object["kind"] == "Pod";
                        let response = response(&judge(&object, hook, &snapshot));
                        let annotations = response["auditAnnotations"].as_object();
                        let mut annotations: Vec<&str> =
                            annotations.into_iter().flatten().map(|(key, _)| &**key).collect();
                        annotations.sort_unstable();
                        let wanted = oracle(action, is_strict, mode, hook, is_pod, is_repairable);
                        let case =
                            format!("{} {action}, {mode} {from} {after:?}, {hook} {}", fault.rule, object["kind"]);
                        let got = (
                            response["allowed"] == true,
                            !response["patch"].is_null(),
                            !response["warnings"].is_null(),
                            annotations,
                        );
                        assert_eq!(got, wanted, "{case}: {response}");
                        cases += 1;
                        denied += usize::from(!wanted.0);
                    }
                }
            }
        }
    }
    assert!(cases > 3000 && denied > 50, "{cases}, {denied}");
}

#[rstest]
#[case("warn", "low", None, "in mode deny", "would be denied in mode deny")]
#[case("deny", "critical", None, "once their severity is denied", "would be denied with denyFrom medium")]
#[case("deny", "low", Some(TODAY), "after 2026-11-22", "will be denied after 2026-11-22")]
fn a_warning_says_what_would_be_denied(
    #[case] mode: &str,
    #[case] from: &str,
    #[case] after: Option<Date>,
    #[case] when: &str,
    #[case] lead: &str,
) {
    let rules = json!({"memory-limit": {"action": "deny"}, "seccomp-profile": {"action": "patch"}});
    let snapshot = Snapshot { ceiling: ceiling(mode, from, after), ..snapshot(rules) };
    let mut pod = good_pod();
    pod["spec"]["containers"][0]["resources"] = json!({});
    pod["spec"]["securityContext"] = json!({});
    pod["spec"]["containers"][0]["securityContext"] = json!({});
    let response = response(&judge(&pod, Hook::Validate, &snapshot));
    let warnings: Vec<&str> = response["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let first = format!(
        "podreeve would deny Pod default/good {when}: 1 violation of policy p0. An edit of one line passes; to see it: podreeve explain -f FILE"
    );
    assert_eq!(warnings[0], first);
    assert!(warnings[1].starts_with(&format!("podreeve: memory-limit {lead}: ")), "{warnings:?}");
    // What would be repaired needs no action.
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(response["auditAnnotations"]["would-deny"], "memory-limit");
    assert_eq!(response["auditAnnotations"]["would-patch"], "seccomp-profile");
}

/// One warning for each rule, however many containers violate it.
#[test]
fn what_would_be_denied_is_one_warning_for_each_rule() {
    let rules = json!({"memory-limit": {"action": "deny"}, "image-tag": {"action": "warn"}});
    let snapshot = Snapshot { ceiling: ceiling("warn", "low", None), ..snapshot(rules) };
    let mut pod = good_pod();
    let container = |name: &str| json!({"name": name, "image": "a:latest"});
    pod["spec"]["containers"] = json!([container("web"), container("proxy")]);
    pod["spec"]["initContainers"] = json!([container("init")]);
    let response = response(&judge(&pod, Hook::Validate, &snapshot));
    let warnings: Vec<&str> = response["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        warnings[0]
            .starts_with("podreeve would deny Pod default/good in mode deny: 3 violations of policy p0. An edit of "),
        "{warnings:?}"
    );
    let lead = "podreeve: memory-limit would be denied in mode deny: init container \"init\", container \"web\", container \"proxy\": wanted ";
    assert_eq!(warnings.iter().filter(|warning| warning.starts_with(lead)).count(), 1, "{warnings:?}");
    // An action of the policy is as it was.
    assert_eq!(
        warnings.iter().filter(|warning| warning.starts_with("podreeve: image-tag should be repaired: ")).count(),
        3
    );
    assert_eq!(warnings.len(), 5, "{warnings:?}");
}

/// Of several policies the one that would deny is reported, and violations are counted one by one.
#[test]
fn what_would_be_denied_is_counted_and_reported_for_the_strictest_policy() {
    let specs = ["warn", "deny"].map(|action| json!({"rules": {"privileged": {"action": action}}}));
    for specs in [specs.clone(), [specs[1].clone(), specs[0].clone()]] {
        let snapshot = Snapshot { ceiling: ceiling("warn", "low", None), ..policies(&specs) };
        let outcome = judge(&faults()[0].pod, Hook::Validate, &snapshot);
        assert_eq!((outcome.violations.len(), outcome.would_be_denied()), (1, 1));
    }
    // Kept and counted violations alike, with a repair and without one.
    let rules = json!({"allow-privilege-escalation": {"action": "patch"}});
    for mode in ["audit", "warn"] {
        let limited = Snapshot { report_limit: 1, ceiling: ceiling(mode, "low", None), ..snapshot(rules.clone()) };
        let mut pod = good_pod();
        let container = |n: usize| {
            // Escalation cannot be forbidden to a privileged container.
            json!({"name": format!("c{n}"), "image": "a", "securityContext": {"privileged": n.is_multiple_of(3)}})
        };
        pod["spec"]["containers"] = (0..9).map(container).collect();
        let outcome = judge(&pod, Hook::Validate, &limited);
        let held_back: Vec<_> =
            outcome.tallies.iter().map(|tally| (tally.held_back.deny, tally.held_back.patch)).collect();
        let sums = held_back.iter().fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1));
        assert_eq!(sums, (3, 6), "{mode}: {:?}", outcome.tallies);
    }
}

#[rstest]
#[case("warn", true)]
#[case("audit", false)]
fn what_cannot_be_judged_is_let_in_below_deny(#[case] mode: &str, #[case] warns: bool) {
    let milder =
        Snapshot { ceiling: ceiling(mode, "low", None), ..snapshot(json!({"privileged": {"action": "deny"}})) };
    let mut pod = good_pod();
    pod["spec"]["containers"] = json!("none");
    let mut unknown = review("UPDATE", &json!({"kind": "Strange", "metadata": {"name": "a"}}), None);
    unknown["request"]["resource"]["resource"] = json!("pods");
    unknown["request"]["subResource"] = json!("strange");
    let bodies =
        [review("CREATE", &pod, None).to_string(), unknown.to_string(), r#"{"request":{"uid":"u-1","x":"#.to_owned()];
    for body in bodies {
        let judge = |snapshot: &Snapshot| admit(body.as_bytes(), Hook::Validate, snapshot, TODAY);
        let outcome = judge(&milder);
        assert_eq!(outcome.verdict, if warns { Verdict::Warn } else { Verdict::Allow }, "{body}");
        let response = response(&outcome);
        assert_eq!(response["allowed"], true, "{body}");
        assert!(response["auditAnnotations"]["unreadable"].is_string(), "{response}");
        let warning = response["warnings"][0].as_str().unwrap_or_default();
        assert_eq!(warning.starts_with("podreeve could not judge "), warns, "{response}");
        assert_eq!(warning.contains("will refuse it once it denies"), warns, "{response}");
        // It may be critical, so every `denyFrom` denies it; and the date counts.
        let with = |ceiling| judge(&Snapshot { ceiling, ..milder.clone() }).verdict;
        assert_eq!(with(ceiling("deny", "critical", None)), Verdict::Deny);
        assert_eq!(with(ceiling("deny", "low", Some(TODAY))), Verdict::Warn);
    }
    // Without a uid there is no answer, and failurePolicy decides.
    assert!(admit(b"nonsense", Hook::Validate, &milder, TODAY).reply.is_empty());
}

/// A policy that honours the labels of namespace shop.
fn labelled(labels: &[(&str, &str)], ceiling: Ceiling) -> Snapshot {
    let document = json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"podSecurityLabels": true, "rules": {}}});
    let document = PolicyDocument::from_json(&document.to_string()).expect("the policy loads");
    let policy = CompiledPolicy::compile(&document, Cluster::With).expect("the policy compiles");
    let mut snapshot = Snapshot { ceiling, ..Snapshot::new(PolicySet::new(vec![policy], 1), 20) };
    snapshot.facts.cluster = true;
    let key = |mode: &str| format!("pod-security.kubernetes.io/{mode}");
    let labels: Labels = labels.iter().map(|(mode, level)| (key(mode), (*level).to_owned())).collect();
    snapshot.facts.namespaces = Arc::new([("shop".to_owned(), Arc::new(labels))].into());
    snapshot
}

#[test]
fn the_labels_of_pod_security_are_capped_too() {
    let mut pod = faults()[0].pod.clone();
    pod["metadata"]["namespace"] = json!("shop");
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let answer = |ceiling| response(&judge(&pod, Hook::Validate, &labelled(&[("enforce", "restricted")], ceiling)));
    let denied = answer(Ceiling::default());
    let message = denied["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("violates PodSecurity \"restricted:latest\": "), "{message}");

    let warned = answer(ceiling("warn", "low", None));
    let texts = |answer: &Value| {
        answer["warnings"].as_array().map(|all| all.iter().map(|w| w.as_str().unwrap().to_owned()).collect())
    };
    let warnings: Vec<String> = texts(&warned).unwrap();
    assert_eq!(warned["allowed"], true);
    assert!(
        warnings[0].starts_with("podreeve would deny Pod shop/good in mode deny: 2 violations (1 critical) of policy pss-restricted. An edit of "),
        "{warnings:?}"
    );
    let upstream = warnings.iter().filter(|text| text.starts_with("would violate PodSecurity \"restricted:latest\": "));
    assert_eq!(upstream.count(), 1, "the label for warnings has the same level: {warnings:?}");

    let audited = answer(ceiling("audit", "low", None));
    assert_eq!((&audited["allowed"], texts(&audited)), (&json!(true), None::<Vec<String>>));
    let annotations = &audited["auditAnnotations"];
    assert_eq!(annotations["would-deny"], "privileged,allow-privilege-escalation");
    assert!(annotations["not-warned"].as_str().unwrap().starts_with("would violate PodSecurity"), "{annotations}");

    // Privileged is critical; the escalation alone would be admitted.
    let partly = answer(ceiling("deny", "critical", None));
    let message = partly["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("violates PodSecurity \"restricted:latest\": privileged ("), "{message}");
    assert!(!message.contains("allowPrivilegeEscalation != false"), "{message}");
    assert!(
        texts(&partly).is_some_and(|warnings: Vec<String>| warnings[0].contains("allowPrivilegeEscalation")),
        "{partly}"
    );
}

#[test]
fn a_namespace_with_an_invalid_label_is_let_in_below_deny() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "strict"}}});
    let answer = |ceiling| response(&judge(&namespace, Hook::Validate, &labelled(&[], ceiling)));
    assert_eq!(answer(Ceiling::default())["status"]["code"], 422);
    let warned = answer(ceiling("warn", "low", None));
    assert_eq!(warned["allowed"], true);
    let warning = warned["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("podreeve would refuse this namespace in mode deny: metadata.labels[pod-"),
        "{warning}"
    );
    let audited = answer(ceiling("audit", "low", None));
    assert_eq!((&audited["allowed"], &audited["warnings"]), (&json!(true), &Value::Null));
    assert!(audited["auditAnnotations"]["not-warned"].as_str().unwrap().contains("would refuse this namespace"));
}

#[rstest]
#[case("audit", false)]
#[case("warn", true)]
fn a_connection_is_let_in_below_deny(#[case] mode: &str, #[case] warns: bool) {
    let rules = json!({"exec-privileged": {"action": "deny"}});
    let review = json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "u", "operation": "CONNECT", "namespace": "shop", "name": "web", "subResource": "exec",
        "kind": {"group": "", "version": "v1", "kind": "PodExecOptions"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "somebody"}, "object": {"container": "app"},
    }});
    let pod = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "securityContext": {"privileged": true}}]}});
    let query = FactQuery::Pod { namespace: "shop".to_owned(), name: "web".to_owned() };
    let kept = Texts::default().keep_any(&to_raw_value(&pod).unwrap());
    let known = FactAnswer::Pod { namespace: "shop".to_owned(), name: "web".to_owned(), pod: Some(kept) };
    for answer in [known, FactAnswer::Nothing(query)] {
        let mut strict = snapshot(rules.clone());
        strict.facts.cluster = true;
        strict.facts.answers = vec![answer];
        let judge = |snapshot: &Snapshot| admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY);
        assert_eq!(judge(&strict).verdict, Verdict::Deny);
        let outcome = judge(&Snapshot { ceiling: ceiling(mode, "low", None), ..strict });
        assert_eq!((outcome.would_be_denied(), outcome.verdict == Verdict::Warn), (1, warns));
        let response = response(&outcome);
        assert_eq!((&response["allowed"], response["warnings"].is_array()), (&json!(true), warns), "{response}");
        assert_eq!(response["auditAnnotations"]["would-deny"], "exec-privileged");
    }
}

/// A Policy that does not compile is no violation: it is refused in every mode, or its author would believe that it is in force.
#[test]
fn a_wrong_policy_is_refused_in_every_mode() {
    let policy = json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"rules": {"privilegd": {"action": "deny"}}}});
    for mode in Mode::ALL {
        let ceiling = Ceiling { mode, deny_from: Severity::Low, deny_after: Some(TODAY) };
        let snapshot = Snapshot { ceiling, ..snapshot(json!({})) };
        assert_eq!(judge(&policy, Hook::Validate, &snapshot).verdict, Verdict::Deny, "{mode}");
    }
}
