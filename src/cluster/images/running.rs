//! The images that run in the cluster. In an outage of a registry they may be started again.

use crate::cluster::item::{Item, ObjectKey};
use crate::cluster::watch::Sink;
use crate::image::Digest;
use crate::reference::split;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::RwLock;

/// References and digests of containers whose image a node has, as hashes: of a large cluster they take little memory.
#[derive(Debug, Default)]
pub struct Running {
    hasher: RandomState,
    counts: RwLock<HashMap<u64, u32>>,
}

impl Running {
    /// Whether a container runs this reference, or this digest under any name.
    pub fn runs(&self, reference: &str, digest: Option<&Digest>) -> bool {
        let counts = self.counts.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_known = |text: &str| counts.contains_key(&self.hasher.hash_one(text));
        is_known(reference) || digest.is_some_and(|digest| is_known(digest.as_str()))
    }

    fn change(&self, hashes: &[u64], by: i32) {
        let mut counts = self.counts.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for hash in hashes {
            let count = counts.entry(*hash).or_default();
            *count = count.saturating_add_signed(by);
            if *count == 0 {
                counts.remove(hash);
            }
        }
    }
}

#[derive(Deserialize)]
struct Pod {
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    /// `registry.example.com/shop/web@sha256:..`, once the node has the image.
    #[serde(default, rename = "imageID")]
    image_id: String,
}

/// What the watch of pods fills.
pub struct RunningSink<'r> {
    running: &'r Running,
    /// Called when other images run than before.
    on_change: &'r (dyn Fn() + Sync),
    changed: bool,
    pods: HashMap<u64, Box<[u64]>>,
    listed: Option<HashSet<u64>>,
}

impl<'r> RunningSink<'r> {
    pub fn new(running: &'r Running, on_change: &'r (dyn Fn() + Sync)) -> Self {
        Self { running, on_change, changed: false, pods: HashMap::new(), listed: None }
    }

    fn key(&self, key: &ObjectKey) -> u64 {
        self.running.hasher.hash_one(key)
    }

    fn remove(&mut self, key: u64) {
        if let Some(old) = self.pods.remove(&key) {
            self.running.change(&old, -1);
            self.changed = true;
        }
    }
}

impl Sink for RunningSink<'_> {
    fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        let key = self.key(&item.key());
        if let Some(listed) = &mut self.listed {
            listed.insert(key);
        }
        let images = item.read::<Pod>().map(|pod| images(&pod)).unwrap_or_default();
        let hashes: Box<[u64]> = images.iter().map(|text| self.running.hasher.hash_one(text.as_str())).collect();
        if self.pods.get(&key) == Some(&hashes) {
            return;
        }
        // The new ones first, so that an image never seems to be gone in between.
        self.running.change(&hashes, 1);
        self.changed |= !hashes.is_empty();
        self.remove(key);
        if !hashes.is_empty() {
            self.pods.insert(key, hashes);
        }
    }

    fn delete(&mut self, item: &Item) {
        let key = self.key(&item.key());
        self.remove(key);
    }

    fn list_ends(&mut self) {
        let Some(listed) = self.listed.take() else { return };
        let gone: Vec<u64> = self.pods.keys().filter(|key| !listed.contains(key)).copied().collect();
        for key in gone {
            self.remove(key);
        }
    }

    async fn flush(&mut self) {
        if self.listed.is_none() && std::mem::take(&mut self.changed) {
            (self.on_change)();
        }
    }
}

/// References and digests of the containers whose image the node has.
fn images(pod: &Pod) -> Vec<String> {
    let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
    let mut found = Vec::new();
    for status in statuses.filter(|status| !status.image_id.is_empty()) {
        let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        for one in containers.filter(|one| one.name == status.name) {
            found.extend(split(&one.image).2.map(str::to_owned));
            found.push(one.image.clone());
        }
        found.extend(status.image_id.rsplit_once('@').map(|(_, digest)| digest.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, image: &str, image_id: &str) -> Item {
        let object = json!({
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "web", "image": image}, {"name": "late", "image": "late:1"}]},
            "status": {"containerStatuses": [{"name": "web", "imageID": image_id}, {"name": "late", "imageID": ""}]},
        });
        serde_json::from_str(&object.to_string()).unwrap()
    }

    #[test]
    fn an_image_runs_while_a_pod_has_it() {
        let running = Running::default();
        let mut sink = RunningSink::new(&running, &|| {});
        let digest = Digest::sha256(b"a");
        let id = format!("registry.example.com/shop/web@{digest}");
        for name in ["a", "b"] {
            sink.apply(&pod(name, "registry.example.com/shop/web:1", &id));
        }
        assert!(running.runs("registry.example.com/shop/web:1", None));
        assert!(running.runs("registry.example.com/other:1", Some(&digest)));
        // A node does not have this one yet.
        assert!(!running.runs("late:1", None));
        sink.delete(&pod("a", "", ""));
        assert!(running.runs("registry.example.com/shop/web:1", Some(&digest)));
        sink.list_begins();
        sink.list_ends();
        assert!(!running.runs("registry.example.com/shop/web:1", Some(&digest)));
        assert!(running.counts.read().unwrap().is_empty());
    }
}
