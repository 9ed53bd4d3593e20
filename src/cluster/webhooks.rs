//! The webhook configurations from outside: where they are, taken away before the server goes, and tried.

use crate::text::with_causes;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use serde_json::json;

const CONFIGURATIONS: [(&str, &str); 2] = [
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
];

/// Where the API server has each kind of them.
pub(super) fn configurations(client: &Client) -> [Api<DynamicObject>; 2] {
    CONFIGURATIONS.map(|(kind, plural)| {
        let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, plural))
    })
}

/// Removes both configurations of that name, and says of each what became of it.
///
/// # Errors
/// Those that could not be removed, and why. The other one is removed all the same.
pub async fn remove(client: &Client, name: &str) -> Result<Vec<String>, String> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for ((kind, plural), api) in CONFIGURATIONS.into_iter().zip(configurations(client)) {
        match api.delete(name, &DeleteParams::default()).await {
            Ok(_) => done.push(format!("{kind} {name}: removed")),
            Err(kube::Error::Api(status)) if status.code == 404 => done.push(format!("{kind} {name}: not there")),
            Err(error) => failed.push(format!(
                "{kind} {name} cannot be removed: {}; `kubectl delete {plural} {name}` does the same",
                with_causes(&error)
            )),
        }
    }
    if failed.is_empty() { Ok(done) } else { Err(failed.join("\n")) }
}

/// What the API server makes of a pod that podreeve should deny.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Denied,
    /// Nobody was asked, or nobody minded.
    Admitted,
    /// Something else than a denial by podreeve.
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
    answer(api.create(&parameters, &pod).await.map(|_| ()))
}

fn answer(result: Result<(), kube::Error>) -> Answer {
    match result {
        Ok(()) => Answer::Admitted,
        Err(kube::Error::Api(status)) if status.message.contains("podreeve denied") => Answer::Denied,
        Err(error) => Answer::Failed(with_causes(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn refused(message: &str) -> Answer {
        answer(Err(kube::Error::Api(Box::new(Status::failure(message, "Forbidden")))))
    }

    #[test]
    fn only_a_denial_of_ours_is_one() {
        let ours = "admission webhook \"validate.podreeve.dev\" denied the request: podreeve denied Pod default/a: 1 violation";
        assert_eq!(refused(ours), Answer::Denied);
        let unheard = "failed calling webhook \"validate.podreeve.dev\": connection refused";
        assert!(matches!(refused(unheard), Answer::Failed(why) if why.contains("connection refused")));
        assert!(matches!(refused("pods is forbidden: no right"), Answer::Failed(_)));
        assert_eq!(answer(Ok(())), Answer::Admitted);
    }
}
