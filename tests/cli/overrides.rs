//! A policy that extends a built-in one: `check` judges as the cluster does whose chart values change it.

use super::binary::{Dir, Ran};
use serde_json::Value;
use std::collections::BTreeMap;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: csi, namespace: storage}
spec:
  containers:
  - name: csi
    image: registry.example.com/csi:1
    ports: [{containerPort: 80}]
    securityContext: {privileged: true}
    resources: {limits: {memory: 8Gi}}
";

const CHANGED: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: owasp}
spec:
  extends: owasp
  rules:
    image-digest: {action: deny}
    privileged-ports: {action: off}
    memory-limit: {params: {max: 4Gi}}
  exemptions:
  - rules: [privileged]
    namespaces: [storage]
    reason: the CSI driver mounts file systems
";

fn check(dir: &Dir, policy: &str) -> Ran {
    dir.run(&["check", "pod.yaml", "--policy", policy, "-o", "json"])
}

/// The effect of each violation, by rule.
fn effects(ran: &Ran) -> BTreeMap<String, String> {
    let violations = ran.json()["objects"][0]["violations"].as_array().expect("violations").clone();
    let text = |violation: &Value, key: &str| violation[key].as_str().expect("a text").to_owned();
    violations.iter().map(|violation| (text(violation, "rule"), text(violation, "effect"))).collect()
}

#[test]
fn what_the_policy_does_not_name_is_as_in_the_built_in_one() {
    let dir = Dir::new("overrides", &[("pod.yaml", POD), ("owasp.yaml", CHANGED)]);
    let (before, after) = (effects(&check(&dir, "owasp")), effects(&check(&dir, "owasp.yaml")));
    let mut wanted = before.clone();
    wanted.insert("image-digest".to_owned(), "deny".to_owned());
    wanted.insert("privileged".to_owned(), "exempt".to_owned());
    wanted.remove("privileged-ports");
    // 8Gi is above the new `max`, and the action is the one of the built-in policy.
    wanted.insert("memory-limit".to_owned(), "deny".to_owned());
    assert_eq!(after, wanted);
    let named = ["privileged-ports", "image-digest", "run-as-non-root"];
    assert!(named.iter().all(|rule| before.contains_key(*rule)) && !before.contains_key("memory-limit"), "{before:?}");
}

#[test]
fn a_mistake_names_its_place_and_what_was_probably_meant() {
    let dir = Dir::new("overrides-1", &[("pod.yaml", POD)]);
    for (wrong, right, says) in [
        (
            "extends: owsap",
            "extends: owasp",
            "policy.yaml:5:3: spec.extends: there is no built-in policy `owsap`; did you mean `owasp`?",
        ),
        (
            "image-digst",
            "image-digest",
            "policy.yaml:7:5: spec.rules.image-digst: there is no rule `image-digst`; did you mean `image-digest`?",
        ),
        (
            "{actoin: deny}",
            "{action: deny}",
            "policy.yaml:7:20: spec.rules.image-digest.actoin: there is no key `actoin`; did you mean `action`?",
        ),
        ("{mx: 4Gi}", "{max: 4Gi}", "spec.rules.memory-limit.params.mx: there is no key `mx`; did you mean `max`?"),
    ] {
        dir.write("policy.yaml", CHANGED.replace(right, wrong));
        let ran = check(&dir, "policy.yaml");
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains(says), "{says}\n{}", ran.err);
    }
}

/// A copy of the cluster, as `kubectl get -o yaml` prints it, is a policy of `check`.
#[test]
fn the_copy_of_a_cluster_is_a_policy() {
    let dir = Dir::new("overrides-2", &[("pod.yaml", POD)]);
    let copied = CHANGED.replace(
        "metadata: {name: owasp}",
        "metadata: {name: owasp, uid: u, generation: 1, labels: {podreeve.dev/copy-of-built-in: podreeve}, ownerReferences: []}\n\
         status: {mode: deny, rules: 38, match: all, conditions: []}",
    );
    dir.write("copy.yaml", copied);
    assert_eq!(check(&dir, "copy.yaml").code, Some(1));
}
