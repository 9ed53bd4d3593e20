//! Images of which not all is known: one rule of a policy says so, the strictest of those that judge what is missing.

use super::{InPod, JudgedRule, meaning};
use crate::image::gap::UNREAD;
use crate::image::known::{ImageAnswer, KnownImage, OnUnknown};
use crate::image::{Gap, Parts};
use crate::rule::{AtMost, Finding, InContainer};
use crate::rules::pod::image_used::UsedImage;
use crate::text::clean;
use crate::workload::{Pod, PodImage, PodImages};
use std::sync::Arc;

/// How many gaps are named. `podreeve image` shows all.
const MOST: usize = 2;

const WHY: &str = "what podreeve has not read may violate this rule";
const INSTEAD: &str = "`podreeve image` shows for an image what could not be read, and why";

const TRY_AGAIN: &str = "try again in some seconds; podreeve is reading its layers";

/// How many images are remembered.
const REMEMBERED: usize = 16;
/// How many other places of an image are named.
const NAMED: usize = 5;

/// What the rule said of a pod so far.
#[derive(Default)]
pub struct Said {
    /// It has warned of layers that are not read yet: they are read soon after the first pod, and one line is enough.
    unread: bool,
    /// Images of which it said that not all is known, and how much that does.
    images: Vec<(Arc<KnownImage>, AtMost)>,
}

impl InPod {
    /// That not all is known of the image, if this rule reports it. A warning comes once for all containers with the image. A denial comes
    /// for each: an exemption may be for one of them.
    pub(super) fn incomplete<'p>(
        &self,
        pod: &Pod<'p>,
        used: &UsedImage<'p>,
        image: &Arc<KnownImage>,
        context: &PodImages,
        said: &mut Said,
    ) -> Option<Finding<'p>> {
        let (missing, of_windows) = missing(image, pod);
        if missing.is_empty() {
            return None;
        }
        let (rule, meaning) = self.reporter(missing, |rule| meaning(&*rule.check, pod, used))?;
        let setting = match context.settings.on_unknown.unwrap_or(OnUnknown::Warn) {
            OnUnknown::Deny => None,
            OnUnknown::Warn => Some(AtMost::Warn),
            OnUnknown::Allow => Some(AtMost::Audit),
        };
        let of_rule = match meaning {
            InContainer::Worse => None,
            InContainer::Harmless => Some(AtMost::Audit),
            InContainer::Counts | InContainer::Overridden => rule.check.most(),
        };
        let of_windows = of_windows.then_some(AtMost::Audit);
        let most = [setting, of_rule, of_windows].into_iter().flatten().min();
        let is_new = image.absent.is_empty() && is_unread(image);
        // A person can do nothing before its layers are read.
        if is_new && most.is_some() && (!rule.warns || (said.unread && !rule.exempted)) {
            return None;
        }
        said.unread |= is_new && most == Some(AtMost::Warn);
        let (mut found, wanted) = text(image, rule.check.parts());
        if let Some(most) = most.filter(|_| !rule.exempted) {
            if said.images.iter().any(|(known, of)| Arc::ptr_eq(known, image) && *of == most) {
                return None;
            }
            if said.images.len() < REMEMBERED {
                said.images.push((Arc::clone(image), most));
                found.push_str(&elsewhere(pod, used, image));
            }
        }
        let instead = if is_new { TRY_AGAIN } else { INSTEAD };
        Some(Finding::new(used.image_at(), found, wanted).why(WHY).instead(instead).at_most(most))
    }

    /// This rule, if it is the strictest of those that judge what is missing: the first one of them.
    fn reporter(
        &self,
        missing: Parts,
        meaning: impl Fn(&JudgedRule) -> InContainer,
    ) -> Option<(&JudgedRule, InContainer)> {
        let judging = self.judge.rules.iter().enumerate().filter(|(_, rule)| rule.check.parts().has_any(missing));
        let counting = judging.map(|(index, rule)| (index, rule, meaning(rule)));
        let counting = counting.filter(|(_, _, meaning)| *meaning != InContainer::Overridden);
        let (index, rule, meaning) = counting.max_by_key(|(index, rule, meaning)| {
            let is_harmless = *meaning == InContainer::Harmless;
            let is_mild = *meaning == InContainer::Counts && rule.check.most().is_some();
            (!is_harmless, rule.strictness, !is_mild, std::cmp::Reverse(*index))
        })?;
        (index == self.index).then_some((rule, meaning))
    }
}

/// The other containers and volumes with the image, as the end of a sentence.
fn elsewhere(pod: &Pod<'_>, used: &UsedImage<'_>, image: &Arc<KnownImage>) -> String {
    let is_it = |known: Option<&PodImage>| matches!(known.map(|known| &known.answer), Some(ImageAnswer::Known(known)) if Arc::ptr_eq(known, image));
    let is_here = |name: &str| used.container().is_some_and(|here| here.name == name);
    let containers = pod.all_containers().filter(|container| is_it(pod.image_of(*container)));
    let names = containers.map(|container| container.name).filter(|name| !is_here(name));
    let mut names: Vec<String> = names.map(|name| format!("`{}`", clean(name, 63))).collect();
    let volumes = pod
        .spec
        .volumes
        .iter()
        .enumerate()
        .filter(|(at, _)| used.container().is_some() && is_it(pod.image_of_volume(*at)));
    names.extend(volumes.map(|(_, volume)| format!("volume `{}`", clean(&volume.name, 63))));
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(" (the same image: {})", names.join(", ")),
        (false, more) => format!(" (the same image: {} and {more} more)", names.join(", ")),
    }
}

/// What is missing for this pod, and whether only reports have it: registries need not have the first layers of Windows.
fn missing(image: &KnownImage, pod: &Pod<'_>) -> (Parts, bool) {
    let traits = image.traits();
    if !image.absent.is_empty() {
        return (Parts::ALL, false);
    }
    // Of an index, a node of Linux takes no image of Windows.
    let is_windows = pod.is_windows() || pod.chooses_windows();
    let of_linux = if traits.windows { traits.missing_of_windows } else { traits.missing };
    if is_windows { (traits.missing_of_windows, true) } else { (of_linux, false) }
}

fn is_unread(image: &KnownImage) -> bool {
    image.platforms.iter().any(|facts| facts.content.is_none())
}

/// The platforms of which the layers are not read, if those of others are: a registry may have lost one of them.
fn unread_platforms(image: &KnownImage) -> Option<String> {
    let unread = image.platforms.iter().filter(|facts| facts.content.is_none());
    let names: Vec<String> = unread.map(|facts| facts.platform.to_string()).collect();
    let few = names.get(..NAMED.min(names.len())).unwrap_or_default().join(", ");
    (1..image.platforms.len()).contains(&names.len()).then(|| format!("its layers for {few} are not read yet"))
}

/// What is found and wanted, with the gaps that matter to the rule.
fn text(image: &KnownImage, parts: Parts) -> (String, &'static str) {
    if !image.absent.is_empty() {
        let names: Vec<String> = image.absent.iter().take(5).map(ToString::to_string).collect();
        let found = format!("its index names {}, of which its registry has no image yet", names.join(", "));
        return (found, "an index whose images are all there");
    }
    let mut gaps: Vec<Gap> = Vec::new();
    let all = image.platforms.iter().flat_map(crate::image::ImageFacts::all_gaps);
    all.filter(|gap| Parts::of(&gap.parts).has_any(parts)).for_each(|gap| {
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    });
    if gaps.iter().all(Gap::is_unread) {
        let unread = unread_platforms(image).unwrap_or_else(|| UNREAD.to_owned());
        return (format!("{unread}, so podreeve does not know what is in them"), "an image whose layers are read");
    }
    let mut texts: Vec<String> = gaps.iter().take(MOST).map(ToString::to_string).collect();
    texts.extend((gaps.len() > MOST).then(|| format!("and {} more", gaps.len() - MOST)));
    (format!("podreeve did not read all of it: {}", texts.join("; ")), "an image that podreeve can read as a whole")
}
