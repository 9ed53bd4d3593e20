//! One fault of an object that exists.

use super::Owner;
use crate::decide::Effect;
use crate::outcome::Violation;
use crate::rule::Severity;
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct ScanFinding {
    pub owner: Arc<Owner>,
    /// The kind of the object that was judged: the owner's own, or `Pod` for a fault that only its pods have.
    pub kind: String,
    pub what: FindingKind,
}

#[derive(Debug, Clone)]
pub enum FindingKind {
    Violation(Box<Violation>),
    /// The object could not be judged, which denies it.
    Problem(String),
}

/// The result of a finding, in the words of the report APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScanResult {
    /// An exemption covers it.
    Skip,
    /// The object would be admitted: with a warning, repaired, or with an audit annotation.
    Warn,
    /// The object could not be judged.
    Error,
    /// The object would be denied.
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

impl ScanFinding {
    #[must_use]
    pub fn effect(&self) -> Effect {
        match &self.what {
            FindingKind::Violation(violation) => violation.effect,
            FindingKind::Problem(_) => Effect::Deny,
        }
    }

    #[must_use]
    pub fn result(&self) -> ScanResult {
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

    /// The rule's id; empty for a problem.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match &self.what {
            FindingKind::Violation(violation) => violation.rule.id,
            FindingKind::Problem(_) => "",
        }
    }

    /// The worst first. The order of findings does not depend on the order in which they were found.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |f: &Self| (Reverse(f.effect()), Reverse(f.severity()));
        let place = |f: &'_ Self| match &f.what {
            FindingKind::Violation(violation) => (Some(violation.subject.clone()), violation.field.to_string()),
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

/// How many findings there are of each result, whether they are reported in full or only counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub fail: usize,
    pub error: usize,
    pub warn: usize,
    pub skip: usize,
}

impl Counts {
    pub fn add(&mut self, result: ScanResult) {
        match result {
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
