//! Requests: how many, what became of them, and how long each took.

use super::grid::{Axis, BYTES, Counters, FINE_SECONDS, Histograms, SECONDS};
use crate::admit::Hook;
use crate::decide::Effect;
use crate::observe::times::Times;
use crate::outcome::{About, Operation, Outcome, Verdict};
use crate::rules::of_requests;
use crate::workload::KindClass;
use crate::workload::templates::Why;
use prometheus::Registry;
use std::collections::HashMap;

/// Why a request was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// The memory budget for bodies was used up: 429.
    Memory,
    /// The connection limit made new connections wait.
    Connections,
    /// The body did not arrive, or was not judged, in time.
    Deadline,
    /// The body is too large.
    Size,
    /// The client left in the middle of its body.
    Aborted,
    /// The body is no AdmissionReview, or the object in it could not be read.
    Unreadable,
    /// The path, the method or the content type is wrong.
    Request,
}

impl Shed {
    pub const ALL: [Self; 7] =
        [Self::Memory, Self::Connections, Self::Deadline, Self::Size, Self::Aborted, Self::Unreadable, Self::Request];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Connections => "connections",
            Self::Deadline => "deadline",
            Self::Size => "size",
            Self::Aborted => "aborted",
            Self::Unreadable => "unreadable",
            Self::Request => "request",
        }
    }
}

#[derive(Debug)]
pub struct RequestMetrics {
    requests: Counters,
    violations: Counters,
    /// The place of each rule in `violations`, by its id.
    rules: HashMap<&'static str, usize>,
    shed: Counters,
    unmet: Counters,
    durations: Histograms,
    decisions: Histograms,
    bytes: Histograms,
}

impl RequestMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let hooks = || Axis::new("hook", Hook::ALL.map(Hook::as_str));
        let counters = |name, help, axes| Counters::new(registry, name, help, axes);
        let histograms = |name, help, buckets| Histograms::new(registry, name, help, buckets, hooks());
        Ok(Self {
            requests: counters(
                "podreeve_admission_requests_total",
                "Admission requests that were answered, by what became of them.",
                vec![
                    Axis::new("operation", Operation::NAMES.into_iter().chain(["other"])),
                    Axis::new("kind", KindClass::ALL.map(KindClass::as_str)),
                    hooks(),
                    Axis::new("verdict", Verdict::ALL.map(Verdict::as_str)),
                ],
            )?,
            violations: counters(
                "podreeve_violations_total",
                "Violations that were found, by what became of them.",
                vec![
                    Axis::new("rule", of_requests().map(|rule| rule.id)),
                    Axis::new("action", Effect::ALL.map(Effect::as_str)),
                ],
            )?,
            rules: of_requests().enumerate().map(|(place, rule)| (rule.id, place)).collect(),
            shed: counters(
                "podreeve_admission_shed_total",
                "Requests that were not judged, by why.",
                vec![Axis::new("reason", Shed::ALL.map(Shed::as_str))],
            )?,
            unmet: counters(
                "podreeve_unmet_template_paths_total",
                "Paths of the policies' workloads that met no pod in an object, by what is there instead.",
                vec![Axis::new("reason", Why::ALL.map(Why::as_str))],
            )?,
            durations: histograms(
                "podreeve_admission_duration_seconds",
                "From the request's headers to its answer.",
                &SECONDS,
            )?,
            decisions: histograms(
                "podreeve_decision_duration_seconds",
                "Time that went into reading and judging the body.",
                &FINE_SECONDS,
            )?,
            bytes: histograms("podreeve_admission_request_bytes", "Size of request bodies.", &BYTES)?,
        })
    }

    pub fn answered(&self, hook: Hook, outcome: &Outcome, bytes: usize, times: Times) {
        let About { operation, class, .. } = &outcome.about;
        self.requests.add(&[operation.ordinal(), *class as usize, hook as usize, outcome.verdict as usize], 1);
        for tally in &outcome.tallies {
            // Both hooks see the same pod. Repairs are counted for the mutating hook, all else for the validating one.
            if (hook == Hook::Mutate) != (tally.effect == Effect::Patch) {
                continue;
            }
            if let Some(rule) = self.rules.get(tally.rule) {
                self.violations.add(&[*rule, tally.effect as usize], tally.count as u64);
            }
        }
        for unmet in &outcome.unmet {
            self.unmet.add(&[unmet.why as usize], 1);
        }
        self.durations.observe(hook as usize, times.total.as_secs_f64());
        self.decisions.observe(hook as usize, times.decision.as_secs_f64());
        #[allow(clippy::cast_precision_loss, reason = "a histogram")]
        self.bytes.observe(hook as usize, bytes as f64);
    }

    pub fn shed(&self, why: Shed) {
        self.shed.add(&[why as usize], 1);
    }
}
