//! What scanners in the cluster reported of an image that a pod uses.

use super::InPod;
use crate::image::known::KnownImage;
use crate::image::trust::Reported;
use crate::reference::split;
use crate::rule::{Finding, Findings};
use crate::rules::pod::image_used::UsedImage;
use crate::workload::PodImages;

impl InPod {
    /// A report belongs to a digest. An image of which nothing is known has one if the pod names it, and then the reports of the pod's
    /// own namespace count alone: others would show what is in an image that this namespace may not read.
    pub(super) fn reported<'p>(
        &self,
        used: &UsedImage<'p>,
        known: Option<&KnownImage>,
        context: &PodImages,
        findings: &mut Findings<'p>,
    ) {
        let check = self.judge.rules.get(self.index).map(|rule| &rule.check);
        let Some(check) = check.filter(|check| check.judges_reports()) else { return };
        let (scans, now) = (&context.scans, context.scans.time(context.today));
        let Some(now) = now.filter(|_| !scans.is_empty()) else { return };
        let named = used.image.and_then(|image| split(image).2).filter(|_| known.is_none());
        let digests = known.into_iter().flat_map(KnownImage::manifests).chain(named);
        let of = |digest| scans.of(digest, known.is_some()).map(move |report| (digest, report));
        let reports: Vec<(&str, &Reported)> = digests.flat_map(of).collect();
        if reports.is_empty() {
            return;
        }
        let trust = known.and_then(|image| image.platforms.iter().find_map(|facts| facts.trust.as_ref()));
        for problem in check.check_reports(&reports, trust, now) {
            findings.add(Finding::new(used.image_at(), problem.found, problem.wanted));
        }
    }
}
