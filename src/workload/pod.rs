//! The part of a Pod (or of a pod template, which has the same fields) that rules judge.
//!
//! Every field is optional, and `null` counts as absent. [`Pod::all_containers`] is the only way to a
//! container, so no rule can forget a list of containers (as in CVE-2023-2727).

mod container;
mod container_list;
mod containers;
mod security;

use super::annotations::Annotations;
use super::context::PodContext;
use super::list::List;
use super::resources::{PodClaim, Resources};
use super::text::{Text, nullable};
use super::volume::Volume;
use crate::effort;
use crate::json::Raw;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use super::env::{EnvVar, FieldRef, ValueFrom};
pub use container::{Container, ExitCodes, Port, RestartRule, VolumeDevice, VolumeMount};
use container_list::ContainerList;
pub use containers::{ContainerKind, ContainerRef, Containers};
pub use security::{
    AppArmorProfile, Capabilities, PodSecurityContext, SeLinuxOptions, SeccompProfile, SecurityContext, Sysctl,
    WindowsOptions,
};

/// A Pod or a `PodTemplateSpec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub metadata: Metadata<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub spec: PodSpec<'a>,
    /// The kind of the object that was read: `Pod`, `Deployment` and so on.
    #[serde(skip)]
    pub kind: Cow<'static, str>,
    /// The Job whose template this is.
    #[serde(skip)]
    pub job: Option<Job>,
    /// What is known about its surroundings.
    #[serde(skip)]
    pub context: PodContext<'a>,
    /// The result of [`Pod::chooses_windows`], computed at the first call.
    #[serde(skip)]
    pub(crate) of_windows: OnceLock<bool>,
}

/// The fields of a Job that rules judge together with its pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct Job {
    pub backoff_limit: Option<i64>,
    pub backoff_limit_per_index: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub generate_name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub annotations: Annotations<'a>,
    /// Parsed only where a selector needs the labels.
    #[serde(borrow)]
    labels: Option<Raw<'a>>,
}

impl Metadata<'_> {
    /// The labels. A label whose value is not a string is left out.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        texts(self.labels)
    }
}

/// The entries of a map whose values are strings.
fn texts(raw: Option<Raw<'_>>) -> BTreeMap<String, String> {
    // The shortest members have some five bytes, and each becomes two strings.
    let raw = raw.filter(|raw| effort::hold(raw.get().len() * 16));
    let read = raw.and_then(|raw| serde_json::from_str::<BTreeMap<String, Option<String>>>(raw.get()).ok());
    read.unwrap_or_default().into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// How many pull secrets of a pod count.
const PULL_SECRETS: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec<'a> {
    pub host_network: Option<bool>,
    #[serde(rename = "hostPID")]
    pub host_pid: Option<bool>,
    #[serde(rename = "hostIPC")]
    pub host_ipc: Option<bool>,
    pub host_users: Option<bool>,
    pub automount_service_account_token: Option<bool>,
    #[serde(borrow)]
    pub service_account_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub restart_policy: Option<Text<'a>>,
    #[serde(borrow)]
    pub node_name: Option<Text<'a>>,
    /// Parsed only where the node matters.
    #[serde(borrow)]
    node_selector: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) affinity: Option<Raw<'a>>,
    /// Parsed only where an image must be fetched.
    #[serde(borrow)]
    image_pull_secrets: Option<Raw<'a>>,
    #[serde(borrow)]
    pub os: Option<Os<'a>>,
    #[serde(borrow)]
    pub runtime_class_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub security_context: Option<PodSecurityContext<'a>>,
    #[serde(borrow)]
    pub resources: Option<Resources<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub resource_claims: List<PodClaim<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub volumes: List<Volume<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    init_containers: ContainerList<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    containers: ContainerList<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    ephemeral_containers: ContainerList<'a>,
}

impl PodSpec<'_> {
    /// The name of its ServiceAccount.
    #[must_use]
    pub fn account(&self) -> &str {
        self.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// The names of `imagePullSecrets`, [`PULL_SECRETS`] at most.
    #[must_use]
    pub fn pull_secrets(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Secret {
            name: Option<String>,
        }
        let raw = self.image_pull_secrets.filter(|raw| raw.get().len() <= PULL_SECRETS * 300);
        let read = raw.and_then(|raw| serde_json::from_str::<Vec<Option<Secret>>>(raw.get()).ok());
        let names = read.unwrap_or_default().into_iter().filter_map(|secret| secret?.name);
        names.take(PULL_SECRETS).collect()
    }

    /// How many containers each list has, in the order of [`ContainerKind::ALL`].
    #[must_use]
    pub fn lengths(&self) -> [usize; 3] {
        [self.init_containers.len(), self.containers.len(), self.ephemeral_containers.len()]
    }

    /// The labels of `nodeSelector`. A label whose value is not a string is left out.
    #[must_use]
    pub fn node_selector(&self) -> BTreeMap<String, String> {
        texts(self.node_selector)
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Os<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
}

impl Pod<'_> {
    /// Every container of the pod: init containers (sidecars too), containers, ephemeral containers.
    #[must_use]
    pub fn all_containers(&self) -> Containers<'_> {
        let spec = &self.spec;
        Containers::new([&spec.init_containers, &spec.containers, &spec.ephemeral_containers])
    }
}
