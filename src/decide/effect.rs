//! The effect of one violation: the action of its rule, softened by the circumstances.

use crate::policy::{Action, AppliedExemption};
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
}

/// For how many days before its end an exemption warns.
pub const EXPIRY_NOTICE: i64 = 14;

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
}

/// The decision: circumstances make the action milder, and never stricter.
pub(super) fn effect(input: DecisionInput<'_>) -> (Effect, Option<Note>) {
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
mod tests {
    use super::*;
    use crate::policy::ExemptionSource;

    const TODAY: Date = jiff::civil::date(2026, 11, 22);

    fn input(action: Action, stage: Stage) -> DecisionInput<'static> {
        DecisionInput {
            action,
            stage,
            exempt: None,
            introduced: true,
            repairable: true,
            warn_until: None,
            today: TODAY,
        }
    }

    const fn exempt(until: Option<Date>) -> AppliedExemption<'static> {
        AppliedExemption { by: ExemptionSource::Policy(0), until }
    }

    #[test]
    fn the_labels_of_metrics_stay_what_they_are() {
        assert_eq!(Effect::ALL.map(Effect::as_str), ["exempt", "audit", "warn", "patch", "deny"]);
    }

    #[test]
    fn a_violation_that_existed_before_only_warns() {
        for action in [Action::Deny, Action::Patch, Action::Warn] {
            for stage in [Stage::Mutate, Stage::Pod, Stage::Template] {
                let input = DecisionInput { introduced: false, repairable: false, ..input(action, stage) };
                assert_eq!(effect(input), (Effect::Warn, Some(Note::Preexisting)));
            }
        }
    }

    #[test]
    fn patch_repairs_where_it_can_and_denies_what_is_left() {
        assert_eq!(effect(input(Action::Patch, Stage::Mutate)).0, Effect::Patch);
        for introduced in [true, false] {
            let input = DecisionInput { introduced, ..input(Action::Patch, Stage::Template) };
            assert_eq!(effect(input), (Effect::Audit, Some(Note::WillBePatched)));
        }
        assert_eq!(effect(input(Action::Patch, Stage::Pod)).0, Effect::Deny);
        for stage in [Stage::Mutate, Stage::Pod, Stage::Template] {
            assert_eq!(effect(DecisionInput { repairable: false, ..input(Action::Patch, stage) }).0, Effect::Deny);
            assert_eq!(effect(input(Action::Deny, stage)).0, Effect::Deny);
            assert_eq!(effect(input(Action::Audit, stage)).0, Effect::Audit);
            assert_eq!(effect(input(Action::Warn, stage)), (Effect::Warn, None));
        }
    }

    #[test]
    fn an_exemption_beats_every_action_and_warns_before_it_ends() {
        let far = TODAY.saturating_add(15.days());
        let near = TODAY.saturating_add(14.days());
        for action in Action::ALL {
            for until in [None, Some(far)] {
                let input = DecisionInput { exempt: Some(exempt(until)), ..input(action, Stage::Pod) };
                assert_eq!(effect(input), (Effect::Exempt, None));
            }
        }
        let ending = |action| effect(DecisionInput { exempt: Some(exempt(Some(near))), ..input(action, Stage::Pod) });
        assert_eq!(ending(Action::Deny), (Effect::Warn, Some(Note::ExemptUntil(near))));
        assert_eq!(ending(Action::Audit), (Effect::Exempt, None));
    }

    #[test]
    fn a_rollout_warns_up_to_its_last_day() {
        let on = |today| effect(DecisionInput { warn_until: Some(TODAY), today, ..input(Action::Deny, Stage::Pod) });
        assert_eq!(on(TODAY), (Effect::Warn, Some(Note::WarnedUntil(TODAY))));
        assert_eq!(on(TODAY.saturating_add(1.days())), (Effect::Deny, None));
        let patching = DecisionInput { warn_until: Some(TODAY), ..input(Action::Patch, Stage::Mutate) };
        assert_eq!(effect(patching).0, Effect::Patch);
    }
}
