//! What exists in a cluster, judged as `scan` judges it.

use super::Args;
use crate::admit::Snapshot;
use crate::cli::exit::Failure;
use crate::cli::scan::{Plan, scan_with};
use crate::cluster::item::Item;
use crate::cluster::once;
use crate::cluster::scan::ScanObserver;
use crate::outcome::Violation;
use crate::report::owasp::{Collector, Found, OwaspReport, Place, Subject, read};
use crate::scan::{FindingKind, NamespaceFindings, Owner};
use crate::text::{clean, dotted};
use std::collections::HashMap;
use std::sync::Arc;

/// The objects that are listed at one time.
const PAGE: u32 = 500;

pub fn report(args: &Args) -> Result<OwaspReport, Failure> {
    let plan = Plan {
        policy: &args.policy,
        namespace: args.namespace.as_deref(),
        selector: None,
        image_facts: &[],
        exemption_namespaces: &args.exemption_namespaces,
        exemptions: &[],
        chunk_size: PAGE,
        access: &args.access,
        kubelets: &args.kubelets,
        // Each item counts its own violations.
        reports_implied: true,
    };
    let mut observer = scan_with(&plan, Observer::new)?.0;
    // The nodes are of the cluster, and of no namespace.
    if args.namespace.is_none() {
        nodes(args, &mut observer.collector)?;
    }
    let scope = args.namespace.as_ref().map(|namespace| format!(", namespace {namespace}")).unwrap_or_default();
    super::finish(args, observer.collector, || format!("cluster {}{scope}", args.access.address()))
}

/// The reports of agents.
fn nodes(args: &Args, collector: &mut Collector) -> Result<(), Failure> {
    args.access.with_client(async |client| {
        match once::node_reports(&client).await {
            Ok(reports) => {
                for report in reports {
                    match read::node_in_cluster(report.raw.get()) {
                        Ok(subject) => collector.add(subject),
                        Err(error) => collector.error(format!("clusterreport {}: {error}", report.name())),
                    }
                }
            }
            Err(error) => collector.error(format!("clusterreports.openreports.io could not be read: {error}")),
        }
        Ok(())
    })
}

struct Observer {
    collector: Collector,
}

impl Observer {
    fn new(snapshot: &Snapshot) -> Self {
        Self { collector: Collector::new(&snapshot.policies, Some(super::unknown_facts(snapshot))) }
    }
}

impl ScanObserver for Observer {
    async fn found(&mut self, found: NamespaceFindings, _existing_reports: &[Item]) {
        let mut of: HashMap<*const Owner, Subject> = HashMap::new();
        for known in &found.owners {
            let name = read::workload(&known.owner.kind, &found.namespace, &known.owner.name);
            let subject = Subject { place: Place::Workload, name: clean(&name, 600), problem: None, found: Vec::new() };
            of.insert(Arc::as_ptr(&known.owner), subject);
        }
        for finding in &found.findings {
            let Some(subject) = of.get_mut(&Arc::as_ptr(&finding.owner)) else { continue };
            match &finding.what {
                FindingKind::Violation(violation) => subject.found.push(of_violation(violation)),
                FindingKind::Problem(problem) => subject.problem = Some(clean(problem, 500)),
            }
        }
        // In the order of the scan, so that two reports of one cluster are equal.
        for known in &found.owners {
            if let Some(subject) = of.remove(&Arc::as_ptr(&known.owner)) {
                self.collector.add(subject);
            }
        }
    }

    fn unread(&mut self, what: &str, why: &str) {
        self.collector.error(format!("{what} could not be read: {why}; their items are unknown"));
    }
}

fn of_violation(violation: &Violation) -> Found {
    let until = |until: jiff::civil::Date| format!(" until {until}");
    let exemption = violation.exemption.as_ref();
    Found {
        rule: violation.rule.id.to_owned(),
        items: violation.rule.owasp.to_vec(),
        verdict: read::verdict_of(violation.effect),
        place: clean(&dotted(&violation.field), 500),
        found: clean(&violation.found, 300),
        wanted: clean(&violation.wanted, 300),
        note: exemption.map(|cover| {
            format!("exempt by {}{}", clean(&cover.name, 300), cover.until.map(until).unwrap_or_default())
        }),
    }
}
