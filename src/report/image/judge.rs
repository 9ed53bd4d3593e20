//! Judges an image by the policies.

use super::{ImageExemptionReport, ImageViolation, gaps};
use crate::admit::Snapshot;
use crate::decide::{Effect, effect_on_file};
use crate::image::{ImageFacts, Place};
use crate::policy::{CompiledExemption, CompiledPolicy, SubjectRule};
use crate::report::fingerprint::of_text;
use crate::review::response::note_text;
use crate::rule::{Finding, ImageCheck};
use crate::rules;
use crate::text::clean;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// The longest text of a finding.
const TEXT: usize = 1000;

/// The image as pods would run it.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'i> {
    /// The name of the image.
    pub name: &'i str,
    /// The name by which pods pull it.
    pub pulled_as: &'i str,
    /// The namespace whose exemptions count; without one, none does.
    pub namespace: Option<&'i str>,
}

/// What the policies say of an image.
#[derive(Debug)]
pub struct Judged {
    pub violations: Vec<ImageViolation>,
    /// How many of their rules judge images.
    pub rules: usize,
}

/// What violates the policies on any platform; what several policies or platforms have is there once, for the strictest.
/// What the trust document refuses is denied whatever they say, unless they exempt it: `signed` is a policy that says so.
#[must_use]
pub fn judge(
    snapshot: &Snapshot,
    signed: Option<&CompiledPolicy>,
    image: Identity<'_>,
    platforms: &[ImageFacts],
    today: Date,
) -> Judged {
    let policies = || snapshot.policies.policies.iter().map(|policy| &**policy);
    let mut violations = by_policies(snapshot, policies(), (image, platforms), today);
    let is_exempt = |signed: &CompiledPolicy| {
        let exempt = violations.iter().filter(|one| one.effect == Effect::Exempt);
        exempt.into_iter().any(|one| signed.images.iter().any(|rule| rule.rule.id == one.rule))
    };
    if let Some(signed) = signed.filter(|signed| !is_exempt(signed)) {
        violations = by_policies(snapshot, policies().chain([signed]), (image, platforms), today);
    }
    let ids: BTreeSet<&str> = policies().flat_map(|policy| &policy.images).map(|rule| rule.rule.id).collect();
    Judged { violations, rules: ids.len() }
}

fn by_policies<'p>(
    snapshot: &Snapshot,
    policies: impl Iterator<Item = &'p CompiledPolicy>,
    (image, platforms): (Identity<'_>, &[ImageFacts]),
    today: Date,
) -> Vec<ImageViolation> {
    let mut violations: Vec<ImageViolation> = Vec::new();
    for policy in policies {
        for rule in &policy.images {
            let is_judged = |facts: &&ImageFacts| !(rule.check.judges_user() && facts.platform.os == "windows");
            for facts in platforms.iter().filter(is_judged) {
                let mut findings = Vec::new();
                rule.check.check(facts, today, &mut findings);
                for finding in &findings {
                    let new = violation(snapshot, policy, rule, finding, (image, facts), today);
                    add(&mut violations, new);
                }
            }
        }
        gaps::add(snapshot, policy, (image, platforms), today, &mut violations);
    }
    violations.sort_by_cached_key(|one| (rules::order(one.rule), one.unknown, sortable(&one.place)));
    violations
}

/// The place with its numbers in one width, so that `layers[10]` comes behind `layers[2]`.
fn sortable(place: &str) -> String {
    let mut out = String::with_capacity(place.len() + 8);
    let mut rest = place;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let (number, behind) = number.split_at_checked(end).unwrap_or((number, ""));
        out.push_str(before);
        out.push_str(&format!("{number:0>8}"));
        rest = behind;
    }
    out + rest
}

pub(super) fn add(violations: &mut Vec<ImageViolation>, mut new: ImageViolation) {
    let same = |old: &&mut ImageViolation| old.rule == new.rule && old.place == new.place && old.found == new.found;
    match violations.iter_mut().find(same) {
        None => violations.push(new),
        Some(old) => {
            let platforms = new.platforms.clone();
            if new.effect > old.effect {
                new.platforms.clone_from(&old.platforms);
                *old = new;
            }
            for platform in platforms {
                if !old.platforms.contains(&platform) {
                    old.platforms.push(platform);
                }
            }
        }
    }
}

pub(super) fn violation(
    snapshot: &Snapshot,
    policy: &CompiledPolicy,
    compiled: &SubjectRule<dyn ImageCheck>,
    finding: &Finding<'_, Place<'_>>,
    (image, facts): (Identity<'_>, &ImageFacts),
    today: Date,
) -> ImageViolation {
    let rule = compiled.rule;
    let severity = finding.severity.unwrap_or(rule.severity);
    let cap = snapshot.ceiling.cap(severity, today);
    let covers = |exemption: &&CompiledExemption| {
        image.namespace.is_some_and(|namespace| exemption.covers_image(rule, image.pulled_as, namespace, today))
    };
    let exemption = policy.exemptions.iter().find(covers).map(CompiledExemption::document);
    let (effect, note) = match exemption {
        Some(_) => (Effect::Exempt, None),
        None => effect_on_file(compiled.action, finding.most, policy.warn_until, today, cap),
    };
    let (place, found) = (finding.at.to_string(), clean(&finding.found, TEXT));
    // The same file may be in another layer of the next build.
    let stable = match finding.at {
        Place::File { path, .. } | Place::Line { path, .. } => path,
        Place::History(_) => "history",
        _ => place.as_str(),
    };
    ImageViolation {
        rule: rule.id,
        policy: policy.name.to_string(),
        action: compiled.action,
        effect,
        severity,
        platforms: vec![facts.platform.to_string()],
        // A tag changes with every build.
        fingerprint: of_text(&[crate::workload::image::split(image.name).0, "Image", stable, rule.id, &found]),
        place,
        found,
        wanted: clean(&finding.wanted, TEXT),
        why: finding.why.as_deref().unwrap_or(rule.why).to_owned(),
        note: note.map(|note| note_text(note, severity)),
        exemption: exemption.map(|one| ImageExemptionReport { reason: clean(&one.reason, TEXT), until: one.until }),
        unknown: false,
        owasp: finding.items.unwrap_or(rule.owasp),
    }
}
