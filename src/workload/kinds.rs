//! Which kinds carry pods, and where in them the pod stands.

use super::job::JobSpec;
use super::pod::Pod;
use super::template_path::TemplatePath;
use crate::json::{Fill, Objects, Raw, Reader, field, fill};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// A kind that is a pod or holds a pod template.
#[derive(Debug, Clone)]
pub struct Kind {
    pub group: Cow<'static, str>,
    /// The version that stands in manifests. Requests are matched by group and kind alone: an
    /// unknown version of a known kind is judged, not skipped.
    pub version: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub class: KindClass,
    /// Keys from the object to its pod, of a kind of Kubernetes; empty for a Pod.
    pub template: Cow<'static, [Cow<'static, str>]>,
    /// The ways to the pods of a kind that policies add; empty for one of Kubernetes.
    pub paths: Cow<'static, [TemplatePath]>,
}

/// The closed set of kinds for metric labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum KindClass {
    Pod,
    /// A kind that holds a pod template.
    Template,
    /// A kind that carries no pod, or a body that could not be read.
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

/// Every pod-bearing kind of the Kubernetes API.
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

/// The kind's row in [`KINDS`]. Policies may name further kinds: `PolicySet::kind`.
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

    /// JSON pointer from an object of Kubernetes to its pod: empty for a Pod, `/spec/template` for a Deployment.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.template.iter().fold(String::new(), |path, key| path + "/" + key)
    }

    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Reads the pod out of an object of Kubernetes in one pass; none when the object holds no template. Of a kind that a
    /// policy adds it is the first: see [`Kind::pods`].
    ///
    /// # Errors
    /// The field that could not be read.
    pub fn pod<'a>(&self, object: Raw<'a>) -> Result<Option<Pod<'a>>, Unreadable> {
        if !self.paths.is_empty() {
            return Ok(self.pods(object)?.pods.into_iter().next().map(|placed| *placed.pod));
        }
        let pod = match self.template.split_last() {
            Some((_, above)) if self.is_job() => read_at::<JobSpec<'_>>(object, above)?.and_then(JobSpec::into_pod),
            _ => read_at(object, &self.template)?,
        };
        Ok(pod.map(|pod| Pod { kind: self.kind.clone(), ..pod }))
    }

    /// Whether the pod is the template of a Job.
    #[must_use]
    pub fn is_job(&self) -> bool {
        self.group == "batch" && matches!(&*self.kind, "Job" | "CronJob")
    }
}

/// An object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Dotted path of the field, empty for the object itself.
    pub field: String,
    /// The same as a JSON pointer.
    pub pointer: String,
    pub message: String,
}

impl Unreadable {
    /// `it is a string and must be an integer`, without the value, which may be a secret.
    #[must_use]
    pub fn in_words(&self) -> String {
        let type_error = crate::text::type_error(&self.message);
        type_error.map_or_else(|| crate::text::without_value(&self.message), |text| format!("it {text}"))
    }
}

/// Reads the value under `path` of a JSON object; none when it is absent or null.
///
/// # Errors
/// The field that could not be read, found by a second, slower pass.
pub fn read_at<'a, T>(object: Raw<'a>, path: &[Cow<'_, str>]) -> Result<Option<T>, Unreadable>
where
    T: Deserialize<'a> + Fill<'a> + Default,
{
    let mut found = None;
    if object.read(&mut Under { path, found: &mut found }).is_some() {
        return Ok(found);
    }
    read_by_serde(object, path)
}

/// As [`read_at`], for types that are read rarely.
///
/// # Errors
/// The field that could not be read, found by a second, slower pass.
pub fn read_by_serde<'a, T: Deserialize<'a>>(object: Raw<'a>, path: &[Cow<'_, str>]) -> Result<Option<T>, Unreadable> {
    let mut json = serde_json::Deserializer::from_str(object.get());
    At::<T> { path, found: PhantomData }.deserialize(Objects(&mut json)).map_err(|_| {
        let mut json = serde_json::Deserializer::from_str(object.get());
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(Objects(&mut json), &mut track);
        let error = At::<T> { path, found: PhantomData }.deserialize(tracked).err();
        let path = track.path();
        let pointer = path.iter().fold(String::new(), |pointer, segment| match segment {
            serde_path_to_error::Segment::Seq { index } => format!("{pointer}/{index}"),
            serde_path_to_error::Segment::Map { key } => pointer + "/" + &crate::patch::escape(key),
            _ => pointer,
        });
        Unreadable {
            field: if pointer.is_empty() { String::new() } else { path.to_string() },
            pointer,
            message: error.map_or_else(|| "unreadable".to_owned(), |e| without_position(&e)),
        }
    })
}

/// The line and column of a serde_json message count in the wire format, which nobody wrote.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Fills what stands under the path; an object without it leaves none.
struct Under<'p, T> {
    path: &'p [Cow<'p, str>],
    found: &'p mut Option<T>,
}

impl<'d, T: Fill<'d> + Default> Fill<'d> for Under<'_, T> {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        let Some((wanted, path)) = self.path.split_first() else { return self.found.fill(reader) };
        let mut seen = false;
        reader.object(|reader, key| {
            if key == *wanted {
                field(reader, &mut seen, &mut Under { path, found: &mut *self.found })
            } else {
                reader.skip().map(|_| ())
            }
        })
    }
}

struct At<'p, T> {
    path: &'p [Cow<'p, str>],
    found: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for At<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        if self.path.is_empty() { Option::deserialize(deserializer) } else { deserializer.deserialize_option(self) }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for At<'_, T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let Some((key, path)) = self.path.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(at_key) = map.next_key_seed(Is(key))? {
            if !at_key {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                // Two values for one key: whoever reads the other one would be misled.
                return Err(serde::de::Error::custom(format_args!("duplicate field `{key}`")));
            } else {
                found = Some(map.next_value_seed(At { path, found: PhantomData })?);
            }
        }
        Ok(found.flatten())
    }
}

/// Compares a key without keeping it.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// Whether a controller owns the object, so that a change of it would be undone or fought over.
/// What cannot be read counts as owned: then nothing is patched.
#[must_use]
pub fn is_owned(object: Raw<'_>) -> bool {
    #[derive(Default, serde::Deserialize)]
    struct Owner {
        controller: Option<bool>,
    }
    fill!(Owner { "controller" => controller });
    read_at::<Vec<Owner>>(object, &["metadata".into(), "ownerReferences".into()])
        .map_or(true, |owners| owners.iter().flatten().any(|owner| owner.controller == Some(true)))
}
