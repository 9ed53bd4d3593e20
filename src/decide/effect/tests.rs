//! The effect of one violation, in all circumstances.

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
        cap: Cap::Deny,
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

/// What must happen, written for a reader and not for the compiler: the decision in mode deny by the tests above, then the mode.
fn oracle(strict: DecisionInput<'_>, mode: &str) -> (Effect, Option<Effect>) {
    let pod_before_repair = DecisionInput { stage: Stage::Mutate, ..strict };
    let at_deny = if strict.stage == Stage::Pod { effect(pod_before_repair) } else { effect(strict) };
    let would = match at_deny {
        (Effect::Deny, _) => Some(Effect::Deny),
        (Effect::Patch, _) | (_, Some(Note::WillBePatched)) => Some(Effect::Patch),
        _ => None,
    };
    let visible = matches!(at_deny.0, Effect::Deny | Effect::Warn);
    let now = match (at_deny.0, mode) {
        (Effect::Exempt, _) => Effect::Exempt,
        (_, "warn") if visible => Effect::Warn,
        _ => Effect::Audit,
    };
    (now, would)
}

#[test]
fn below_deny_nothing_is_denied_or_patched() {
    let mut seen = std::collections::HashSet::new();
    let exemptions = [None, Some(exempt(None)), Some(exempt(Some(TODAY)))];
    let rollouts = [None, Some(TODAY), Some(TODAY.saturating_sub(1.days()))];
    for action in Action::ALL {
        for stage in [Stage::Mutate, Stage::Pod, Stage::Template] {
            for (introduced, repairable) in [(true, true), (true, false), (false, true), (false, false)] {
                for (exempt, warn_until) in exemptions.iter().flat_map(|e| rollouts.map(|rollout| (*e, rollout))) {
                    let strict = DecisionInput { exempt, introduced, repairable, warn_until, ..input(action, stage) };
                    assert_eq!(effect(DecisionInput { cap: Cap::Deny, ..strict }), effect(strict));
                    for (cap, mode, held) in [
                        (Cap::Audit, "audit", HeldBy::Mode),
                        (Cap::Warn(HeldBy::Mode), "warn", HeldBy::Mode),
                        (Cap::Warn(HeldBy::Severity), "warn", HeldBy::Severity),
                        (Cap::Warn(HeldBy::Until(TODAY)), "warn", HeldBy::Until(TODAY)),
                    ] {
                        let (now, note) = effect(DecisionInput { cap, ..strict });
                        let (wanted, would) = oracle(strict, mode);
                        let case =
                            format!("{action} {stage:?} {introduced} {repairable} {exempt:?} {warn_until:?} {mode}");
                        assert_eq!((now, note.and_then(Note::held_back)), (wanted, would), "{case}");
                        assert!(now < Effect::Patch, "{case}");
                        if would == Some(Effect::Deny) {
                            assert_eq!(note, Some(Note::WouldBeDenied(held)), "{case}");
                        }
                        seen.insert((now, would));
                    }
                }
            }
        }
    }
    // All that can happen below deny has happened here.
    assert_eq!(seen.len(), 6, "{seen:?}");
}
