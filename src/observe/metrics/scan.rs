//! What the last scan found. Only the leader sets these.

use super::serving::unix_seconds;
use super::{counter, gauge, seconds};
use crate::scan::Counts;
use jiff::Timestamp;
use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// Most namespaces that have a series.
pub const NAMESPACES: usize = 20;

#[derive(Debug)]
pub struct ScanMetrics {
    /// Infinite without scans.
    pub interval: Gauge,
    pub completed: Gauge,
    pub duration: Gauge,
    pub objects: IntGauge,
    pub errors: IntCounter,
    findings: [IntGauge; 4],
    /// The only label that is not a closed set. Its values are the worst namespaces of the last scan, replaced with each
    /// scan: no request can add one, and there are never more than [`NAMESPACES`].
    worst: IntGaugeVec,
}

impl ScanMetrics {
    /// # Errors
    /// When two metrics have the same name, which is a bug.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let findings = |result| {
            let opts = Opts::new("podreeve_scan_findings", "What the last scan found, by what would become of it.");
            gauge(registry, opts.const_label("result", result))
        };
        let worst = IntGaugeVec::new(
            Opts::new("podreeve_scan_namespace_violations", "Violations that would deny, of the 20 worst namespaces."),
            &["namespace"],
        )?;
        registry.register(Box::new(worst.clone()))?;
        let scan = Self {
            interval: seconds(registry, "podreeve_scan_interval_seconds", "Between two scans; +Inf without scans.")?,
            completed: seconds(
                registry,
                "podreeve_scan_last_completed_timestamp_seconds",
                "When this replica last completed a scan; 0 when it does not lead.",
            )?,
            duration: seconds(registry, "podreeve_scan_duration_seconds", "How long the last scan took.")?,
            objects: gauge(registry, Opts::new("podreeve_scan_objects", "Objects that the last scan judged."))?,
            errors: counter(
                registry,
                "podreeve_scan_errors_total",
                "Lists that a scan could not read, and reports and events that it could not write.",
            )?,
            findings: [findings("fail")?, findings("error")?, findings("warn")?, findings("skip")?],
            worst,
        };
        scan.interval.set(f64::INFINITY);
        Ok(scan)
    }

    /// Records a scan. `completed` is the time of its end, or none if something could not be read. `worst` are namespaces
    /// with their number of violations, the worst first.
    pub fn done(
        &self,
        completed: Option<Timestamp>,
        seconds: f64,
        objects: usize,
        counts: Counts,
        worst: &[(usize, String)],
    ) {
        if let Some(completed) = completed {
            self.completed.set(unix_seconds(completed));
        }
        self.duration.set(seconds);
        self.set(objects, counts, worst);
    }

    /// Clears what the last scan found, because this replica is not the leader any more.
    pub fn forget(&self) {
        self.completed.set(0.0);
        self.duration.set(0.0);
        self.set(0, Counts::default(), &[]);
    }

    fn set(&self, objects: usize, counts: Counts, worst: &[(usize, String)]) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.objects.set(number(objects));
        let Counts { fail, error, warn, skip } = counts;
        for (gauge, count) in self.findings.iter().zip([fail, error, warn, skip]) {
            gauge.set(number(count));
        }
        self.worst.reset();
        for (count, namespace) in worst.iter().take(NAMESPACES) {
            self.worst.with_label_values(&[namespace]).set(number(*count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_worst_namespaces_have_a_series() {
        let registry = Registry::new();
        let scan = ScanMetrics::new(&registry).unwrap();
        let text = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text().contains("podreeve_scan_interval_seconds inf") || text().contains("_interval_seconds +Inf"));
        let many: Vec<(usize, String)> = (0..30).map(|n| (100 - n, format!("ns-{n}"))).collect();
        scan.done(Timestamp::from_second(7).ok(), 1.0, 500, Counts { fail: 3, ..Counts::default() }, &many);
        assert_eq!(text().matches("podreeve_scan_namespace_violations{").count(), NAMESPACES);
        assert!(text().contains("podreeve_scan_findings{result=\"fail\"} 3"), "{}", text());
        scan.done(None, 1.0, 500, Counts::default(), &[(1, "other".to_owned())]);
        assert_eq!(text().matches("podreeve_scan_namespace_violations{").count(), 1);
        assert!(text().contains("podreeve_scan_last_completed_timestamp_seconds 7"));
        scan.forget();
        assert!(!text().contains("podreeve_scan_namespace_violations{"));
        assert!(text().contains("podreeve_scan_last_completed_timestamp_seconds 0"));
    }
}
