//! An AdmissionReview that podreeve itself makes, to judge an object as if it were created now.

use super::request::{API_VERSION, KIND};
use serde::Serialize;
use serde_json::{Value, json};

/// The creation of an object of some kind by some user.
#[derive(Debug, Clone, Copy)]
pub struct Creation<'c> {
    pub group: &'c str,
    pub version: &'c str,
    pub kind: &'c str,
    pub namespace: &'c str,
    /// Empty for a name that the API server makes.
    pub name: &'c str,
    pub user: &'c str,
    pub groups: &'c [&'c str],
}

/// An AdmissionReview of `admission.k8s.io/v1`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'c, O> {
    api_version: &'static str,
    kind: &'static str,
    request: Request<'c, O>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'c, O> {
    uid: &'static str,
    kind: Value,
    resource: Value,
    namespace: &'c str,
    name: &'c str,
    operation: &'static str,
    user_info: Value,
    object: O,
}

impl Creation<'_> {
    /// The body of the request.
    #[must_use]
    pub fn of(&self, object: impl Serialize) -> Vec<u8> {
        let Self { group, version, kind, namespace, name, user, groups } = *self;
        let resource = kind.to_lowercase() + "s";
        let review = Review {
            api_version: API_VERSION,
            kind: KIND,
            request: Request {
                uid: "podreeve",
                kind: json!({"group": group, "version": version, "kind": kind}),
                resource: json!({"group": group, "version": version, "resource": resource}),
                namespace,
                name,
                operation: "CREATE",
                user_info: json!({"username": user, "groups": groups}),
                object,
            },
        };
        // Serialising cannot fail. If it did, the empty body would be denied.
        serde_json::to_vec(&review).unwrap_or_default()
    }
}
