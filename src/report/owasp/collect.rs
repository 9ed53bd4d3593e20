//! Counts for each item the subjects that pass, fail, are unknown or exempt.

mod in_force;

use super::subject::{Found, Place, Subject};
use super::{ItemFinding, ItemReport, ItemVerdict, JudgedCounts, OwaspReport, OwaspSummary};
use crate::policy::document::API_VERSION;
use crate::policy::{Action, PolicySet};
use crate::rule::Judges;
use crate::rules::find;
use crate::rules::owasp::{ITEMS, Item};
use in_force::{InForce, NEEDS_TRUST, is_file, is_image, is_node, is_pod};
use std::cmp::Reverse;

/// Fills the list in.
#[derive(Debug)]
pub struct Collector {
    in_force: InForce,
    items: Vec<ItemReport>,
    judged: JudgedCounts,
    images_with_trust: usize,
    errors: Vec<String>,
    /// The facts that the cluster did not give. None without a cluster.
    unknown_facts: Option<Vec<String>>,
}

impl Collector {
    /// `unknown_facts` are those that the cluster did not give; none without a cluster.
    #[must_use]
    pub fn new(policies: &PolicySet, unknown_facts: Option<Vec<String>>) -> Self {
        let in_force = InForce::new(policies);
        let items = ITEMS.iter().map(empty).collect();
        let judged = JudgedCounts::default();
        Self { in_force, items, judged, images_with_trust: 0, errors: Vec::new(), unknown_facts }
    }

    pub fn error(&mut self, error: String) {
        self.errors.push(error);
    }

    /// Adds a subject with what was found in it.
    pub fn add(&mut self, subject: Subject) {
        match subject.place {
            Place::Workload => self.judged.workloads += 1,
            Place::Dockerfile => self.judged.dockerfiles += 1,
            Place::Image { trust } => {
                self.judged.images += 1;
                self.images_with_trust += usize::from(trust);
            }
            Place::Node => self.judged.nodes += 1,
        }
        for item in &mut self.items {
            let judges = self.in_force.judging(item.item, subject.place);
            if judges == 0 {
                continue;
            }
            if let Some(problem) = &subject.problem {
                item.unknowns += 1;
                item.findings.push(unjudged(&subject.name, problem));
                continue;
            }
            let mut said = subject.found.iter().filter(|found| found.items.contains(&item.item)).peekable();
            // A node says itself what it judged; elsewhere a rule that found nothing passes.
            if subject.place == Place::Node && said.peek().is_none() {
                match silent(&self.in_force, item.item, &subject) {
                    Some(why) => {
                        item.unknowns += 1;
                        item.findings.push(unjudged(&subject.name, &why));
                    }
                    None => item.not_applicable += 1,
                }
                continue;
            }
            let mut worst = None;
            for found in said {
                worst = worst.max(Some(found.verdict));
                if matches!(found.verdict, ItemVerdict::Fail | ItemVerdict::Unknown | ItemVerdict::Exempt) {
                    item.findings.push(finding(&subject.name, found));
                }
            }
            match worst.unwrap_or(ItemVerdict::Pass) {
                ItemVerdict::Pass => item.passes += 1,
                ItemVerdict::Fail => item.failures += 1,
                ItemVerdict::Unknown => item.unknowns += 1,
                ItemVerdict::Exempt => item.exemptions += 1,
                ItemVerdict::NotApplicable => item.not_applicable += 1,
            }
        }
    }

    /// The report. `source` is what was read, `date` the day.
    #[must_use]
    pub fn finish(mut self, source: String, date: String) -> OwaspReport {
        let mut summary = OwaspSummary::default();
        let mut items = std::mem::take(&mut self.items);
        for (report, item) in items.iter_mut().zip(&ITEMS) {
            report.rules = self.in_force.of_item(item.number).map(|(rule, _)| rule.id).collect();
            report.not_judged = self.not_judged(item);
            report.findings.sort_by_key(|finding| Reverse(finding.verdict));
            self.connections(item, report);
            report.verdict = verdict(report, self.errors.is_empty());
            summary.add(report.verdict);
        }
        OwaspReport {
            api_version: API_VERSION,
            kind: "OwaspReport",
            version: env!("CARGO_PKG_VERSION"),
            date,
            source,
            policies: self.in_force.names,
            judged: self.judged,
            items,
            errors: self.errors,
            summary,
        }
    }

    /// No object shows a connection to a pod. Where a policy of the cluster denies them, each one is judged.
    fn connections(&self, item: &Item, report: &mut ItemReport) {
        for (rule, action) in self.in_force.of_item(item.number).filter(|(rule, _)| rule.judges_exec()) {
            if self.unknown_facts.is_none() {
                report
                    .not_judged
                    .push("connections to pods: no file shows one; --cluster reads what denies them".to_owned());
            } else if *action == Action::Deny {
                report.passes += 1;
            } else {
                report.unknowns += 1;
                let note = format!("{} does `{action}`; with `deny` no such connection gets in", rule.id);
                report.findings.push(unjudged("connections to pods", &note));
            }
        }
    }

    /// What is missing for an answer.
    fn not_judged(&self, item: &Item) -> Vec<String> {
        let of = |is: fn(&Judges) -> bool| item.rules().any(|rule| is(&rule.judges));
        let on = |is: fn(&Judges) -> bool| self.in_force.of_item(item.number).any(|(rule, _)| is(&rule.judges));
        let JudgedCounts { workloads, dockerfiles, images, nodes } = self.judged;
        let (has_pod, has_image) = (of(is_pod), of(is_image));
        let mut missing = Vec::new();
        let mut need = |there: bool, enabled: bool, count: usize, what: &str, how: &str| {
            if there && !enabled {
                missing.push(format!("{what}: no policy in force switches a rule on"));
            } else if there && count == 0 {
                missing.push(format!("{what}: none was judged; {how}"));
            }
        };
        need(has_pod, on(is_pod), workloads, "workloads", "name manifests, or add --cluster");
        need(has_image, on(is_image), images, "images", "add --report with what `podreeve image -o json` prints");
        // An image shows what a Dockerfile made of it.
        let file_alone = of(is_file) && !has_image;
        need(file_alone, on(is_file), dockerfiles, "Dockerfiles", "name them, or a folder with -R");
        need(of(is_node), on(is_node), nodes, "nodes", "add --report with what `podreeve node -o json` prints on each");
        self.facts(item, &mut missing);
        let wants_trust = self.in_force.of_item(item.number).any(|(rule, _)| NEEDS_TRUST.contains(&rule.id));
        if wants_trust && images > self.images_with_trust {
            let without = images - self.images_with_trust;
            missing
                .push(format!("signatures of {without} images: they were judged without a trust document (--trust)"));
        }
        missing
    }

    /// Without its facts a rule finds nothing, and that is no pass.
    fn facts(&self, item: &Item, missing: &mut Vec<String>) {
        let among = |ids: &[&str]| self.in_force.of_item(item.number).find(|(rule, _)| ids.contains(&rule.id));
        let of_nodes = among(&self.in_force.of_nodes);
        let of_networks = among(&self.in_force.of_networks);
        match &self.unknown_facts {
            None => {
                for (rule, _) in of_nodes.into_iter().chain(of_networks) {
                    missing.push(format!("{}: only a cluster shows it; --cluster reads it", rule.id));
                }
            }
            Some(unknown) if of_nodes.is_some() => missing.extend(unknown.iter().cloned()),
            Some(_) => {}
        }
    }
}

/// A violation decides. What was not judged comes next, so that no gap looks like a pass.
fn verdict(report: &ItemReport, all_read: bool) -> ItemVerdict {
    if report.failures > 0 {
        ItemVerdict::Fail
    } else if report.unknowns > 0 || !report.not_judged.is_empty() || !all_read {
        ItemVerdict::Unknown
    } else if report.exemptions > 0 {
        ItemVerdict::Exempt
    } else if report.passes > 0 {
        ItemVerdict::Pass
    } else if report.not_applicable > 0 {
        ItemVerdict::NotApplicable
    } else {
        ItemVerdict::Unknown
    }
}

/// Why it is not known what a node is like whose report says nothing of an item. None if the item means nothing there: a rule that could see all
/// of the node found nothing to judge, such as no socket of docker.
fn silent(in_force: &InForce, item: u8, node: &Subject) -> Option<String> {
    let mut is_judged = false;
    for (rule, _) in in_force.of_item(item).filter(|(rule, _)| is_node(&rule.judges)) {
        let mut of_rule = node.found.iter().filter(|found| found.rule == rule.id).peekable();
        is_judged |= of_rule.peek().is_some();
        if let Some(unknown) = of_rule.find(|found| found.verdict == ItemVerdict::Unknown) {
            return Some(format!("{} could not see all of the node: {}", rule.id, unknown.found));
        }
    }
    (!is_judged).then(|| "its report has nothing of the rules of this item; make it again with this version".to_owned())
}

fn empty(item: &Item) -> ItemReport {
    ItemReport {
        item: item.number,
        title: item.title,
        verdict: ItemVerdict::Unknown,
        passes: 0,
        failures: 0,
        unknowns: 0,
        exemptions: 0,
        not_applicable: 0,
        rules: Vec::new(),
        findings: Vec::new(),
        not_judged: Vec::new(),
        operation: item.operation().map(|(what, _)| what),
        limit: item.limit(),
    }
}

fn finding(subject: &str, found: &Found) -> ItemFinding {
    ItemFinding {
        verdict: found.verdict,
        subject: subject.to_owned(),
        rule: find(&found.rule).map_or_else(|| found.rule.clone(), |rule| rule.id.to_owned()),
        place: found.place.clone(),
        found: found.found.clone(),
        wanted: found.wanted.clone(),
        note: found.note.clone(),
    }
}

fn unjudged(subject: &str, why: &str) -> ItemFinding {
    ItemFinding {
        verdict: ItemVerdict::Unknown,
        subject: subject.to_owned(),
        rule: String::new(),
        place: String::new(),
        found: String::new(),
        wanted: String::new(),
        note: Some(why.to_owned()),
    }
}

#[cfg(test)]
mod tests;
