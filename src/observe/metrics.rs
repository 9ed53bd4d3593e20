//! Prometheus metrics. Every label value comes from a closed set, and every series exists from the start; but for
//! the few namespaces that [`scan`] names.

mod grid;
mod lookups;
pub mod scan;

use super::Times;
use crate::admit::Hook;
use crate::decide::Effect;
use crate::outcome::{About, Operation, Outcome, Verdict};
use crate::rules::RULES;
use crate::workload::KindClass;
use crate::workload::templates::Why;
use grid::{Axis, Counters, Histograms};
use lookups::Lookups;
use prometheus::{Gauge, IntCounter, IntGauge, Opts, Registry, TextEncoder};
use scan::Scan;

/// Why a request was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// The memory budget for bodies was used up: 429.
    Memory,
    /// The connection limit made newcomers wait.
    Connections,
    /// The body did not arrive, or was not judged, in time.
    Deadline,
    /// The body is too large.
    Size,
    /// The client left in the middle of its body.
    Aborted,
    /// The body is no AdmissionReview, or the object in it could not be read.
    Unreadable,
    /// The request is none for a webhook: its path, method or content type is wrong.
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

/// Everything on /metrics. Handles are looked up once: the request path only adds to atomics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Counters,
    violations: Counters,
    shed: Counters,
    unmet: Counters,
    reloads: Counters,
    durations: Histograms,
    decisions: Histograms,
    bytes: Histograms,
    pub lookups: Lookups,
    pub scan: Scan,
    pub in_flight: IntGauge,
    pub connections: IntGauge,
    pub memory: IntGauge,
    pub panics: IntCounter,
    pub log_lines_lost: IntCounter,
    pub certificate_expiry: Gauge,
    pub policies_loaded: IntGauge,
    pub policies_failed: IntGauge,
    pub policy_generation: IntGauge,
    pub policy_last_error: Gauge,
}

impl Metrics {
    /// Makes and registers all of them.
    ///
    /// # Errors
    /// When two metrics have one name, which is a bug.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let register = &registry;
        let hooks = || Axis::new("hook", Hook::ALL.map(Hook::as_str));
        let policies = |status| {
            let opts =
                Opts::new("podreeve_policies", "Policies in force (loaded), and those that do not load (failed).")
                    .const_label("status", status);
            gauge(register, opts)
        };
        let build = Opts::new("podreeve_build_info", "Always 1; the label tells the version.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        gauge(register, build)?.set(1);
        let metrics = Self {
            requests: Counters::new(
                register,
                "podreeve_admission_requests_total",
                "Admission requests that were answered, by what became of them.",
                vec![
                    Axis::new("operation", Operation::NAMES.into_iter().chain(["other"])),
                    Axis::new("kind", KindClass::ALL.map(KindClass::as_str)),
                    hooks(),
                    Axis::new("verdict", Verdict::ALL.map(Verdict::as_str)),
                ],
            )?,
            violations: Counters::new(
                register,
                "podreeve_violations_total",
                "Violations that were found, by what became of them.",
                vec![
                    Axis::new("rule", RULES.iter().map(|rule| rule.id)),
                    Axis::new("action", Effect::ALL.map(Effect::as_str)),
                ],
            )?,
            shed: Counters::new(
                register,
                "podreeve_admission_shed_total",
                "Requests that were not judged, by why.",
                vec![Axis::new("reason", Shed::ALL.map(Shed::as_str))],
            )?,
            unmet: unmet_paths(register)?,
            reloads: Counters::new(
                register,
                "podreeve_certificate_reloads_total",
                "Certificate files that changed: swapped in (ok), or refused with the last good pair kept (failed).",
                vec![Axis::new("result", ["ok", "failed"])],
            )?,
            durations: Histograms::new(
                register,
                "podreeve_admission_duration_seconds",
                "From the request's headers to its answer.",
                &grid::SECONDS,
                hooks(),
            )?,
            decisions: Histograms::new(
                register,
                "podreeve_decision_duration_seconds",
                "Time that went into reading and judging the body.",
                &grid::FINE_SECONDS,
                hooks(),
            )?,
            bytes: Histograms::new(
                register,
                "podreeve_admission_request_bytes",
                "Size of request bodies.",
                &grid::BYTES,
                hooks(),
            )?,
            lookups: Lookups::new(register)?,
            scan: Scan::new(register)?,
            in_flight: gauge(register, Opts::new("podreeve_admission_in_flight", "Requests being answered now."))?,
            connections: gauge(register, Opts::new("podreeve_connections", "Open connections."))?,
            memory: gauge(
                register,
                Opts::new("podreeve_admission_memory_bytes", "How much of --memory-budget is held by requests."),
            )?,
            panics: counter(register, "podreeve_panics_total", "Panics while judging; each was answered by a denial.")?,
            log_lines_lost: counter(
                register,
                "podreeve_log_lines_lost_total",
                "Log lines that were lost: nobody read them in time, or the disk is full.",
            )?,
            certificate_expiry: seconds(
                register,
                "podreeve_certificate_expiry_timestamp_seconds",
                "When the serving certificate expires.",
            )?,
            policies_loaded: policies("loaded")?,
            policies_failed: policies("failed")?,
            policy_generation: gauge(
                register,
                Opts::new("podreeve_policy_generation", "Counts the policy sets that came into force."),
            )?,
            policy_last_error: seconds(
                register,
                "podreeve_policy_last_error_timestamp_seconds",
                "When policies last failed to load; 0 when they never did.",
            )?,
            registry,
        };
        Ok(metrics)
    }

    pub fn answered(&self, hook: Hook, outcome: &Outcome, bytes: usize, times: Times) {
        let About { operation, class, .. } = &outcome.about;
        self.requests.add(&[operation.ordinal(), *class as usize, hook as usize, outcome.verdict as usize], 1);
        for tally in &outcome.tallies {
            // The mutating hook sees the same pod first; only its repairs are its own.
            if (hook == Hook::Mutate) != (tally.effect == Effect::Patch) {
                continue;
            }
            if let Some(rule) = RULES.iter().position(|rule| rule.id == tally.rule) {
                self.violations.add(&[rule, tally.effect as usize], tally.count as u64);
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

    pub fn certificate_reloaded(&self, ok: bool) {
        self.reloads.add(&[usize::from(!ok)], 1);
    }

    /// The text format of Prometheus.
    ///
    /// # Errors
    /// When a metric has no name, which is a bug.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn unmet_paths(registry: &Registry) -> Result<Counters, prometheus::Error> {
    Counters::new(
        registry,
        "podreeve_unmet_template_paths_total",
        "Paths of the policies' workloads that met no pod in an object, by what stands there instead.",
        vec![Axis::new("reason", Why::ALL.map(Why::as_str))],
    )
}

fn gauge(registry: &Registry, opts: Opts) -> Result<IntGauge, prometheus::Error> {
    let gauge = IntGauge::with_opts(opts)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn seconds(registry: &Registry, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
    let gauge = Gauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}
