//! The policy files and the settings of images that loaded last, each in a ConfigMap. The leader keeps them there, and a replica whose own
//! files do not load when it starts serves them.
//!
//! The files come from ConfigMaps of the same namespace, so a user who can write these ones can change policies and settings anyway.

use super::api_error::ApiError;
use super::lease::Leadership;
use crate::observe::LogOnce;
use crate::sources::PolicyFiles;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The files that loaded last; none without files, and until files have loaded.
pub type GoodFiles = watch::Receiver<Option<Arc<PolicyFiles>>>;

/// What is kept.
#[derive(Debug)]
pub struct What {
    /// The annotation with the hash of it.
    hash: &'static str,
    /// For messages.
    name: &'static str,
}

pub const POLICIES: What = What { hash: "podreeve.dev/policy-files", name: "policy files" };
pub const IMAGES: What = What { hash: "podreeve.dev/images", name: "settings of images" };

/// The settings of images that loaded last, and the ConfigMap for them.
#[derive(Debug, Clone)]
pub struct KeptImages {
    pub config_map: String,
    pub files: GoodFiles,
}

const KEPT_AT: &str = "podreeve.dev/kept-at";
/// Between two looks at the ConfigMap, which an operator may have emptied.
const INTERVAL: Duration = Duration::from_secs(30);

/// The API server takes no ConfigMap with longer texts.
const LARGEST: usize = 1 << 20;

/// Files from the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFiles {
    pub files: PolicyFiles,
    /// When they were kept.
    pub at: String,
}

/// Why there are no kept files.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("ConfigMap {0} cannot be read: {1}")]
    Unread(String, ApiError),
    #[error("ConfigMap {0} has no {1}: the leader has kept none yet, or cannot keep the newest")]
    Empty(String, &'static str),
    #[error(
        "ConfigMap {0} was changed by another client than the leader: its content has not the hash of its annotation {1}"
    )]
    Changed(String, &'static str),
}

/// Reads the files that the leader kept.
///
/// # Errors
/// When there are none, or others than the leader wrote.
pub async fn read(client: &Client, namespace: &str, name: &str, what: &What) -> Result<KeptFiles, KeptError> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = maps.get(name).await.map_err(|error| KeptError::Unread(name.to_owned(), error.into()))?;
    kept(&found, name, what)
}

fn kept(found: &ConfigMap, name: &str, what: &What) -> Result<KeptFiles, KeptError> {
    let files = PolicyFiles(found.data.clone().unwrap_or_default());
    if files.0.is_empty() {
        return Err(KeptError::Empty(name.to_owned(), what.name));
    }
    if found.annotations().get(what.hash) != Some(&files.sha256()) {
        return Err(KeptError::Changed(name.to_owned(), what.hash));
    }
    Ok(KeptFiles { files, at: found.annotations().get(KEPT_AT).cloned().unwrap_or_default() })
}

/// Keeps the files as long as podreeve serves. The leader writes.
pub async fn keep(
    client: &Client,
    namespace: &str,
    name: &str,
    what: &What,
    mut leadership: Leadership,
    mut files: GoodFiles,
) {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut log = LogOnce::default();
    loop {
        let (is_leader, good) = (*leadership.borrow_and_update(), files.borrow_and_update().clone());
        if let Some(good) = good.filter(|_| is_leader) {
            match write(&maps, name, what, &good).await {
                Ok(()) => {
                    log.recovered();
                }
                Err(error) if log.failed(&error) => tracing::warn!(
                    error,
                    config_map = name,
                    "the {} that loaded cannot be kept in the cluster for a replica that starts with some that do not load",
                    what.name
                ),
                Err(_) => {}
            }
        }
        let changed = async {
            tokio::select! {
                changed = leadership.changed() => changed.is_err(),
                changed = files.changed() => changed.is_err(),
            }
        };
        if tokio::time::timeout(INTERVAL, changed).await == Ok(true) {
            return;
        }
    }
}

/// Does nothing where the ConfigMap has them already. Where they cannot be written, it takes the older ones away: what they allow may be
/// revoked since.
async fn write(maps: &Api<ConfigMap>, name: &str, what: &What, good: &PolicyFiles) -> Result<(), String> {
    let found = maps.get(name).await.map_err(|error| format!("{}; older ones, if any, stay", ApiError::from(error)))?;
    if kept(&found, name, what).is_ok_and(|kept| kept.files == *good) {
        return Ok(());
    }
    let parameters = PatchParams { field_manager: Some("podreeve".to_owned()), ..PatchParams::default() };
    let send = async |patch: Value| match maps.patch(name, &parameters, &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    let written = match size_error(good) {
        Some(error) => Err(error),
        None => send(patch(&found, what, good, Timestamp::now())).await,
    };
    let Err(error) = written else {
        let files = good.0.len();
        tracing::info!(config_map = name, files, "the {} that loaded are kept in the cluster", what.name);
        return Ok(());
    };
    let Some(emptied) = emptied(&found) else { return Err(format!("{error}; no older ones are there")) };
    match send(emptied).await {
        Ok(()) => Err(format!("{error}; no older ones are there")),
        Err(why) => Err(format!("{error}; older ones stay, and such a replica serves them: {why}")),
    }
}

fn size_error(files: &PolicyFiles) -> Option<String> {
    let size: usize = files.0.values().map(String::len).sum();
    (size > LARGEST).then(|| format!("they have {size} bytes, and a ConfigMap has at most {LARGEST}"))
}

/// Takes all away from the version that was read; none if nothing is there.
fn emptied(found: &ConfigMap) -> Option<Value> {
    found.data.as_ref().filter(|data| !data.is_empty())?;
    Some(json!({"metadata": {"resourceVersion": found.metadata.resource_version}, "data": null}))
}

/// Applies only to the version that was read, and takes away what is not among the files.
fn patch(found: &ConfigMap, what: &What, good: &PolicyFiles, now: Timestamp) -> Value {
    let old = found.data.iter().flat_map(BTreeMap::keys).map(|name| (name.clone(), Value::Null));
    let new = good.0.iter().map(|(name, text)| (name.clone(), json!(text)));
    let data: Map<String, Value> = old.chain(new).collect();
    json!({
        "metadata": {
            "resourceVersion": found.metadata.resource_version,
            "annotations": {(what.hash): good.sha256(), KEPT_AT: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
        },
        "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> PolicyFiles {
        PolicyFiles(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    /// What the API server makes of a patch.
    fn patched(found: &ConfigMap, good: &PolicyFiles) -> ConfigMap {
        let mut object = serde_json::to_value(found).unwrap();
        json_patch::merge(&mut object, &patch(found, &POLICIES, good, "2026-11-27T06:00:00.7Z".parse().unwrap()));
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn older_ones_are_taken_away_where_new_ones_cannot_be_written() {
        let large = |size: usize| PolicyFiles([("a".to_owned(), "x".repeat(size))].into());
        assert!(size_error(&large(LARGEST)).is_none() && size_error(&large(LARGEST + 1)).is_some());
        let empty = ConfigMap::default();
        assert!(emptied(&empty).is_none());
        let first = files(&[("a.yaml", "one")]);
        let map = patched(&empty, &first);
        let mut object = serde_json::to_value(&map).unwrap();
        json_patch::merge(&mut object, &emptied(&map).unwrap());
        let map: ConfigMap = serde_json::from_value(object).unwrap();
        assert!(matches!(kept(&map, "a", &POLICIES), Err(KeptError::Empty(..))) && emptied(&map).is_none());
        assert_eq!(kept(&patched(&map, &first), "a", &POLICIES).unwrap().files, first);
    }

    #[test]
    fn what_was_kept_is_read_and_nothing_else() {
        let empty = ConfigMap::default();
        assert!(matches!(kept(&empty, "a", &POLICIES), Err(KeptError::Empty(..))));
        let first = files(&[("a.yaml", "one"), ("b.yaml", "two")]);
        let mut map = patched(&empty, &first);
        assert_eq!(
            kept(&map, "a", &POLICIES).unwrap(),
            KeptFiles { files: first, at: "2026-11-27T06:00:00Z".to_owned() }
        );
        let second = files(&[("b.yaml", "three")]);
        map = patched(&map, &second);
        assert_eq!(kept(&map, "a", &POLICIES).unwrap().files, second);
        map.data.as_mut().unwrap().insert("c.yaml".to_owned(), "planted".to_owned());
        assert!(matches!(kept(&map, "a", &POLICIES), Err(KeptError::Changed(..))));
        assert_eq!(kept(&patched(&map, &second), "a", &POLICIES).unwrap().files, second);
    }
}
