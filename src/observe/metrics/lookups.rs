//! Facts of the cluster: which are known, and how long requests waited for others.

use super::gauge;
use super::grid::{Axis, Counters, Histograms, SECONDS};
use crate::facts::FactQuery;
use prometheus::{IntGauge, Opts, Registry};

#[derive(Debug)]
pub struct LookupMetrics {
    durations: Histograms,
    failed: Counters,
    pub pids_limit_known: IntGauge,
}

impl LookupMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            durations: Histograms::new(
                registry,
                "podreeve_lookup_duration_seconds",
                "Time for which a request waited for a fact of the cluster that was not known yet.",
                &SECONDS,
                Axis::new("fact", FactQuery::FACTS),
            )?,
            failed: Counters::new(
                registry,
                "podreeve_lookups_failed_total",
                "Facts of the cluster that a request needed and whose answer did not come in time.",
                vec![Axis::new("fact", FactQuery::FACTS)],
            )?,
            pids_limit_known: gauge(
                registry,
                Opts::new(
                    "podreeve_pids_limit_known",
                    "1 when podPidsLimit of every node is known; 0 also where no policy has pids-limit.",
                ),
            )?,
        })
    }

    /// Records that a request waited for a fact, and whether an answer came.
    pub fn add(&self, query: &FactQuery, seconds: f64, found: bool) {
        self.durations.observe(query.fact(), seconds);
        if !found {
            self.failed.add(&[query.fact()], 1);
        }
    }
}
