//! The fields of each pod that the Pod Security Standards and the rules on exec judge, as JSON.
//!
//! Pods of one workload have equal fields, so they share one text: memory grows with the number of different texts.

mod running;

use crate::json::Objects;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

pub type PodsByName = BTreeMap<String, KeptPod>;

/// A pod, reduced to the fields that are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPod {
    /// The pod as JSON, without other fields.
    pub text: Arc<str>,
    /// The uid of its controller.
    pub controller: Option<Arc<str>>,
    /// The digests of the images that its containers run, as JSON by their names: where the image decides by which user.
    digests: Option<Arc<str>>,
}

impl KeptPod {
    /// A pod that exists and cannot be read.
    #[must_use]
    pub fn unreadable() -> Self {
        Self { text: "".into(), controller: None, digests: None }
    }

    /// The digest of the image that each container runs, by the container's name. Containers whose user the pod decides are left out.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<String, String> {
        self.digests.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The pod as JSON; none when it could not be read.
    #[must_use]
    pub fn raw(&self) -> Option<&RawValue> {
        serde_json::from_str(&self.text).ok()
    }
}

/// The texts that are in use. Unused ones are dropped now and then.
#[derive(Debug, Default)]
pub struct Texts {
    known: HashSet<Arc<str>>,
    sweep_at: usize,
}

impl Texts {
    fn share(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.known.get(text.as_str()) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|text| Arc::strong_count(text) > 1);
            self.sweep_at = 1024.max(self.known.len() * 2);
        }
        let text: Arc<str> = text.into();
        self.known.insert(Arc::clone(&text));
        text
    }

    /// Keeps a pod. One that cannot be read is kept as unreadable, because it exists.
    pub fn keep_any(&mut self, pod: &RawValue) -> KeptPod {
        self.keep(pod).unwrap_or_else(KeptPod::unreadable)
    }

    /// Keeps a pod; none when the JSON is not a pod.
    pub fn keep(&mut self, pod: &RawValue) -> Option<KeptPod> {
        let mut json = serde_json::Deserializer::from_str(pod.get());
        let read = Object::deserialize(Objects(&mut json)).ok()?;
        let controller = read.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        let controller = controller.map(|owner| self.share(owner.uid.clone()));
        let digests = running::digests(&read.spec, read.status).map(|json| self.share(json));
        let trimmed = Trimmed {
            metadata: Annotated { annotations: annotations(read.metadata.annotations) },
            spec: spec(read.spec),
        };
        Some(KeptPod { text: self.share(serde_json::to_string(&trimmed).ok()?), controller, digests })
    }
}

type Raw<'a> = Option<&'a RawValue>;
type Map<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(borrow, default)]
    spec: Spec<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    annotations: Option<Map<'a>>,
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default)]
    uid: String,
    controller: Option<bool>,
}

#[derive(Serialize)]
struct Trimmed<'a> {
    metadata: Annotated<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Annotated<'a> {
    #[serde(skip_serializing_if = "Map::is_empty")]
    annotations: Map<'a>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(rename = "hostPID", skip_serializing_if = "Option::is_none")]
    host_pid: Option<bool>,
    #[serde(rename = "hostIPC", skip_serializing_if = "Option::is_none")]
    host_ipc: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_network: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_users: Option<bool>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    runtime_class_name: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    os: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    security_context: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<Map<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    init_containers: Option<Vec<Container<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    containers: Option<Vec<Container<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    ephemeral_containers: Option<Vec<Container<'a>>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    name: Raw<'a>,
    /// For exemptions by image.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    image: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    security_context: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<Map<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    liveness_probe: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    readiness_probe: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    startup_probe: Raw<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    lifecycle: Raw<'a>,
}

/// The annotations that were the predecessors of fields.
fn annotations(all: Option<Map<'_>>) -> Map<'_> {
    let kept = |key: &String| {
        key.contains("seccomp.security.alpha.kubernetes.io/") || key.contains("apparmor.security.beta.kubernetes.io/")
    };
    all.unwrap_or_default().into_iter().filter(|(key, _)| kept(key)).collect()
}

fn spec(mut spec: Spec<'_>) -> Spec<'_> {
    for volume in spec.volumes.iter_mut().flatten() {
        // Only the type of a volume is judged.
        let empty: Option<&RawValue> = serde_json::from_str("{}").ok();
        for (key, value) in volume.iter_mut() {
            if let (Some(empty), true) = (empty, key != "name" && value.get() != "null") {
                *value = empty;
            }
        }
    }
    let lists = [&mut spec.init_containers, &mut spec.containers, &mut spec.ephemeral_containers];
    for container in lists.into_iter().flatten().flatten() {
        if let Some(ports) = &mut container.ports {
            ports.retain(|port| port.contains_key("hostPort"));
            for port in ports {
                port.retain(|key, _| key == "hostPort" || key == "hostIP");
            }
        }
        container.ports = container.ports.take().filter(|ports| !ports.is_empty());
        let names_host = |raw: &&RawValue| raw.get().contains("\"host\"");
        for handler in [
            &mut container.liveness_probe,
            &mut container.readiness_probe,
            &mut container.startup_probe,
            &mut container.lifecycle,
        ] {
            *handler = handler.filter(names_host);
        }
    }
    spec
}

/// The pods of all namespaces, kept up to date by a watch.
#[derive(Debug, Default)]
pub struct Pods {
    texts: Texts,
    by_namespace: HashMap<String, Arc<PodsByName>>,
}

impl Pods {
    /// Adds or replaces a pod; whether a field that is judged has changed.
    pub fn apply(&mut self, namespace: &str, name: &str, pod: &RawValue) -> bool {
        let kept = self.texts.keep_any(pod);
        let known = self.by_namespace.get(namespace).and_then(|pods| pods.get(name));
        if known == Some(&kept) {
            return false;
        }
        let pods = self.by_namespace.entry(namespace.to_owned()).or_default();
        Arc::make_mut(pods).insert(name.to_owned(), kept);
        true
    }

    /// Removes a pod; whether it was known.
    pub fn remove(&mut self, namespace: &str, name: &str) -> bool {
        let Some(pods) = self.by_namespace.get_mut(namespace) else { return false };
        let removed = pods.contains_key(name) && Arc::make_mut(pods).remove(name).is_some();
        if pods.is_empty() {
            self.by_namespace.remove(namespace);
        }
        removed
    }

    /// Removes all pods but these.
    pub fn retain(&mut self, names: &HashSet<(String, String)>) {
        for (namespace, pods) in &mut self.by_namespace {
            let gone = |name: &String| !names.contains(&(namespace.clone(), name.clone()));
            if pods.keys().any(gone) {
                Arc::make_mut(pods).retain(|name, _| names.contains(&(namespace.clone(), name.clone())));
            }
        }
        self.by_namespace.retain(|_, pods| !pods.is_empty());
    }

    /// The pods as they are now. Later changes copy what they change.
    #[must_use]
    pub fn snapshot(&self) -> Arc<HashMap<String, Arc<PodsByName>>> {
        Arc::new(self.by_namespace.clone())
    }
}
