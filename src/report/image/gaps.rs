//! What podreeve did not read of an image, as warnings of the rules that judge it.

use super::ImageViolation;
use super::judge::{self, Identity};
use crate::admit::Snapshot;
use crate::image::{ImageFacts, Parts, Place};
use crate::policy::CompiledPolicy;
use crate::rule::{AtMost, Finding};
use jiff::civil::Date;
use std::cmp::Reverse;

const WANTED: &str = "an image that podreeve can read as a whole";
const WHY: &str = "what podreeve has not read may violate this rule";

/// One warning for each gap, of the strictest rule that judges what is missing; only for audit, where that rule does no more.
pub fn add(
    snapshot: &Snapshot,
    policy: &CompiledPolicy,
    (image, platforms): (Identity<'_>, &[ImageFacts]),
    today: Date,
    violations: &mut Vec<ImageViolation>,
) {
    for facts in platforms {
        for gap in facts.all_gaps() {
            let parts = Parts::of(&gap.parts);
            let judging = policy.images.iter().enumerate().filter(|(_, rule)| rule.check.parts().has_any(parts));
            let strictest = judging.max_by_key(|(index, rule)| (rule.action, Reverse(*index)));
            let Some((_, rule)) = strictest else { continue };
            let found = format!("not all of it was read: {gap}");
            let finding = Finding::new(Place::Image, found, WANTED).why(WHY).at_most(AtMost::Warn);
            let violation = judge::violation(snapshot, policy, rule, &finding, (image, facts), today);
            judge::add(violations, ImageViolation { unknown: true, ..violation });
        }
    }
}
