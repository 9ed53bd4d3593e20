//! Judges an existing object as a creation of today.

use super::Object;
use crate::admit::{Hook, Snapshot, admit, admit_as_created};
use crate::decide::{Effect, Note};
use crate::facts::FactQuery;
use crate::outcome::Violation;
use crate::policy::Action;
use crate::review::Creation;
use jiff::civil::Date;

/// Who creates the objects, as policies see it. Nobody is exempt by this name unless a policy says so.
pub const USER: &str = "podreeve-scan";
const GROUPS: &[&str] = &["system:authenticated"];

/// What was said of an object.
#[derive(Debug)]
pub enum Judged {
    Violations(Vec<Violation>),
    /// It could not be judged.
    Problem(String),
    /// A fact is missing: it is to be asked for, and the object to be judged again.
    NeedsFact(FactQuery),
}

/// Judges it, and the pods that it makes, as /validate would, by what `snapshot` knows.
#[must_use]
pub fn judge(object: &Object<'_>, snapshot: &Snapshot, today: Date) -> Judged {
    let creation = Creation {
        group: &object.kind.group,
        version: &object.kind.version,
        kind: &object.kind.kind,
        namespace: object.namespace,
        user: USER,
        groups: GROUPS,
    };
    let body = creation.of(object.raw);
    let outcome = admit_as_created(&body, snapshot, today);
    if let Some(wanted) = outcome.missing_fact {
        return Judged::NeedsFact(wanted);
    }
    if let Some(problem) = outcome.problem {
        return Judged::Problem(problem);
    }
    let mut violations = outcome.violations;
    // What is repaired in its pods is told of those that have not been.
    violations.retain(|violation| violation.note != Some(Note::WillBePatched));
    if violations.iter().any(|v| v.effect == Effect::Deny && v.action == Action::Patch) {
        repaired(&mut violations, &admit(&body, Hook::Mutate, snapshot, today).violations);
    }
    for violation in &mut violations {
        violation.repair = Vec::new();
    }
    Judged::Violations(violations)
}

/// What /mutate would repair, were the pod created anew, would not be denied.
fn repaired(violations: &mut [Violation], mutated: &[Violation]) {
    for violation in violations {
        let same = |m: &&Violation| m.rule.id == violation.rule.id && m.field == violation.field;
        if mutated.iter().find(same).is_some_and(|m| m.effect == Effect::Patch) {
            violation.effect = Effect::Patch;
        }
    }
}
