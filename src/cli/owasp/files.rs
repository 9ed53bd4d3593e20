//! Manifests and Dockerfiles, judged as `check` judges them.

use super::Args;
use crate::admit::Snapshot;
use crate::cli::check::{Files, Namespaces, first_pass, ordered, today};
use crate::cli::exit::Failure;
use crate::cli::input::Source;
use crate::cli::output;
use crate::report::Judge;
use crate::report::owasp::{Collector, read};
use crate::rule::Severity;
use std::sync::Arc;

pub fn judge(args: &Args, sources: Vec<Source>, snapshot: &Snapshot, collector: &mut Collector) -> Result<(), Failure> {
    let default = args.namespace.as_deref().unwrap_or("default");
    let namespaces = Namespaces { default, allowed: &args.exemption_namespaces };
    let first = first_pass::read(&sources, namespaces)?;
    let mut snapshot = snapshot.clone();
    snapshot.facts.manifest_accounts = Some(Arc::new(first.accounts));
    snapshot.policies.exemptions.clone_from(&first.exemptions.found);
    let judge = Judge {
        snapshot: &snapshot,
        namespace: default,
        today: today(),
        severity: Severity::Low,
        diffs: false,
        images: false,
    };
    let named: Vec<&str> = args.inputs.names().into_iter().chain(args.dockerfile.iter().map(String::as_str)).collect();
    let files = Files {
        judge,
        namespaces,
        named: &named,
        notes_usage: false,
        keeps_text: false,
        offers_fixes: false,
        fixing: None,
    };
    for error in first.errors {
        collector.error(error.to_string());
    }
    ordered::ordered(
        sources,
        |source| source.with(|entry| files.judge(entry)),
        |found| {
            for note in &found.notes {
                output::diagnose("note", note);
            }
            for error in found.results.errors {
                collector.error(error.to_string());
            }
            for object in found.results.objects {
                collector.add(read::of_object(object));
            }
            Ok(())
        },
    )
}
