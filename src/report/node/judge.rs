//! Judges a node by the policies.

use super::{NodeExemptionReport, NodeReport, NodeResultReport, NodeSummary};
use crate::admit::Snapshot;
use crate::decide::{Effect, effect_on_file};
use crate::node::Node;
use crate::policy::document::API_VERSION;
use crate::policy::{CompiledNodeExemption, CompiledPolicy, NodeIdentity, SubjectRule};
use crate::report::fingerprint::of_text;
use crate::review::response::note_text;
use crate::rule::{NodeCheck, NodeResult, Results, Verdict};
use crate::rules;
use crate::text::clean;
use jiff::Timestamp;
use jiff::civil::Date;

/// The longest text of a result.
const TEXT: usize = 1000;

/// What the policies say of a node. What several policies say of one subject is there once, from the strictest.
#[must_use]
pub fn judge(snapshot: &Snapshot, node: &Node, identity: NodeIdentity<'_>, today: Date) -> NodeReport {
    let mut results: Vec<NodeResultReport> = Vec::new();
    for policy in &snapshot.policies.policies {
        let case = Case { snapshot, policy, identity, today };
        for rule in &policy.nodes {
            let mut found = Results::default();
            rule.check.check(node, &mut found);
            for result in found.all {
                add(&mut results, case.report(rule, result));
            }
        }
    }
    results.sort_by_key(|result| rules::order(result.rule));
    let taken = Timestamp::from_second(node.taken).unwrap_or_default().to_string();
    NodeReport {
        api_version: API_VERSION,
        kind: "NodeReport",
        node: clean(identity.name, 253),
        taken,
        system: system(node),
        summary: NodeSummary::of(&results),
        results,
    }
}

/// A policy may say several things of one subject. Of those of two policies the worse stays.
fn add(results: &mut Vec<NodeResultReport>, new: NodeResultReport) {
    let same =
        |old: &&mut NodeResultReport| old.rule == new.rule && old.subject == new.subject && old.policy != new.policy;
    match results.iter_mut().find(same) {
        None => results.push(new),
        Some(old) if new.rank() > old.rank() => *old = new,
        Some(_) => {}
    }
}

/// The operating system and the kernel.
fn system(node: &Node) -> String {
    let os = node.os.is().map(|os| os.name.as_str()).filter(|name| !name.is_empty());
    let kernel = Some(node.kernel.release.as_str()).filter(|release| !release.is_empty());
    let kernel = kernel.map(|release| format!("kernel {release}"));
    let parts: Vec<String> = os.map(str::to_owned).into_iter().chain(kernel).map(|part| clean(&part, 100)).collect();
    parts.join(", ")
}

struct Case<'c> {
    snapshot: &'c Snapshot,
    policy: &'c CompiledPolicy,
    identity: NodeIdentity<'c>,
    today: Date,
}

impl Case<'_> {
    fn report(&self, compiled: &SubjectRule<dyn NodeCheck>, result: NodeResult) -> NodeResultReport {
        let Self { snapshot, policy, identity, today } = *self;
        let rule = compiled.rule;
        let NodeResult { subject, verdict, owasp, cis } = result;
        let subject = clean(&subject, TEXT);
        let mut report = NodeResultReport {
            rule: rule.id,
            verdict: verdict.kind(),
            severity: rule.severity,
            found: String::new(),
            wanted: None,
            source: None,
            fix: None,
            why: rule.why,
            policy: policy.name.to_string(),
            action: compiled.action,
            effect: None,
            note: None,
            exemption: None,
            owasp: if owasp.is_empty() { rule.owasp.to_vec() } else { owasp },
            cis,
            fingerprint: of_text(&["Node", identity.name, rule.id, &subject]),
            subject,
        };
        match verdict {
            Verdict::NotApplicable(why) | Verdict::Unknown(why) => report.found = clean(&why, TEXT),
            Verdict::Pass(evidence) => {
                report.found = clean(evidence.found(), TEXT);
                report.source = Some(clean(evidence.source(), TEXT));
            }
            Verdict::Fail(failure) => {
                report.found = clean(failure.evidence.found(), TEXT);
                report.source = Some(clean(failure.evidence.source(), TEXT));
                report.wanted = Some(clean(&failure.wanted, TEXT));
                report.fix = Some(clean(&failure.fix, TEXT));
                report.severity = failure.severity;
                let covers =
                    policy.node_exemptions.iter().find(|one| one.covers(rule, &report.subject, identity, today));
                if let Some(exemption) = covers.map(CompiledNodeExemption::document) {
                    report.effect = Some(Effect::Exempt);
                    report.exemption =
                        Some(NodeExemptionReport { reason: clean(&exemption.reason, TEXT), until: exemption.until });
                } else {
                    let cap = snapshot.ceiling.cap(failure.severity, today);
                    let (effect, note) = effect_on_file(compiled.action, None, policy.warn_until, today, cap);
                    report.effect = Some(effect);
                    report.note = note.map(|note| note_text(note, failure.severity));
                }
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{fake::Fake, snapshot as read};
    use crate::policy::{Cluster, PolicySet};
    use crate::rule::VerdictKind;
    use jiff::civil::date;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    const HOST: &str = "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/docker/daemon.json 0666\n{\"icc\": true, \"userns-remap\": \"default\"}\n";

    fn report(specs: &[Value], labels: &[(&str, &str)]) -> NodeReport {
        let policies = specs.iter().enumerate().map(|(at, spec)| {
            CompiledPolicy::from_object(&format!("p{at}"), Some(&spec.to_string()), Cluster::Without).unwrap()
        });
        let snapshot = Snapshot::new(PolicySet::new(policies.collect(), 1), 20);
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let node = read(&Fake::read(HOST), 1_795_737_600);
        judge(&snapshot, &node, NodeIdentity { name: "n1", labels: &labels }, date(2026, 11, 27))
    }

    fn effect(report: &NodeReport, subject: &str) -> Option<Effect> {
        let found = report.results.iter().find(|result| result.subject == subject);
        found.unwrap_or_else(|| panic!("no {subject}: {report:#?}")).effect
    }

    #[test]
    fn actions_exemptions_and_several_policies() {
        let rules = |action: &str| json!({"node-files": {"action": action}, "node-network": {"action": "warn"}});
        let exempt = json!([{"rules": ["node-files"], "nodeSelector": {"matchLabels": {"pool": "a"}}, "reason": "why", "until": "2026-12-31"}]);
        let spec = json!({"rules": rules("deny"), "nodeExemptions": exempt});
        let plain = report(std::slice::from_ref(&spec), &[]);
        assert_eq!(effect(&plain, "/etc/docker/daemon.json"), Some(Effect::Deny));
        assert_eq!(effect(&plain, "dockerd: icc"), Some(Effect::Warn));
        assert_eq!((plain.summary.denied, plain.summary.exempt), (1, 0));
        let exempted = report(std::slice::from_ref(&spec), &[("pool", "a")]);
        assert_eq!(effect(&exempted, "/etc/docker/daemon.json"), Some(Effect::Exempt));
        assert_eq!(
            (exempted.summary.denied, exempted.summary.exempt, exempted.summary.fail),
            (0, 1, plain.summary.fail)
        );
        // An exemption weakens its own policy alone, and what two policies say is there once.
        let both = report(&[spec, json!({"rules": rules("audit")})], &[("pool", "a")]);
        assert_eq!(effect(&both, "/etc/docker/daemon.json"), Some(Effect::Audit));
        assert_eq!(both.results.len(), exempted.results.len());
    }

    #[test]
    fn what_passes_has_no_effect() {
        let report = report(&[json!({"rules": {"node-user-namespaces": {"action": "deny"}}})], &[]);
        let [result] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((result.verdict, result.effect), (VerdictKind::Pass, None));
        assert_eq!(result.source.as_deref(), Some("/etc/docker/daemon.json:1"));
    }
}
