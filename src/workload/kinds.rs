//! The kinds that hold pods, and the path to the pod in each.

use super::job::JobSpec;
use super::list::List;
use super::pod::Pod;
use super::read::{Unreadable, read_at};
use super::template_path::TemplatePath;
use crate::json::Raw;
use std::borrow::Cow;

/// A kind that is a pod or holds a pod template.
#[derive(Debug, Clone)]
pub struct Kind {
    pub group: Cow<'static, str>,
    /// The version in manifests. A request matches by group and kind alone, so an unknown version of a known kind is
    /// judged, not skipped.
    pub version: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub class: KindClass,
    /// Of a built-in kind: the keys from the object to its pod template. Empty for a Pod.
    pub template: Cow<'static, [Cow<'static, str>]>,
    /// Of a kind that policies add: the paths to its pod templates. Empty for a built-in kind.
    pub paths: Cow<'static, [TemplatePath]>,
}

/// The closed set of kinds for metric labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum KindClass {
    Pod,
    /// A kind that holds a pod template.
    Template,
    /// A kind without a pod, or a body that could not be read.
    #[default]
    Other,
}

impl KindClass {
    pub const ALL: [Self; 3] = [Self::Pod, Self::Template, Self::Other];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Template => "template",
            Self::Other => "other",
        }
    }
}

const fn row(
    group: &'static str,
    kind: &'static str,
    class: KindClass,
    template: &'static [Cow<'static, str>],
) -> Kind {
    Kind {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed("v1"),
        kind: Cow::Borrowed(kind),
        class,
        template: Cow::Borrowed(template),
        paths: Cow::Borrowed(&[]),
    }
}

const TEMPLATE: &[Cow<'static, str>] = &[Cow::Borrowed("template")];
const SPEC_TEMPLATE: &[Cow<'static, str>] = &[Cow::Borrowed("spec"), Cow::Borrowed("template")];
const JOB_TEMPLATE: &[Cow<'static, str>] =
    &[Cow::Borrowed("spec"), Cow::Borrowed("jobTemplate"), Cow::Borrowed("spec"), Cow::Borrowed("template")];

/// Every built-in kind that is a pod or holds a pod template.
pub static KINDS: &[Kind] = &[
    row("", "Pod", KindClass::Pod, &[]),
    row("", "PodTemplate", KindClass::Template, TEMPLATE),
    row("", "ReplicationController", KindClass::Template, SPEC_TEMPLATE),
    row("apps", "Deployment", KindClass::Template, SPEC_TEMPLATE),
    row("apps", "StatefulSet", KindClass::Template, SPEC_TEMPLATE),
    row("apps", "DaemonSet", KindClass::Template, SPEC_TEMPLATE),
    row("apps", "ReplicaSet", KindClass::Template, SPEC_TEMPLATE),
    row("batch", "Job", KindClass::Template, SPEC_TEMPLATE),
    row("batch", "CronJob", KindClass::Template, JOB_TEMPLATE),
];

/// The kind's row in [`KINDS`]. `PolicySet::kind` also finds the kinds that policies add.
#[must_use]
pub fn find(group: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.group == group && k.kind == kind)
}

impl Kind {
    /// Whether the object is itself a pod.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        self.class == KindClass::Pod
    }

    /// JSON pointer from an object of a built-in kind to its pod: empty for a Pod, `/spec/template` for a Deployment.
    #[must_use]
    pub fn prefix(&self) -> String {
        let mut path = String::with_capacity(self.template.iter().map(|key| 1 + key.len()).sum());
        for key in self.template.iter() {
            path.push('/');
            path.push_str(key);
        }
        path
    }

    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Reads the pod of an object in one pass. `None` when the object holds no template. For a kind that a policy adds, this
    /// is the first pod: see [`Kind::pods`].
    ///
    /// # Errors
    /// The field that could not be read.
    pub fn pod<'a>(&self, object: Raw<'a>) -> Result<Option<Pod<'a>>, Unreadable> {
        if !self.paths.is_empty() {
            return Ok(self.pods(object)?.pods.into_iter().next().map(|placed| *placed.pod));
        }
        Ok(self.built_in_pod(object)?.map(|pod| *pod))
    }

    /// The pod of an object of a built-in kind.
    pub(super) fn built_in_pod<'a>(&self, object: Raw<'a>) -> Result<Option<Box<Pod<'a>>>, Unreadable> {
        let mut pod: Option<Box<Pod<'_>>> = match self.template.split_last() {
            Some((_, above)) if self.is_job() => read_at::<JobSpec<'_>>(object, above)?.and_then(JobSpec::into_pod),
            _ => read_at(object, &self.template)?,
        };
        if let Some(pod) = &mut pod {
            pod.kind.clone_from(&self.kind);
        }
        Ok(pod)
    }

    /// Whether the pod is the template of a Job.
    #[must_use]
    pub fn is_job(&self) -> bool {
        self.group == "batch" && matches!(&*self.kind, "Job" | "CronJob")
    }
}

/// Whether a controller owns the object and would undo a patch. An object whose owners cannot be read counts as owned, so
/// that it is not patched.
#[must_use]
pub fn is_owned(object: Raw<'_>) -> bool {
    #[derive(Default, serde::Deserialize)]
    struct Owner {
        controller: Option<bool>,
    }
    read_at::<List<Owner>>(object, &["metadata".into(), "ownerReferences".into()])
        .map_or(true, |owners| owners.iter().flatten().any(|owner| owner.controller == Some(true)))
}
