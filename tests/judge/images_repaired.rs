//! Repairs that depend on what is behind an image: pins, users, volumes, probes.

use super::common::{TODAY, policies, review, snapshot};
use super::images::{WEB, create, deployment, found, known, known_to, pod, unknown, with_images};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::{Effect, Note};
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, Reader, UnknownKind};
use podreeve::outcome::{Outcome, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;

fn patched(object: &Value, snapshot: &Snapshot) -> (Value, Outcome) {
    let outcome = create(object, Hook::Mutate, snapshot);
    let mut object = object.clone();
    json_patch::patch(&mut object, &outcome.patch).expect("the patch applies");
    (object, outcome)
}

fn digest_rule() -> Value {
    json!({"image-digest": {"action": "patch"}, "image-setuid": {"action": "warn"}})
}

#[test]
fn a_pod_is_pinned_to_the_digest_that_is_judged() {
    let digest = Digest::sha256(b"web");
    for name in ["nginx", "nginx:1", "docker.io/library/nginx:latest", "localhost:5000/a/b", "Registry.example.com/a:1"]
    {
        let snapshot = with_images(snapshot(digest_rule()), &json!({}), vec![(name, known("web", &[json!({})]))]);
        let mut object = pod(name);
        object["spec"]["initContainers"] = json!([{"name": "init", "image": name}]);
        object["spec"]["volumes"] = json!([{"name": "a", "emptyDir": {}}, {"name": "b", "image": {"reference": name}}]);
        let (pinned, outcome) = patched(&object, &snapshot);
        let wanted = json!(format!("{name}@{digest}"));
        for pointer in ["/spec/containers/0/image", "/spec/initContainers/0/image", "/spec/volumes/1/image/reference"] {
            assert_eq!(pinned.pointer(pointer), Some(&wanted), "{name}");
        }
        assert_eq!((outcome.verdict, outcome.patch.len()), (Verdict::Patch, 3), "{name}");
        // What is judged then are the same facts, without a question.
        let judged = create(&pinned, Hook::Validate, &snapshot);
        assert!(judged.verdict == Verdict::Allow && judged.missing_fact.is_none(), "{name}: {:?}", found(&judged));
        assert_eq!(patched(&pinned, &snapshot).0, pinned);
    }
}

#[test]
fn templates_are_never_pinned() {
    let spec = json!({"rules": digest_rule(), "patchTemplates": true});
    let snapshot = with_images(policies(&[spec]), &json!({}), vec![(WEB, known("web", &[json!({})]))]);
    let (same, outcome) = patched(&deployment(WEB), &snapshot);
    assert_eq!((same, outcome.verdict, outcome.violations.len()), (deployment(WEB), Verdict::Allow, 0));
    let outcome = create(&deployment(WEB), Hook::Validate, &snapshot);
    let notes: Vec<_> = outcome.violations.iter().map(|v| (v.effect, v.note)).collect();
    assert_eq!(notes, [(Effect::Audit, Some(Note::WillBePatched))]);
}

/// The API server lets a user change the images of a pod that exists, and nothing else of its containers.
#[test]
fn a_new_image_of_a_pod_that_exists_is_pinned() {
    let images = vec![(WEB, known("web", &[json!({})])), ("other:1", known("other", &[json!({})]))];
    let snapshot = with_images(snapshot(digest_rule()), &json!({}), images);
    let update = |new: &Value, old: &Value, hook| {
        admit(review("UPDATE", new, Some(old)).to_string().as_bytes(), hook, &snapshot, TODAY)
    };
    let patch = |new: &Value, old: &Value| {
        let outcome = update(new, old, Hook::Mutate);
        let mut new = new.clone();
        json_patch::patch(&mut new, &outcome.patch).expect("the patch applies");
        let verdict = update(&new, old, Hook::Validate).verdict;
        (new["spec"]["containers"].clone(), verdict)
    };
    let [web, other] = ["web", "other"].map(|name| Digest::sha256(name.as_bytes()));
    let [pinned_web, pinned_other] = [format!("{WEB}@{web}"), format!("other:1@{other}")];
    let containers =
        |images: [&str; 2]| json!([{"name": "app", "image": images[0]}, {"name": "b", "image": images[1]}]);
    let of = |images: [&str; 2]| {
        let mut object = pod(WEB);
        object["spec"]["containers"] = containers(images);
        object
    };
    let old = of([&pinned_web, &pinned_web]);
    assert_eq!(patch(&of(["other:1", &pinned_web]), &old), (containers([&pinned_other, &pinned_web]), Verdict::Allow));
    // A pod from before the policy: a label restarts none of its containers.
    let old = of([WEB, WEB]);
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(patch(&labelled, &old), (containers([WEB, WEB]), Verdict::Warn));
    // Neither does another container's new image.
    assert_eq!(patch(&of(["other:1", WEB]), &old), (containers([&pinned_other, WEB]), Verdict::Deny));
    assert_eq!(patch(&of(["other:1", &pinned_web]), &old), (containers([&pinned_other, &pinned_web]), Verdict::Allow));
}

#[test]
fn a_tag_that_leads_nowhere_follows_the_settings() {
    let verdict = |settings: Value, kind, running: bool, object: &Value| {
        let mut image = unknown(kind);
        image.runs_already = running;
        let image = ImageAnswer::Unknown(Arc::new(image));
        let rules = snapshot(json!({"image-digest": {"action": "patch"}}));
        let snapshot = with_images(rules, &settings, vec![(WEB, image)]);
        assert_eq!(create(object, Hook::Mutate, &snapshot).patch, []);
        create(object, Hook::Validate, &snapshot).verdict
    };
    for object in [pod(WEB), deployment(WEB)] {
        assert_eq!(verdict(json!({}), UnknownKind::Unavailable, false, &object), Verdict::Warn);
        let running = json!({"onUnavailable": "allowRunning"});
        assert_eq!(verdict(running.clone(), UnknownKind::Unavailable, true, &object), Verdict::Warn);
        assert_eq!(verdict(running, UnknownKind::Unavailable, false, &object), Verdict::Deny);
        assert_eq!(verdict(json!({"onUnknown": "deny"}), UnknownKind::NotFound, true, &object), Verdict::Deny);
        assert_eq!(verdict(json!({"onUnknown": "allow"}), UnknownKind::NotFound, true, &object), Verdict::Allow);
    }
    // Where the action is to deny, a tag is denied whatever is known.
    let denied = snapshot(json!({"image-digest": {"action": "deny"}, "image-size": {"action": "audit"}}));
    let image = ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::Unavailable)));
    let denied = with_images(denied, &json!({}), vec![(WEB, image)]);
    assert_eq!(create(&pod(WEB), Hook::Validate, &denied).verdict, Verdict::Deny);
}

fn user(written: &str, uid: Option<u32>, switcher: &str) -> Value {
    let tools: Vec<Value> = if switcher.is_empty() {
        Vec::new()
    } else {
        vec![json!({"name": switcher, "path": format!("usr/bin/{switcher}"), "layer": 0})]
    };
    json!({"run": {"User": written}, "content": {"uid": uid, "userSwitchers": tools}})
}

fn on(architecture: &str, mut facts: Value) -> Value {
    facts["platform"] = json!({"os": "linux", "architecture": architecture});
    facts
}

/// The container's `securityContext` after the repair, and the verdict about the repaired pod.
fn user_repaired(platforms: &[Value], reader: Reader, params: Value) -> (Value, Verdict) {
    let rules = snapshot(json!({"run-as-non-root": {"action": "patch", "params": params}}));
    // What is known to other namespaces alone is unknown here.
    let here = ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::Refused)));
    let snapshot = with_images(rules, &json!({}), vec![(WEB, here), (WEB, known_to(reader, "web", platforms))]);
    let (object, _) = patched(&pod(WEB), &snapshot);
    let verdict = create(&object, Hook::Validate, &snapshot).verdict;
    (object["spec"]["containers"][0]["securityContext"].clone(), verdict)
}

#[test]
fn the_user_of_the_image_decides_the_repair() {
    let non_root = json!({"runAsNonRoot": true});
    let as_user = |user: u32| json!({"runAsUser": user, "runAsNonRoot": true});
    let number = || on("amd64", user("1000:0", None, ""));
    for (platforms, wanted) in [
        (vec![number()], non_root.clone()),
        (vec![number(), on("arm64", user("1001", None, ""))], non_root.clone()),
        (vec![on("amd64", user("app:app", Some(999), ""))], as_user(999)),
        (vec![on("amd64", user("app", Some(999), "")), on("arm64", user("app", Some(999), ""))], as_user(999)),
        // Nobody knows which number fits every platform.
        (vec![on("amd64", user("app", Some(999), "")), on("arm64", user("app", Some(998), ""))], json!(null)),
        (vec![on("amd64", user("app", None, ""))], json!(null)),
        (vec![number(), on("arm64", user("", None, ""))], json!(null)),
        (vec![on("amd64", user("", None, "gosu"))], json!(null)),
        (vec![on("amd64", user("toor", Some(0), ""))], json!(null)),
        (vec![], json!(null)),
    ] {
        let verdict = if wanted.is_null() { Verdict::Deny } else { Verdict::Allow };
        let repaired = user_repaired(&platforms, Reader::Podreeve, json!({}));
        assert_eq!(repaired, (wanted, verdict), "{platforms:?}");
    }
    let foreign = Reader::Namespaces(Arc::new(["other".into()]));
    assert_eq!(user_repaired(&[number()], foreign, json!({})), (json!(null), Verdict::Deny));
    // The policy's user is for images that name none. One that changes its user itself would not start with it.
    let param = json!({"user": 20_000});
    assert_eq!(user_repaired(&[number()], Reader::Podreeve, param.clone()).0, non_root);
    assert_eq!(user_repaired(&[user("", None, "")], Reader::Podreeve, param.clone()).0, as_user(20_000));
    assert_eq!(user_repaired(&[user("", None, "gosu")], Reader::Podreeve, param).0, json!(null));
}

/// Facts from a file serve every policy: nothing is asked for them.
#[test]
fn facts_of_a_file_serve_rules_about_pods_alone() {
    let rules = snapshot(json!({"run-as-non-root": {"action": "deny"}}));
    let mut snapshot = with_images(rules, &json!({}), vec![(WEB, known("web", &[user("1234", None, "")]))]);
    let repairable = |snapshot: &Snapshot| create(&pod(WEB), Hook::Validate, snapshot).violations[0].repairable;
    assert!(!repairable(&snapshot));
    Arc::make_mut(snapshot.facts.images.as_mut().expect("images")).closed = true;
    assert!(repairable(&snapshot));
    let other = create(&pod("other:1"), Hook::Validate, &snapshot);
    assert!(other.missing_fact.is_none() && other.verdict == Verdict::Deny);
}

#[test]
fn a_denial_says_what_the_image_needs() {
    let denial = |facts: Value, context: Value| {
        let rules = snapshot(json!({"run-as-non-root": {"action": "deny"}, "image-size": {"action": "audit"}}));
        let snapshot = with_images(rules, &json!({}), vec![(WEB, known("web", &[facts]))]);
        let mut object = pod(WEB);
        object["spec"]["containers"][0]["securityContext"] = context;
        let outcome = create(&object, Hook::Validate, &snapshot);
        assert_eq!(outcome.verdict, Verdict::Deny);
        let response: Value = serde_json::from_slice(&outcome.reply).expect("JSON");
        response["response"]["status"]["message"].as_str().expect("a message").to_owned()
    };
    let number = denial(user("1234", None, ""), json!({}));
    assert!(
        number.contains("+ ") && !number.contains("must run as this user") && !number.contains("runAsUser"),
        "{number}"
    );
    let zero = denial(user("1234", None, ""), json!({"runAsUser": 0}));
    assert!(zero.contains("runAsUser: 1234") && !zero.contains("must run as this user"), "{zero}");
    let gosu = denial(user("", None, "gosu"), json!({}));
    assert!(gosu.contains("changes its user with gosu") && !gosu.contains("runAsUser: 10001"), "{gosu}");
    let root = denial(user("0", None, ""), json!({}));
    assert!(root.contains("runAsUser: 10001") && root.contains("must run as this user"), "{root}");
}

#[test]
fn a_read_only_root_gets_volumes_where_the_image_writes() {
    let facts = json!({
        "run": {"User": "1000", "Volumes": {"/data": {}, "/filled": {}, "/tmp/": {}, "/mounted": {}}, "WorkingDir": "/work",
                "Cmd": ["nginx"]},
        "content": {"filled": ["/filled", "/run"]},
    });
    let rules = snapshot(json!({"read-only-root-filesystem": {"action": "patch"}}));
    let snapshot = with_images(rules, &json!({}), vec![(WEB, known("web", &[facts]))]);
    let mut object = pod(WEB);
    object["spec"]["volumes"] = json!([{"name": "m", "emptyDir": {"sizeLimit": "1Mi"}}]);
    object["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "m", "mountPath": "/mounted"}]);
    let (object, _) = patched(&object, &snapshot);
    let mounts = object["spec"]["containers"][0]["volumeMounts"].as_array().expect("mounts");
    let paths: Vec<_> = mounts.iter().map(|mount| mount["mountPath"].as_str().expect("a path")).collect();
    assert_eq!(paths, ["/mounted", "/tmp", "/data", "/var/cache/nginx", "/work"]);
    let volumes = object["spec"]["volumes"].as_array().expect("volumes");
    assert!(volumes.iter().all(|volume| volume["emptyDir"]["sizeLimit"].is_string()), "{volumes:?}");
    assert_eq!(create(&object, Hook::Validate, &snapshot).verdict, Verdict::Allow);
}

#[test]
fn an_ssh_server_of_the_image_is_found() {
    let judge = |facts: Value, container: Value| {
        let rules = snapshot(json!({"ssh-server": {"action": "deny"}, "image-size": {"action": "audit"}}));
        let snapshot = with_images(rules, &json!({}), vec![(WEB, known("web", &[facts]))]);
        let mut object = pod(WEB);
        json_patch::merge(&mut object["spec"]["containers"][0], &container);
        found(&create(&object, Hook::Validate, &snapshot)).join("\n")
    };
    let run = |entrypoint: Value, cmd: Value| json!({"run": {"Entrypoint": entrypoint, "Cmd": cmd}});
    let program = "deny ssh-server /spec/containers/0/image sshd as the program of the image";
    assert_eq!(judge(run(json!(["/usr/sbin/sshd", "-D"]), json!([])), json!({})), program);
    assert_eq!(judge(run(json!(["tini", "--"]), json!(["sshd"])), json!({})), program);
    // The pod's own words replace those of the image.
    assert_eq!(judge(run(json!(["tini", "--"]), json!(["sshd"])), json!({"args": ["nginx"]})), "");
    assert_eq!(judge(run(json!(["sshd"]), json!([])), json!({"command": ["nginx"]})), "");
    assert_eq!(
        judge(run(json!(["tini", "--"]), json!([])), json!({"args": ["sshd"]})),
        "deny ssh-server /spec/containers/0/args/0 sshd as the program"
    );
    let exposed = judge(json!({"run": {"ExposedPorts": {"22/tcp": {}}}}), json!({}));
    assert_eq!(exposed, "deny ssh-server /spec/containers/0/image EXPOSE 22 in the image");
    let there = json!({"content": {"sshServers": [{"name": "sshd", "path": "usr/sbin/sshd", "layer": 0}]}});
    assert_eq!(judge(there, json!({})), "audit ssh-server /spec/containers/0/image /usr/sbin/sshd in the image");
}

#[test]
fn ports_of_the_image_are_compared_with_those_of_the_pod() {
    let rules = json!({
        "privileged-ports": {"action": "deny"}, "undeclared-ports": {"action": "warn"}, "image-size": {"action": "audit"},
    });
    let facts = json!({"run": {"ExposedPorts": {"80/tcp": {}, "9090/tcp": {}, "53/udp": {}}}});
    let snapshot = with_images(snapshot(rules), &json!({}), vec![(WEB, known("web", &[facts]))]);
    let mut object = pod(WEB);
    object["spec"]["containers"][0]["ports"] = json!([{"containerPort": 9090}]);
    object["spec"]["initContainers"] = json!([{"name": "init", "image": WEB}]);
    let at = "/spec/containers/0/image";
    assert_eq!(
        found(&create(&object, Hook::Validate, &snapshot)),
        [
            format!("audit privileged-ports {at} EXPOSE 53/udp, 80 in the image"),
            format!("audit undeclared-ports {at} EXPOSE 53/udp, 80 in the image, and not in ports"),
        ]
    );
    object["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8443}, {"containerPort": 9090}, {"containerPort": 53}, {"containerPort": 1080}, {"containerPort": 80}]);
    let more = found(&create(&object, Hook::Validate, &snapshot));
    let wanted = format!("audit undeclared-ports {at} containerPort 8443, 1080, and no EXPOSE of it in the image");
    assert!(more.contains(&wanted), "{more:?}");
}

#[test]
fn a_healthcheck_becomes_a_probe() {
    let rules = snapshot(json!({"health-probes": {"action": "deny"}, "image-size": {"action": "audit"}}));
    let facts = json!({"run": {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f localhost"]}}});
    let snapshot = with_images(rules, &json!({}), vec![(WEB, known("web", &[facts]))]);
    let outcome = create(&deployment(WEB), Hook::Validate, &snapshot);
    let response: Value = serde_json::from_slice(&outcome.reply).expect("JSON");
    let message = response["response"]["status"]["message"].as_str().expect("a message");
    assert!(message.contains("curl -f localhost") && message.contains("HEALTHCHECK"), "{message}");
}
