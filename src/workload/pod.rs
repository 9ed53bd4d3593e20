//! The part of a Pod (or of a pod template, which has the same shape) that rules judge.
//!
//! Every field is optional and `null` is absent. [`Pod::all_containers`] is the only way to a
//! container: a rule that forgets a container list (CVE-2023-2727) cannot be written.

mod containers;
mod plain;

use super::annotations::Annotations;
use super::context::PodContext;
use super::handler::{Handler, Lifecycle};
use super::job::Job;
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

use containers::Containers;
pub use containers::{ContainerKind, ContainerRef};

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
    /// What the cluster knows around it.
    #[serde(skip)]
    pub context: PodContext<'a>,
    /// The answer of [`Pod::chooses_windows`], once somebody asked.
    #[serde(skip)]
    pub(crate) of_windows: OnceLock<bool>,
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
    /// Read by those who select by them.
    #[serde(borrow)]
    labels: Option<Raw<'a>>,
}

impl Metadata<'_> {
    /// Label by label; a value that is no string is none.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        texts(self.labels)
    }
}

/// A map of texts, for whoever reads it.
fn texts(raw: Option<Raw<'_>>) -> BTreeMap<String, String> {
    // Two strings for each of the shortest members.
    let raw = raw.filter(|raw| effort::hold(raw.get().len() * 16));
    let read = raw.and_then(|raw| serde_json::from_str::<BTreeMap<String, Option<String>>>(raw.get()).ok());
    read.unwrap_or_default().into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

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
    /// Read by those who ask about nodes.
    #[serde(borrow)]
    node_selector: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) affinity: Option<Raw<'a>>,
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
    init_containers: List<Container<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    containers: List<Container<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    ephemeral_containers: List<Container<'a>>,
}

impl PodSpec<'_> {
    /// The ServiceAccount that it runs as.
    #[must_use]
    pub fn account(&self) -> &str {
        self.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Label by label; a value that is no string is none.
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

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurityContext<'a> {
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    pub run_as_group: Option<i64>,
    pub fs_group: Option<i64>,
    #[serde(default, deserialize_with = "nullable")]
    pub supplemental_groups: List<i64>,
    #[serde(borrow)]
    pub seccomp_profile: Option<SeccompProfile<'a>>,
    #[serde(borrow)]
    pub app_armor_profile: Option<AppArmorProfile<'a>>,
    #[serde(borrow)]
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    pub windows_options: Option<WindowsOptions>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub sysctls: List<Sysctl<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Sysctl<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct AppArmorProfile<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct SeLinuxOptions<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub user: Option<Text<'a>>,
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowsOptions {
    pub host_process: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompProfile<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub localhost_profile: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub image: Option<Text<'a>>,
    #[serde(borrow)]
    pub image_pull_policy: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub command: List<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub args: List<Text<'a>>,
    #[serde(borrow)]
    pub security_context: Option<Box<SecurityContext<'a>>>,
    #[serde(borrow)]
    pub resources: Option<Box<Resources<'a>>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub ports: List<Port<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub env: List<EnvVar<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub volume_mounts: List<VolumeMount<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub volume_devices: List<VolumeDevice<'a>>,
    // Boxed: most of 20,000 containers have none.
    #[serde(borrow)]
    pub liveness_probe: Option<Box<Handler<'a>>>,
    #[serde(borrow)]
    pub readiness_probe: Option<Box<Handler<'a>>>,
    #[serde(borrow)]
    pub startup_probe: Option<Box<Handler<'a>>>,
    #[serde(borrow)]
    pub lifecycle: Option<Box<Lifecycle<'a>>>,
    #[serde(borrow)]
    pub restart_policy: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub restart_policy_rules: List<RestartRule<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartRule<'a> {
    #[serde(borrow)]
    pub exit_codes: Option<ExitCodes<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct ExitCodes<'a> {
    #[serde(borrow)]
    pub operator: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContext<'a> {
    pub privileged: Option<bool>,
    pub allow_privilege_escalation: Option<bool>,
    pub read_only_root_filesystem: Option<bool>,
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    pub run_as_group: Option<i64>,
    #[serde(borrow)]
    pub capabilities: Option<Capabilities<'a>>,
    #[serde(borrow)]
    pub seccomp_profile: Option<SeccompProfile<'a>>,
    #[serde(borrow)]
    pub app_armor_profile: Option<AppArmorProfile<'a>>,
    #[serde(borrow)]
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    pub windows_options: Option<WindowsOptions>,
    #[serde(borrow)]
    pub proc_mount: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Capabilities<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub add: List<Text<'a>>,
    #[serde(borrow)]
    pub drop: Option<List<Text<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    pub container_port: Option<i64>,
    pub host_port: Option<i64>,
    #[serde(borrow, rename = "hostIP")]
    pub host_ip: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvVar<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub value: Option<Text<'a>>,
    #[serde(borrow)]
    pub value_from: Option<ValueFrom<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom<'a> {
    #[serde(borrow)]
    pub field_ref: Option<Box<FieldRef<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldRef<'a> {
    #[serde(borrow)]
    pub field_path: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub mount_path: Text<'a>,
    pub read_only: Option<bool>,
    #[serde(borrow)]
    pub mount_propagation: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeDevice<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub device_path: Option<Text<'a>>,
}

impl Pod<'_> {
    /// Every container of the pod: init containers (sidecars too), containers, ephemeral containers.
    pub fn all_containers(&self) -> impl Iterator<Item = ContainerRef<'_>> {
        Containers::new(&self.spec)
    }
}
