//! The webhook configurations, for commands: remove them before the server goes, and test that they work.

use super::api_error::ApiError;
use crate::text::with_causes;
use http::header::{HeaderMap, WARNING};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use kube::client::Body;
use kube::core::{Request, Status};
use serde_json::{Value, json};

/// Kind and plural.
pub(super) const CONFIGURATIONS: [(&str, &str); 2] = [
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
];

/// The API of each kind of webhook configuration.
pub(super) fn configurations(client: &Client) -> [Api<DynamicObject>; 2] {
    CONFIGURATIONS.map(|(kind, plural)| {
        let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, plural))
    })
}

/// One line for each configuration that could not be removed, with the reason and a command that does it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct RemoveError(Vec<String>);

/// Removes both configurations of that name. The result has one line for each.
///
/// # Errors
/// When one could not be removed. The other one is removed all the same.
pub async fn remove(client: &Client, name: &str) -> Result<Vec<String>, RemoveError> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for ((kind, plural), api) in CONFIGURATIONS.into_iter().zip(configurations(client)) {
        match api.delete(name, &DeleteParams::default()).await.map_err(ApiError::from) {
            Ok(_) => done.push(format!("{kind} {name}: removed")),
            Err(error) if error.is_not_found() => done.push(format!("{kind} {name}: not there")),
            Err(error) => failed.push(format!(
                "{kind} {name} cannot be removed: {error}; `kubectl delete {plural} {name}` does the same"
            )),
        }
    }
    if failed.is_empty() { Ok(done) } else { Err(RemoveError(failed)) }
}

/// What the API server did with an object that podreeve should refuse or warn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Denied,
    /// It was admitted, and podreeve warns of it.
    Warned,
    /// The API server did not call podreeve, or podreeve admitted it without a word.
    Admitted,
    /// The request failed for another reason than a denial by podreeve.
    Failed(String),
}

/// Asks the API server to create a privileged pod, as a dry run: nothing is created.
pub async fn try_privileged(client: &Client, namespace: &str) -> Answer {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "podreeve-selftest-"},
        "spec": {"containers": [
            {"name": "privileged", "image": "podreeve/selftest:none", "securityContext": {"privileged": true}},
        ]},
    });
    try_to_create(client, &format!("/api/v1/namespaces/{namespace}/pods"), &pod).await
}

/// Asks the API server to create an Exemption that every podreeve refuses, whatever its mode, as a dry run.
pub async fn try_invalid_exemption(client: &Client, namespace: &str) -> Answer {
    let exemption = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Exemption", "metadata": {"generateName": "podreeve-selftest-"},
        "spec": {"rules": ["podreeve-selftest"], "reason": "a self-test, which podreeve refuses"},
    });
    let path = format!("/apis/podreeve.dev/v1alpha1/namespaces/{namespace}/exemptions");
    try_to_create(client, &path, &exemption).await
}

async fn try_to_create(client: &Client, path: &str, object: &Value) -> Answer {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let request = match Request::new(path).create(&parameters, object.to_string().into_bytes()) {
        Ok(request) => request.map(Body::from),
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return answer(Err(error.into()), false),
    };
    let (status, is_warned) = (response.status(), warns(response.headers()));
    if status.is_success() {
        return answer(Ok(()), is_warned);
    }
    let error = match response.into_body().collect_bytes().await {
        Err(error) => ApiError::Unavailable(with_causes(&error)),
        Ok(bytes) => match serde_json::from_slice::<Status>(&bytes) {
            Ok(refusal) => ApiError::from(&refusal),
            Err(_) => ApiError::Unavailable(format!("the API server answers {status}")),
        },
    };
    answer(Err(error), is_warned)
}

/// Whether the answer has a warning of podreeve: `299 - "podreeve ..."`.
fn warns(headers: &HeaderMap) -> bool {
    let is_ours = |warning: &str| warning.split_once('"').is_some_and(|(_, text)| text.starts_with("podreeve"));
    let warnings = headers.get_all(WARNING).into_iter();
    warnings.filter_map(|warning| warning.to_str().ok()).any(is_ours)
}

fn answer(result: Result<(), ApiError>, is_warned: bool) -> Answer {
    match result {
        Ok(()) if is_warned => Answer::Warned,
        Ok(()) => Answer::Admitted,
        Err(ApiError::Refused { message, .. }) if is_refusal(&message) => Answer::Denied,
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn is_refusal(message: &str) -> bool {
    // The API server puts the webhook's name before podreeve's own words.
    message.contains("podreeve.dev\" denied the request:") || message.contains("there is no rule `podreeve-selftest`")
}

#[cfg(test)]
mod tests {
    use super::*;
    fn refused(message: &str) -> Answer {
        answer(Err(ApiError::Refused { code: 403, message: message.to_owned() }), false)
    }

    #[test]
    fn only_a_denial_by_podreeve_counts() {
        let ours =
            "admission webhook \"validate.podreeve.dev\" denied the request: \nPod default/a denied: 1 violation";
        assert_eq!(refused(ours), Answer::Denied);
        let unreachable = "failed calling webhook \"validate.podreeve.dev\": connection refused";
        assert!(matches!(refused(unreachable), Answer::Failed(why) if why.contains("connection refused")));
        assert!(matches!(refused("pods is forbidden: no right"), Answer::Failed(_)));
        assert_eq!(answer(Ok(()), false), Answer::Admitted);
        assert_eq!(answer(Ok(()), true), Answer::Warned);
    }

    #[test]
    fn a_warning_of_podreeve_is_seen_among_others() {
        let headers = |warnings: &[&'static str]| {
            warnings.iter().map(|text| (WARNING, http::HeaderValue::from_static(text))).collect::<HeaderMap>()
        };
        let ours = "299 - \"podreeve would deny Pod default/a in mode deny: 1 violation of privileged\"";
        assert!(warns(&headers(&["299 - \"unknown field \\\"podreeve\\\"\"", ours])));
        assert!(!warns(&headers(&["299 - \"would violate PodSecurity\"", "299 - \"the pod of podreeve\""])));
    }
}
