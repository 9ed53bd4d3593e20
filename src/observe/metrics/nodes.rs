//! What the agents found on the nodes. Each replica has the same, from the reports in the cluster.

use super::{gauge, seconds};
use crate::rule::{Rule, VerdictKind};
use crate::rules::RULES;
use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts, Registry};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct NodeMetrics {
    /// Both labels are closed sets, and all series exist from the start.
    results: IntGaugeVec,
    reports: IntGauge,
    oldest: Gauge,
    interval: Gauge,
}

/// How many results there are, by rule and verdict. Words of other versions are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeVerdicts(BTreeMap<(&'static str, VerdictKind), i64>);

fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().filter(|rule| rule.node().is_some())
}

impl NodeVerdicts {
    pub fn count(&mut self, rule: &str, verdict: &str) {
        let rule = rules().find(|known| known.id == rule);
        let verdict = VerdictKind::ALL.into_iter().find(|known| known.as_str() == verdict);
        if let (Some(rule), Some(verdict)) = (rule, verdict) {
            *self.0.entry((rule.id, verdict)).or_default() += 1;
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// For tests.
    #[must_use]
    pub fn of(&self, rule: &str, verdict: &str) -> i64 {
        let found = self.0.iter().find(|((id, kind), _)| *id == rule && kind.as_str() == verdict);
        found.map_or(0, |(_, count)| *count)
    }
}

impl NodeMetrics {
    /// # Errors
    /// When two metrics have the same name, which is a bug.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "What the agents found on the nodes, by rule and verdict; 0 without nodes.enabled.";
        let results = IntGaugeVec::new(Opts::new("podreeve_node_results", help), &["rule", "verdict"])?;
        registry.register(Box::new(results.clone()))?;
        let metrics = Self {
            results,
            reports: gauge(registry, Opts::new("podreeve_node_reports", "Nodes that have a report of an agent."))?,
            oldest: seconds(
                registry,
                "podreeve_node_oldest_audit_timestamp_seconds",
                "When the node whose last audit is the oldest was audited; 0 without reports.",
            )?,
            interval: seconds(
                registry,
                "podreeve_node_audit_interval_seconds",
                "Between two audits of a node, the longest that a report says; 0 without reports.",
            )?,
        };
        metrics.set(&NodeVerdicts::default(), 0, None, None);
        Ok(metrics)
    }

    /// Records what all reports say together. `oldest` is in seconds since 1970, and `interval` in seconds.
    pub fn set(&self, verdicts: &NodeVerdicts, reports: usize, oldest: Option<i64>, interval: Option<u32>) {
        for rule in rules() {
            for verdict in VerdictKind::ALL {
                let count = verdicts.0.get(&(rule.id, verdict)).copied().unwrap_or_default();
                self.results.with_label_values(&[rule.id, verdict.as_str()]).set(count);
            }
        }
        self.reports.set(i64::try_from(reports).unwrap_or(i64::MAX));
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
        self.oldest.set(oldest.unwrap_or_default() as f64);
        self.interval.set(f64::from(interval.unwrap_or_default()));
    }
}
