//! What the server serves with: its certificate and its policies.

use super::grid::{Axis, Counters};
use super::{gauge, seconds};
use crate::admit::Hook;
use crate::policy::ends::Ends;
use jiff::Timestamp;
use prometheus::{Gauge, IntGauge, Opts, Registry};

#[derive(Debug)]
pub struct CertificateMetrics {
    expiry: Gauge,
    reloads: Counters,
}

impl CertificateMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            expiry: seconds(
                registry,
                "podreeve_certificate_expiry_timestamp_seconds",
                "When the serving certificate expires.",
            )?,
            reloads: Counters::new(
                registry,
                "podreeve_certificate_reloads_total",
                "Certificate files that changed: swapped in (ok), or refused with the last good pair kept (failed).",
                vec![Axis::new("result", ["ok", "failed"])],
            )?,
        })
    }

    /// Records when the certificate in use expires.
    pub fn expires(&self, at: Timestamp) {
        self.expiry.set(unix_seconds(at));
    }

    /// Records a new certificate: in use, or refused.
    pub fn reloaded(&self, ok: bool) {
        self.reloads.add(&[usize::from(!ok)], 1);
    }
}

#[derive(Debug)]
pub struct PolicyMetrics {
    loaded: IntGauge,
    failed: IntGauge,
    stale: IntGauge,
    generation: IntGauge,
    last_error: Gauge,
    /// By how near their end is.
    exemptions: [IntGauge; 3],
}

impl PolicyMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let policies = |status| {
            let opts =
                Opts::new("podreeve_policies", "Policies in force (loaded), and those that do not load (failed).")
                    .const_label("status", status);
            gauge(registry, opts)
        };
        let exemptions = |end| {
            let help =
                "Exemptions of policies, and Exemption objects, by their last day: far or none, within 14 days, over.";
            gauge(registry, Opts::new("podreeve_exemptions", help).const_label("end", end))
        };
        Ok(Self {
            exemptions: [exemptions("far")?, exemptions("soon")?, exemptions("over")?],
            loaded: policies("loaded")?,
            failed: policies("failed")?,
            stale: gauge(
                registry,
                Opts::new(
                    "podreeve_policies_stale",
                    "1 while the policy files have not loaded since the start, and those that the leader kept are in force.",
                ),
            )?,
            generation: gauge(
                registry,
                Opts::new("podreeve_policy_generation", "Counts the policy sets that came into force."),
            )?,
            last_error: seconds(
                registry,
                "podreeve_policy_last_error_timestamp_seconds",
                "When policies last failed to load; 0 when they never did.",
            )?,
        })
    }

    /// Records the policies in force, and how many do not load.
    pub fn set(&self, loaded: usize, failed: usize, generation: u64) {
        self.loaded.set(i64::try_from(loaded).unwrap_or(i64::MAX));
        self.failed.set(i64::try_from(failed).unwrap_or(i64::MAX));
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    /// Records how many exemptions there are, by their end.
    pub fn exemptions_end(&self, ends: &Ends) {
        let counts = [ends.far, ends.soon.len(), ends.over.len()];
        for (gauge, count) in self.exemptions.iter().zip(counts) {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Records whether the policy files that the leader kept are in force, because those of this replica do not load.
    pub fn set_stale(&self, stale: bool) {
        self.stale.set(i64::from(stale));
    }

    /// Records that policies failed to load.
    pub fn failed_at(&self, at: Timestamp) {
        self.last_error.set(unix_seconds(at));
    }
}

/// Whether the API server calls podreeve, by hook.
#[derive(Debug)]
pub struct WebhookMetrics([IntGauge; 2]);

impl WebhookMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let configured = |hook: Hook| {
            let opts = Opts::new(
                "podreeve_webhook_configured",
                "1 when the webhook configuration holds what the chart says; 0 also where podreeve does not write it.",
            );
            gauge(registry, opts.const_label("hook", hook.as_str()))
        };
        let [mutate, validate] = Hook::ALL.map(configured);
        Ok(Self([mutate?, validate?]))
    }

    /// Records the result of a check.
    pub fn set(&self, configured: bool) {
        for gauge in &self.0 {
            gauge.set(i64::from(configured));
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
pub fn unix_seconds(at: Timestamp) -> f64 {
    at.as_second() as f64
}
