//! The report as one of an object, for the formats that `check` has.

use super::{ImageReport, ImageViolation, words};
use crate::report::entry::IMAGE;
use crate::report::passed_over::PassedOver;
use crate::report::types::{CheckResults, ObjectReport, ViolationReport};

impl ImageReport {
    /// The violations as those of an object.
    #[must_use]
    pub fn as_results(&self) -> CheckResults {
        if !self.is_judged() {
            let passed_over = vec![PassedOver::file(&self.source, None, words::NOT_JUDGED)];
            return CheckResults { passed_over, ..CheckResults::default() };
        }
        let object = ObjectReport {
            verdict: self.summary.verdict,
            violations: self.violations.iter().map(|violation| self.as_violation(violation)).collect(),
            ..ObjectReport::other(self.source.clone(), IMAGE, self.image.clone())
        };
        CheckResults { objects: vec![object], ..CheckResults::default() }
    }

    fn as_violation(&self, violation: &ImageViolation) -> ViolationReport {
        let ImageViolation { rule, found, wanted, why, .. } = violation;
        let field = format!("{}{}", violation.place, words::some_platforms(self, violation));
        ViolationReport {
            rule,
            policy: violation.policy.clone(),
            action: violation.action,
            effect: violation.effect,
            severity: violation.severity,
            container: None,
            container_kind: None,
            pointer: String::new(),
            line: 1,
            column: 1,
            found: found.clone(),
            wanted: wanted.clone(),
            message: format!("{field}: found {found}, wanted {wanted}: {why}"),
            field,
            why: why.clone(),
            note: violation.note_or_exemption(),
            calls_for_repair: false,
            owasp: violation.owasp,
            fingerprint: violation.fingerprint.clone(),
            edit: None,
        }
    }
}
