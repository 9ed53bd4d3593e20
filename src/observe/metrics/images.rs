//! Images: what is known of them, and how registries answer.

use super::grid::{Axis, Counters, Histograms};
use super::{counter, gauge, seconds};
use prometheus::{Gauge, IntCounter, IntGauge, Opts, Registry};

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// Where a tag leads.
    Tag,
    /// Manifests and configurations.
    Image,
    /// Signatures and attestations.
    Signatures,
    Layers,
}

impl Fetched {
    const NAMES: [&'static str; 4] = ["tag", "image", "signatures", "layers"];
}

/// Why it fails. The last one stands for what has no name here.
const ERRORS: [&str; 16] = [
    "not_listed",
    "settings",
    "not_allowed",
    "connect",
    "timeout",
    "refused",
    "not_found",
    "too_many_requests",
    "status",
    "too_big",
    "wrong_digest",
    "interrupted",
    "malformed",
    "busy",
    "failed",
    "other",
];

/// From a millisecond to ten minutes: layers take long.
const SECONDS: [f64; 13] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

#[derive(Debug)]
pub struct ImageMetrics {
    pub known: IntGauge,
    pub layers_known: IntGauge,
    pub unknown: IntGauge,
    pub memory: IntGauge,
    /// Of the signatures that were read longest ago.
    pub signatures_age: Gauge,
    pub settings_failed: IntGauge,
    /// Objects of the cluster without the seal of this installation.
    pub objects_ignored: IntCounter,
    durations: Histograms,
    bytes: Counters,
    errors: Counters,
}

impl ImageMetrics {
    /// # Errors
    /// Two metrics have the same name, which is a bug.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let count = |name: &str, help: &str| gauge(registry, Opts::new(name, help));
        let what = || Axis::new("what", Fetched::NAMES);
        Ok(Self {
            known: count("podreeve_image_known", "Images that this replica knows.")?,
            layers_known: count("podreeve_image_layers_known", "Images whose layers are read, too.")?,
            unknown: count(
                "podreeve_image_unknown",
                "References that could not be read, and that are tried again later.",
            )?,
            memory: count("podreeve_image_memory_bytes", "What is kept of images, packed.")?,
            signatures_age: seconds(
                registry,
                "podreeve_image_signatures_age_seconds",
                "How long ago the signatures were read that were read longest ago; 0 where none were read.",
            )?,
            settings_failed: count(
                "podreeve_image_settings_failed",
                "1 when not all of the newest settings of images can be used: older ones are in force, a registry is not asked, or the replica is not ready.",
            )?,
            objects_ignored: counter(
                registry,
                "podreeve_image_objects_ignored_total",
                "Times that facts of an image in the cluster were ignored, because they have not the seal of this installation.",
            )?,
            durations: Histograms::new(
                registry,
                "podreeve_image_fetch_duration_seconds",
                "Time to read something of an image from its registry.",
                &SECONDS,
                what(),
            )?,
            bytes: Counters::new(
                registry,
                "podreeve_image_fetched_bytes_total",
                "Bytes that were read from registries; layers as they are stored.",
                vec![what()],
            )?,
            errors: Counters::new(
                registry,
                "podreeve_image_fetch_errors_total",
                "Failures to read something of an image.",
                vec![what(), Axis::new("kind", ERRORS)],
            )?,
        })
    }

    /// Records that something was read, or why it was not.
    pub fn fetched(&self, what: Fetched, seconds: f64, result: Result<u64, &'static str>) {
        match result {
            Ok(bytes) => {
                self.durations.observe(what as usize, seconds);
                self.bytes.add(&[what as usize], bytes);
            }
            Err(kind) => {
                let kind = ERRORS.iter().position(|known| *known == kind).unwrap_or(ERRORS.len() - 1);
                self.errors.add(&[what as usize, kind], 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_closed_set_of_kinds() {
        let registry = Registry::new();
        let metrics = ImageMetrics::new(&registry).unwrap();
        metrics.fetched(Fetched::Layers, 1.0, Err("wrong_digest"));
        metrics.fetched(Fetched::Tag, 1.0, Err("a new one"));
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text.contains(r#"errors_total{kind="wrong_digest",what="layers"} 1"#), "{text}");
        assert!(text.contains(r#"errors_total{kind="other",what="tag"} 1"#), "{text}");
    }
}
