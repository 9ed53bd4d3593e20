//! One thing that is wrong with what an owner makes.

use super::Owner;
use crate::decide::Effect;
use crate::outcome::Violation;
use crate::rule::Severity;
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct Finding {
    pub owner: Arc<Owner>,
    /// The kind of the object that was judged: the owner's own, or `Pod` for what only its pods have.
    pub kind: String,
    pub what: FindingKind,
}

#[derive(Debug, Clone)]
pub enum FindingKind {
    Violation(Box<Violation>),
    /// It could not be judged, which denies it.
    Problem(String),
}

/// What becomes of a finding, in the words of the report APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScanResult {
    /// Let through by an exemption.
    Skip,
    /// It would be let in: with a warning, repaired, or in silence.
    Warn,
    /// It could not be judged.
    Error,
    /// It would be denied.
    Fail,
}

impl ScanResult {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }
}

impl Finding {
    #[must_use]
    pub fn effect(&self) -> Effect {
        match &self.what {
            FindingKind::Violation(violation) => violation.effect,
            FindingKind::Problem(_) => Effect::Deny,
        }
    }

    #[must_use]
    pub fn outcome(&self) -> ScanResult {
        match &self.what {
            FindingKind::Problem(_) => ScanResult::Error,
            FindingKind::Violation(violation) => match violation.effect {
                Effect::Deny => ScanResult::Fail,
                Effect::Patch | Effect::Warn | Effect::Audit => ScanResult::Warn,
                Effect::Exempt => ScanResult::Skip,
            },
        }
    }

    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.what {
            FindingKind::Violation(violation) => violation.severity,
            FindingKind::Problem(_) => Severity::High,
        }
    }

    /// The rule's id; empty where none was asked.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match &self.what {
            FindingKind::Violation(violation) => violation.rule.id,
            FindingKind::Problem(_) => "",
        }
    }

    /// The worst first; the same findings have the same order, whatever order they came in.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |f: &Self| (Reverse(f.effect()), Reverse(f.severity()));
        let place = |f: &'_ Self| match &f.what {
            FindingKind::Violation(violation) => (violation.container.clone(), violation.field.clone()),
            FindingKind::Problem(problem) => (None, problem.clone()),
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| (&self.owner.kind, &self.owner.name).cmp(&(&other.owner.kind, &other.owner.name)))
            .then_with(|| self.rule().cmp(other.rule()))
            .then_with(|| place(self).cmp(&place(other)))
            .then_with(|| self.kind.cmp(&other.kind))
    }
}

/// How many findings there are of each outcome, told or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub fail: usize,
    pub error: usize,
    pub warn: usize,
    pub skip: usize,
}

impl Counts {
    pub fn add(&mut self, outcome: ScanResult) {
        match outcome {
            ScanResult::Fail => self.fail += 1,
            ScanResult::Error => self.error += 1,
            ScanResult::Warn => self.warn += 1,
            ScanResult::Skip => self.skip += 1,
        }
    }

    #[must_use]
    pub const fn all(&self) -> usize {
        self.fail + self.error + self.warn + self.skip
    }
}
