//! What `image-add` knows of the bases that a policy allows.

use super::common::snapshot;
use super::images::{WEB, create, known, pod, with_images};
use podreeve::admit::Hook;
use serde_json::{Value, json};

/// `image-add` knows the bases that `image-base` allows in the same policy, whatever is done about other bases.
#[test]
fn an_allowed_base_adds_nothing() {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let layers = ["a", "b", "c"].map(|digit| json!({"digest": digest(digit), "diffId": digest(digit), "size": 1}));
    let steps = ["ADD rootfs.tar / # buildkit", "ADD runtime.tar /opt # buildkit", "ADD app.tar /app # buildkit"];
    let history = steps.map(|step| json!({"created_by": step}));
    let image = json!({"layers": layers, "history": history});
    let added = |rules: Value| {
        let images = vec![(WEB, known("web", std::slice::from_ref(&image)))];
        let snapshot = with_images(snapshot(rules), &json!({}), images);
        let violations = create(&pod(WEB), Hook::Validate, &snapshot).violations;
        let of_add = violations.iter().filter(|one| one.rule.id == "image-add");
        let found: String = of_add.map(|one| one.found.to_string()).collect();
        ["rootfs.tar", "runtime.tar", "app.tar"].into_iter().filter(|name| found.contains(name)).collect::<Vec<_>>()
    };
    let base = |digits: &str, action: &str| {
        let layers: Vec<String> = digits.split(' ').map(digest).collect();
        let params = json!({"allow": [{"name": "runtime", "layers": layers}]});
        json!({"image-base": {"action": action, "params": params}, "image-add": {"action": "warn"}})
    };
    assert_eq!(added(json!({"image-add": {"action": "warn"}})), ["runtime.tar", "app.tar"]);
    assert_eq!(added(base("a b", "warn")), ["app.tar"]);
    assert_eq!(added(base("a b", "off")), ["app.tar"]);
    assert_eq!(added(base("d", "off")), ["runtime.tar", "app.tar"]);
    let mut own = base("a b", "off");
    own["image-add"]["params"] = json!({"bases": []});
    assert_eq!(added(own), ["runtime.tar", "app.tar"]);
}
