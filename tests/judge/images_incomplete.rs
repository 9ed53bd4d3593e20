//! Images of which not all is known: one rule says so, and nothing is let in under a rule that denies without a word.

use super::common::{policies, snapshot};
use super::images::{WEB, create, facts, found, known, pod, rules, setuid_of, with_images};
use podreeve::admit::{Hook, Snapshot};
use podreeve::decide::Effect;
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, KnownImage, Reader};
use serde_json::{Value, json};
use std::sync::Arc;

const AT: &str = "/spec/containers/0/image";
const UNREAD: &str = "its layers are not read yet, so podreeve does not know what is in them";

fn light() -> ImageAnswer {
    known("light", &[json!({"content": null})])
}

/// What is found in a pod with this image.
fn said(snapshot: Snapshot, settings: &Value, image: ImageAnswer) -> String {
    let snapshot = with_images(snapshot, settings, vec![(WEB, image)]);
    found(&create(&pod(WEB), Hook::Validate, &snapshot)).join("\n")
}

#[test]
fn layers_that_are_not_read_follow_the_settings() {
    for (action, settings, effect) in [
        ("deny", json!({}), "warn"),
        ("deny", json!({"onUnknown": "warn"}), "warn"),
        ("deny", json!({"onUnknown": "deny"}), "deny"),
        ("deny", json!({"onUnknown": "allow"}), "audit"),
        ("warn", json!({}), "warn"),
        ("warn", json!({"onUnknown": "deny"}), "warn"),
        ("audit", json!({"onUnknown": "deny"}), "audit"),
        // Nobody is told of what passes by itself.
        ("audit", json!({}), ""),
    ] {
        let wanted = if effect.is_empty() { String::new() } else { format!("{effect} image-setuid {AT} {UNREAD}") };
        assert_eq!(said(rules(action), &settings, light()), wanted, "{action} {settings}");
    }
    // A policy whose rules need no layers says nothing of them.
    let age = || snapshot(json!({"image-age": {"action": "deny"}, "image-add": {"action": "deny"}}));
    assert_eq!(said(age(), &json!({"onUnknown": "deny"}), light()), "");
}

/// A registry may have lost it.
#[test]
fn where_one_platform_is_not_read_it_is_named() {
    let on = |architecture: &str| json!({"platform": {"os": "linux", "architecture": architecture}});
    let mut lost = on("arm64");
    lost["content"] = json!(null);
    let text = said(rules("deny"), &json!({}), known("lost", &[on("amd64"), lost]));
    let layers = UNREAD.replace("its layers", "its layers for linux/arm64");
    assert_eq!(text, format!("warn image-setuid {AT} {layers}"));
}

#[test]
fn the_strictest_rule_that_judges_what_is_missing_says_so() {
    let owasp = || {
        snapshot(json!({
            "image-packages": {"action": "audit"}, "image-secrets": {"action": "deny"}, "image-setuid": {"action": "deny"},
            "image-add": {"action": "warn"}, "image-base": {"action": "warn"},
        }))
    };
    assert_eq!(said(owasp(), &json!({}), light()), format!("warn image-secrets {AT} {UNREAD}"));
    let lacks = |parts: Value, path: Value| {
        let gap = json!({"parts": parts, "path": path, "why": "it is larger than 1 MiB"});
        known("gap", &[json!({"gaps": [gap]})])
    };
    let begin = "podreeve did not read all of it:";
    for (image, says) in [
        (
            lacks(json!(["packages"]), json!("var/lib/dpkg/status")),
            format!("audit image-packages {AT} {begin} packages in /var/lib/dpkg/status: it is larger than 1 MiB"),
        ),
        (
            lacks(json!(["privilegedFiles"]), json!(null)),
            format!("warn image-setuid {AT} {begin} files with setuid or capabilities: it is larger than 1 MiB"),
        ),
        (
            lacks(json!(["history"]), json!(null)),
            format!("warn image-secrets {AT} {begin} history: it is larger than 1 MiB"),
        ),
        // No rule of the policy judges settings or users.
        (lacks(json!(["settings", "accounts"]), json!(null)), String::new()),
    ] {
        assert_eq!(said(owasp(), &json!({}), image), says);
    }
    let database = json!([{"path": "var/lib/rpm/Packages", "why": "a database of rpm in the format Berkeley DB"}]);
    let rpm = known("rpm", &[json!({"content": {"unknownPackages": database}})]);
    let denied = snapshot(json!({"image-packages": {"action": "deny"}}));
    let says = "packages in /var/lib/rpm/Packages: a database of rpm in the format Berkeley DB";
    let wanted = format!("deny image-packages {AT} {begin} {says}");
    assert_eq!(said(denied, &json!({"onUnknown": "deny"}), rpm), wanted);
}

#[test]
fn what_is_found_in_an_incomplete_image_is_still_found() {
    let mut bad = setuid_of(&["bin/su"]);
    bad["gaps"] = json!([{"parts": ["privilegedFiles"], "why": "there are more than podreeve lists"}]);
    let text = said(rules("deny"), &json!({}), known("bad", &[bad]));
    let setuid = format!("deny image-setuid {AT} layers[1]/bin/su: setuid (mode 4755)");
    let gap = format!(
        "warn image-setuid {AT} podreeve did not read all of it: files with setuid or capabilities: there are more than podreeve lists"
    );
    assert_eq!(text, format!("{setuid}\n{gap}"));
}

#[test]
fn a_pod_with_new_images_gets_one_line() {
    let mut object = pod(WEB);
    object["spec"]["initContainers"] = json!([{"name": "a", "image": "other:1"}, {"name": "b", "image": WEB}]);
    object["spec"]["volumes"] = json!([{"name": "b", "image": {"reference": "third:1"}}]);
    let images = || [WEB, "other:1", "third:1"].map(|name| (name, known(name, &[json!({"content": null})]))).to_vec();
    let of = |snapshot: Snapshot, settings: Value| {
        let outcome = create(&object, Hook::Validate, &with_images(snapshot, &settings, images()));
        [Effect::Warn, Effect::Deny, Effect::Exempt].map(|effect| outcome.count(effect))
    };
    assert_eq!(of(rules("deny"), json!({})), [1, 0, 0]);
    assert_eq!(of(rules("deny"), json!({"onUnknown": "deny"})), [0, 4, 0]);
    // The exemption of one image is none for the others.
    let exempt = policies(&[json!({
        "rules": {"image-setuid": {"action": "deny"}},
        "exemptions": [{"rules": ["image-setuid"], "namespaces": ["shop"], "images": ["other"], "reason": "it is old"}],
    })]);
    let of_exempt = of(exempt, json!({}));
    assert!(of_exempt[0] >= 1 && of_exempt[2] == 1, "{of_exempt:?}");
}

#[test]
fn an_image_of_several_containers_is_said_once() {
    let gap = json!({"parts": ["privilegedFiles"], "why": "it is full"});
    let mut object = pod(WEB);
    object["spec"]["initContainers"] = json!([{"name": "a", "image": "other:1"}, {"name": "b", "image": WEB}]);
    let copies = (0..7).map(|number| json!({"name": format!("copy-{number}"), "image": WEB}));
    object["spec"]["containers"].as_array_mut().unwrap().extend(copies);
    object["spec"]["volumes"] = json!([{"name": "v", "image": {"reference": "other:1"}}]);
    let images = || [WEB, "other:1"].map(|name| (name, known(name, &[json!({"gaps": [gap]})]))).to_vec();
    let of = |snapshot: Snapshot, settings: Value| {
        found(&create(&object, Hook::Validate, &with_images(snapshot, &settings, images())))
    };
    let says = "podreeve did not read all of it: files with setuid or capabilities: it is full (the same image:";
    let web = format!(
        "warn image-setuid /spec/initContainers/1/image {says} `app`, `copy-0`, `copy-1`, `copy-2`, `copy-3` and 3 more)"
    );
    let other = format!("warn image-setuid /spec/initContainers/0/image {says} volume `v`)");
    assert_eq!(of(rules("deny"), json!({})), [other, web]);
    // An exemption may be for one container.
    let denied = of(rules("deny"), json!({"onUnknown": "deny"}));
    assert!(
        denied.len() == 11 && denied.iter().all(|line| line.starts_with("deny") && !line.contains("same")),
        "{denied:?}"
    );
    let exempt = policies(&[json!({
        "rules": {"image-setuid": {"action": "deny"}},
        "exemptions": [{"rules": ["image-setuid"], "namespaces": ["shop"], "containers": ["b"], "reason": "it is old"}],
    })]);
    assert_eq!(of(exempt, json!({})).len(), 11);
}

#[test]
fn the_pod_decides_what_a_gap_means() {
    let lacks = || known("gap", &[json!({"gaps": [{"parts": ["privilegedFiles"], "why": "it is full"}]})]);
    let effect = |rules: Value, escalation: Value| {
        let mut object = pod(WEB);
        object["spec"]["containers"][0]["securityContext"] = json!({"allowPrivilegeEscalation": escalation});
        let snapshot = with_images(snapshot(rules), &json!({"onUnknown": "deny"}), vec![(WEB, lacks())]);
        let outcome = create(&object, Hook::Validate, &snapshot);
        outcome.violations.first().map(|violation| violation.effect)
    };
    let owasp = || json!({"image-setuid": {"action": "deny", "params": {"onlyEscalationDenies": true}}});
    let plain = || json!({"image-setuid": {"action": "deny"}});
    for (rules, escalation, wanted) in [
        (owasp(), json!(null), Effect::Warn),
        (owasp(), json!(true), Effect::Deny),
        (owasp(), json!(false), Effect::Audit),
        (plain(), json!(null), Effect::Deny),
        (plain(), json!(false), Effect::Audit),
    ] {
        assert_eq!(effect(rules.clone(), escalation.clone()), Some(wanted), "{rules} {escalation}");
    }
}

#[test]
fn each_platform_that_a_node_may_run_counts() {
    let windows = |content: Value| json!({"platform": {"os": "windows", "architecture": "amd64"}, "content": content});
    let unread = || windows(json!(null));
    let of = |platforms: &[Value], os: Value| {
        let mut object = pod(WEB);
        object["spec"]["os"] = os;
        let images = vec![(WEB, known("web", platforms))];
        let snapshot = with_images(rules("deny"), &json!({"onUnknown": "deny"}), images);
        create(&object, Hook::Validate, &snapshot).violations.first().map(|violation| violation.effect)
    };
    let arm = json!({"platform": {"os": "linux", "architecture": "arm64"}, "content": null});
    assert_eq!(of(&[json!({}), arm], json!(null)), Some(Effect::Deny));
    // Registries need not have the first layers of Windows, and a node of Linux does not run them.
    assert_eq!(of(&[json!({}), unread()], json!(null)), None);
    assert_eq!(of(&[json!({}), unread()], json!({"name": "windows"})), Some(Effect::Audit));
    assert_eq!(of(&[unread()], json!({"name": "windows"})), Some(Effect::Audit));
    // What has no index a node runs whatever it is said to be for.
    assert_eq!(of(&[unread()], json!(null)), Some(Effect::Deny));
}

#[test]
fn a_platform_that_is_not_there_yet_is_unknown() {
    let image = KnownImage::new(Digest::sha256(b"a"), vec![facts(&json!({}))], Reader::Podreeve);
    let image = ImageAnswer::Known(Arc::new(image.without(&["linux/arm64".parse().unwrap()])));
    for (settings, effect) in [(json!({}), "warn"), (json!({"onUnknown": "deny"}), "deny")] {
        let text = said(rules("deny"), &settings, image.clone());
        assert!(text.starts_with(&format!("{effect} image-setuid")) && text.contains("names linux/arm64"), "{text}");
    }
}
