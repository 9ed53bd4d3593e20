//! Exemptions that need attention: those that nothing needs, and those that end.

use super::judge::{GROUPS, Judge, USER};
use super::waiver_report::{WaiverReport, WaiverState};
use crate::admit::Snapshot;
use crate::decide::{Case, EXPIRY_NOTICE, Needed, Stage, judge};
use crate::facts::Known;
use crate::json::Raw;
use crate::manifest::{Object, Position};
use crate::policy::{Exemption, ExemptionSource, MatchInput};
use crate::rule::Scope;
use crate::workload::Text;
use jiff::{ToSpan, civil::Date};
use std::collections::BTreeSet;

/// An exemption of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExemptionId {
    /// An exemption of a policy: the index of the policy, and that of the exemption.
    Policy(usize, usize),
    /// The Exemption object, as `namespace/name`.
    Object(String),
}

/// The exemptions that let something through, each with the rule and the namespace.
#[derive(Debug, Default)]
pub struct Usage(BTreeSet<(ExemptionId, &'static str, String)>);

impl Usage {
    /// Adds the exemptions that the object needs.
    ///
    /// Each policy judges alone, because of several policies with the same violation only the strictest is reported.
    pub fn note(&mut self, by: &Judge<'_>, object: &Object<'_>) {
        let policies = &by.snapshot.policies;
        let Some(kind) = policies.kind(object.group(), object.kind) else { return };
        let Ok(raw) = serde_json::value::to_raw_value(object.node) else { return };
        // An object that cannot be read is denied, and no exemption covers that.
        let Ok(found) = kind.pods(Raw::new(raw.get())) else { return };
        let namespace = object.namespace().unwrap_or(by.namespace);
        let groups: Vec<Text<'_>> = GROUPS.iter().map(|group| Text((*group).into())).collect();
        let subject = MatchInput { namespace, labels: Known::Absent, kind: &kind.kind, user: USER, groups: &groups };
        let stage = if kind.is_pod() { Stage::Pod } else { Stage::Template };
        for placed in &found.pods {
            let case = Case {
                pod: &placed.pod,
                namespace,
                exemptions: &policies.exemptions,
                stage,
                scope: Scope::Pod,
                needed: Needed::All,
                is_update: false,
                report_limit: usize::MAX,
                ceiling: by.snapshot.ceiling,
                today: by.today,
            };
            self.note_pod(by.snapshot, &subject, &case);
        }
    }

    /// Adds those of another file.
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn note_pod(&mut self, snapshot: &Snapshot, subject: &MatchInput<'_>, case: &Case<'_>) {
        for (number, policy) in snapshot.policies.policies.iter().enumerate() {
            if policy.matcher.applies(subject) {
                let judged = judge(case, &[policy], || None);
                self.0.extend(judged.iter().filter_map(|j| {
                    let waiver = match j.exemption?.by {
                        ExemptionSource::Policy(index) => ExemptionId::Policy(number, index),
                        ExemptionSource::Object(name) => ExemptionId::Object(name.to_owned()),
                    };
                    Some((waiver, j.rule.id, case.namespace.to_owned()))
                }));
            }
        }
    }

    /// The exemptions that need attention: those of the policies in their order, then the objects. `place` returns the position of
    /// an exemption.
    #[must_use]
    pub fn waivers(
        &self,
        snapshot: &Snapshot,
        today: Date,
        place: impl Fn(&ExemptionId) -> (String, Position),
    ) -> Vec<WaiverReport> {
        let policies = snapshot.policies.policies.iter().enumerate().flat_map(|(number, policy)| {
            let exemptions = policy.exemptions.iter().enumerate();
            exemptions
                .map(move |(index, exemption)| (Some(&policy.name), ExemptionId::Policy(number, index), exemption))
        });
        let objects = snapshot.policies.exemptions.iter();
        let objects = objects.map(|object| (None, ExemptionId::Object(object.name.clone()), &object.exemption));
        policies
            .chain(objects)
            .filter_map(|(policy, waiver, exemption)| {
                let Exemption { rules, namespaces, containers, images, reason, until } = exemption.document();
                let (unused_rules, unused_namespaces, states) = self.states(&waiver, exemption.document(), today);
                let (file, Position { line, column }) = (!states.is_empty()).then(|| place(&waiver))?;
                let (exemption, index) = match waiver {
                    ExemptionId::Policy(_, index) => (None, Some(index)),
                    ExemptionId::Object(name) => (Some(name), None),
                };
                Some(WaiverReport {
                    policy: policy.map(ToString::to_string),
                    exemption,
                    file,
                    line,
                    column,
                    index,
                    message: message(&states, &unused_rules, &unused_namespaces, *until),
                    states,
                    rules: rules.clone(),
                    namespaces: namespaces.clone(),
                    containers: containers.clone(),
                    images: images.clone(),
                    reason: reason.clone(),
                    until: until.map(|until| until.to_string()),
                    unused_rules,
                    unused_namespaces,
                })
            })
            .collect()
    }

    fn states(
        &self,
        waiver: &ExemptionId,
        exemption: &Exemption,
        today: Date,
    ) -> (Vec<String>, Vec<String>, Vec<WaiverState>) {
        if exemption.until.is_some_and(|until| until < today) {
            return (Vec::new(), Vec::new(), vec![WaiverState::Expired]);
        }
        let used: Vec<_> = self.0.iter().filter(|(by, ..)| by == waiver).collect();
        let without = |list: &[String], is_used: &dyn Fn(&str) -> bool| -> Vec<String> {
            list.iter().filter(|name| !is_used(name)).cloned().collect()
        };
        let rules = without(&exemption.rules, &|name| used.iter().any(|(_, rule, _)| *rule == name));
        let namespaces = without(&exemption.namespaces, &|name| used.iter().any(|(.., namespace)| namespace == name));
        let near = today.saturating_add(EXPIRY_NOTICE.days());
        let expiring = exemption.until.filter(|until| *until <= near).map(|_| WaiverState::Expiring);
        let unused = if used.is_empty() {
            Some(WaiverState::Unused)
        } else if rules.is_empty() && namespaces.is_empty() {
            None
        } else {
            Some(WaiverState::PartlyUnused)
        };
        (rules, namespaces, expiring.into_iter().chain(unused).collect())
    }
}

fn message(states: &[WaiverState], rules: &[String], namespaces: &[String], until: Option<Date>) -> String {
    let until = until.map(|until| until.to_string()).unwrap_or_default();
    let parts: Vec<String> = states
        .iter()
        .map(|state| match state {
            WaiverState::Expired => {
                format!("it ended after {until} and lets nothing through; remove it, or give it a new date")
            }
            WaiverState::Expiring => format!("it ends after {until}, and what it lets through is denied from then on"),
            WaiverState::Unused => {
                "nothing in the checked files needs it; if they are all there is, remove it".to_owned()
            }
            WaiverState::PartlyUnused => {
                let lists = [("for ", rules), ("in ", namespaces)];
                let lists = lists.iter().filter(|(_, names)| !names.is_empty());
                let lists: Vec<String> = lists.map(|(word, names)| format!("{word}{}", names.join(", "))).collect();
                format!("nothing in the checked files needs it {}; narrow it", lists.join(", nor "))
            }
        })
        .collect();
    parts.join("; ")
}
