//! An object of the API: its metadata, and all of it as text.
//!
//! With a typed object, one object with deep `managedFields` would make the whole list unreadable. This type skips them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Namespace and name.
pub type ObjectKey = (String, String);

#[derive(Debug, Clone)]
pub struct Item {
    /// Name, namespace, uid, versions, labels, and the controller that owns the object.
    pub metadata: ObjectMeta,
    pub raw: Box<RawValue>,
}

#[derive(Deserialize)]
struct Narrow {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<std::collections::BTreeMap<String, String>>,
    owner_references: Option<Vec<Owner>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Owner {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    controller: Option<bool>,
}

impl Item {
    /// An object to write, as JSON.
    #[must_use]
    pub fn of(json: String) -> Self {
        Self { metadata: ObjectMeta::default(), raw: RawValue::from_string(json).unwrap_or_default() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    #[must_use]
    pub fn key(&self) -> ObjectKey {
        (self.namespace().to_owned(), self.name().to_owned())
    }

    /// Reads some fields of the object; none when they have another type.
    #[must_use]
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.raw.get()).ok()
    }

    /// The `spec` of an object of podreeve's own kinds.
    #[must_use]
    pub fn spec(&self) -> Option<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Spec {
            spec: Option<Box<RawValue>>,
        }
        self.read::<Spec>()?.spec
    }
}

/// The owners that are controllers; there is one at most.
fn controllers(owners: Vec<Owner>) -> Vec<OwnerReference> {
    let controlling = owners.into_iter().filter(|owner| owner.controller == Some(true));
    controlling
        .map(|Owner { api_version, kind, name, uid, controller }| OwnerReference {
            api_version,
            kind,
            name,
            uid,
            controller,
            block_owner_deletion: None,
        })
        .collect()
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let Narrow { metadata } = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            labels: metadata.labels,
            owner_references: metadata.owner_references.map(controllers),
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, raw })
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl Resource for Item {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        (&resource.kind).into()
    }
    fn group(resource: &ApiResource) -> Cow<'_, str> {
        (&resource.group).into()
    }
    fn version(resource: &ApiResource) -> Cow<'_, str> {
        (&resource.version).into()
    }
    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        (&resource.plural).into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// A resource of the API, by its names.
#[must_use]
pub fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::{ObjectList, WatchEvent};

    fn deep() -> String {
        let deep = r#"{"f:a":"#.repeat(400) + "{}" + &"}".repeat(400);
        format!(
            r#"{{"metadata":{{"name":"a","managedFields":[{{"fieldsV1":{deep}}}],"resourceVersion":"7","generation":2}},
                "spec":{{"x":{deep}}}}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn a_list_and_an_event_with_deep_managed_fields_are_read() {
        let list = format!(r#"{{"kind":"PolicyList","metadata":{{"resourceVersion":"9"}},"items":[{},{{}}]}}"#, deep());
        let list: ObjectList<Item> = serde_json::from_str(&list).unwrap();
        let names: Vec<&str> = list.items.iter().map(Item::name).collect();
        assert_eq!(names, ["a", ""]);
        assert_eq!(list.items[0].metadata.generation, Some(2));

        let event: WatchEvent<Item> =
            serde_json::from_str(&format!(r#"{{"type":"ADDED","object":{}}}"#, deep())).unwrap();
        let WatchEvent::Added(item) = event else { panic!("{event:?}") };
        assert_eq!(item.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(item.raw.get(), deep());
    }
}
