//! Prometheus metrics. Every label value comes from a closed set, and every series exists from the start. The few
//! namespaces in [`scan`] are the only exception.

mod grid;
pub mod images;
mod lookups;
mod mode;
pub mod nodes;
mod requests;
pub mod scan;
mod serving;

use super::times::Times;
use crate::admit::Hook;
use crate::outcome::Outcome;
use images::ImageMetrics;
use lookups::LookupMetrics;
use mode::ModeMetrics;
use nodes::NodeMetrics;
use prometheus::{Gauge, IntCounter, IntGauge, Opts, Registry, TextEncoder};
use requests::RequestMetrics;
pub use requests::Shed;
use scan::ScanMetrics;
use serving::{CertificateMetrics, PolicyMetrics, WebhookMetrics};
use std::sync::Arc;

/// Everything on /metrics. All handles are made at start, so the request path only adds to atomics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: RequestMetrics,
    pub lookups: LookupMetrics,
    pub scan: ScanMetrics,
    pub images: Arc<ImageMetrics>,
    pub nodes: NodeMetrics,
    pub certificate: CertificateMetrics,
    pub policies: PolicyMetrics,
    pub mode: ModeMetrics,
    pub webhooks: WebhookMetrics,
    pub in_flight: IntGauge,
    pub connections: IntGauge,
    pub memory: IntGauge,
    pub panics: IntCounter,
    pub log_lines_lost: IntCounter,
    pub syslog_messages_lost: IntCounter,
    pub syslog_failing: IntGauge,
}

impl Metrics {
    /// Makes and registers all metrics.
    ///
    /// # Errors
    /// When two metrics have the same name, which is a bug.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let register = &registry;
        let build = Opts::new("podreeve_build_info", "Always 1; the label is the version.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        gauge(register, build)?.set(1);
        Ok(Self {
            requests: RequestMetrics::new(register)?,
            lookups: LookupMetrics::new(register)?,
            scan: ScanMetrics::new(register)?,
            images: Arc::new(ImageMetrics::new(register)?),
            nodes: NodeMetrics::new(register)?,
            certificate: CertificateMetrics::new(register)?,
            policies: PolicyMetrics::new(register)?,
            mode: ModeMetrics::new(register)?,
            webhooks: WebhookMetrics::new(register)?,
            in_flight: gauge(register, Opts::new("podreeve_admission_in_flight", "Requests being answered now."))?,
            connections: gauge(register, Opts::new("podreeve_connections", "Open connections."))?,
            memory: gauge(
                register,
                Opts::new("podreeve_admission_memory_bytes", "How much of --memory-budget is held by requests."),
            )?,
            panics: counter(
                register,
                "podreeve_panics_total",
                "Panics while judging; mode deny denied each of these requests, a milder mode admitted it.",
            )?,
            log_lines_lost: counter(
                register,
                "podreeve_log_lines_lost_total",
                "Log lines that were lost: the reader of the log is too slow, or the disk is full.",
            )?,
            syslog_messages_lost: counter(
                register,
                "podreeve_syslog_messages_lost_total",
                "Decisions that did not reach the receiver of syslog: it was away for too long, or is too slow.",
            )?,
            syslog_failing: gauge(
                register,
                Opts::new(
                    "podreeve_syslog_failing",
                    "1 while decisions wait because the receiver of syslog cannot be reached.",
                ),
            )?,
            registry,
        })
    }

    /// Records one answered request.
    pub fn answered(&self, hook: Hook, outcome: &Outcome, bytes: usize, times: Times) {
        self.requests.answered(hook, outcome, bytes, times);
        if hook == Hook::Validate {
            self.mode.answered(outcome);
        }
    }

    /// Records one request that was not judged.
    pub fn shed(&self, why: Shed) {
        self.requests.shed(why);
    }

    /// The text format of Prometheus.
    ///
    /// # Errors
    /// When a metric has no name, which is a bug.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
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
