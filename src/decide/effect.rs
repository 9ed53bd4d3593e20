//! The effect of one violation: the action of its rule, softened by the circumstances.

use crate::policy::{Action, AppliedExemption, Cap, HeldBy};
use jiff::{ToSpan, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The effect of a violation, from the mildest to the strictest. An exempt one is let through, and only metrics and audit
/// annotations have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Effect {
    Exempt,
    Audit,
    Warn,
    Patch,
    Deny,
}

impl Effect {
    pub const ALL: [Self; 5] = [Self::Exempt, Self::Audit, Self::Warn, Self::Patch, Self::Deny];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Patch => "patch",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The stage of admission at which the object is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The mutating webhook, which makes repairs.
    Mutate,
    /// A pod at the validating webhook: nothing is repaired after it.
    Pod,
    /// A template at the validating webhook: its pods will be repaired when they are created.
    Template,
}

/// Why a violation is not denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// The object had the violation before the request.
    Preexisting,
    /// Its pods will be repaired when they are created.
    WillBePatched,
    /// The policy is being rolled out. It denies from the day after this one.
    WarnedUntil(Date),
    /// An exemption covers it up to this day, which is near.
    ExemptUntil(Date),
    /// Mode deny would deny it; this holds the denial back.
    WouldBeDenied(HeldBy),
    /// Mode deny would repair it, in the pod or in the pods of the template.
    WouldBePatched,
}

impl Note {
    /// What mode deny would do, where the running mode holds it back.
    #[must_use]
    pub const fn held_back(self) -> Option<Effect> {
        match self {
            Self::WouldBeDenied(_) => Some(Effect::Deny),
            Self::WouldBePatched => Some(Effect::Patch),
            Self::Preexisting | Self::WillBePatched | Self::WarnedUntil(_) | Self::ExemptUntil(_) => None,
        }
    }
}

pub use crate::policy::ends::EXPIRY_NOTICE;

/// What the effect of a violation depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecisionInput<'f> {
    pub action: Action,
    pub stage: Stage,
    pub exempt: Option<AppliedExemption<'f>>,
    /// The request introduces the violation; the object did not have it before.
    pub introduced: bool,
    /// The rule has a repair for it.
    pub repairable: bool,
    /// Up to this day the policy only warns.
    pub warn_until: Option<Date>,
    pub today: Date,
    /// The most that may happen.
    pub cap: Cap,
}

/// The decision about a file, which no exemption covers and nothing repairs.
#[must_use]
pub fn effect_on_file(action: Action, warn_until: Option<Date>, today: Date, cap: Cap) -> (Effect, Option<Note>) {
    let (introduced, repairable) = (true, false);
    effect(DecisionInput { action, stage: Stage::Pod, exempt: None, introduced, repairable, warn_until, today, cap })
}

/// The decision: circumstances make the action milder, and never stricter.
pub(super) fn effect(input: DecisionInput<'_>) -> (Effect, Option<Note>) {
    // Where nothing may be repaired, the mutating webhook has left the pod as it was. So mode deny would repair it now.
    let stage = match (input.cap, input.stage) {
        (Cap::Audit | Cap::Warn(_), Stage::Pod) => Stage::Mutate,
        (_, stage) => stage,
    };
    let (effect, note) = uncapped(DecisionInput { stage, ..input });
    capped(input.cap, effect, note)
}

/// The only place where the mode counts: below deny, nothing is denied and nothing is changed.
#[must_use]
pub const fn capped(cap: Cap, effect: Effect, note: Option<Note>) -> (Effect, Option<Note>) {
    match (cap, effect) {
        (Cap::Deny, _) | (_, Effect::Exempt) => (effect, note),
        (Cap::Warn(held), Effect::Deny) => (Effect::Warn, Some(Note::WouldBeDenied(held))),
        (Cap::Audit, Effect::Deny) => (Effect::Audit, Some(Note::WouldBeDenied(HeldBy::Mode))),
        (Cap::Warn(_) | Cap::Audit, Effect::Patch) => (Effect::Audit, Some(Note::WouldBePatched)),
        (Cap::Warn(_), Effect::Warn) => (Effect::Warn, note),
        (Cap::Audit, Effect::Warn) => (Effect::Audit, note),
        (Cap::Warn(_) | Cap::Audit, Effect::Audit) => match note {
            Some(Note::WillBePatched) => (Effect::Audit, Some(Note::WouldBePatched)),
            note => (Effect::Audit, note),
        },
    }
}

/// The decision in mode deny.
fn uncapped(input: DecisionInput<'_>) -> (Effect, Option<Note>) {
    let (effect, note) = by_action(input);
    match (input.exempt, effect) {
        (Some(AppliedExemption { until: Some(until), .. }), Effect::Deny) if is_near(until, input.today) => {
            (Effect::Warn, Some(Note::ExemptUntil(until)))
        }
        (Some(_), _) => (Effect::Exempt, None),
        (None, Effect::Deny) => match input.warn_until {
            Some(until) if input.today <= until => (Effect::Warn, Some(Note::WarnedUntil(until))),
            _ => (Effect::Deny, None),
        },
        (None, _) => (effect, note),
    }
}

const fn by_action(input: DecisionInput<'_>) -> (Effect, Option<Note>) {
    match input {
        DecisionInput { action: Action::Off, .. } => (Effect::Exempt, None),
        DecisionInput { action: Action::Audit, .. } => (Effect::Audit, None),
        // The user has to do nothing, so there is no warning.
        DecisionInput { action: Action::Patch, repairable: true, stage: Stage::Template, .. } => {
            (Effect::Audit, Some(Note::WillBePatched))
        }
        DecisionInput { introduced: false, .. } => (Effect::Warn, Some(Note::Preexisting)),
        DecisionInput { action: Action::Warn, .. } => (Effect::Warn, None),
        DecisionInput { action: Action::Patch, repairable: true, stage: Stage::Mutate, .. } => (Effect::Patch, None),
        DecisionInput { action: Action::Patch | Action::Deny, .. } => (Effect::Deny, None),
    }
}

fn is_near(until: Date, today: Date) -> bool {
    until <= today.saturating_add(EXPIRY_NOTICE.days())
}

#[cfg(test)]
mod tests;
