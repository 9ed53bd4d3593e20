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
    /// The last day on which the facts count, from 1970. Not the second: then they would change with each audit.
    #[serde(skip)]
    pub last_day: i64,
}

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;
/// For how many days a report counts at least. Since its agent ended the node may have changed.
const DAYS: i64 = 3;
/// How many audits of an agent may fail.
const AUDITS: i64 = 4;

impl ReportedNode {
    /// The same, audited at this second, by an agent with this interval in seconds.
    #[must_use]
    pub fn audited(self, second: i64, interval: u32) -> Self {
        let counts_for = (AUDITS * i64::from(interval)).max(DAYS * SECONDS_OF_A_DAY);
        Self { last_day: second.saturating_add(counts_for).div_euclid(SECONDS_OF_A_DAY), ..self }
    }
}

/// Those that still count at this second.
#[must_use]
pub fn recent(all: &ReportedNodes, second: i64) -> ReportedNodes {
    let today = second.div_euclid(SECONDS_OF_A_DAY);
    all.iter().filter(|(_, node)| today <= node.last_day).map(|(name, node)| (name.clone(), node.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_said_that_has_ended_counts_for_some_days() {
        let counts = |interval: u32, days: i64| {
            let audited = ReportedNode { app_armor: Some(true), ..ReportedNode::default() };
            let all = ReportedNodes::from([("n".to_owned(), audited.audited(1_800_000_000, interval))]);
            !recent(&all, 1_800_000_000 + days * SECONDS_OF_A_DAY).is_empty()
        };
        assert!(counts(3600, 0) && counts(3600, DAYS) && !counts(3600, DAYS + 1));
        let two_days = 2 * 24 * 3600;
        assert!(counts(two_days, 8) && !counts(two_days, 9));
    }
}
