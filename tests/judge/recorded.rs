//! AdmissionReviews recorded from a real API server.

use super::common::{TODAY, snapshot};
use podreeve::admit::{Hook, admit};
use podreeve::outcome::Verdict;
use serde_json::{Value, json};

#[test]
fn a_bad_deployment_is_denied_at_its_own_field() {
    let body = include_bytes!("../reviews/review-001-Deployment-CREATE.json");
    let outcome = admit(body, Hook::Validate, &snapshot(json!({"privileged": {"action": "deny"}})), TODAY);
    assert_eq!(outcome.verdict, Verdict::Deny);
    let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
    let response = &reply["response"];
    assert_eq!(response["uid"], "ab08465d-0d10-4116-b166-6443b4f1c2b7");
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 403);
    assert_eq!(response["status"]["reason"], "Forbidden");
    assert_eq!(
        response["status"]["details"]["causes"][0]["field"],
        "spec.template.spec.containers[1].securityContext.privileged"
    );
}
