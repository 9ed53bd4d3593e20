//! The digests of the images that the containers of a pod run, where the image decides by which user.

use super::{Container, Raw, Spec};
use crate::image::Digest;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct User {
    run_as_user: Option<i64>,
    run_as_non_root: Option<bool>,
}

impl User {
    fn of(context: Raw<'_>) -> Self {
        context.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    fn leaves_it_to_the_image(&self, pods: &Self) -> bool {
        self.run_as_user.or(pods.run_as_user).is_none() && self.run_as_non_root.or(pods.run_as_non_root) != Some(true)
    }
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "containerStatuses")]
    containers: Option<Vec<ContainerStatus>>,
    #[serde(rename = "initContainerStatuses")]
    init: Option<Vec<ContainerStatus>>,
    #[serde(rename = "ephemeralContainerStatuses")]
    ephemeral: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    name: String,
    /// `registry.example.com/shop/web@sha256:..`, once the node has the image.
    #[serde(rename = "imageID")]
    image_id: Option<String>,
}

/// The digests by the names of the containers, as JSON; none if there are none.
pub(super) fn digests(spec: &Spec<'_>, status: Raw<'_>) -> Option<String> {
    let of_pod = User::of(spec.security_context);
    let lists = [&spec.init_containers, &spec.containers, &spec.ephemeral_containers];
    let containers = lists.into_iter().flatten().flatten();
    let name = |container: &Container<'_>| serde_json::from_str::<Cow<'_, str>>(container.name?.get()).ok();
    let open = containers.filter(|one| User::of(one.security_context).leaves_it_to_the_image(&of_pod));
    let names: HashSet<Cow<'_, str>> = open.filter_map(name).collect();
    if names.is_empty() {
        return None;
    }
    let status: Status = serde_json::from_str(status?.get()).ok()?;
    let statuses = [status.containers, status.init, status.ephemeral];
    let mut digests = BTreeMap::new();
    for one in statuses.into_iter().flatten().flatten().filter(|one| names.contains(one.name.as_str())) {
        let id = one.image_id.unwrap_or_default();
        if let Some(digest) = id.rsplit_once('@').and_then(|(_, digest)| Digest::parse(digest)) {
            digests.insert(one.name, digest.to_string());
        }
    }
    if digests.is_empty() { None } else { serde_json::to_string(&digests).ok() }
}

#[cfg(test)]
mod tests {
    use crate::facts::pods::Texts;
    use serde_json::{Value, json, value::to_raw_value};

    fn digests(spec: &Value, statuses: &Value) -> Value {
        let pod = json!({"metadata": {"name": "a"}, "spec": spec, "status": {"containerStatuses": statuses}});
        json!(Texts::default().keep_any(&to_raw_value(&pod).unwrap()).digests())
    }

    #[test]
    fn what_a_container_runs_is_kept_where_the_image_decides_its_user() {
        let id = |letter: &str| format!("registry.example.com/a@sha256:{}", letter.repeat(64));
        let status = |name: &str, id: &str| json!({"name": name, "imageID": id});
        let statuses = json!([status("a", &id("a")), status("b", &id("b")), status("other", &id("c"))]);
        let wanted = json!({"a": format!("sha256:{}", "a".repeat(64))});
        let containers = |context: Value| json!([{"name": "a"}, {"name": "b", "securityContext": context}]);
        for context in [json!({"runAsUser": 1000}), json!({"runAsUser": 0}), json!({"runAsNonRoot": true})] {
            assert_eq!(digests(&json!({"containers": containers(context)}), &statuses), wanted);
        }
        let of_pod = json!({"securityContext": {"runAsNonRoot": true}, "containers": containers(json!({}))});
        assert_eq!(digests(&of_pod, &statuses), json!({}));
        // Its own value wins.
        let own = json!({"securityContext": {"runAsNonRoot": true},
            "containers": [{"name": "a", "securityContext": {"runAsNonRoot": false}}, {"name": "b"}]});
        assert_eq!(digests(&own, &statuses), wanted);
        let one = json!({"containers": [{"name": "a"}]});
        for none in [json!([]), json!([status("a", "")]), json!([status("a", "sha256:aa")]), json!(7), json!(null)] {
            assert_eq!(digests(&one, &none), json!({}), "{none}");
        }
        let shared = json!([status("a", &id("a")), {"name": "b"}]);
        assert_eq!(digests(&one, &shared), wanted);
    }
}
