//! What agents on the nodes report about them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of a report is this and the name of its node.
pub const NAME_PREFIX: &str = "podreeve-node.";
/// The label of the reports.
pub const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "podreeve-node");
/// The annotation with the time of the last audit, in seconds since 1970.
pub const CHECKED: &str = "podreeve.dev/checked";
/// The annotation with the seconds between two audits.
pub const INTERVAL: &str = "podreeve.dev/interval";
/// The annotation with the facts.
pub const FACTS: &str = "podreeve.dev/node-facts";

/// By the names of nodes.
pub type ReportedNodes = BTreeMap<String, ReportedNode>;

/// What admission knows of a node from its report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedNode {
    /// `podPidsLimit` of its kubelet; none if that is not known.
    pub pod_pids_limit: Option<i64>,
    /// Whether its runtime and its kernel have user namespaces for pods.
    pub user_namespaces: Option<bool>,
    pub app_armor: Option<bool>,
    /// Whether `SELinux` enforces its policy.
    pub se_linux: Option<bool>,
}
