//! What `check` does not judge. Objects without a pod are counted; what may be a mistake is named.

use super::file_error::FileError;
use crate::manifest::{Content, Node, Object};
use crate::policy::PolicySet;
use crate::text::clean;
use crate::workload::{Kind, kinds::KINDS};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;
use strsim::levenshtein;

/// The longest apiVersion or kind that is repeated, in characters.
const NAME_MAX: usize = 120;
/// How many levels of an unknown object are searched for a pod.
const DEPTH: usize = 12;

/// Something that was not judged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    pub file: String,
    /// From 1; null for the file as a whole.
    pub line: Option<usize>,
    /// The object, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it is not judged, and what to do about that.
    pub reason: String,
}

impl PassedOver {
    /// A file, or a document of one.
    #[must_use]
    pub fn file(file: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, api_version: None, kind: None, name: None, reason: reason.into() }
    }

    /// An object that is not judged, if it looks like a workload. None for other objects without a pod.
    #[must_use]
    pub fn object(file: &str, object: &Object<'_>, policies: &PolicySet) -> Option<Self> {
        let reason = doubt(object, policies)?;
        Some(Self {
            file: file.to_owned(),
            line: Some(object.position("").line),
            api_version: Some(object.api_version.to_owned()),
            kind: Some(object.kind.to_owned()),
            name: Some(object.name()),
            reason,
        })
    }
}

/// The error of an object without a pod template, though its kind has one.
#[must_use]
pub fn without_template(file: &str, object: &Object<'_>, kind: &Kind) -> Option<FileError> {
    let pointer = kind.prefix();
    if object.node.at_pointer(&pointer).is_some_and(|node| !matches!(node.content, Content::Null)) {
        return None;
    }
    let at = object.position(&pointer);
    let mut message = format!(
        "{} {} has no pod template at `{}`, and the API server refuses it without one",
        clean(object.kind, NAME_MAX),
        clean(&object.name(), NAME_MAX),
        crate::text::dotted(&pointer)
    );
    if let Some(found) = pod_path(object.node) {
        let _ = write!(message, "; there is one at `{}`", if found.is_empty() { "the top" } else { &found });
    }
    Some(FileError { file: file.to_owned(), line: Some(at.line), column: Some(at.column), message })
}

fn doubt(object: &Object<'_>, policies: &PolicySet) -> Option<String> {
    let (group, kind) = (object.group(), object.kind);
    let known = || KINDS.iter().chain(policies.policies.iter().flat_map(|policy| &policy.workloads));
    let meant = known().filter(|known| is_near(group, &known.group)).find(|known| is_spelt(kind, &known.kind));
    let written = format!("{} {}", clean(object.api_version, NAME_MAX), clean(kind, NAME_MAX));
    if let Some(meant) = meant {
        return Some(format!("{written} is not known; did you mean {} {}?", meant.api_version(), meant.kind));
    }
    let template = pod_path(object.node).map(|path| path.strip_suffix(".spec").unwrap_or(&path).to_owned());
    if let Some(template) = template {
        let place = if template.is_empty() { String::new() } else { format!(" with the path {template}") };
        return Some(format!("{written} has containers; to judge it, name it under `workloads` of a policy{place}"));
    }
    let same = known().find(|known| known.kind == kind)?;
    let known = format!("{} {}", same.api_version(), same.kind);
    Some(format!("{written} is not {known}, and no policy names it under `workloads`"))
}

/// Whether the written group may be a mistake for the other. A group with a dot that is none of Kubernetes belongs to another
/// project.
fn is_near(written: &str, group: &str) -> bool {
    let own = written.contains('.') && !written.ends_with(".k8s.io") && !written.ends_with(".kubernetes.io");
    written == group || !own || levenshtein(&clean(written, 60), group) <= 2
}

/// Whether the written kind may mean the other: in another case, as a plural or a short name of kubectl, or with one or two wrong
/// letters.
fn is_spelt(written: &str, kind: &str) -> bool {
    let lower = |text: &str| clean(text, NAME_MAX).to_lowercase();
    let (written, kind) = (lower(written), lower(kind));
    let short = match kind.as_str() {
        "pod" => "po",
        "deployment" => "deploy",
        "statefulset" => "sts",
        "daemonset" => "ds",
        "replicaset" => "rs",
        "replicationcontroller" => "rc",
        "cronjob" => "cj",
        _ => "",
    };
    let distance = levenshtein(&written, &kind);
    written == kind || written == short || written == format!("{kind}s") || (kind.len() > 6 && distance <= 2)
}

/// The path to containers with images in the object: `spec.template.spec`, `spec.replicatedJobs[].template.spec`.
fn pod_path(node: &Node) -> Option<String> {
    find(node, String::new(), DEPTH)
}

fn find(node: &Node, path: String, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match &node.content {
        Content::Map(_) if is_pod_spec(node) => Some(path),
        Content::Map(members) => members.iter().find_map(|member| {
            let dot = if path.is_empty() { "" } else { "." };
            find(&member.value, format!("{path}{dot}{}", clean(&member.key, NAME_MAX)), depth)
        }),
        Content::List(items) => items.iter().find_map(|item| find(item, format!("{path}[]"), depth)),
        _ => None,
    }
}

fn is_pod_spec(node: &Node) -> bool {
    let containers = node.get("containers").map(|containers| &containers.content);
    let Some(Content::List(containers)) = containers else { return false };
    containers.iter().any(|container| container.get("image").or(container.get("name")).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;

    fn reason(yaml: &str) -> Option<String> {
        let reading = manifest::read(yaml.as_bytes());
        let object = reading.documents[0].objects().remove(0).unwrap();
        PassedOver::object("x.yaml", &object, &PolicySet::default()).map(|passed| passed.reason)
    }

    #[test]
    fn an_object_that_looks_like_a_workload_gets_a_hint() {
        for (api_version, kind, hint) in [
            ("v1", "Deployment", "did you mean apps/v1 Deployment?"),
            ("app/v1", "Deployment", "did you mean apps/v1 Deployment?"),
            ("extensions/v1beta1", "Deployment", "did you mean apps/v1 Deployment?"),
            ("extensions/v1beta1", "DaemonSet", "did you mean apps/v1 DaemonSet?"),
            ("apps/v1", "deployment", "did you mean apps/v1 Deployment?"),
            ("apps/v1", "Deployments", "did you mean apps/v1 Deployment?"),
            ("apps/v1", "Deployement", "did you mean apps/v1 Deployment?"),
            ("apps/v1", "Daemonset", "did you mean apps/v1 DaemonSet?"),
            ("apps/v1", "sts", "did you mean apps/v1 StatefulSet?"),
            ("v1", "pod", "did you mean v1 Pod?"),
            ("apps/v1", "Pod", "did you mean v1 Pod?"),
            ("v1", "Job", "did you mean batch/v1 Job?"),
            ("batch.k8s.io/v1", "CronJob", "did you mean batch/v1 CronJob?"),
            ("batch.volcano.sh/v1alpha1", "Job", "is not batch/v1 Job, and no policy names it"),
        ] {
            let reason = reason(&format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: a}}}}"));
            assert!(reason.as_ref().is_some_and(|reason| reason.contains(hint)), "{api_version} {kind}: {reason:?}");
        }
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("v1", "Node"),
            ("v1", "Service"),
            ("policy/v1", "PodDisruptionBudget"),
            ("monitoring.coreos.com/v1", "PodMonitor"),
            ("rbac.authorization.k8s.io/v1", "Role"),
            ("batch.example.com/v1", "Bob"),
            ("argoproj.io/v1alpha1", "CronWorkflow"),
        ] {
            assert_eq!(reason(&format!("{{apiVersion: {api_version}, kind: {kind}}}")), None, "{api_version} {kind}");
        }
    }

    #[test]
    fn containers_are_found_at_any_path() {
        for (object, says) in [
            ("spec: {template: {spec: {containers: [{image: a}]}}}", "with the path spec.template"),
            (
                "spec: {replicatedJobs: [{}, {template: {spec: {containers: [{name: a}]}}}]}",
                "spec.replicatedJobs[].template",
            ),
            ("spec: {containers: [{image: a}]}", "with the path spec"),
        ] {
            let reason = reason(&format!("{{apiVersion: a.example.com/v1, kind: X, {object}}}")).unwrap_or_default();
            assert!(reason.contains(says), "{reason}");
        }
        assert_eq!(reason("{apiVersion: a.example.com/v1, kind: X, spec: {containers: {type: array}}}"), None);
    }
}
