//! What would be denied: from manifests, from a report, or from a cluster.

use super::Args;
use super::shape::{Report, Shape};
use crate::admit::Snapshot;
use crate::cli::check::exemptions::Namespaces;
use crate::cli::check::{first_pass, today, unusable};
use crate::cli::exit::Failure;
use crate::cli::input::{Entry, Source as File, is_dockerfile};
use crate::cli::output::{self, Format};
use crate::cli::scan;
use crate::exempt::Workload;
use crate::manifest;
use crate::policy::ObjectExemption;
use crate::report::{Judge, NotJudged};
use crate::rule::Severity;
use crate::sources::Sources;
use std::path::Path;
use std::sync::Arc;

/// The objects of a cluster that are listed at one time.
const PAGE: u32 = 500;

/// Where the workloads are.
pub struct Source<'a> {
    args: &'a Args,
    from: From,
}

enum From {
    Files(Box<Snapshot>, Vec<File>),
    /// A report cannot be judged again.
    Report(Vec<Workload>),
    Cluster,
}

impl<'a> Source<'a> {
    /// # Errors
    /// Policies that do not load, and reports that cannot be read.
    pub fn new(args: &'a Args) -> Result<Self, Failure> {
        if args.inputs.names().is_empty() {
            return Ok(Self { args, from: From::Cluster });
        }
        let files = args.inputs.manifests();
        let reports: Vec<Option<Vec<Workload>>> = files.iter().map(report).collect::<Result<_, _>>()?;
        if reports.iter().any(Option::is_some) {
            if !args.exemption_namespaces.is_empty() {
                let problem = "a report was made with the exemptions of its own run, so --exemption-namespaces has no effect here; \
                     give the flag to `podreeve scan` or `podreeve check` when they write the report";
                return Err(Failure::input(problem.to_owned()));
            }
            return Ok(Self { args, from: From::Report(reports.into_iter().flatten().flatten().collect()) });
        }
        let mut snapshot = Sources::new(&args.policy).load(1, usize::MAX).map_err(unusable)?;
        in_force(args, &files, &mut snapshot)?;
        Ok(Self { args, from: From::Files(Box::new(snapshot), files) })
    }

    /// What would be denied with these exemptions, and with those in force. Of a report, what no exemption was made from yet.
    ///
    /// # Errors
    /// Objects that cannot be read: it is unknown what they need.
    pub fn denied(&self, exemptions: &[Arc<ObjectExemption>]) -> Result<Vec<Workload>, Failure> {
        let mut workloads = match &self.from {
            From::Files(snapshot, files) => self.judged(snapshot, files, exemptions)?,
            From::Report(workloads) if exemptions.is_empty() => workloads.clone(),
            From::Report(_) => Vec::new(),
            From::Cluster => self.scanned(exemptions)?,
        };
        let rules = &self.args.rule;
        for workload in &mut workloads {
            workload.denied.retain(|denied| rules.is_empty() || rules.contains(&denied.rule));
        }
        workloads.retain(|workload| !workload.denied.is_empty());
        Ok(workloads)
    }

    fn judged(
        &self,
        snapshot: &Snapshot,
        files: &[File],
        exemptions: &[Arc<ObjectExemption>],
    ) -> Result<Vec<Workload>, Failure> {
        let mut snapshot = snapshot.clone();
        snapshot.policies.exemptions.extend(exemptions.iter().cloned());
        let namespace = default_namespace(self.args);
        let judge = Judge {
            snapshot: &snapshot,
            namespace,
            today: today(),
            severity: Severity::Low,
            diffs: false,
            images: true,
        };
        let mut workloads = Vec::new();
        for file in files {
            file.with(|entry| match entry {
                Entry::PassedOver { .. } => Ok(()),
                Entry::File(input) => {
                    let fail = |message: &str| Failure::input(format!("{}: {message}", input.name));
                    let bytes = input.bytes.as_ref().map_err(|message| fail(message))?;
                    if is_dockerfile(Path::new(&input.name)) {
                        let message = "is a Dockerfile, and exemptions are for pods; `podreeve check --write-baseline FILE` keeps what there is";
                        return Err(fail(message));
                    }
                    let documents = manifest::parse(bytes).map_err(|error| fail(&error.to_string()))?;
                    for object in documents.iter().flat_map(manifest::Document::objects) {
                        let object = object.map_err(|error| fail(&error.to_string()))?;
                        match judge.object(&input.name, &object) {
                            Ok(report) => workloads.extend(workload(&report)?),
                            Err(NotJudged::Error(error)) => return Err(fail(&error.message)),
                            Err(NotJudged::LooksLikeWorkload(_) | NotJudged::WithoutPod { .. }) => {}
                        }
                    }
                    Ok(())
                }
            })?;
        }
        Ok(workloads)
    }

    fn scanned(&self, exemptions: &[Arc<ObjectExemption>]) -> Result<Vec<Workload>, Failure> {
        let Args { policy, namespace, selector, exemption_namespaces, access, kubelets, .. } = self.args;
        let plan = scan::Plan {
            policy,
            namespace: namespace.as_deref(),
            image_facts: &[],
            selector: selector.as_deref(),
            exemption_namespaces,
            exemptions,
            chunk_size: PAGE,
            access,
            kubelets,
            reports_implied: false,
        };
        let (report, _) = scan::collect(&plan, Format::Json, false)?;
        if let Some(error) = report.errors.first() {
            return Err(Failure::input(format!("{} could not be read: {}", error.kind, error.message)));
        }
        let workloads = report.owners.iter().map(workload).collect::<Result<Vec<_>, _>>()?;
        Ok(workloads.into_iter().flatten().collect())
    }
}

/// The namespace of objects in files that name none.
fn default_namespace(args: &Args) -> &str {
    args.namespace.as_deref().unwrap_or("default")
}

/// Adds what `check` takes from the same files: the Exemption objects that count, and the ServiceAccounts.
fn in_force(args: &Args, files: &[File], snapshot: &mut Snapshot) -> Result<(), Failure> {
    let namespaces = Namespaces { default: default_namespace(args), allowed: &args.exemption_namespaces };
    let first = first_pass::read(files, namespaces)?;
    if let Some(error) = first.errors.first() {
        return Err(Failure::input(error.to_string()));
    }
    snapshot.facts.manifest_accounts = Some(Arc::new(first.accounts));
    snapshot.policies.exemptions = first.exemptions.found;
    Ok(())
}

/// The workload of an object or an owner, if something denies it.
fn workload<T: serde::Serialize>(report: &T) -> Result<Option<Workload>, Failure> {
    let shape = serde_json::to_value(report).and_then(serde_json::from_value::<Shape>);
    let shape = shape.map_err(|error| Failure::internal(error.to_string()))?;
    if let Some(problem) = shape.problem() {
        output::diagnose("error", &format!("{} cannot be judged, so no exemption covers it: {problem}", shape.title()));
    }
    Ok(shape.into_workload())
}

/// The workloads of a report of `scan` or `check`. None for any other file.
fn report(file: &File) -> Result<Option<Vec<Workload>>, Failure> {
    file.with(|entry| {
        let Entry::File(input) = entry else { return Ok(None) };
        let Ok(bytes) = &input.bytes else { return Ok(None) };
        let Some(report) =
            Report::read(bytes).map_err(|message| Failure::input(format!("{}: {message}", input.name)))?
        else {
            return Ok(None);
        };
        Ok(Some(report.workloads()))
    })
}
