//! Exemptions as YAML, each with a comment that says what needs it.

use super::terms::Terms;
use crate::cli::exit::Failure;
use crate::exempt::{Grant, object_name};
use crate::manifest::to_yaml;
use crate::policy::ObjectExemption;
use crate::policy::document::API_VERSION;
use crate::text::clean;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Most workloads that a comment names.
const MAX_NAMED: usize = 10;

/// The names that are taken, by namespace.
#[derive(Default)]
pub struct Names(BTreeMap<String, BTreeSet<String>>);

/// Exemption objects, one document each.
pub fn objects(grants: &BTreeMap<&str, Vec<Grant>>, terms: &Terms, names: &mut Names) -> String {
    let mut text = String::new();
    for (namespace, grants) in grants {
        let taken = names.0.entry((*namespace).to_owned()).or_default();
        for grant in grants {
            let metadata = Metadata { name: free_name(&grant.name, taken), namespace };
            let spec = Spec::new(grant, None, terms);
            let object = Object { api_version: API_VERSION, kind: "Exemption", metadata, spec };
            let _ = write!(text, "---\n{}{}", comment(grant, ""), to_yaml(&object));
        }
    }
    text
}

/// The chart's value `exemptions`. What several namespaces need is one exemption.
pub fn values(grants: &BTreeMap<&str, Vec<Grant>>, terms: &Terms) -> String {
    let mut by_place: BTreeMap<_, (Grant, BTreeSet<&str>)> = BTreeMap::new();
    for (namespace, grants) in grants {
        for grant in grants {
            let place = (grant.rules(), grant.containers.clone(), grant.images.clone());
            let (all, namespaces) = by_place.entry(place).or_insert_with(|| (grant.clone(), BTreeSet::new()));
            all.needed_by.extend(grant.needed_by.clone());
            namespaces.insert(namespace);
        }
    }
    if by_place.is_empty() {
        return "exemptions: []\n".to_owned();
    }
    let mut text = "exemptions:\n".to_owned();
    for (grant, namespaces) in by_place.values() {
        text.push_str(&comment(grant, "  "));
        let entry = to_yaml(&Spec::new(grant, Some(namespaces), terms));
        for (index, line) in entry.lines().enumerate() {
            let _ = writeln!(text, "  {} {line}", if index == 0 { "-" } else { " " });
        }
    }
    text
}

/// The exemption as an object in force.
///
/// # Errors
/// A name of a container that an exemption cannot have.
pub fn compiled(namespace: &str, grant: &Grant, terms: &Terms) -> Result<std::sync::Arc<ObjectExemption>, Failure> {
    let spec = serde_json::to_string(&Spec::new(grant, None, terms));
    let spec = spec.map_err(|error| Failure::internal(error.to_string()))?;
    let compiled = ObjectExemption::new(namespace, &grant.name, Some(&spec));
    compiled
        .map(std::sync::Arc::new)
        .map_err(|errors| Failure::input(format!("the exemption for {}: {errors}", grant.name)))
}

/// The spec of an Exemption, or an entry of a policy's `exemptions`.
#[derive(Serialize)]
struct Spec<'g> {
    rules: BTreeSet<&'g str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<&'g BTreeSet<&'g str>>,
    containers: &'g BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    images: &'g BTreeSet<String>,
    reason: &'g str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl<'g> Spec<'g> {
    fn new(grant: &'g Grant, namespaces: Option<&'g BTreeSet<&'g str>>, terms: &'g Terms) -> Self {
        let Grant { containers, images, .. } = grant;
        let until = terms.until.map(|until| until.to_string());
        Self { rules: grant.rules(), namespaces, containers, images, reason: &terms.reason, until }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'g> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'g>,
    spec: Spec<'g>,
}

#[derive(Serialize)]
struct Metadata<'g> {
    name: String,
    namespace: &'g str,
}

fn comment(grant: &Grant, indent: &str) -> String {
    let mut text = String::new();
    for (workload, needs) in grant.needed_by.iter().take(MAX_NAMED) {
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        let _ = writeln!(text, "{indent}# {}: {}", clean(workload, 200), clean(&needs.join(", "), 400));
    }
    let more = grant.needed_by.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        let _ = writeln!(text, "{indent}# and {more} more");
    }
    text
}

/// The name of the workload, with a number from the second exemption on.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let base = object_name(name);
    let base = if base.is_empty() { "workload".to_owned() } else { base };
    let numbered = (2_u32..).map(|number| format!("{base}-{number}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(name.clone());
    name
}
