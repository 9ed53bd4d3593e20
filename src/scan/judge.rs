//! Judges an existing object as if it were created today.

use super::Object;
use crate::admit::{Hook, MayNeedFact, Snapshot, admit, admit_as_created};
use crate::decide::{Effect, Note};
use crate::facts::FactQuery;
use crate::outcome::Violation;
use crate::policy::Action;
use crate::review::Creation;
use jiff::civil::Date;

/// The user who creates the objects, as policies see it. No policy exempts this name unless it names it.
pub const USER: &str = "podreeve-scan";
const GROUPS: &[&str] = &["system:authenticated"];

/// The result for one object.
#[derive(Debug)]
pub enum Judgement {
    Violations(Vec<Violation>),
    /// It could not be judged.
    Problem(String),
    /// A fact is missing: look it up, and judge the object again.
    NeedsFact(FactQuery),
}

impl MayNeedFact for Judgement {
    fn take_missing_fact(&mut self) -> Option<FactQuery> {
        match self {
            Self::NeedsFact(query) => Some(query.clone()),
            Self::Violations(_) | Self::Problem(_) => None,
        }
    }
}

/// Judges the object and the pods that are made from it, as /validate would, by the facts in `snapshot`.
#[must_use]
pub fn judge(object: &Object<'_>, snapshot: &Snapshot, today: Date) -> Judgement {
    let creation = Creation {
        group: &object.kind.group,
        version: &object.kind.version,
        kind: &object.kind.kind,
        namespace: object.namespace,
        name: object.name,
        user: USER,
        groups: GROUPS,
    };
    let body = creation.of(object.raw);
    let outcome = admit_as_created(&body, snapshot, today);
    if let Some(query) = outcome.missing_fact {
        return Judgement::NeedsFact(query);
    }
    if let Some(problem) = outcome.problem {
        return Judgement::Problem(problem);
    }
    let mut violations = outcome.violations;
    // The mutating webhook repairs these in new pods. A pod that was not repaired reports them itself.
    violations.retain(|violation| violation.note != Some(Note::WillBePatched));
    if violations.iter().any(|v| v.effect == Effect::Deny && v.action == Action::Patch) {
        mark_repaired(&mut violations, &admit(&body, Hook::Mutate, snapshot, today).violations);
    }
    Judgement::Violations(violations)
}

/// A violation that /mutate would repair in a new pod is not a denial.
fn mark_repaired(violations: &mut [Violation], mutated: &[Violation]) {
    for violation in violations {
        let same = |m: &&Violation| m.rule.id == violation.rule.id && m.field == violation.field;
        if mutated.iter().find(same).is_some_and(|m| m.effect == Effect::Patch) {
            violation.effect = Effect::Patch;
        }
    }
}
