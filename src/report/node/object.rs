//! The failures as those of files, for the formats that `check` has.

use super::{NodeReport, NodeResultReport};
use crate::decide::Effect;
use crate::report::entry::NODE;
use crate::report::types::{CheckResults, ObjectReport, ViolationReport};
use crate::rule::VerdictKind;
use std::collections::BTreeMap;

impl NodeReport {
    /// The failures, by the file that has what was found. `root` stands for what no file has.
    #[must_use]
    pub fn as_results(&self, root: &str) -> CheckResults {
        let mut files: BTreeMap<&str, Vec<ViolationReport>> = BTreeMap::new();
        for result in self.results.iter().filter(|result| result.verdict == VerdictKind::Fail) {
            let (file, line) = place(result.source.as_deref().unwrap_or_default()).unwrap_or((root, 1));
            files.entry(file).or_default().push(violation(result, line));
        }
        let objects = files.into_iter().map(|(file, violations)| {
            let report = ObjectReport::other(file.to_owned(), NODE, self.node.clone());
            let mut report = ObjectReport { violations, ..report };
            report.judge_again();
            report
        });
        CheckResults { objects: objects.collect(), ..CheckResults::default() }
    }
}

/// The file and the line of a source; none for an argument or a default.
fn place(source: &str) -> Option<(&str, usize)> {
    if !source.starts_with('/') {
        return None;
    }
    let with_line = source.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
    Some(with_line.unwrap_or((source, 1)))
}

fn violation(result: &NodeResultReport, line: usize) -> ViolationReport {
    let NodeResultReport { rule, found, why, subject, .. } = result;
    let wanted = result.wanted.clone().unwrap_or_default();
    let fix = result.fix.as_deref().unwrap_or_default();
    let exempt = result.exemption.as_ref().map(|exemption| format!("exempt: {}", exemption.reason));
    ViolationReport {
        rule,
        policy: result.policy.clone(),
        action: result.action,
        effect: result.effect.unwrap_or(Effect::Audit),
        severity: result.severity,
        container: None,
        container_kind: None,
        pointer: String::new(),
        field: subject.clone(),
        line,
        column: 1,
        message: format!("{subject}: found {found}, wanted {wanted}: {why}. To repair it: {fix}"),
        found: found.clone(),
        wanted: format!("{wanted}; to repair it: {fix}"),
        why: (*why).to_owned(),
        note: result.note.clone().or(exempt),
        calls_for_repair: false,
        owasp: crate::rules::find(rule).map_or(&[], |rule| rule.owasp),
        fingerprint: result.fingerprint.clone(),
        edit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_sources() {
        assert_eq!(place("/etc/docker/daemon.json:3"), Some(("/etc/docker/daemon.json", 3)));
        assert_eq!(place("/etc/docker"), Some(("/etc/docker", 1)));
        assert_eq!(place("--icc=false of process 7"), None);
    }
}
