//! The merged edit of a denial: recorded reviews, generated workloads, and what the message looks like.

use super::common::{TODAY, good_pod, policies, review, snapshot};
use super::repaired::{message, repaired, repaired_request, shape};
use podreeve::admit::{Hook, admit};
use podreeve::decide::Effect;
use podreeve::outcome::Verdict;
use podreeve::review::response::MAX_REPORTED;
use podreeve::sources::Sources;
use serde_json::{Value, json};

fn owasp() -> podreeve::admit::Snapshot {
    Sources::new(&[]).load(1, MAX_REPORTED).expect("the built-in policy loads")
}

#[test]
fn the_recorded_deployment_is_repaired_by_the_message_alone() {
    let body = include_str!("../reviews/review-001-Deployment-CREATE.json");
    let review: Value = serde_json::from_str(body).expect("JSON");
    let (_, left) = repaired("recorded", &review["request"]["object"], &owasp()).expect("it is denied");
    assert!(left.iter().all(|violation| violation.effect != Effect::Deny), "{left:?}");
    let denial = admit(body.as_bytes(), Hook::Validate, &owasp(), TODAY);
    shape("recorded", &denial);
    let text = message(&denial);
    for line in [
        "\nDeployment default/web denied: 13 violations (2 critical) of policy owasp. This edit of spec.template.spec passes:\n",
        "\n  volumes:\n-   - {name: sock, hostPath: {path: /var/run/docker.sock, type: \"\"}}  # critical runtime-socket: ",
        "\n-       - {name: sock, mountPath: /var/run/docker.sock}",
        "\n-         value: (hidden)                     # high env-secrets [",
        "\n+         valueFrom: {secretKeyRef: {name: web, key: DB_PASSWORD}}",
        "\n-       - containerPort: 80                   # medium privileged-ports [",
        "\n+       - containerPort: 8080\n",
        "\n+     resources: {limits: {memory: 128Mi}}    # medium memory-limit [",
        "\nNeeded as it is? Ask the operators of podreeve for an exemption of: privileged, runtime-socket, ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("left out"), "{text}");
}

/// Requests of every kind that an API server sent: creations, updates, and a debug container.
#[test]
fn what_an_api_server_sent_is_repaired_as_the_denial_says() {
    let (owasp, strict, mut denied) = (owasp(), snapshot(every_rule()), Vec::new());
    for entry in std::fs::read_dir("tests/reviews").expect("the folder") {
        let file = entry.expect("an entry").path();
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let review: Value = serde_json::from_slice(&std::fs::read(&file).expect("readable")).expect("JSON");
        for (policy, snapshot) in [("owasp", &owasp), ("strict", &strict)] {
            let Some((repaired, left)) = repaired_request(&name, &review, snapshot) else { continue };
            for violation in left.iter().filter(|violation| violation.effect == Effect::Deny) {
                // No edit knows the image that was meant, or the port of a container that declares none.
                let is_open = ["image-tag", "image-digest", "health-probes"].contains(&violation.rule.id);
                // A debug container changes nothing of its pod.
                let is_fixed = name.ends_with("UPDATE") && violation.rule.id == "host-users";
                assert!(is_open || is_fixed, "{name}, {policy}: {violation:?}\n{repaired:#}");
            }
            denied.push(format!("{policy} {name}"));
        }
    }
    for bad in ["review-001-Deployment-CREATE", "review-002-CronJob-CREATE", "review-005-Pod-UPDATE"] {
        for policy in ["owasp", "strict"] {
            assert!(denied.contains(&format!("{policy} {bad}")), "{denied:?}");
        }
    }
    assert_eq!(denied.iter().filter(|name| name.starts_with("owasp")).count(), 3, "{denied:?}");
}

/// Numbers that are the same in each run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

fn container(numbers: &mut Numbers, index: usize) -> Value {
    let image =
        ["registry.example.com/a:1", "nginx", "busybox:latest", "registry.example.com/b/c:2.3"][numbers.below(4)];
    let mut container = json!({"name": format!("c{index}"), "image": image});
    let mut context = json!({});
    for (field, value, odds) in [
        ("privileged", json!(true), 6),
        ("allowPrivilegeEscalation", json!(true), 5),
        ("readOnlyRootFilesystem", json!(false), 3),
        ("runAsUser", json!(0), 4),
        ("runAsUser", json!(1000), 5),
        ("runAsNonRoot", json!(true), 4),
        ("runAsNonRoot", json!(false), 6),
        ("procMount", json!("Unmasked"), 9),
        ("seccompProfile", json!({"type": "Unconfined"}), 6),
        ("seLinuxOptions", json!({"type": "spc_t", "level": "s0"}), 8),
        ("capabilities", json!({"add": ["NET_ADMIN", "SYS_ADMIN"]}), 4),
        ("capabilities", json!({"add": ["NET_BIND_SERVICE", "CHOWN"], "drop": ["MKNOD"]}), 6),
        ("capabilities", json!({"drop": ["ALL"]}), 4),
    ] {
        if numbers.one_in(odds) {
            context[field] = value;
        }
    }
    if context != json!({}) || numbers.one_in(2) {
        container["securityContext"] = context;
    }
    if numbers.one_in(2) {
        let port = [80, 443, 22, 8080, 53][numbers.below(5)];
        container["ports"] = json!([{"name": "p", "containerPort": port}, {"containerPort": 9000 + index}]);
        if numbers.one_in(3) {
            container["ports"][0]["hostPort"] = json!(port);
        }
        if numbers.one_in(2) {
            container["livenessProbe"] = json!({"httpGet": {"port": port, "path": "/"}});
        }
        if numbers.one_in(5) {
            container["readinessProbe"] = json!({"tcpSocket": {"port": port, "host": "127.0.0.1"}});
        }
    }
    if numbers.one_in(2) {
        container["resources"] = [
            json!({}),
            json!({"requests": {"memory": "1Gi"}}),
            json!({"limits": {"memory": "512m"}}),
            json!({"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1", "cpu": "1"}}),
            json!({"limits": {"memory": "64Mi"}, "requests": {"memory": "128Mi"}}),
        ][numbers.below(5)]
        .clone();
    }
    if numbers.one_in(3) {
        container["env"] = json!([
            {"name": "HOME", "value": "/tmp"}, {"name": "DB_PASSWORD", "value": "hunter2hunter2"},
            {"name": "DOCKER_HOST", "value": "tcp://10.0.0.1:2375"},
        ]);
    }
    if numbers.one_in(2) {
        let mounts: Vec<Value> =
            (0..=numbers.below(3)).map(|n| json!({"name": format!("v{n}"), "mountPath": format!("/m{n}")})).collect();
        container["volumeMounts"] = json!(mounts);
    }
    if numbers.one_in(9) {
        container["command"] = json!(["/usr/sbin/sshd", "-D"]);
    }
    container
}

/// A workload with many violations, the same for the same seed.
pub fn workload(seed: usize) -> Value {
    let numbers = &mut Numbers(u64::try_from(seed).unwrap_or_default() * 977 + 1);
    numbers.below(7);
    let count = 1 + numbers.below(8);
    let path = ["/var/run/docker.sock", "/etc", "/data", "/dev/kvm"][numbers.below(4)];
    let mut spec = json!({"volumes": [
        {"name": "v0", "hostPath": {"path": path}},
        {"name": "v1", "emptyDir": {}}, {"name": "v2", "nfs": {"server": "s", "path": "/"}},
    ]});
    let init = usize::from(numbers.one_in(3));
    spec["initContainers"] = (0..init).map(|n| container(numbers, 20 + n)).collect();
    spec["containers"] = (0..count).map(|n| container(numbers, n)).collect();
    for (field, value, odds) in [
        ("hostNetwork", json!(true), 6),
        ("hostPID", json!(true), 6),
        ("hostIPC", json!(true), 8),
        ("securityContext", json!({"runAsUser": 0}), 7),
        (
            "securityContext",
            json!({"runAsNonRoot": true, "sysctls": [{"name": "kernel.msgmax", "value": "1"}, {"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
            5,
        ),
        ("securityContext", json!({"seccompProfile": {"type": "Unconfined"}, "runAsUser": 1000}), 7),
        ("fieldOfTheFuture", json!({"kept": [seed]}), 2),
    ] {
        if numbers.one_in(odds) {
            spec[field] = value;
        }
    }
    let template = json!({"metadata": {"labels": {"app": "x"}, "annotations": {}}, "spec": spec});
    let metadata = json!({"name": "w", "namespace": "default"});
    match numbers.below(4) {
        0 => json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}),
        1 => {
            let mut job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}});
            job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
            job
        }
        kind => {
            json!({"apiVersion": "apps/v1", "kind": (if kind == 2 { "Deployment" } else { "DaemonSet" }), "metadata": metadata,
            "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template}})
        }
    }
}

#[test]
fn three_hundred_generated_workloads_are_repaired_as_the_denial_says() {
    let strict = snapshot(every_rule());
    let (owasp, mut lines, mut denied) = (owasp(), Vec::new(), 0);
    for seed in 0..300 {
        let object = workload(seed);
        let case = format!("workload {seed}");
        repaired(&format!("{case}, strict"), &object, &strict);
        let Some((_, left)) = repaired(&case, &object, &owasp) else { continue };
        denied += 1;
        for violation in left.iter().filter(|v| v.effect == Effect::Deny) {
            assert!(["image-tag", "ssh-server"].contains(&violation.rule.id), "{case}: {violation:?}");
        }
        let denial = admit(review("CREATE", &object, None).to_string().as_bytes(), Hook::Validate, &owasp, TODAY);
        let text = message(&denial);
        assert!(!text.contains("hunter2"), "{case}: {text}");
        lines.push(text.lines().count());
    }
    lines.sort_unstable();
    assert!(denied > 250, "{denied}");
    println!("lines: median {}, most {}", lines[lines.len() / 2], lines[lines.len() - 1]);
}

fn every_rule() -> Value {
    let judged = podreeve::rules::RULES
        .iter()
        .filter(|rule| rule.id != "image-registries" && rule.judges_requests() && !rule.judges_exec());
    Value::Object(judged.map(|rule| (rule.id.to_owned(), json!({"action": "deny"}))).collect())
}

#[test]
fn the_contact_and_the_pages_of_the_policy_are_named() {
    let spec = json!({"rules": {"host-pid": {"action": "deny"}}, "contact": "platform@example.com", "docs": "https://example.com/r/"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostPID": true, "containers": [{"name": "a"}]}});
    let outcome = admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Validate, &policies(&[spec]), TODAY);
    assert_eq!(outcome.verdict, Verdict::Deny);
    shape("contact", &outcome);
    assert_eq!(
        message(&outcome),
        "\nPod default/p denied: 1 violation (1 high) of policy p0. This edit of spec passes:\n\n\
         - hostPID: true                               # high host-pid: a pod in the process namespace of the node reads \
         environments and files of its processes and, as root, controls them\n\
         Needed as it is? Ask platform@example.com for an exemption of: host-pid. Reasons: https://example.com/r/host-pid (id 11111111)"
    );
}

#[test]
fn a_crowd_is_denied_in_forty_lines_and_nothing_severe_is_left_out() {
    for count in [5, 12, 40, 300] {
        let containers: Vec<Value> = (0..count)
            .map(|n| json!({"name": format!("container-{n}"), "image": "a", "securityContext": {"privileged": n % 3 == 0}}))
            .collect();
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crowd"}, "spec": {"containers": containers}});
        let outcome = admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Validate, &owasp(), TODAY);
        shape(&format!("{count} containers"), &outcome);
        let text = message(&outcome);
        assert!(["privileged", "capabilities", "run-as-non-root"].iter().all(|rule| text.contains(rule)), "{text}");
    }
}

#[test]
fn a_debug_container_gets_the_json_that_passes() {
    let mut pod = good_pod();
    let old = pod.clone();
    pod["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "registry.example.com/busybox:1",
        "securityContext": {"privileged": true}}]);
    let sent = |pod: &Value| {
        let mut review = review("UPDATE", pod, Some(&old));
        review["request"]["subResource"] = json!("ephemeralcontainers");
        admit(review.to_string().as_bytes(), Hook::Validate, &owasp(), TODAY)
    };
    let text = message(&sent(&pod));
    let custom =
        text.split_once("write ").and_then(|(_, rest)| rest.split_once(" into custom.json")).expect("the JSON").0;
    assert!(text.contains("add --profile=restricted --custom=custom.json"), "{text}");
    let custom: Value = serde_json::from_str(custom).expect("JSON");
    // What `--profile=restricted` makes, with the custom JSON merged into it.
    let mut container = json!({"name": "debugger", "image": "registry.example.com/busybox:1", "securityContext": {
        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"}}});
    json_patch::merge(&mut container, &custom);
    pod["spec"]["ephemeralContainers"] = json!([container]);
    let outcome = sent(&pod);
    assert_ne!(outcome.verdict, Verdict::Deny, "{}", message(&outcome));
}

#[test]
fn the_text_of_a_stranger_moves_nothing() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p\u{1b}[31m"}, "spec": {
        "volumes": [{"name": "a\n+ evil: true", "hostPath": {"path": "/etc\u{202e}"}}],
        "containers": [{"name": "c\u{7}\nNeeded", "image": "a:1", "volumeMounts": [{"name": "a\n+ evil: true", "mountPath": "/x"}],
            "securityContext": {"privileged": true, "seLinuxOptions": {"type": "x\u{200b}\r\n"}}}]}});
    let outcome = admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Validate, &owasp(), TODAY);
    let text = message(&outcome);
    shape("strange", &outcome);
    assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{200b}')), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("+ evil") || line.starts_with("Needed\"")), "{text}");
}
