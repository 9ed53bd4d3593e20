//! The rules about images of a policy, as rules about the images of pods.

use super::{Action, CompiledExemption, CompiledRule, SubjectRule};
use crate::rule::ImageCheck;
use crate::rules::in_pod::{ImageJudge, InPod, JudgedRule, Reports};
use std::sync::Arc;

/// One rule about pods for each rule about images.
pub(super) fn rules(images: &[SubjectRule<dyn ImageCheck>], exemptions: &[CompiledExemption]) -> Vec<CompiledRule> {
    let judged = |rule: &SubjectRule<dyn ImageCheck>| JudgedRule {
        check: Arc::clone(&rule.check),
        strictness: rule.action as u8,
        warns: rule.action >= Action::Warn,
        exempted: exemptions.iter().any(|exemption| exemption.names(rule.rule)),
    };
    let judge = ImageJudge::new(images.iter().map(judged).collect());
    let compiled = images.iter().enumerate().map(|(index, image)| {
        let check = InPod { judge: Arc::clone(&judge), index, reports: reports(images, index) };
        let exempted = exemptions.iter().any(|exemption| exemption.names(image.rule));
        CompiledRule { exempted, ..CompiledRule::new(image.rule, image.order, image.action, Box::new(check)) }
    });
    compiled.collect()
}

/// Which unknown images the rule at this index reports: the strictest rule reports them, since they may violate it.
fn reports(images: &[SubjectRule<dyn ImageCheck>], index: usize) -> Reports {
    let signature = images.iter().position(|rule| rule.check.needs_digest());
    if signature == Some(index) {
        let denies = images.get(index).is_some_and(|rule| rule.action == Action::Deny);
        return Reports::MustBeSigned { denies };
    }
    let others = images.iter().enumerate().filter(|(_, rule)| !rule.check.needs_trust());
    // The first one of the strictest.
    let strictest = others.max_by_key(|(index, rule)| (rule.action, std::cmp::Reverse(*index)));
    match strictest {
        Some((strictest, _)) if strictest == index => Reports::Unknown { unsigned_only: signature.is_some() },
        _ => Reports::None,
    }
}
