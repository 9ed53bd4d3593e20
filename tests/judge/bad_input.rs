//! Bodies that no API server sends, and some that it does send. Where there is a uid, the answer is an explicit denial.

use super::common::{TODAY, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::{Outcome, Verdict};
use rstest::rstest;
use serde_json::{Value, json};

const UID: &str = "11111111-2222-3333-4444-555555555555";

fn all_rules() -> Snapshot {
    let rules = podreeve::rules::RULES.iter().map(|r| (r.id.to_owned(), json!({"action": "deny"}))).collect();
    let mut rules = Value::Object(rules);
    rules["image-registries"]["params"] = json!({"allow": ["registry.example.com"]});
    snapshot(rules)
}

fn good_review() -> Value {
    let pod: Value = serde_json::from_str(podreeve::rule::GOOD_POD).expect("the good pod is JSON");
    review("CREATE", &pod, None)
}

fn judge(body: &[u8]) -> Outcome {
    admit(body, Hook::Validate, &all_rules(), TODAY)
}

/// The answer is a denial with the request's uid, a 403, and a message that contains this text.
fn assert_denied(body: &[u8], message: &str) {
    let outcome = judge(body);
    assert_eq!(outcome.verdict, Verdict::Deny);
    let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
    let response = &reply["response"];
    assert_eq!(response["uid"], UID);
    assert_eq!(response["allowed"], false);
    assert_eq!((&response["status"]["code"], &response["status"]["reason"]), (&json!(403), &json!("Forbidden")));
    let text = response["status"]["message"].as_str().expect("a message");
    assert!(text.contains(message), "{text}");
}

#[rstest]
#[case::not_json("hello")]
#[case::empty("")]
#[case::null("null")]
#[case::list("[]")]
#[case::no_request(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#)]
#[case::no_uid(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#)]
#[case::empty_uid(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":""}}"#)]
#[case::uid_is_a_number(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":7}}"#)]
fn without_a_uid_there_is_no_reply_but_a_reason(#[case] body: &str) {
    let outcome = judge(body.as_bytes());
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert!(outcome.reply.is_empty());
    assert!(outcome.problem.is_some_and(|problem| problem.len() > 10));
}

#[rstest]
#[case::kind("/kind", json!("ConversionReview"), "ConversionReview")]
#[case::version("/apiVersion", json!("admission.k8s.io/v1beta1"), "admission.k8s.io/v1beta1")]
#[case::no_object("/request/object", json!(null), "no `object`")]
#[case::object_is_text("/request/object", json!("pod"), "could not be read")]
#[case::containers_is_text("/request/object/spec/containers", json!("none"), "`spec.containers`")]
#[case::container_is_null("/request/object/spec/containers/0", json!(null), "`spec.containers[0]`")]
#[case::privileged_is_text("/request/object/spec/containers/0/securityContext/privileged", json!("true"), "`spec.containers[0].securityContext.privileged`")]
#[case::user_is_huge("/request/object/spec/securityContext/runAsUser", json!(1e30), "`spec.securityContext.runAsUser`")]
#[case::user_info("/request/userInfo", json!([1]), "request.userInfo")]
fn a_wrong_type_is_denied_and_named(#[case] pointer: &str, #[case] value: Value, #[case] message: &str) {
    let mut review = good_review();
    *review.pointer_mut(pointer).expect("the field is there") = value;
    assert_denied(review.to_string().as_bytes(), message);
}

#[test]
fn a_truncated_body_is_denied_from_the_uid_on() {
    let body = good_review().to_string();
    let known = body.find(UID).expect("the uid is there") + UID.len() + 1;
    for end in (known..body.len()).step_by(7) {
        assert_denied(&body.as_bytes()[..end], "not JSON");
    }
}

#[test]
fn null_lists_are_empty_lists() {
    let mut review = good_review();
    for field in ["containers", "initContainers", "ephemeralContainers", "volumes", "securityContext"] {
        review["request"]["object"]["spec"][field] = json!(null);
    }
    assert_eq!(judge(review.to_string().as_bytes()).problem, None);
}

#[test]
fn deep_managed_fields_cost_nothing() {
    let deep = format!("{}1{}", r#"{"f":"#.repeat(5_000), "}".repeat(5_000));
    let body = good_review()
        .to_string()
        .replace(r#""metadata":{"#, &format!(r#""metadata":{{"managedFields":[{{"fieldsV1":{deep}}}],"#));
    assert!(body.contains("managedFields"));
    let outcome = judge(body.as_bytes());
    assert_eq!((outcome.problem, outcome.about.name.as_str()), (None, "good"));
}

#[test]
fn a_deep_judged_field_is_denied_not_a_crash() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = good_review().to_string().replace(r#""runAsUser":10001"#, &format!(r#""runAsUser":{deep}"#));
    assert_denied(body.as_bytes(), "could not be");
}

#[test]
fn lone_surrogates_are_denied_where_they_are_judged_and_skipped_elsewhere() {
    let body = good_review().to_string();
    let judged = body.replace(r#""name":"app""#, r#""name":"\ud800""#);
    assert_denied(judged.as_bytes(), "`spec.containers[0].name`");
    let skipped = body.replace(r#""protocol":"TCP""#, r#""protocol":"\ud800""#);
    assert_ne!(skipped, body);
    assert_eq!(judge(skipped.as_bytes()).problem, None);
}

#[test]
fn a_duplicate_key_is_denied() {
    let body = good_review().to_string();
    let twice = body.replace(r#""containers":["#, r#""containers":[],"containers":["#);
    assert_denied(twice.as_bytes(), "duplicate field `containers`");
    let spec = body.replace(r#""object":{"#, r#""object":{"spec":{},"#);
    assert_denied(spec.as_bytes(), "duplicate field `spec`");
}

#[test]
fn bytes_that_are_not_utf8_are_denied() {
    let mut body = good_review().to_string().into_bytes();
    let at = body.windows(3).rposition(|w| w == b"app").expect("the name is there");
    body[at] = 0xff;
    assert_denied(&body, "not UTF-8");
}

#[test]
fn twenty_thousand_containers_are_judged() {
    let mut review = good_review();
    let mut container = review["request"]["object"]["spec"]["containers"][0].clone();
    container["securityContext"]["privileged"] = json!(true);
    review["request"]["object"]["spec"]["containers"] = Value::Array(vec![container; 20_000]);
    let outcome = judge(review.to_string().as_bytes());
    assert_eq!(outcome.tallies.iter().find(|t| t.rule == "privileged").map(|t| t.count), Some(20_000));
    assert!(outcome.reply.len() < 64 * 1024, "{} bytes", outcome.reply.len());
}

#[test]
fn the_reply_repeats_nothing_of_the_body() {
    let mut review = good_review();
    review["request"]["object"]["metadata"]["labels"] = json!({"secret": "s3cr3t-label"});
    review["request"]["object"]["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "s3cr3t-env"}]);
    review["request"]["object"]["spec"]["containers"][0]["securityContext"]["privileged"] = json!(true);
    let outcome = judge(review.to_string().as_bytes());
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert!(!String::from_utf8_lossy(&outcome.reply).contains("s3cr3t"));
}
