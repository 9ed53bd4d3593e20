//! The report as one of an object, for the formats that `check` has.

use super::{ImageReport, ImageViolation};
use crate::report::entry::IMAGE;
use crate::report::types::{CheckResults, ObjectReport, ViolationReport};

impl ImageReport {
    /// The violations as those of an object.
    #[must_use]
    pub fn as_results(&self) -> CheckResults {
        let object = ObjectReport {
            file: self.source.clone(),
            document: 0,
            line: 1,
            api_version: String::new(),
            kind: IMAGE.to_owned(),
            namespace: String::new(),
            name: self.image.clone(),
            verdict: self.summary.verdict,
            problem: None,
            problem_line: None,
            problem_column: None,
            containers: Vec::new(),
            image_volumes: Vec::new(),
            warnings: Vec::new(),
            violations: self.violations.iter().map(|violation| self.as_violation(violation)).collect(),
            patch: Vec::new(),
            hints: Vec::new(),
            diff: None,
        };
        CheckResults { objects: vec![object], ..CheckResults::default() }
    }

    fn as_violation(&self, violation: &ImageViolation) -> ViolationReport {
        let ImageViolation { rule, found, wanted, why, .. } = violation;
        let some = if violation.platforms.len() == self.platforms.len() {
            String::new()
        } else {
            format!(" ({})", violation.platforms.join(", "))
        };
        let field = format!("{}{some}", violation.place);
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
            note: violation.note.clone(),
            owasp: violation.owasp,
            fingerprint: violation.fingerprint.clone(),
            edit: None,
        }
    }
}
