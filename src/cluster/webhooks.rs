//! The webhook configurations, for commands: remove them before the server goes, and test that they work.

use super::api_error::ApiError;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use serde_json::json;

const CONFIGURATIONS: [(&str, &str); 2] = [
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

/// What the API server did with a pod that podreeve should deny.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Denied,
    /// The API server did not call podreeve, or podreeve let the pod in.
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
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let pod = match serde_json::from_value(pod) {
        Ok(pod) => pod,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    answer(api.create(&parameters, &pod).await.map(|_| ()).map_err(ApiError::from))
}

fn answer(result: Result<(), ApiError>) -> Answer {
    match result {
        Ok(()) => Answer::Admitted,
        Err(ApiError::Refused { message, .. }) if message.contains("podreeve denied") => Answer::Denied,
        Err(error) => Answer::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn refused(message: &str) -> Answer {
        answer(Err(ApiError::Refused { code: 403, message: message.to_owned() }))
    }

    #[test]
    fn only_a_denial_by_podreeve_counts() {
        let ours = "admission webhook \"validate.podreeve.dev\" denied the request: podreeve denied Pod default/a: 1 violation";
        assert_eq!(refused(ours), Answer::Denied);
        let unreachable = "failed calling webhook \"validate.podreeve.dev\": connection refused";
        assert!(matches!(refused(unreachable), Answer::Failed(why) if why.contains("connection refused")));
        assert!(matches!(refused("pods is forbidden: no right"), Answer::Failed(_)));
        assert_eq!(answer(Ok(())), Answer::Admitted);
    }
}
