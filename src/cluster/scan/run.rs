//! One scan of the leader: puts what it finds into reports, events and metrics.

use super::events::Events;
use super::rate_limiter::RateLimiter;
use super::reports::{ReportWrite, Reports};
use super::scanner::ScanObserver;
use crate::cluster::item::Item;
use crate::observe::LogOnce;
use crate::observe::metrics::scan::{NAMESPACES, ScanMetrics};
use crate::scan::{Counts, NamespaceFindings};
use jiff::Timestamp;
use kube::core::ApiResource;
use std::collections::HashMap;
use tokio::time::Instant;

/// The kinds that a scan could not read, each with the error in the log.
pub type Unread = HashMap<String, LogOnce>;

/// One scan.
pub struct ScanRun<'t, 'r> {
    limiter: &'t RateLimiter,
    /// Calls of the scans before.
    calls_before: u64,
    events: &'t mut Events,
    reports: Option<(&'t mut Reports<'r>, ApiResource)>,
    metrics: &'t ScanMetrics,
    /// What the last scan could not read.
    unread_before: Unread,
    /// What this scan cannot read.
    unread: &'t mut Unread,
    /// Reports that were written or deleted.
    written: usize,
    /// Reports and events that could not be written.
    failed: u64,
    namespaces: usize,
    objects: usize,
    counts: Counts,
    /// Violations by namespace, the worst first.
    worst: Vec<(usize, String)>,
}

impl<'t, 'r> ScanRun<'t, 'r> {
    /// `reports` are none where none are written, or their CRD is not installed.
    pub fn new(
        limiter: &'t RateLimiter,
        events: &'t mut Events,
        reports: Option<(&'t mut Reports<'r>, ApiResource)>,
        metrics: &'t ScanMetrics,
        unread: &'t mut Unread,
    ) -> Self {
        Self {
            limiter,
            calls_before: limiter.calls(),
            events,
            reports,
            metrics,
            unread_before: std::mem::take(unread),
            unread,
            written: 0,
            failed: 0,
            namespaces: 0,
            objects: 0,
            counts: Counts::default(),
            worst: Vec::new(),
        }
    }

    /// Records the scan in metrics and log.
    pub fn end(self, start: Instant, pids_limit_known: Option<bool>) {
        self.metrics.errors.inc_by(self.failed);
        let events = self.events.done(!self.unread.is_empty());
        let calls = self.limiter.calls() - self.calls_before;
        if let Some((reports, _)) = self.reports
            && self.failed == 0
        {
            reports.recovered();
        }
        let seconds = start.elapsed().as_secs_f64();
        let completed = self.unread.is_empty().then(Timestamp::now);
        self.metrics.done(completed, seconds, self.objects, self.counts, &self.worst);
        tracing::info!(
            namespaces = self.namespaces,
            objects = self.objects,
            denied = self.counts.fail,
            not_judged = self.counts.error,
            not_read = self.unread.len(),
            calls,
            events,
            reports = self.written,
            pids_limit_known,
            seconds,
            "a scan is done"
        );
    }
}

impl ScanObserver for ScanRun<'_, '_> {
    async fn found(&mut self, found: NamespaceFindings, existing_reports: &[Item]) {
        self.namespaces += 1;
        self.objects += found.objects;
        self.counts.fail += found.counts.fail;
        self.counts.error += found.counts.error;
        self.counts.warn += found.counts.warn;
        self.counts.skip += found.counts.skip;
        let denied = found.counts.fail + found.counts.error;
        if denied > 0 {
            self.worst.push((denied, found.namespace.clone()));
            self.worst.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            self.worst.truncate(NAMESPACES);
        }
        if let Some((reports, resource)) = &mut self.reports {
            match reports.write(resource, &found, existing_reports, !self.unread.is_empty(), self.limiter).await {
                ReportWrite::Unchanged => {}
                ReportWrite::Written => self.written += 1,
                ReportWrite::Failed => self.failed += 1,
            }
        }
        self.failed += self.events.record(&found, self.limiter).await;
    }

    fn unread(&mut self, what: &str, why: &str) {
        self.metrics.errors.inc();
        let known = self.unread.remove(what).or_else(|| self.unread_before.remove(what));
        let mut log = known.unwrap_or_default();
        if log.failed(why) {
            tracing::warn!(
                what,
                error = why,
                "a scan cannot read these objects and leaves them out, and no report is removed meanwhile; grant podreeve's role list on them"
            );
        }
        self.unread.insert(what.to_owned(), log);
    }
}
