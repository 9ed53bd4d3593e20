//! The report of `scan -o json`. Its JSON schema, `docs/scan-report.schema.json`, is generated from these types. Fields are added but
//! never changed.

use super::images::{ContainerReport, containers};
use super::scan_rules::DeniedRule;
use crate::decide::Effect;
use crate::outcome::{Verdict, Violation};
use crate::policy::Action;
use crate::rule::Severity;
use crate::scan::{FindingKind, NamespaceFindings, Owner, OwnerVerdict, ScanFinding};
use crate::text::{clean, dotted};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// What `podreeve scan -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve scan report")]
pub struct ScanReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "ScanReport"))]
    pub kind: &'static str,
    /// The policies by which everything was judged.
    pub policies: Vec<String>,
    /// The owners with findings, by namespace, kind and name; empty with `--summary`.
    pub owners: Vec<OwnerReport>,
    /// The rules that would deny something, the most severe first.
    pub rules: Vec<DeniedRule>,
    /// What could not be read; the findings in it are missing.
    pub errors: Vec<UnreadReport>,
    pub summary: ScanSummary,
}

/// An owner, and the findings in what it creates: for a Deployment, its template and the pods of its ReplicaSets.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReport {
    pub api_version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// The strictest verdict, if everything were created again today.
    pub verdict: Verdict,
    /// Why something could not be judged, which denies it.
    pub problems: Vec<String>,
    /// The containers of the template and of the pods.
    pub containers: Vec<ContainerReport>,
    /// The images that they mount as volumes.
    pub image_volumes: Vec<String>,
    /// The worst first. A violation of a template and of its pods is reported once.
    pub violations: Vec<ScanViolation>,
}

/// One violation of one rule at one place.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanViolation {
    pub rule: &'static str,
    /// The policy that is strictest about it.
    pub policy: String,
    /// The action of that policy.
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "patch", "deny"]))]
    pub action: Action,
    /// The effect in a new pod; `patch` means that it would be repaired.
    pub effect: Effect,
    pub severity: Severity,
    /// The kind of the object that has the violation: `Pod` if only the pods of the owner have it.
    pub object_kind: String,
    /// The container's name; null for a violation of the pod.
    pub container: Option<String>,
    /// The list of the pod that has the container; null for a violation of the pod.
    #[schemars(extend("enum" = ["initContainers", "containers", "ephemeralContainers", null]))]
    pub container_kind: Option<&'static str>,
    /// The judged field as people write it, in an object of `objectKind`.
    pub field: String,
    pub found: String,
    pub wanted: String,
    /// What an attacker or a fault does with the violation.
    pub why: String,
    /// Items of the OWASP list.
    pub owasp: &'static [u8],
}

/// Objects that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadReport {
    /// Their kind.
    pub kind: String,
    pub message: String,
}

/// How many owners have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanSummary {
    pub namespaces: usize,
    /// Objects judged; those that a judged owner created are not counted.
    pub objects: usize,
    pub owners: usize,
    pub denied: usize,
    pub patched: usize,
    pub warned: usize,
    pub allowed: usize,
    /// Kinds that could not be read as a whole.
    pub errors: usize,
}

impl ScanSummary {
    pub fn add(&mut self, found: &NamespaceFindings) {
        self.namespaces += 1;
        self.objects += found.objects;
        self.owners += found.owners.len();
        for owner in &found.owners {
            match owner.verdict {
                Verdict::Deny => self.denied += 1,
                Verdict::Patch => self.patched += 1,
                Verdict::Warn => self.warned += 1,
                Verdict::Allow => self.allowed += 1,
            }
        }
    }
}

impl OwnerReport {
    fn new(namespace: &str, known: &OwnerVerdict) -> Self {
        Self {
            api_version: known.owner.api_version.clone(),
            kind: known.owner.kind.clone(),
            namespace: namespace.to_owned(),
            name: known.owner.name.clone(),
            uid: known.owner.uid.clone(),
            verdict: known.verdict,
            problems: Vec::new(),
            containers: containers(&known.images),
            image_volumes: known.images.volumes.iter().cloned().collect(),
            violations: Vec::new(),
        }
    }

    /// The owners of a namespace that have findings.
    pub fn all(found: &NamespaceFindings) -> impl Iterator<Item = Self> {
        let mut of: HashMap<*const Owner, Self> =
            found.owners.iter().map(|known| (Arc::as_ptr(&known.owner), Self::new(&found.namespace, known))).collect();
        for finding in &found.findings {
            let Some(owner) = of.get_mut(&Arc::as_ptr(&finding.owner)) else { continue };
            match &finding.what {
                FindingKind::Violation(violation) => owner.violations.push(ScanViolation::new(finding, violation)),
                FindingKind::Problem(problem) => owner.problems.push(clean(problem, 1000)),
            }
        }
        let mut owners: Vec<Self> = of.into_values().collect();
        owners.sort_by(|a, b| (&a.kind, &a.name, &a.api_version).cmp(&(&b.kind, &b.name, &b.api_version)));
        owners.into_iter().filter(|owner| !owner.violations.is_empty() || !owner.problems.is_empty())
    }
}

impl ScanViolation {
    fn new(finding: &ScanFinding, violation: &Violation) -> Self {
        let (container_kind, container) =
            violation.subject.container().map(|(kind, name)| (kind.field(), name.to_owned())).unzip();
        Self {
            rule: violation.rule.id,
            policy: violation.policy.to_string(),
            action: violation.action,
            effect: violation.effect,
            severity: violation.severity,
            object_kind: finding.kind.clone(),
            container,
            container_kind,
            field: dotted(&violation.field),
            found: violation.found.to_string(),
            wanted: violation.wanted.to_string(),
            why: violation.why.to_string(),
            owasp: violation.rule.owasp,
        }
    }
}
