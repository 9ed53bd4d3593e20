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
    /// The day of the last audit, counted from 1970. Not the second: then the facts would change with each audit.
    #[serde(skip)]
    pub day: i64,
}

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;
/// For how many days a report counts. Since its agent ended the node may have changed.
const DAYS: i64 = 3;

impl ReportedNode {
    /// The same, audited at this second.
    #[must_use]
    pub fn audited(self, second: i64) -> Self {
        Self { day: second.div_euclid(SECONDS_OF_A_DAY), ..self }
    }
}

/// Those that still count at this second.
#[must_use]
pub fn recent(all: &ReportedNodes, second: i64) -> ReportedNodes {
    let today = second.div_euclid(SECONDS_OF_A_DAY);
    all.iter().filter(|(_, node)| today - node.day <= DAYS).map(|(name, node)| (name.clone(), node.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_said_that_has_ended_counts_for_three_days() {
        let audited = ReportedNode { app_armor: Some(true), ..ReportedNode::default() }.audited(1_800_000_000);
        let all = ReportedNodes::from([("n".to_owned(), audited)]);
        let after = |days: i64| recent(&all, 1_800_000_000 + days * SECONDS_OF_A_DAY).len();
        assert_eq!((after(0), after(DAYS), after(DAYS + 1)), (1, 1, 0));
    }
}
