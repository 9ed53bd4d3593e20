//! Reads policies and exemptions from JSON text.

use super::{API_VERSION, PolicySpec};
use crate::policy::error::pointer;
use crate::policy::{PolicyError, all_errors, wording};
use crate::rule::nearest_name;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A policy as it is written in a file. A policy with unknown keys does not load.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyDocument {
    pub api_version: String,
    pub kind: String,
    pub metadata: DocumentMetadata,
    pub spec: PolicySpec,
    /// `kubectl get -o yaml` prints it.
    #[serde(default, rename = "status")]
    _status: Option<Ignored>,
}

/// `metadata` of a document: the name counts. The other fields that Kubernetes writes are known and ignored.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentMetadata {
    pub name: String,
    #[serde(default, rename = "labels")]
    _labels: Option<Ignored>,
    #[serde(default, rename = "annotations")]
    _annotations: Option<Ignored>,
    #[serde(default, rename = "uid")]
    _uid: Option<Ignored>,
    #[serde(default, rename = "resourceVersion")]
    _resource_version: Option<Ignored>,
    #[serde(default, rename = "generation")]
    _generation: Option<Ignored>,
    #[serde(default, rename = "creationTimestamp")]
    _creation_timestamp: Option<Ignored>,
    #[serde(default, rename = "managedFields")]
    _managed_fields: Option<Ignored>,
    #[serde(default, rename = "finalizers")]
    _finalizers: Option<Ignored>,
    #[serde(default, rename = "ownerReferences")]
    _owner_references: Option<Ignored>,
}

#[derive(Debug, Clone)]
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl PolicyDocument {
    /// Reads one document from JSON text.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn from_json(json: &str) -> Result<Self, PolicyError> {
        let document: Self = read(json, &[])?;
        document.faults().into_iter().next().map_or(Ok(document), Err)
    }

    /// The faults outside its spec.
    pub(in crate::policy) fn faults(&self) -> Vec<PolicyError> {
        let mut faults = Vec::new();
        if self.api_version != API_VERSION {
            let message = format!("`{}` is not known; this podreeve reads `{API_VERSION}`", self.api_version);
            faults.push(PolicyError::at(&["apiVersion"], message));
        }
        if self.kind != "Policy" {
            faults.push(PolicyError::at(&["kind"], format!("`{}` is not a Policy", self.kind)));
        }
        if self.metadata.name.is_empty() {
            faults.push(PolicyError::at(&["metadata", "name"], "a policy needs a name; denials show it"));
        }
        faults
    }
}

/// The errors for keys of an object of the cluster next to its `spec`: a key with too little indentation is one.
#[must_use]
pub fn next_to_spec(object: &str) -> Vec<PolicyError> {
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    let keys = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(object).unwrap_or_default();
    let unknown = keys.keys().filter(|key| !known.contains(&&***key));
    let error = |key: &Cow<'_, str>| {
        let key = crate::text::clean(key, 80);
        let near = nearest_name(&key, known.into_iter()).map(|near| format!("; did you mean `{near}`?"));
        let hint = near.unwrap_or_else(|| "; if it belongs to `spec`, indent it".to_owned());
        PolicyError::at(&[&key], format!("there is no key `{key}` next to `spec`{hint}"))
    };
    unknown.map(error).collect()
}

/// Reads the value at `place`, and finds all its errors.
pub(crate) fn read_all<T: serde::de::DeserializeOwned>(
    json: &str,
    place: &[&str],
) -> (Option<T>, Vec<PolicyError>, all_errors::Removed) {
    let first = match read(json, place) {
        Ok(read) => return (Some(read), Vec::new(), all_errors::Removed::default()),
        Err(error) => error,
    };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(json) else {
        return (None, vec![first], all_errors::Removed::default());
    };
    let (read, errors, mut removed) = all_errors::read(value, |value| read(&value.to_string(), &[]));
    let mut errors: Vec<PolicyError> = errors.into_iter().map(|error| error.below(place)).collect();
    // A duplicate key is lost in the `Value`, so only the first reading has found it.
    if errors.is_empty() {
        errors.push(first);
    }
    removed.place = pointer(place);
    (read, errors, removed)
}

/// Reads the value at `place`.
///
/// # Errors
/// The key that is wrong, and why.
pub(in crate::policy) fn read<T: serde::de::DeserializeOwned>(json: &str, place: &[&str]) -> Result<T, PolicyError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(crate::json::Objects(&mut deserializer)).map_err(|error| {
        let keys = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let mut segments: Vec<String> = place.iter().map(|key| (*key).to_owned()).chain(keys).collect();
        let message = crate::workload::read::without_position(error.inner());
        segments.extend(wording::missing_field(&message));
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        PolicyError::at(&segments, wording::plain(&message))
    })
}
