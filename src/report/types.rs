//! The report of `check -o json`. Its JSON schema, `docs/check-report.schema.json`, is generated from these types. Fields are added
//! but never changed.

use super::dockerfile;
use super::entry::{POLICY_PATH, UNKNOWN_KEY};
use super::file_error::FileError;
use super::fix::{FixReport, TextFix};
use super::images::ContainerReport;
use super::passed_over::PassedOver;
use super::waiver_report::WaiverReport;
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
    /// Every object that is a pod or has a pod template, and every Dockerfile, in the order of the files.
    pub objects: Vec<ObjectReport>,
    /// What could not be read.
    pub errors: Vec<FileError>,
    /// What was not judged and may be a mistake: templates, kustomizations, kinds that look like workloads.
    pub passed_over: Vec<PassedOver>,
    /// Kinds without a pod, which have nothing to judge.
    pub without_pod: Vec<KindCount>,
    /// With `--waivers`: exemptions that are unused, end within 14 days, or have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivers: Option<Vec<WaiverReport>>,
    /// With `--fix`: the files that have something to repair, and what became of them. The objects above are those after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixes: Option<Vec<FixReport>>,
    /// The `.podreeve.yaml` whose settings were used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    pub summary: Summary,
}

/// An object and what the webhook would do with it, or a Dockerfile: its kind is `Dockerfile`, and its apiVersion, namespace and
/// name are empty.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport {
    /// The file as it is named in the arguments; `-` is stdin.
    pub file: String,
    /// The document's index in the file, from 0.
    pub document: usize,
    /// Where the object begins in the file, from 1.
    pub line: usize,
    pub api_version: String,
    pub kind: String,
    /// The object's own namespace, or else the one given with -n.
    pub namespace: String,
    /// The name, or `generateName` followed by `*`.
    pub name: String,
    pub verdict: Verdict,
    /// Why the object could not be judged, which denies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The line and column of the field that could not be read, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_column: Option<usize>,
    /// The containers of its pods.
    pub containers: Vec<ContainerReport>,
    /// The images that its pods mount as volumes.
    pub image_volumes: Vec<String>,
    /// Warnings of the webhook other than violations, such as a path of a policy at which there is no pod template.
    pub warnings: Vec<String>,
    /// Ordered by container, then rule.
    pub violations: Vec<ViolationReport>,
    /// The one edit that repairs all of them, as a JSON Patch (RFC 6902) of the object. What it leaves has no repair.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub patch: Vec<PatchOperation>,
    /// Keys that have no meaning at their position: misspelt or misplaced.
    pub hints: Vec<HintReport>,
    /// The same edit as lines of a diff, if a report shows it.
    #[serde(skip)]
    pub diff: Option<String>,
    /// The same edit in the text of the file, if a report needs it: without what needs a person, and then with it.
    #[serde(skip)]
    pub fixes: Vec<TextFix>,
}

/// A key of the object that the API server ignores, and which one is probably meant.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HintReport {
    /// JSON pointer into the object.
    pub pointer: String,
    /// The key as people write it: `spec.securityContext.readOnlyRootFilesystem`.
    pub field: String,
    /// The line and column in the file, from 1.
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
    /// The action of that policy.
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "patch", "deny"]))]
    pub action: Action,
    /// The effect: an exemption or a rollout may soften the action, and a repair that is not possible denies.
    pub effect: Effect,
    pub severity: Severity,
    /// The container's name; null for a violation of the pod.
    pub container: Option<String>,
    /// The list of the pod that has the container; null for a violation of the pod.
    #[schemars(extend("enum" = ["initContainers", "containers", "ephemeralContainers", null]))]
    pub container_kind: Option<&'static str>,
    /// JSON pointer into the object: the judged field, or its nearest ancestor that exists.
    pub pointer: String,
    /// The judged field as people write it; in a Dockerfile the instruction:
    /// `spec.containers[0].securityContext.privileged`, `FROM`. A field may be absent.
    pub field: String,
    /// The line and column of the pointer in the file, from 1.
    pub line: usize,
    pub column: usize,
    pub found: String,
    pub wanted: String,
    /// The violation in a sentence.
    pub message: String,
    /// What an attacker or a fault does with the violation.
    pub why: String,
    /// Why the violation is not denied, though its action is `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether it is one of those that `--fix` is for.
    #[serde(skip)]
    pub calls_for_repair: bool,
    /// Items of the OWASP list.
    pub owasp: &'static [u8],
    /// The same for this violation when lines move: 32 hexadecimal digits.
    pub fingerprint: String,
    /// In a Dockerfile: the edit that repairs it, where one is sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<EditReport>,
}

/// The replacement of a part of a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditReport {
    /// Where the part begins, from 1.
    pub line: usize,
    pub column: usize,
    /// Where it ends, without this column.
    pub end_line: usize,
    pub end_column: usize,
    /// What stands there instead.
    pub text: String,
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
    /// Violations that are left out because the baseline has them.
    pub baseline: usize,
    /// Files, documents and objects that were not judged: those of `passedOver` and `withoutPod`.
    pub passed_over: usize,
}

/// The results for all objects, in the order of the files.
#[derive(Debug, Default)]
pub struct CheckResults {
    pub objects: Vec<ObjectReport>,
    pub errors: Vec<FileError>,
    pub passed_over: Vec<PassedOver>,
    /// By apiVersion and kind.
    pub without_pod: BTreeMap<(String, String), usize>,
    pub fixes: Vec<FixReport>,
}

impl CheckResults {
    /// Adds what is counted of a file.
    pub fn count(&self, summary: &mut Summary) {
        summary.objects += self.objects.len();
        for object in &self.objects {
            match object.verdict {
                Verdict::Deny => summary.denied += 1,
                Verdict::Patch => summary.patched += 1,
                Verdict::Warn => summary.warned += 1,
                Verdict::Allow => summary.allowed += 1,
            }
        }
        summary.errors += self.errors.len();
        summary.passed_over += self.passed_over.len() + self.without_pod.values().sum::<usize>();
    }
}

impl ObjectReport {
    /// What is no object of Kubernetes, with nothing found in it yet.
    #[must_use]
    pub fn other(file: String, kind: &str, name: String) -> Self {
        Self {
            file,
            document: 0,
            line: 1,
            api_version: String::new(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name,
            verdict: Verdict::Allow,
            problem: None,
            problem_line: None,
            problem_column: None,
            containers: Vec::new(),
            image_volumes: Vec::new(),
            warnings: Vec::new(),
            violations: Vec::new(),
            patch: Vec::new(),
            hints: Vec::new(),
            diff: None,
            fixes: Vec::new(),
        }
    }

    /// Whether it is a Dockerfile, and no object of Kubernetes.
    #[must_use]
    pub fn is_dockerfile(&self) -> bool {
        self.kind == dockerfile::KIND && self.api_version.is_empty()
    }

    /// Leaves out what is below a severity, and judges by the rest.
    pub fn at_least(&mut self, severity: Severity) {
        self.violations.retain(|violation| violation.severity >= severity);
        if severity > UNKNOWN_KEY.severity {
            self.hints.clear();
        }
        if severity > POLICY_PATH.severity {
            self.warnings.clear();
        }
        self.judge_again();
    }

    /// The verdict by the violations that are left. An object that could not be judged stays denied.
    pub fn judge_again(&mut self) {
        if self.problem.is_some() {
            return;
        }
        let of = |effect: Effect| match effect {
            Effect::Exempt | Effect::Audit => Verdict::Allow,
            Effect::Warn => Verdict::Warn,
            Effect::Patch => Verdict::Patch,
            Effect::Deny => Verdict::Deny,
        };
        let warned = if self.warnings.is_empty() { Verdict::Allow } else { Verdict::Warn };
        self.verdict = self.violations.iter().map(|violation| of(violation.effect)).fold(warned, Verdict::max);
    }
}

/// The kinds of `withoutPod`.
#[must_use]
pub fn kind_counts(without_pod: BTreeMap<(String, String), usize>) -> Vec<KindCount> {
    let kinds = without_pod.into_iter();
    kinds.map(|((api_version, kind), count)| KindCount { api_version, kind, count }).collect()
}

impl CheckReport {
    #[must_use]
    pub fn new(results: CheckResults) -> Self {
        let mut summary = Summary::default();
        results.count(&mut summary);
        let CheckResults { objects, errors, passed_over, without_pod, fixes: _ } = results;
        let api_version = crate::policy::document::API_VERSION;
        let without_pod = kind_counts(without_pod);
        Self {
            api_version,
            kind: "CheckReport",
            objects,
            errors,
            passed_over,
            without_pod,
            waivers: None,
            fixes: None,
            settings: None,
            summary,
        }
    }
}
