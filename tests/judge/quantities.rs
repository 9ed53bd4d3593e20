//! Texts that are no quantities, and quantities that are probably a mistake.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, admit};
use podreeve::outcome::Violation;
use podreeve::rule::GOOD_POD;
use rstest::rstest;
use serde_json::{Value, json};

fn violations(rule: &str, resources: &Value) -> Vec<Violation> {
    let mut pod: Value = serde_json::from_str(GOOD_POD).expect("the good pod is JSON");
    pod["spec"]["containers"][0]["resources"] = resources.clone();
    let snapshot = policies(&[json!({"rules": {rule: {"action": "deny"}}})]);
    admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).violations
}

#[rstest]
#[case("memory-limit", json!({"limits": {"memory": "512MB"}}), "512M or 512Mi", "512MB is no quantity")]
#[case("memory-limit", json!({"limits": {"memory": "1 Gi"}}), "1Gi", "1 Gi is no quantity")]
#[case("memory-limit", json!({"limits": {"memory": "much"}}), "a limit above 0", "much is no quantity")]
#[case("memory-limit", json!({"limits": {"memory": ""}}), "a limit above 0", "\"\" is no quantity")]
#[case("memory-limit", json!({"limits": {"memory": "512m"}}), "512M or 512Mi", "512m is less than a byte")]
#[case("memory-limit", json!({"limits": {"memory": 512}}), "512M or 512Mi", "512 is 512 bytes")]
#[case("memory-limit", json!({"limits": {"memory": "100Ki"}}), "at least 4Mi", "100Ki is 102400 bytes")]
#[case("memory-limit", json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "256m"}}), "256M or 256Mi", "256m is less than a byte")]
#[case("cpu-request", json!({"requests": {"cpu": "2 cores"}}), "2", "2 cores is no quantity")]
#[case("cpu-request", json!({"requests": {"cpu": "500M"}}), "500m", "no node can run the pod")]
#[case("cpu-request", json!({"limits": {"cpu": "128Mi"}}), "cores, such as 500m or 2", "no node can run the pod")]
#[case("ephemeral-storage-limit", json!({"limits": {"ephemeral-storage": "1GB"}}), "1G or 1Gi", "1GB is no quantity")]
#[case("ephemeral-storage-limit", json!({"limits": {"ephemeral-storage": "512m"}}), "512M or 512Mi", "less than a byte")]
fn the_violation_suggests_the_probable_quantity(
    #[case] rule: &str,
    #[case] resources: Value,
    #[case] wanted: &str,
    #[case] why: &str,
) {
    let found = violations(rule, &resources);
    let [violation] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(violation.wanted, wanted);
    assert!(violation.why.contains(why), "{}", violation.why);
    assert!(!violation.repairable);
}

#[rstest]
#[case("memory-limit", json!({"limits": {"memory": "4Mi"}, "requests": {"memory": "1"}}))]
#[case("memory-limit", json!({"limits": {"memory": "64000000000m"}}))]
#[case("cpu-request", json!({"requests": {"cpu": "100k"}}))]
#[case("ephemeral-storage-limit", json!({"limits": {"ephemeral-storage": "1"}}))]
fn a_small_quantity_is_no_mistake(#[case] rule: &str, #[case] resources: Value) {
    assert!(violations(rule, &resources).is_empty());
}
