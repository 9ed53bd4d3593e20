//! Exemptions that end, in the log and the metrics.

use super::judge::today;
use crate::observe::Metrics;
use crate::policy::{PolicySet, ends::Ends};

/// The exemptions by their end, as last reported.
#[derive(Default)]
pub(super) struct EndsReport(Ends);

impl EndsReport {
    /// Counts the exemptions, and logs which end. Called again and again, since an exemption ends without a change.
    pub fn update(&mut self, policies: &PolicySet, metrics: &Metrics) {
        let ends = Ends::of(policies, today());
        if ends == self.0 {
            return;
        }
        metrics.policies.exemptions_end(&ends);
        let Ends { far: _, soon, over } = &ends;
        let is_new = *soon != self.0.soon || *over != self.0.over;
        if is_new && !(soon.is_empty() && over.is_empty()) {
            let (soon, over) = (soon.join("; "), over.join("; "));
            tracing::warn!(soon, over, "exemptions end: repair what they exempt, or give them a later `until`");
        }
        self.0 = ends;
    }
}
