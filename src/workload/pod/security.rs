//! The security contexts of a pod and of its containers.

use crate::workload::list::List;
use crate::workload::text::{Text, nullable};
use serde::Deserialize;

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
pub struct SeccompProfile<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub localhost_profile: Option<Text<'a>>,
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
pub struct Sysctl<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
}
