//! What a report says of a workload, as far as exemptions need it.

use crate::decide::Effect;
use crate::exempt::{Container, Denied, Workload};
use crate::text::clean;
use serde::Deserialize;

/// A report of `scan -o json` or `check -o json`.
#[derive(Deserialize)]
pub struct Report {
    kind: String,
    #[serde(default)]
    owners: Vec<Shape>,
    #[serde(default)]
    objects: Vec<Shape>,
}

/// An owner of a scan, or an object of a check.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    kind: String,
    namespace: String,
    name: String,
    containers: Vec<Named>,
    #[serde(default)]
    image_volumes: Vec<String>,
    violations: Vec<Violated>,
    problem: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    image: Option<String>,
}

#[derive(Deserialize)]
struct Violated {
    rule: String,
    effect: Effect,
    container: Option<String>,
}

impl Report {
    /// None for anything that is no report.
    ///
    /// # Errors
    /// Why the report cannot be used.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, String> {
        #[derive(Deserialize)]
        struct Kind {
            kind: String,
        }
        let is_report = |kind: &str| matches!(kind, "ScanReport" | "CheckReport");
        match serde_json::from_slice::<Kind>(bytes) {
            Ok(Kind { kind }) if is_report(&kind) => serde_json::from_slice(bytes).map(Some).map_err(|error| {
                format!("this report cannot be used; make it again with this version of podreeve: {error}")
            }),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    pub fn workloads(self) -> Vec<Workload> {
        let mut shapes = if self.kind == "ScanReport" { self.owners } else { self.objects };
        // No exemption covers a Dockerfile.
        shapes.retain(|shape| shape.kind != "Dockerfile" || !shape.namespace.is_empty());
        shapes.into_iter().filter_map(Shape::into_workload).collect()
    }
}

impl Shape {
    /// `DaemonSet storage/csi`.
    pub fn title(&self) -> String {
        format!("{} {}/{}", clean(&self.kind, 63), clean(&self.namespace, 63), clean(&self.name, 253))
    }

    /// Why it cannot be judged.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_ref().or(self.problems.first()).map(String::as_str)
    }

    /// None if nothing denies it.
    pub fn into_workload(self) -> Option<Workload> {
        let title = self.title();
        let denied = self.violations.into_iter().filter(|violated| violated.effect == Effect::Deny);
        let denied: Vec<Denied> =
            denied.map(|violated| Denied { rule: violated.rule, container: violated.container }).collect();
        let containers = self.containers.into_iter().map(|named| Container { name: named.name, image: named.image });
        (!denied.is_empty()).then(|| Workload {
            namespace: self.namespace,
            title,
            name: self.name,
            containers: containers.collect(),
            image_volumes: self.image_volumes,
            denied,
        })
    }
}
