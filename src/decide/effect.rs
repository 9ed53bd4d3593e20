//! What becomes of one violation: the action, softened by what is known of it.

use crate::policy::{Action, AppliedExemption};
use jiff::{ToSpan, civil::Date};

/// What happens with a violation, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Let through by an exemption; metrics and audit annotations tell.
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

/// Where on its way the object is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On the mutating path, where repairs are made.
    Mutate,
    /// A pod on the validating path: what was not repaired by now stays.
    Pod,
    /// A template on the validating path: its pods will be repaired when they are created.
    Template,
}

/// Why a violation that is let in with a warning is not denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// The object had it before the request.
    Preexisting,
    /// Its pods will be repaired when they are created.
    WillBePatched,
    /// The policy is being rolled out; from the day after this one it denies.
    WarnedUntil(Date),
    /// An exemption lets it through up to this day, which is near.
    ExemptUntil(Date),
}

/// How many days before an exemption ends it begins to warn.
pub const EXPIRY_NOTICE: i64 = 14;

/// A violation that is to be judged: the policy's action, and what is known about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecisionInput<'f> {
    pub action: Action,
    pub stage: Stage,
    pub exempt: Option<AppliedExemption<'f>>,
    /// The request brings it; it was not there before.
    pub introduced: bool,
    /// The rule has a repair for it.
    pub repairable: bool,
    /// The policy only warns up to this day.
    pub warn_until: Option<Date>,
    pub today: Date,
}

/// The whole of deciding: the action, softened by what is known, and never hardened.
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
        // Nobody has to do anything about it, so nobody is warned.
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
    fn a_violation_that_was_there_only_warns() {
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
