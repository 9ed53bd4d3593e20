//! One cause is one violation. Other violations that it implies are not reported, and an exemption from it covers them.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::outcome::{Outcome, Verdict, Violation};
use podreeve::policy::{CompiledPolicy, ObjectExemption, PolicyDocument, PolicySet, builtin};
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

/// The rules whose violations a privileged container implies.
const IMPLIED: [&str; 7] = [
    "capabilities",
    "allow-privilege-escalation",
    "seccomp-profile",
    "apparmor-profile",
    "selinux-options",
    "proc-mount",
    "read-only-root-filesystem",
];

/// A container that violates each of them.
fn loose(name: &str, privileged: bool) -> Value {
    json!({
        "name": name, "image": "registry.example.com/csi:1",
        "securityContext": {
            "privileged": privileged, "allowPrivilegeEscalation": true, "capabilities": {"add": ["NET_ADMIN"]},
            "seccompProfile": {"type": "Unconfined"}, "appArmorProfile": {"type": "Unconfined"},
            "seLinuxOptions": {"type": "spc_t"}, "procMount": "Unmasked", "readOnlyRootFilesystem": false,
        },
    })
}

fn pod(containers: &[Value]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "storage"},
        "spec": {"hostUsers": false, "containers": containers},
    })
}

/// A policy that denies all of them, with this setting for `privileged`.
fn rules(privileged: &str) -> Value {
    let mut rules: Value = IMPLIED.iter().map(|id| ((*id).to_owned(), json!({"action": "deny"}))).collect();
    rules["privileged"] = json!({"action": privileged});
    rules
}

fn judge(pod: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review("CREATE", pod, None).to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

/// The rules and the containers of the violations.
fn violated(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let container = |violation: &Violation| violation.subject.container().map_or("", |(_, name)| name).to_owned();
    outcome.violations.iter().map(|violation| (violation.rule.id, container(violation))).collect()
}

fn ids(outcome: &Outcome) -> Vec<&'static str> {
    let mut ids: Vec<_> = violated(outcome).into_iter().map(|(id, _)| id).collect();
    ids.dedup();
    ids
}

#[rstest]
fn what_a_privileged_container_implies_is_not_reported(
    #[values("initContainers", "containers", "ephemeralContainers")] list: &str,
) {
    let snapshot = policies(&[json!({"rules": rules("deny")})]);
    let mut both = pod(&[json!({"name": "good", "image": "a/b:1", "securityContext": {
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }})]);
    both["spec"][list] = match list {
        "containers" => json!([loose("agent", true), loose("beside", false)]),
        _ => json!([loose("beside", false), loose("agent", true)]),
    };
    let outcome = judge(&both, &snapshot);
    let of = |name: &str| -> Vec<_> {
        let mut ids: Vec<_> = violated(&outcome).into_iter().filter(|(_, of)| of == name).map(|(id, _)| id).collect();
        ids.dedup();
        ids
    };
    assert_eq!(of("agent"), ["privileged"]);
    // Each container has its own cause.
    assert_eq!(of("beside"), IMPLIED);
    assert_eq!(outcome.tallies.iter().filter(|tally| tally.rule == "capabilities").map(|t| t.count).sum::<usize>(), 2);
}

#[test]
fn an_exemption_from_the_cause_lets_an_agent_in() {
    let agent = pod(&[loose("agent", true)]);
    let exemption = json!({"rules": ["privileged"], "containers": ["agent"], "reason": "the CSI driver mounts"});
    let mut own = exemption.clone();
    own["namespaces"] = json!(["storage"]);
    let exempting = json!({"rules": rules("deny"), "exemptions": [own]});
    let outcome = judge(&agent, &policies(std::slice::from_ref(&exempting)));
    assert_eq!((outcome.verdict, ids(&outcome)), (Verdict::Allow, vec!["privileged"]));
    let mut by_object = policies(&[json!({"rules": rules("deny")})]);
    let object = ObjectExemption::new("storage", "csi", Some(&exemption.to_string())).expect("it compiles");
    by_object.policies.exemptions = vec![Arc::new(object)];
    assert_eq!(judge(&agent, &by_object).verdict, Verdict::Allow);
    // The exemption covers no other container, privileged or not.
    for privileged in [true, false] {
        let two = pod(&[loose("agent", true), loose("other", privileged)]);
        assert_eq!(judge(&two, &policies(std::slice::from_ref(&exempting))).verdict, Verdict::Deny);
    }
    // The exemption covers the privileged container, and not its violations once it is not privileged.
    let outcome = judge(&pod(&[loose("agent", false)]), &policies(std::slice::from_ref(&exempting)));
    assert_eq!((outcome.verdict, ids(&outcome)), (Verdict::Deny, IMPLIED.to_vec()));
    // Each of two policies has its own exemptions.
    let strict = json!({"rules": rules("deny")});
    assert_eq!(judge(&agent, &policies(&[exempting, strict])).verdict, Verdict::Deny);
    // An exemption from an implied rule does not cover the cause.
    let narrow = json!([{"rules": IMPLIED, "namespaces": ["storage"], "reason": "r"}]);
    let outcome = judge(&agent, &policies(&[json!({"rules": rules("deny"), "exemptions": narrow})]));
    assert_eq!((outcome.verdict, ids(&outcome)), (Verdict::Deny, vec!["privileged"]));
}

/// Where `privileged` does not deny, the implied rules do.
#[rstest]
#[case("off", "deny", Verdict::Deny)]
#[case("audit", "deny", Verdict::Deny)]
#[case("warn", "deny", Verdict::Deny)]
#[case("audit", "warn", Verdict::Warn)]
fn a_milder_cause_hides_nothing(#[case] cause: &str, #[case] implied: &str, #[case] verdict: Verdict) {
    let mut rules = rules(cause);
    for id in IMPLIED {
        rules[id] = json!({"action": implied});
    }
    let exempt = json!([{"rules": ["privileged"], "namespaces": ["storage"], "reason": "r"}]);
    for exemptions in [json!([]), exempt] {
        let outcome =
            judge(&pod(&[loose("agent", true)]), &policies(&[json!({"rules": rules, "exemptions": exemptions})]));
        assert_eq!(outcome.verdict, verdict);
        let implied: Vec<_> = ids(&outcome).into_iter().filter(|id| *id != "privileged").collect();
        assert_eq!(implied, IMPLIED);
    }
}

#[rstest]
#[case("warn", "warn", Verdict::Warn)]
#[case("warn", "audit", Verdict::Warn)]
#[case("deny", "audit", Verdict::Deny)]
#[case("deny", "warn", Verdict::Deny)]
fn a_cause_that_is_as_strict_speaks_alone(#[case] cause: &str, #[case] implied: &str, #[case] verdict: Verdict) {
    let mut rules = rules(cause);
    for id in IMPLIED {
        rules[id] = json!({"action": implied});
    }
    let outcome = judge(&pod(&[loose("agent", true)]), &policies(&[json!({"rules": rules})]));
    assert_eq!((outcome.verdict, ids(&outcome)), (verdict, vec!["privileged"]));
}

fn builtin_policy(name: &str) -> Snapshot {
    let yaml = builtin(name).expect("the policy loads").expect("it is there");
    let document: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    let document = PolicyDocument::from_json(&document.to_string()).expect("a policy");
    Snapshot::new(PolicySet::new(vec![CompiledPolicy::new(&document).expect("it compiles")], 1), usize::MAX)
}

#[test]
fn a_standard_reports_what_upstream_reports() {
    let agent = pod(&[loose("agent", true)]);
    let outcome = judge(&agent, &builtin_policy("pss-restricted"));
    let found = ids(&outcome);
    for id in ["privileged", "capabilities", "allow-privilege-escalation", "seccomp-profile", "proc-mount"] {
        assert!(found.contains(&id), "{id} is not in {found:?}");
    }
    // One rule follows the standard, in a policy that does not.
    let mut rules = rules("deny");
    rules["capabilities"]["params"] = json!({"pss": "restricted"});
    let outcome = judge(&agent, &policies(&[json!({"rules": rules})]));
    assert_eq!(ids(&outcome), ["privileged", "capabilities"]);
    // There an exemption from `privileged` covers no other rule.
    let exempt = json!([{"rules": ["privileged"], "namespaces": ["storage"], "reason": "r"}]);
    let outcome = judge(&agent, &policies(&[json!({"rules": rules, "exemptions": exempt})]));
    assert_eq!(outcome.verdict, Verdict::Deny);
}

fn volume(path: &str) -> Value {
    let mut pod = pod(&[json!({"name": "app", "image": "a/b:1"})]);
    pod["spec"]["volumes"] =
        json!([{"name": "other", "hostPath": {"path": "/srv"}}, {"name": "it", "hostPath": {"path": path}}]);
    pod
}

#[test]
fn a_socket_is_reported_once() {
    let rules = json!({
        "runtime-socket": {"action": "deny"}, "host-path": {"action": "deny"}, "host-devices": {"action": "deny"},
        "volume-types": {"action": "audit"},
    });
    let snapshot = policies(&[json!({"rules": rules})]);
    let at = |outcome: &Outcome, volume: usize| -> Vec<&'static str> {
        let place = format!("/spec/volumes/{volume}/");
        outcome.violations.iter().filter(|v| v.field.starts_with(&place)).map(|v| v.rule.id).collect()
    };
    for path in ["/var/run/docker.sock", "/run/containerd", "//run//crio/."] {
        let outcome = judge(&volume(path), &snapshot);
        assert_eq!(at(&outcome, 1), ["runtime-socket"], "{path}");
        assert_eq!(at(&outcome, 0), ["host-path"], "{path}");
    }
    assert_eq!(at(&judge(&volume("/dev/sda"), &snapshot), 1), ["host-path", "host-devices"]);
    // A parent directory holds more than the socket, so an exemption for the socket does not cover it.
    for path in ["/", "/run"] {
        assert_eq!(at(&judge(&volume(path), &snapshot), 1)[..2], ["runtime-socket", "host-path"], "{path}");
    }
    // A mount that propagates is another cause.
    let mut propagates = volume("/var/run/docker.sock");
    propagates["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "it", "mountPath": "/s", "mountPropagation": "Bidirectional"}]);
    let outcome = judge(&propagates, &snapshot);
    assert_eq!(at(&outcome, 1), ["runtime-socket"]);
    assert!(outcome.violations.iter().any(|v| v.field.ends_with("/mountPropagation")), "{outcome:?}");
    let exempt = json!([{"rules": ["runtime-socket"], "namespaces": ["storage"], "reason": "it builds images"}]);
    let snapshot = policies(&[json!({"rules": rules, "exemptions": exempt})]);
    let outcome = judge(&volume("/var/run/docker.sock"), &snapshot);
    assert_eq!(
        (outcome.verdict, at(&outcome, 0), at(&outcome, 1)),
        (Verdict::Deny, vec!["host-path"], vec!["runtime-socket"])
    );
    let root = judge(&volume("/"), &snapshot);
    assert!(
        root.violations
            .iter()
            .any(|v| v.rule.id == "host-path" && v.field.starts_with("/spec/volumes/1/") && v.effect == Effect::Deny),
        "{root:?}"
    );
    // Without the rule the path is an ordinary host path.
    let snapshot =
        policies(&[json!({"rules": {"host-path": {"action": "deny"}, "runtime-socket": {"action": "off"}}})]);
    assert_eq!(at(&judge(&volume("/var/run/docker.sock"), &snapshot), 1), ["host-path"]);
}

/// An exempt agent is not repaired. A read-only root could break it, and protects nothing.
#[test]
fn nothing_is_repaired_in_what_is_exempt_by_its_cause() {
    let mut rules = rules("deny");
    for id in ["read-only-root-filesystem", "allow-privilege-escalation", "seccomp-profile"] {
        rules[id] = json!({"action": "patch"});
    }
    let exempt = json!([{"rules": ["privileged"], "namespaces": ["storage"], "reason": "r"}]);
    let snapshot = policies(&[json!({"rules": rules, "exemptions": exempt})]);
    let patched = |pod: &Value| {
        let body = review("CREATE", pod, None).to_string();
        let patch = admit(body.as_bytes(), Hook::Mutate, &snapshot, TODAY).patch;
        patch.iter().map(|operation| operation.path().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(patched(&pod(&[loose("agent", true)])), Vec::<String>::new());
    let both = pod(&[loose("agent", true), json!({"name": "beside", "image": "a/b:1"})]);
    let paths = patched(&both);
    assert!(!paths.is_empty() && !paths.iter().any(|path| path.starts_with("/spec/containers/0")), "{paths:?}");
}

#[test]
fn thousands_of_causes_are_counted() {
    let containers: Vec<Value> = (0..5000).map(|n| loose(&format!("c{n}"), n % 2 == 0)).collect();
    let snapshot = Snapshot { report_limit: 20, ..policies(&[json!({"rules": rules("deny")})]) };
    let outcome = judge(&pod(&containers), &snapshot);
    let count = |id: &str| outcome.tallies.iter().filter(|tally| tally.rule == id).map(|t| t.count).sum::<usize>();
    assert_eq!((count("privileged"), count("read-only-root-filesystem"), count("capabilities")), (2500, 2500, 5000));
}
