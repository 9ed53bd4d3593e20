//! Events on owners with objects that would be denied: one when a denial is new, and none at the next scans.

use super::rate_limiter::RateLimiter;
use crate::cluster::api_error::ApiError;
use crate::observe::LogOnce;
use crate::scan::{FindingKind, NamespaceFindings, ScanFinding, ScanResult};
use crate::text::{clean, dotted};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Most events of one scan. The next scans send the others.
const MAX_EVENTS: usize = 1000;
/// Most owners that are remembered, with 8 bytes each.
const REMEMBERED: usize = 200_000;
/// Longest note, in bytes. The API allows 1,024.
const NOTE: usize = 1000;

pub struct Events {
    recorder: Recorder,
    /// The last scan: a hash of each owner with its denials.
    before: HashSet<u64>,
    /// The same of this scan.
    now: HashSet<u64>,
    /// Events of this scan.
    sent: usize,
    log: LogOnce,
}

impl Events {
    pub fn new(client: &Client, identity: &str) -> Self {
        let reporter = Reporter { controller: "podreeve.dev/scan".to_owned(), instance: Some(clean(identity, 128)) };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            before: HashSet::new(),
            now: HashSet::new(),
            sent: 0,
            log: LogOnce::default(),
        }
    }

    /// Sends an event for each owner of the namespace with a new denial. The result is how many events failed.
    pub async fn record(&mut self, found: &NamespaceFindings, limiter: &RateLimiter) -> u64 {
        let denied = |f: &&ScanFinding| matches!(f.result(), ScanResult::Fail | ScanResult::Error);
        let mut by_owner: Vec<Vec<&ScanFinding>> = Vec::new();
        for finding in found.findings.iter().filter(denied) {
            match by_owner.iter_mut().find(|f| f.first().is_some_and(|f| Arc::ptr_eq(&f.owner, &finding.owner))) {
                Some(findings) => findings.push(finding),
                None => by_owner.push(vec![finding]),
            }
        }
        let mut failed = 0;
        for findings in by_owner {
            let hash = hash(&findings, &found.namespace);
            if self.now.len() >= REMEMBERED {
                break;
            }
            if !self.before.contains(&hash) {
                if self.sent >= MAX_EVENTS {
                    continue;
                }
                self.sent += 1;
                limiter.wait().await;
                failed += u64::from(!self.publish(&findings, &found.namespace).await);
            }
            self.now.insert(hash);
        }
        failed
    }

    /// False if the event could not be written.
    async fn publish(&mut self, findings: &[&ScanFinding], namespace: &str) -> bool {
        let Some(owner) = findings.first().map(|finding| &finding.owner) else { return true };
        let regarding = ObjectReference {
            api_version: Some(owner.api_version.clone()),
            kind: Some(owner.kind.clone()),
            name: Some(owner.name.clone()),
            namespace: Some(namespace.to_owned()),
            uid: Some(owner.uid.clone()).filter(|uid| !uid.is_empty()),
            ..ObjectReference::default()
        };
        let event = Event {
            type_: EventType::Warning,
            reason: "PolicyViolation".to_owned(),
            note: Some(note(findings)),
            action: "Scan".to_owned(),
            secondary: None,
        };
        match self.recorder.publish(&event, &regarding).await.map_err(ApiError::from) {
            Ok(()) => {
                self.log.recovered();
                true
            }
            // The namespace is being deleted, and its objects with it.
            Err(error) if error.is_not_found() || error.is_namespace_terminating() => true,
            Err(error) => {
                let error = error.to_string();
                if self.log.began_to_fail(&error) {
                    tracing::warn!(error, "events cannot be written: grant podreeve's role create and patch on events");
                }
                false
            }
        }
    }

    /// Ends a scan, and returns the number of its events. Owners without a denial are forgotten, unless the scan was
    /// incomplete.
    pub fn done(&mut self, incomplete: bool) -> usize {
        let now = std::mem::take(&mut self.now);
        if incomplete && self.before.len() + now.len() <= REMEMBERED {
            self.before.extend(now);
        } else {
            self.before = now;
        }
        std::mem::take(&mut self.sent)
    }
}

fn hash(findings: &[&ScanFinding], namespace: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    namespace.hash(&mut hasher);
    for finding in findings {
        (&finding.owner.uid, &finding.owner.kind, &finding.owner.name).hash(&mut hasher);
        line(finding).hash(&mut hasher);
    }
    hasher.finish()
}

/// Lists what would be denied, as far as it fits.
fn note(findings: &[&ScanFinding]) -> String {
    let mut text = String::from("podreeve would deny it today: ");
    for (index, finding) in findings.iter().enumerate() {
        let more = line(finding);
        let separator = if index == 0 { "" } else { "; " };
        if text.len() + more.len() + separator.len() + "; +99999 more".len() > NOTE {
            text.push_str(&format!("; +{} more", findings.len() - index));
            break;
        }
        text.push_str(separator);
        text.push_str(&more);
    }
    text
}

fn line(finding: &ScanFinding) -> String {
    match &finding.what {
        FindingKind::Problem(problem) => format!("it could not be judged: {}", clean(problem, 200)),
        FindingKind::Violation(violation) => {
            let container = violation.subject.container_text().map(|text| format!(", {text}")).unwrap_or_default();
            let field = clean(&dotted(&violation.field), 200);
            format!("{} ({}){container}: {field}", violation.rule.id, violation.severity)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Owner;

    #[test]
    fn a_note_has_an_end() {
        let finding = |n: usize| {
            let what = FindingKind::Problem(format!("{n} {}", "ä".repeat(90)));
            ScanFinding { owner: Arc::new(Owner::default()), kind: "Pod".to_owned(), what }
        };
        let findings: Vec<ScanFinding> = (0..50).map(finding).collect();
        let all: Vec<&ScanFinding> = findings.iter().collect();
        let text = note(&all);
        assert!(text.len() <= 1024, "{}", text.len());
        assert!(text.ends_with(" more"), "{text}");
        assert!(!note(&all[..2]).contains("more"));
        assert_ne!(hash(&all[..1], "a"), hash(&all[..2], "a"));
        assert_ne!(hash(&all[..1], "a"), hash(&all[..1], "b"));
    }
}
