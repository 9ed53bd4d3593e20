//! Rules about images, in pods: what such a rule finds in an image becomes a finding at the field that names the image.
//!
//! All rules about images of one policy judge together, and what they find is remembered with the image.

mod gaps;
mod reported;
mod summary;

use crate::facts::FactKinds;
use crate::facts::images::pinned;
use crate::image::known::{ImageAnswer, KnownImage, UnknownEffect, UnknownImage, UnknownKind};
use crate::reference::is_pinned;
use crate::rule::{AtMost, Check, Finding, Findings, ImageCheck, InContainer, Location};
use crate::rules::pod::image_used::{self, UsedImage};
use crate::text::clean;
use crate::workload::{Pod, PodFeatures, PodImages};
use gaps::Said;
use jiff::civil::Date;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use summary::Summary;

/// The rules about images of one policy.
pub struct ImageJudge {
    /// No other judge of this process has it.
    number: u64,
    rules: Vec<JudgedRule>,
}

/// A rule about images, and how strict the policy is about it.
pub struct JudgedRule {
    pub check: Arc<dyn ImageCheck>,
    /// Grows with what the action does.
    pub strictness: u8,
    /// Whether the action does more than to report.
    pub warns: bool,
    /// Whether an exemption of the policy names the rule.
    pub exempted: bool,
}

/// What the rules of a policy find in one image: the index of the rule, and all of its findings together.
type Found = Vec<(usize, Summary)>;

impl ImageJudge {
    #[must_use]
    pub fn new(rules: Vec<JudgedRule>) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self { number: NUMBER.fetch_add(1, Ordering::Relaxed), rules })
    }

    fn found(&self, image: &KnownImage, today: Date) -> Arc<Found> {
        image.remembered(self.number, today, || {
            let rules = self.rules.iter().enumerate();
            rules
                .filter_map(|(index, rule)| Some((index, Summary::of(&*rule.check, &image.platforms, today)?)))
                .collect()
        })
    }
}

/// Which unknown images a rule reports. In one policy, one rule reports each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    None,
    /// Those that must be signed. `denies` is whether its action is to deny.
    MustBeSigned {
        denies: bool,
    },
    /// All; or those that need no signature, if another rule reports the others.
    Unknown {
        unsigned_only: bool,
    },
}

/// One rule about images, as one about pods.
pub struct InPod {
    pub judge: Arc<ImageJudge>,
    /// The rule's index in the judge.
    pub index: usize,
    pub reports: Reports,
}

impl Check for InPod {
    fn requires(&self) -> PodFeatures {
        PodFeatures::IMAGES
    }

    fn facts(&self) -> FactKinds {
        FactKinds::IMAGES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let Some(context) = &pod.context.images else { return };
        let mut said = Said::default();
        image_used::of_each(pod, findings, |used, findings| match used.known.map(|image| &image.answer) {
            Some(ImageAnswer::Known(known)) => {
                self.known(pod, used, known, context, findings);
                findings.extend(self.incomplete(pod, used, known, context, &mut said));
                self.reported(used, Some(known), context, findings);
            }
            Some(ImageAnswer::Unknown(unknown)) => {
                findings.extend(self.unknown(pod, used, unknown, context));
                self.reported(used, None, context, findings);
                let foreign = used.known.and_then(|image| image.foreign.as_ref());
                findings.extend(foreign.and_then(|foreign| self.foreign(used.image_at(), foreign, context)));
            }
            None => {}
        });
    }
}

impl InPod {
    fn known<'p>(
        &self,
        pod: &Pod<'p>,
        used: &UsedImage<'p>,
        image: &Arc<KnownImage>,
        context: &PodImages,
        findings: &mut Findings<'p>,
    ) {
        let Some(check) = self.judge.rules.get(self.index).map(|rule| &rule.check) else { return };
        let found = self.judge.found(image, context.today);
        if let Some((_, summary)) = found.iter().find(|(index, _)| *index == self.index) {
            let meaning = meaning(&**check, pod, used);
            findings.extend(finding(used.image_at(), summary, meaning));
        }
        let gets_digest = pod.kind != "Pod" && context.pods_get_digests;
        if let Some(reference) = used.image.filter(|image| !is_pinned(image))
            && check.needs_digest()
            && !gets_digest
            && is_trusted(image)
        {
            let found = "a tag, which may lead to another image than the one that was verified";
            let wanted = format!("{}, the digest that was verified", clean(&pinned(reference, &image.digest), 300));
            findings.add(Finding::new(used.image_at(), found, wanted).instead(WRITE_DIGEST));
        }
    }

    /// That the same digest violates the rule, without what was found: it may be seen by who may read that image.
    fn foreign<'p>(&self, at: Location<'p>, image: &KnownImage, context: &PodImages) -> Option<Finding<'p>> {
        let found = self.judge.found(image, context.today);
        found.iter().any(|(index, _)| *index == self.index).then(|| {
            let found = "what podreeve read of it with the pull secrets of another namespace violates this rule";
            Finding::new(at, found, "an image that passes the rule").at_most(Some(AtMost::Audit))
        })
    }

    fn unknown<'p>(
        &self,
        pod: &Pod<'p>,
        used: &UsedImage<'p>,
        image: &UnknownImage,
        context: &PodImages,
    ) -> Option<Finding<'p>> {
        let signature = match self.reports {
            Reports::None => return None,
            Reports::MustBeSigned { .. } if !image.must_be_signed => return None,
            Reports::Unknown { unsigned_only: true } if image.must_be_signed => return None,
            Reports::MustBeSigned { denies } => denies,
            Reports::Unknown { .. } => false,
        };
        // A tag may lead to another image than the one that runs, whose signature was not verified.
        let is_same = !signature || pod.kind != "Pod" || used.image.is_some_and(is_pinned);
        let most = match context.settings.effect_of(image.kind, image.runs_already && is_same, signature) {
            UnknownEffect::Deny => None,
            UnknownEffect::Warn => Some(AtMost::Warn),
            UnknownEffect::Audit => Some(AtMost::Audit),
        };
        let found = format!("nothing is known of it: {}", clean(&image.why, 300));
        let finding = Finding::new(used.image_at(), found, "an image that podreeve can read");
        Some(finding.why(WHY).instead(instead(image.kind)).at_most(most))
    }
}

const WRITE_DIGEST: &str =
    "write this digest, or ask podreeve's operators for `image-digest: {action: patch}`, which writes it into pods";
const WHY: &str = "nobody knows what runs, or who made it";

/// What to do where nothing is known of an image.
const fn instead(kind: UnknownKind) -> &'static str {
    match kind {
        UnknownKind::NotCovered => "ask podreeve's operators to list its registry in `images.registries`",
        UnknownKind::NotFound => "check the name and the tag of the image",
        UnknownKind::Invalid => "check the name and the tag of the image, and push it again",
        UnknownKind::Refused => {
            "ask podreeve's operators for credentials that may read it (`pullSecret` of the registry)"
        }
        UnknownKind::Unavailable => {
            "try again in a minute; if it stays, podreeve's log says to its operators what fails"
        }
    }
}

/// What a finding of the rule means for this use of the image.
fn meaning(check: &dyn ImageCheck, pod: &Pod<'_>, used: &UsedImage<'_>) -> InContainer {
    match used.container() {
        _ if check.judges_user() && (pod.is_windows() || pod.chooses_windows()) => InContainer::Overridden,
        None if check.judges_user() => InContainer::Overridden,
        None => InContainer::Counts,
        Some(container) => check.in_container(pod, container),
    }
}

/// Whether an entry of the trust document covers the image.
fn is_trusted(image: &KnownImage) -> bool {
    image.platforms.iter().any(|facts| facts.trust.is_some())
}

fn finding<'p>(at: Location<'p>, summary: &Summary, meaning: InContainer) -> Option<Finding<'p>> {
    let most = match meaning {
        InContainer::Overridden => return None,
        InContainer::Harmless => Some(AtMost::Audit),
        InContainer::Worse => None,
        InContainer::Counts => summary.most,
    };
    let finding = Finding::new(at, summary.found.clone(), summary.wanted.clone()).at_most(most);
    let finding = match &summary.why {
        Some(why) => finding.why(why.clone()),
        None => finding,
    };
    Some(match summary.severity {
        Some(severity) => finding.severity(severity),
        None => finding,
    })
}
