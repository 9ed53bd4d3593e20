//! The report of `check -o json`. Its JSON schema is `docs/check-report.schema.json`: it is made
//! from these types, and fields are added but never changed.

use super::{PassedOver, WaiverReport};
use crate::decide::Effect;
use crate::outcome::Verdict;
use crate::policy::Action;
use crate::rule::Severity;
use json_patch::PatchOperation;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `podreeve check -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve check report")]
pub struct CheckReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "CheckReport"))]
    pub kind: &'static str,
    /// Every object that is a pod or holds a pod template, in the order of the files.
    pub objects: Vec<ObjectReport>,
    /// What could not be read.
    pub errors: Vec<FileError>,
    /// What was not judged, where somebody may think that it was: templates, kustomizations, kinds that look like workloads.
    pub passed_over: Vec<PassedOver>,
    /// Kinds that hold no pod, and so have nothing to judge.
    pub without_pod: Vec<KindCount>,
    /// With `--waivers`: exemptions that are unused, end within 14 days, or have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivers: Option<Vec<WaiverReport>>,
    pub summary: Summary,
}

/// An object and what the webhook would do with it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport {
    /// The file as it was named; `-` is stdin.
    pub file: String,
    /// The document's place in the file, from 0.
    pub document: usize,
    /// Where the object begins in the file, from 1.
    pub line: usize,
    pub api_version: String,
    pub kind: String,
    /// The object's own namespace, or else the one given with -n.
    pub namespace: String,
    /// The name, or `generateName` with a `*` behind it.
    pub name: String,
    pub verdict: Verdict,
    /// Why the object could not be judged, which denies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Where the field stands that could not be read, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_column: Option<usize>,
    /// What the webhook warns of beside violations, such as a path of a policy that met no pod template.
    pub warnings: Vec<String>,
    /// Ordered by container, then rule.
    pub violations: Vec<ViolationReport>,
    /// Keys that mean nothing where they stand: misspelt or misplaced.
    pub hints: Vec<HintReport>,
}

/// A key of the object that the API server ignores, and which one is probably meant.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HintReport {
    /// JSON pointer into the object.
    pub pointer: String,
    /// The key as people write it: `spec.securityContext.readOnlyRootFilesystem`.
    pub field: String,
    /// Where it stands in the file, from 1.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// One violation of one rule at one place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViolationReport {
    pub rule: &'static str,
    /// The policy that is strictest about it.
    pub policy: String,
    /// What that policy says.
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "patch", "deny"]))]
    pub action: Action,
    /// What becomes of it: an action may be softened by an exemption or a rollout, and a repair that
    /// is not made denies.
    pub effect: Effect,
    pub severity: Severity,
    /// The container's name; null for a violation of the pod.
    pub container: Option<String>,
    /// The list of the pod that the container stands in; null for a violation of the pod.
    #[schemars(extend("enum" = ["initContainers", "containers", "ephemeralContainers", null]))]
    pub container_kind: Option<&'static str>,
    /// JSON pointer into the object: the judged field, or its nearest ancestor that is there.
    pub pointer: String,
    /// The judged field as people write it, there or not: `spec.containers[0].securityContext.privileged`.
    pub field: String,
    /// Where the pointer stands in the file, from 1.
    pub line: usize,
    pub column: usize,
    pub found: String,
    pub wanted: String,
    /// All of it in a sentence.
    pub message: String,
    /// What an attacker or a fault does with it.
    pub why: String,
    /// Why it is not denied, where it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Items of the OWASP list.
    pub owasp: &'static [u8],
    /// The repair as a JSON Patch (RFC 6902) of the object; empty where the rule has none.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub patch: Vec<PatchOperation>,
}

/// Something that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileError {
    pub file: String,
    /// From 1; null for the file as a whole.
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub message: String,
}

impl FileError {
    /// An error of the file as a whole.
    #[must_use]
    pub fn whole(file: &str, message: &str) -> Self {
        Self { file: file.to_owned(), line: None, column: None, message: message.to_owned() }
    }
}

/// How many objects there are of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindCount {
    pub api_version: String,
    pub kind: String,
    pub count: usize,
}

/// How many objects have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Objects judged.
    pub objects: usize,
    pub denied: usize,
    pub patched: usize,
    pub warned: usize,
    pub allowed: usize,
    /// Files, documents and objects that could not be read.
    pub errors: usize,
    /// Files, documents and objects that were not judged: those of `passedOver` and `withoutPod`.
    pub passed_over: usize,
}

/// What was found, in the order of the files.
#[derive(Debug, Default)]
pub struct Found {
    pub objects: Vec<ObjectReport>,
    pub errors: Vec<FileError>,
    pub passed_over: Vec<PassedOver>,
    /// By apiVersion and kind.
    pub without_pod: BTreeMap<(String, String), usize>,
}

impl CheckReport {
    #[must_use]
    pub fn new(found: Found) -> Self {
        let Found { objects, errors, passed_over, without_pod } = found;
        let count = |verdict: Verdict| objects.iter().filter(|o| o.verdict == verdict).count();
        let summary = Summary {
            objects: objects.len(),
            denied: count(Verdict::Deny),
            patched: count(Verdict::Patch),
            warned: count(Verdict::Warn),
            allowed: count(Verdict::Allow),
            errors: errors.len(),
            passed_over: passed_over.len() + without_pod.values().sum::<usize>(),
        };
        let without_pod = without_pod
            .into_iter()
            .map(|((api_version, kind), count)| KindCount { api_version, kind, count })
            .collect();
        let api_version = crate::policy::document::API_VERSION;
        let kind = "CheckReport";
        Self { api_version, kind, objects, errors, passed_over, without_pod, waivers: None, summary }
    }
}
