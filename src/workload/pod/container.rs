//! One container of a pod.

use super::security::SecurityContext;
use crate::workload::env::EnvVar;
use crate::workload::handler::{Handler, Lifecycle};
use crate::workload::list::List;
use crate::workload::resources::Resources;
use crate::workload::text::{Text, nullable};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container<'a> {
    /// Empty once the container is in its list, which has the names.
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) name: Text<'a>,
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
    // Boxed, because most containers have none and one pod may have 20,000 containers.
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

impl<'a> Container<'a> {
    /// Each probe of the container with the name of its field.
    pub fn probes(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        [
            ("livenessProbe", &self.liveness_probe),
            ("readinessProbe", &self.readiness_probe),
            ("startupProbe", &self.startup_probe),
        ]
        .into_iter()
        .filter_map(|(field, probe)| Some((field, probe.as_deref()?)))
    }

    /// Each lifecycle handler of the container with the name of its field in `lifecycle`.
    pub fn lifecycle_handlers(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        self.lifecycle.iter().flat_map(|lifecycle| {
            [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)]
                .into_iter()
                .filter_map(|(field, handler)| Some((field, handler.as_ref()?)))
        })
    }
}
