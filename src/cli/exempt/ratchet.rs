//! `--ratchet FILE`: what exists stays, and what is new is denied.

use super::found::Source;
use super::terms::Terms;
use super::{Args, yaml};
use crate::cli::check::today;
use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, writing};
use crate::exempt::{Existing, Workload, propose, ratchet};
use crate::manifest;
use crate::policy::ObjectExemption;
use crate::policy::exemption_object::ExemptionSpec;
use std::collections::BTreeMap;
use std::path::Path;

/// Rewrites the file with those of its exemptions that are still needed.
pub fn tighten(file: &Path, source: &Source<'_>, args: &Args) -> Result<Exit, Failure> {
    if args.reason.is_some() || args.until.is_some() {
        return Err(Failure::input(format!(
            "{} exists, and its exemptions keep their reason and end; leave out --reason and --until, or name a new file",
            file.display()
        )));
    }
    let specs = read(file)?;
    let existing: Vec<Existing> = specs.iter().map(|(namespace, spec)| existing(namespace, spec)).collect();
    let result = ratchet(&existing, &source.denied(&[])?);
    let mut by_terms: BTreeMap<(&str, Option<String>), Vec<Workload>> = BTreeMap::new();
    for ((_, spec), needed) in specs.iter().zip(result.needed) {
        let terms = (&*spec.reason, spec.until.map(|until| until.to_string()));
        by_terms.entry(terms).or_default().extend(needed);
    }
    let (mut text, mut count, mut names) = (String::new(), 0, yaml::Names::default());
    for ((reason, until), workloads) in by_terms {
        let until = until.and_then(|until| until.parse().ok());
        let grants = propose(&workloads);
        count += grants.values().map(Vec::len).sum::<usize>();
        text.push_str(&yaml::objects(&grants, &Terms { reason: reason.to_owned(), until }, &mut names));
    }
    writing::whole(file, &text)?;
    let were = specs.len();
    output::diagnose("note", &format!("{}: {count} of {were} exemptions are still needed", file.display()));
    Ok(super::report_left(&result.new))
}

/// The exemptions of the file, with their namespaces. Those that have ended cover nothing.
fn read(file: &Path) -> Result<Vec<(String, ExemptionSpec)>, Failure> {
    let fail = |message: String| Failure::input(format!("{}: {message}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let documents = manifest::parse(&bytes).map_err(|error| fail(error.to_string()))?;
    let mut specs = Vec::new();
    for document in &documents {
        for object in document.objects() {
            let object = object.map_err(|error| fail(error.to_string()))?;
            let line = object.position("").line;
            let (Some(namespace), Some(spec)) = (object.namespace(), object.node.get("spec")) else {
                return Err(fail(format!("line {line}: an Exemption needs a namespace and a spec")));
            };
            if object.group() != "podreeve.dev" || object.kind != "Exemption" {
                return Err(fail(format!(
                    "line {line}: only Exemption objects belong into this file, and this is a {}",
                    object.kind
                )));
            }
            let spec = spec.to_json();
            ObjectExemption::new(namespace, &object.name(), Some(&spec))
                .map_err(|errors| fail(format!("line {line}: {errors}")))?;
            let spec: ExemptionSpec =
                serde_json::from_str(&spec).map_err(|error| fail(format!("line {line}: {error}")))?;
            if spec.until.is_none_or(|until| today() <= until) {
                specs.push((namespace.to_owned(), spec));
            }
        }
    }
    Ok(specs)
}

fn existing(namespace: &str, spec: &ExemptionSpec) -> Existing {
    let ExemptionSpec { rules, containers, images, .. } = spec;
    Existing {
        namespace: namespace.to_owned(),
        rules: rules.clone(),
        containers: containers.clone(),
        images: images.clone(),
    }
}
