//! Cases that one example cannot show: parameters that are refused, and pods in which several containers matter.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::facts::FactKinds;
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{CompiledPolicy, PolicyDocument};
use podreeve::rule::{GOOD_POD, Severity};
use podreeve::rules::{RULES, find};
use podreeve::text::dotted;
use rstest::rstest;
use serde_json::{Value, json};

/// The good pod with this merged into it.
fn pod(change: Value) -> Value {
    let mut pod: Value = serde_json::from_str(GOOD_POD).expect("the good pod is JSON");
    json_patch::merge(&mut pod, &change);
    pod
}

fn snapshot(rule: &str, action: &str, params: Value) -> Snapshot {
    policies(&[json!({"rules": {rule: {"action": action, "params": params}}})])
}

fn run(hook: Hook, pod: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review("CREATE", pod, None).to_string().as_bytes(), hook, snapshot, TODAY)
}

/// The fields in which this rule finds something, in order.
fn fields(rule: &str, params: Value, pod: &Value) -> Vec<String> {
    let outcome = run(Hook::Validate, pod, &snapshot(rule, "deny", params));
    assert_eq!(outcome.problem, None);
    outcome.violations.iter().map(|violation| dotted(&violation.field)).collect()
}

#[rstest]
#[case("env-secrets", json!({"names": [""]}), "one word")]
#[case("env-secrets", json!({"names": ["API_PIN"]}), "one word")]
#[case("health-probes", json!({"kinds": ["Job"]}), "`Job` is none of Pod, ")]
#[case("host-ports", json!({"allow": ["9100-9000"]}), "ends before it begins")]
#[case("capabilities", json!({"allow": ["ALL"]}), "would allow every capability")]
#[case("capabilities", json!({"allow": ["NET_BIND"]}), "Linux has no capability `NET_BIND`")]
#[case("volume-types", json!({"only": ["flexvolume"]}), "did you mean `flexVolume`?")]
#[case("volume-types", json!({"allow": ["csi/"]}), "neither a type nor a CSI driver")]
#[case("read-only-root-filesystem", json!({"writable": ["tmp"]}), "no absolute path below /")]
#[case("read-only-root-filesystem", json!({"writable": ["/tmp", "/a/.."]}), "no absolute path below /")]
#[case("memory-limit", json!({"max": "4GB"}), "`4GB` is not a quantity; `4G` or `4Gi` is")]
#[case("host-devices", json!({"allow": ["resourceclaimtemplates/"]}), "no claim such as")]
fn parameters_that_mean_nothing_are_refused(#[case] rule: &str, #[case] params: Value, #[case] message: &str) {
    let document = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"rules": {rule: {"action": "warn", "params": params}}},
    });
    let document = PolicyDocument::from_json(&document.to_string()).expect("the document is well-formed");
    let error = CompiledPolicy::new(&document).expect_err(rule).0.remove(0);
    assert!(error.key.starts_with(&format!("spec.rules.{rule}.params")), "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn an_annotation_is_the_profile_of_the_container_that_it_names() {
    let container = |name: &str| json!({"name": name});
    let pod = pod(json!({
        "metadata": {"annotations": {
            "container.apparmor.security.beta.kubernetes.io/named": "runtime/default",
            "container.apparmor.security.beta.kubernetes.io/empty": "",
        }},
        "spec": {"containers": [container("named"), container("empty"), container("other")]},
    }));
    let found = fields("apparmor-profile", json!({"required": true}), &pod);
    let field = |index: usize| format!("spec.containers[{index}].securityContext.appArmorProfile");
    assert_eq!(found, [field(1), field(2)]);
}

#[test]
fn a_host_port_is_reported_with_its_address_and_its_reason() {
    let with = |spec: Value, port: Value, params: Value| {
        let mut pod = pod(json!({ "spec": spec }));
        pod["spec"]["containers"][0]["ports"] = json!([port]);
        let outcome = run(Hook::Validate, &pod, &snapshot("host-ports", "deny", params));
        let [violation] = outcome.violations.as_slice() else { panic!("{:?}", outcome.violations) };
        (violation.found.to_string(), violation.why.contains("under hostNetwork"))
    };
    let (network, none) = (json!({"hostNetwork": true}), json!({}));
    let port = |container: u16, host: u16| json!({"containerPort": container, "hostPort": host});
    assert_eq!(with(network.clone(), port(8080, 8080), none.clone()), ("hostPort 8080".to_owned(), true));
    assert!(!with(network, port(8080, 9090), none.clone()).1);
    assert!(!with(none.clone(), port(8080, 8080), none.clone()).1);
    let allowed = json!({"allow": [8080]});
    for (ip, told) in [(json!(null), "every address"), (json!(""), "every address"), (json!("0.0.0.0"), "0.0.0.0")] {
        let mut port = port(8080, 8080);
        port["hostIP"] = ip;
        assert_eq!(with(none.clone(), port, allowed.clone()).0, format!("hostPort 8080 on {told}"));
    }
}

#[test]
fn the_policy_names_the_kinds_of_probes_that_are_required() {
    let mut bare = pod(json!({}));
    bare["spec"]["containers"] = json!([{"name": "app"}]);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": bare["spec"]}},
    });
    let params = json!({"kinds": ["StatefulSet", "Deployment"], "probes": ["liveness"]});
    assert_eq!(fields("health-probes", params.clone(), &bare), [""; 0]);
    let field = "spec.template.spec.containers[0].livenessProbe";
    assert_eq!(fields("health-probes", params, &deployment), [field]);
}

/// The good pod with its container changed.
fn container(change: Value) -> Value {
    let mut pod = pod(json!({}));
    json_patch::merge(&mut pod["spec"]["containers"][0], &change);
    pod
}

fn host_path(path: &str) -> Value {
    pod(json!({"spec": {"volumes": [{"name": "a", "hostPath": {"path": path}}]}}))
}

fn claim() -> Value {
    pod(json!({"spec": {"resourceClaims": [{"name": "a", "resourceClaimTemplateName": "gpu"}]}}))
}

fn host_port() -> Value {
    container(json!({"ports": [{"containerPort": 80, "hostPort": 80}]}))
}

#[rstest]
#[case("host-devices", host_path("/dev/x"), json!({}), "no path under /dev")]
#[case("host-devices", host_path("/dev/x"), json!({"allow": ["/dev/y", "a.b/c"]}), "no path under /dev but /dev/y, a.b/c")]
#[case("host-devices", claim(), json!({"allow": ["a.b/c"]}), "no claim of devices but a.b/c")]
#[case("volume-types", host_path("/srv"), json!({"only": ["nfs", "hostPath"]}), "none of nfs, hostPath")]
#[case("volume-types", host_path("/srv"), json!({"only": ["hostPath"], "allow": ["nfs"]}), "none of hostPath, but nfs")]
#[case("host-path", host_path("/srv"), json!({}), "no hostPath volume")]
#[case("host-path", host_path("/srv"), json!({"allow": [{"prefix": "/a/"}, {"prefix": "/b"}]}), "no hostPath volume, or one under /a, /b")]
#[case("host-ports", host_port(), json!({}), "not set")]
#[case("host-ports", host_port(), json!({"allow": [8080, "9000-9100"]}), "not set, or one of 8080, 9000-9100")]
#[case("image-registries", pod(json!({})), json!({"allow": ["a.example"]}), "an image under a.example")]
fn the_wanted_text_names_the_allowed_values(
    #[case] rule: &str,
    #[case] pod: Value,
    #[case] params: Value,
    #[case] wanted: &str,
) {
    let outcome = run(Hook::Validate, &pod, &snapshot(rule, "deny", params));
    assert_eq!(outcome.violations.iter().map(|v| &*v.wanted).collect::<Vec<_>>(), [wanted]);
}

#[test]
fn a_container_of_a_job_must_not_restart_for_ever() {
    let job = |container: Value, list: &str| {
        let mut spec = json!({"restartPolicy": "Never", "containers": [{"name": "app"}]});
        spec[list] = json!([container]);
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
            "spec": {"backoffLimit": 1, "template": {"spec": spec}},
        })
    };
    let always = json!({"name": "always", "restartPolicy": "Always"});
    let field = "spec.template.spec.containers[0].restartPolicy";
    assert_eq!(fields("restart-limit", json!({}), &job(always.clone(), "containers")), [field]);
    // This is a sidecar, which ends with the other containers.
    assert_eq!(fields("restart-limit", json!({}), &job(always, "initContainers")), [""; 0]);
}

/// The reason and the severity of the only violation.
fn why(rule: &str, pod: &Value) -> (String, Severity) {
    let outcome = run(Hook::Validate, pod, &snapshot(rule, "deny", json!({})));
    let [violation] = outcome.violations.as_slice() else { panic!("{:?}", outcome.violations) };
    (violation.why.to_string(), violation.severity)
}

#[rstest]
#[case("NET_ADMIN", Severity::High, None)]
#[case("SYS_MODULE", Severity::Critical, Some("as good as root"))]
#[case("NET_BIND", Severity::High, Some("no such capability"))]
fn a_capability_is_reported_with_what_it_allows(
    #[case] name: &str,
    #[case] severity: Severity,
    #[case] words: Option<&str>,
) {
    let pod = container(json!({"securityContext": {"capabilities": {"add": [name]}}}));
    let (text, found) = why("capabilities", &pod);
    assert_eq!(found, severity);
    let own = find("capabilities").expect("a rule").why;
    assert!(words.map_or(text == own, |words| text.contains(words)), "{text}");
}

#[test]
fn a_directory_in_memory_takes_memory() {
    let volume = |medium: &str| pod(json!({"spec": {"volumes": [{"name": "a", "emptyDir": {"medium": medium}}]}}));
    assert!(why("ephemeral-storage-limit", &volume("Memory")).0.contains("all the memory"));
    assert!(!why("ephemeral-storage-limit", &volume("")).0.contains("memory"));
}

/// The spec that the repair makes.
fn repaired(rule: &str, params: Value, pod: &Value) -> Value {
    let outcome = run(Hook::Mutate, pod, &snapshot(rule, "patch", params));
    let mut repaired = pod.clone();
    json_patch::patch(&mut repaired, &outcome.patch).expect("the patch applies");
    repaired["spec"].take()
}

/// A pod that has something to repair, and a volume on this path.
fn writable_pod(path: &str) -> Value {
    let mut pod = container(json!({"securityContext": null, "volumeMounts": [{"name": "a", "mountPath": path}]}));
    pod["spec"]["volumes"] = json!([{"name": "a", "emptyDir": {"sizeLimit": "1Mi"}}]);
    pod
}

#[test]
fn a_writable_path_of_the_policy_stays_writable() {
    let writable = |mounts: Value| container(json!({"securityContext": null, "volumeMounts": mounts}));
    let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path});
    let volume = |name: &str, size: &str| json!({"name": name, "emptyDir": {"sizeLimit": size}});
    let rule = "read-only-root-filesystem";
    let spec = repaired(rule, json!({}), &writable(json!(null)));
    assert_eq!(spec["volumes"], json!([volume("writable-app-0-0", "64Mi")]));
    assert_eq!(spec["containers"][0]["volumeMounts"], json!([mount("writable-app-0-0", "/tmp")]));

    // A path has many spellings, and a path in a volume belongs to the volume.
    let found = |path: &str, writable: &str| {
        let spec = repaired(rule, json!({"writable": [writable]}), &writable_pod(path));
        spec["containers"][0]["volumeMounts"].as_array().expect("mounts").len()
    };
    for (path, writable, mounts) in [
        ("//tmp", "/tmp", 1),
        ("/tmp/.", "/tmp", 1),
        ("/var/../tmp/", "/tmp", 1),
        ("/tmp", "/tmp/", 1),
        ("/var/run", "/run", 1),
        ("/var/cache", "/var/cache/nginx", 1),
        ("/var/cache/nginx", "/var/cache", 2),
        ("/tmpfs", "/tmp", 2),
    ] {
        assert_eq!(found(path, writable), mounts, "{path} and {writable}");
    }

    // A mounted path is writable already, and a name that is in use gets no second volume.
    let mut pod = writable(json!([mount("writable-app-0-1", "/tmp/")]));
    pod["spec"]["volumes"] = json!([volume("writable-app-0-1", "1Mi")]);
    let params = json!({"writable": ["/tmp", "/var/cache"], "sizeLimit": "16Mi"});
    let spec = repaired(rule, params, &pod);
    assert_eq!(spec["volumes"], json!([volume("writable-app-0-1", "1Mi"), volume("writable-app-0-1x", "16Mi")]));
    let mounts = json!([mount("writable-app-0-1", "/tmp/"), mount("writable-app-0-1x", "/var/cache")]);
    assert_eq!(spec["containers"][0]["volumeMounts"], mounts);
}

#[test]
fn a_pod_without_containers_is_left_as_it_is() {
    let mut denied = 0;
    for rule in RULES.iter().filter(|rule| rule.fixes()) {
        for spec in [None, Some(Value::Null), Some(json!({"containers": null, "hostNetwork": true}))] {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}});
            if let Some(spec) = spec {
                pod["spec"] = spec;
            }
            let snapshot = snapshot(rule.id, "patch", Value::Null);
            assert_eq!(run(Hook::Mutate, &pod, &snapshot).patch, [], "{}", rule.id);
            let outcome = run(Hook::Validate, &pod, &snapshot);
            assert!(outcome.violations.iter().all(|v| !v.repairable && v.effect == Effect::Deny), "{}", rule.id);
            denied += outcome.violations.len();
        }
    }
    assert!(denied > 0);
}

#[test]
fn the_volume_of_a_token_keeps_all_but_the_token() {
    let authority = json!({"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}});
    let token = json!({"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}});
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
    let namespace = json!({"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}});
    let volume =
        |sources: Value| json!([{"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": sources}}]);
    // Several sources, among sources and fields that podreeve does not know.
    let future = json!({"sourceOfTheFuture": {"kept": true}});
    let with = volume(json!([token, authority, token, namespace, future]));
    let pod = pod(json!({"spec": {"automountServiceAccountToken": null, "volumes": with}}));
    let spec = repaired("service-account-token", json!({}), &pod);
    assert_eq!(spec["automountServiceAccountToken"], json!(false));
    assert_eq!(spec["volumes"], volume(json!([authority, namespace, future])));
}

#[test]
fn only_these_rules_ask_for_a_cluster() {
    for rule in RULES {
        let params = if rule.id == "image-registries" { json!({"allow": ["a.example"]}) } else { Value::Null };
        let policies = snapshot(rule.id, "warn", params).policies;
        let policy = policies.policies.first().expect("one policy");
        let wanted = match rule.id {
            "pids-limit" => FactKinds::NODES,
            "apparmor-profile" | "selinux-options" => FactKinds::SECURITY_MODULES,
            "network-policy" => FactKinds::NETWORK_POLICIES,
            "exec-privileged" | "exec-root" => FactKinds::PODS,
            _ => FactKinds::empty(),
        };
        assert_eq!(policy.facts - FactKinds::IMAGES, wanted, "{}", rule.id);
    }
}

/// Which of two privileged containers are denied, when an outcome describes only one violation.
fn denied(specs: &[Value], old: Option<&Value>) -> (Verdict, usize) {
    let bad = |name: &str| json!({"name": name, "image": "a.example/b:1", "securityContext": {"privileged": true}});
    let two = pod(json!({"spec": {"containers": [bad("first"), bad("second")]}}));
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let snapshot = Snapshot { report_limit: 1, ..policies(specs) };
    let outcome = admit(review(operation, &two, old).to_string().as_bytes(), Hook::Validate, &snapshot, TODAY);
    (outcome.verdict, outcome.count(Effect::Deny))
}

#[test]
fn the_first_violation_is_not_counted_for_others() {
    let deny = json!({"rules": {"privileged": {"action": "deny"}}});
    let exempt =
        |name: &str| json!({"rules": ["privileged"], "namespaces": ["default"], "containers": [name], "reason": "r"});
    let mut first = deny.clone();
    first["exemptions"] = json!([exempt("first")]);
    assert_eq!(denied(std::slice::from_ref(&deny), None), (Verdict::Deny, 2));
    assert_eq!(denied(std::slice::from_ref(&first), None), (Verdict::Deny, 1));
    assert_eq!(denied(&[first, deny.clone()], None), (Verdict::Deny, 2));
    let mut old = pod(json!({}));
    let named = |name: &str, privileged: bool| json!({"name": name, "image": "a.example/b:1", "securityContext": {"privileged": privileged}});
    old["spec"]["containers"] = json!([named("first", true), named("second", false)]);
    assert_eq!(denied(&[deny], Some(&old)), (Verdict::Deny, 1));
}

#[test]
fn a_violation_of_the_old_pod_is_preexisting_in_any_container() {
    let with = |of_pod: &str, own: Value| {
        let mut pod = container(json!({"securityContext": {"seccompProfile": own}}));
        pod["spec"]["securityContext"]["seccompProfile"]["type"] = json!(of_pod);
        pod
    };
    let new = with("Unconfined", json!({"type": "RuntimeDefault"}));
    let taken = with("Unconfined", json!(null));
    let own = with("RuntimeDefault", json!({"type": "Unconfined"}));
    for (old, verdict) in [(taken, Verdict::Warn), (own, Verdict::Deny)] {
        let review = review("UPDATE", &new, Some(&old)).to_string();
        let snapshot = snapshot("seccomp-profile", "deny", Value::Null);
        let outcome = admit(review.as_bytes(), Hook::Validate, &snapshot, TODAY);
        assert_eq!((outcome.verdict, outcome.violations.len()), (verdict, 1), "{old}");
    }
}

#[test]
fn a_limit_above_the_highest_may_be_lowered_and_not_raised() {
    let limited = |limit: &str| container(json!({"resources": {"limits": {"memory": limit}}}));
    let snapshot = snapshot("memory-limit", "deny", json!({"max": "1Gi"}));
    for (before, after, verdict) in [("4Gi", "2Gi", Verdict::Warn), ("2Gi", "4Gi", Verdict::Deny)] {
        let review = review("UPDATE", &limited(after), Some(&limited(before))).to_string();
        assert_eq!(admit(review.as_bytes(), Hook::Validate, &snapshot, TODAY).verdict, verdict);
    }
}

#[test]
fn every_repair_is_made_however_few_are_displayed() {
    let open = |name: &str| json!({"name": name, "securityContext": {"allowPrivilegeEscalation": true}});
    let two = pod(json!({"spec": {"containers": [open("first"), open("second")]}}));
    let snapshot = Snapshot { report_limit: 1, ..snapshot("allow-privilege-escalation", "patch", Value::Null) };
    assert_eq!(run(Hook::Mutate, &two, &snapshot).patch.len(), 2);
}
