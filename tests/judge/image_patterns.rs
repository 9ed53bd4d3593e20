//! Image patterns in every place of a policy. A pattern with a tag covers no reference with a digest.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::Verdict;
use podreeve::policy::ObjectExemption;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A privileged container with this image, which is also mounted as a volume.
fn pod(image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"},
        "spec": {
            "containers": [{"name": "app", "image": image, "securityContext": {"privileged": true}}],
            "volumes": [{"name": "tools", "image": {"reference": image}}],
        },
    })
}

fn is_let_in(image: &str, snapshot: &Snapshot) -> bool {
    admit(review("CREATE", &pod(image), None).to_string().as_bytes(), Hook::Validate, snapshot, TODAY).verdict
        != Verdict::Deny
}

/// Every place that takes patterns, with this pattern.
fn places(pattern: &str) -> [(&'static str, Snapshot); 3] {
    let privileged = json!({"privileged": {"action": "deny"}});
    let exemption = json!({"rules": ["privileged"], "images": [pattern], "reason": "a test"});
    let mut own = exemption.clone();
    own["namespaces"] = json!(["shop"]);
    let of_policy = policies(&[json!({"rules": privileged, "exemptions": [own]})]);
    let mut of_object = policies(&[json!({"rules": privileged})]);
    let object = ObjectExemption::new("shop", "e", Some(&exemption.to_string())).expect("it compiles");
    of_object.policies.exemptions = vec![Arc::new(object)];
    let registries = json!({"image-registries": {"action": "deny", "params": {"allow": [pattern]}}});
    [
        ("exemptions.images", of_policy),
        ("Exemption", of_object),
        ("image-registries", policies(&[json!({"rules": registries})])),
    ]
}

#[rstest]
#[case::repository("registry.example.com/mesh/agent", &[":1", ":2", "", "@A", ":1@A", ":1@B", "/part:1", "/part@B"])]
#[case::tag("registry.example.com/mesh/agent:1", &[":1"])]
#[case::digest(&format!("registry.example.com/mesh/agent@{DIGEST}"), &["@A", ":1@A", ":2@A"])]
#[case::both(&format!("registry.example.com/mesh/agent:1@{DIGEST}"), &[":1@A"])]
fn a_pattern_covers_these_images(#[case] pattern: &str, #[case] covered: &[&str]) {
    let all = [
        ":1",
        ":2",
        "",
        "@A",
        "@B",
        ":1@A",
        ":2@A",
        ":1@B",
        "/part:1",
        "/part:1@A",
        "/part@B",
        "s:1",
        "s@A",
        // No runtime accepts these.
        ":1@sha256:zz",
        ":1@",
        "/../evil:1",
        ":1\n",
    ];
    for (place, snapshot) in places(pattern) {
        for ending in all {
            let image = format!("registry.example.com/mesh/agent{ending}").replace("@A", &format!("@{DIGEST}"));
            let image = image.replace("@B", &format!("@{OTHER}"));
            // A repository covers every name below it.
            let under = covered.contains(&ending)
                || pattern == "registry.example.com/mesh/agent" && matches!(ending, "@B" | ":2@A" | "/part:1@A");
            assert_eq!(is_let_in(&image, &snapshot), under, "{place}: {image:?} under {pattern}");
        }
    }
}
