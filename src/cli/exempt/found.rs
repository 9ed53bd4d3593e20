//! What would be denied: from manifests, from a report, or from a cluster.

use super::Args;
use crate::admit::Snapshot;
use crate::cli::check::{today, unusable};
use crate::cli::exit::Failure;
use crate::cli::input::{Entry, Source as File};
use crate::cli::scan;
use crate::decide::Effect;
use crate::exempt::{Container, Denied, Workload};
use crate::manifest;
use crate::policy::ObjectExemption;
use crate::report::{Judge, NotJudged, ObjectReport, OwnerReport};
use crate::sources::Sources;
use serde::Deserialize;
use std::sync::Arc;

/// Where the workloads are.
pub enum Source<'a> {
    Files { args: &'a Args, snapshot: Box<Snapshot>, files: Vec<File> },
    /// A report cannot be judged again.
    Report { args: &'a Args, workloads: Vec<Workload> },
    Cluster(&'a Args),
}

impl<'a> Source<'a> {
    /// # Errors
    /// Policies that do not load, and reports that cannot be read.
    pub fn new(args: &'a Args) -> Result<Self, Failure> {
        if args.inputs.names().is_empty() {
            return Ok(Self::Cluster(args));
        }
        let files = args.inputs.sources(&[]);
        let reports: Vec<Workload> = files.iter().filter_map(report).flatten().collect();
        if !reports.is_empty() {
            return Ok(Self::Report { args, workloads: reports });
        }
        let snapshot = Sources::new(&args.policy).load(1, usize::MAX).map_err(unusable)?;
        Ok(Self::Files { args, snapshot: Box::new(snapshot), files })
    }

    /// What would be denied with these exemptions in force.
    ///
    /// # Errors
    /// Objects that cannot be read or judged: no exemption would cover them.
    pub fn denied(&self, exemptions: &[Arc<ObjectExemption>]) -> Result<Vec<Workload>, Failure> {
        let (args, mut workloads) = match self {
            Self::Files { args, snapshot, files } => (args, judged(args, snapshot, files, exemptions)?),
            // Its exemptions were made from all that is in it.
            Self::Report { args, workloads } => (args, if exemptions.is_empty() { workloads.clone() } else { Vec::new() }),
            Self::Cluster(args) => {
                let report = scan::owners(args, exemptions)?;
                (args, report.iter().filter_map(of_owner).collect())
            }
        };
        if !args.rule.is_empty() {
            for workload in &mut workloads {
                workload.denied.retain(|denied| args.rule.contains(&denied.rule));
            }
            workloads.retain(|workload| !workload.denied.is_empty());
        }
        Ok(workloads)
    }
}
