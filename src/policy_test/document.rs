//! The `PolicyTest` document.

use crate::outcome::Verdict;
use crate::policy::Mode;
use crate::policy::document::DocumentMetadata;
use crate::rule::Severity;
use crate::rules::RULES;
use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

pub const KIND: &str = "PolicyTest";

/// A policy test as it is written in a file. A test with unknown keys does not load.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTestDocument {
    pub api_version: String,
    pub kind: String,
    pub metadata: DocumentMetadata,
    pub spec: PolicyTestSpec,
}

/// Which policies are tested, and what they are expected to do.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyTestSpec {
    /// The policies that apply together: names of built-in ones, files, or directories. Paths are relative to the file of the test.
    #[schemars(length(min = 1))]
    pub policies: Vec<String>,
    /// What is so in every case, unless the case says something else.
    #[serde(default)]
    pub given: Given,
    /// What is sent, and what must come of it.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
}

/// The circumstances of a request.
#[derive(Debug, Default, Clone, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// The namespace of objects that name none; `default` when left out.
    #[serde(default)]
    #[schemars(with = "String")]
    pub namespace: Option<String>,
    /// The labels of the namespace. It has the label `kubernetes.io/metadata.name` by itself, as in a cluster.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// The user who sends the request; `podreeve-test` when left out.
    #[serde(default)]
    #[schemars(with = "String")]
    pub user: Option<String>,
    /// The groups of the user; `system:authenticated` when left out.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub groups: Option<Vec<String>>,
    /// The mode of podreeve; `deny` when left out.
    #[serde(default)]
    #[schemars(with = "Mode")]
    pub mode: Option<Mode>,
    /// In mode deny, the least severity that is denied.
    #[serde(default)]
    #[schemars(with = "Severity")]
    pub deny_from: Option<Severity>,
    /// In mode deny, the last day (UTC) on which podreeve only warns, as YYYY-MM-DD.
    #[serde(default)]
    #[schemars(with = "String", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub deny_after: Option<Date>,
    /// The day (UTC) of the request, as YYYY-MM-DD; today when left out. Exemptions and rollouts end on a day.
    #[serde(default)]
    #[schemars(with = "String", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub date: Option<Date>,
    /// The namespaces in which Exemption objects count, as the chart's value of the same name.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub exemption_namespaces: Option<Vec<String>>,
    /// What exists in the cluster: objects of the kinds Namespace, Pod, NetworkPolicy, ServiceAccount and Exemption, or files with such objects.
    /// A case adds to what `spec.given` has.
    #[serde(default)]
    pub cluster: Vec<Source>,
}

/// One request, and what must come of it.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What is tested, as a sentence. `--run` selects by it.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What is so in this case.
    #[serde(default)]
    pub given: Given,
    /// What is sent: an object, or the path of a file with one, or `FILE#KIND/NAME` where the file has several. For a connection such as
    /// `kubectl exec` it is the pod that the connection enters.
    pub object: Source,
    /// A JSON Patch that is applied to the object before it is sent, for cases that differ in little.
    #[serde(default)]
    #[schemars(with = "Vec<PatchSchema>")]
    pub patch: Option<Value>,
    /// The object before an update, as `object`.
    #[serde(default)]
    #[schemars(with = "Source")]
    pub old_object: Option<Source>,
    /// What the request does. When left out: CONNECT for a connection, UPDATE with an `oldObject`, or else CREATE.
    #[serde(default)]
    #[schemars(with = "Operation")]
    pub operation: Option<Operation>,
    /// The sub-resource that the request is about, such as `ephemeralcontainers` for `kubectl debug`, or `exec`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub sub_resource: Option<String>,
    /// For `exec` and `attach`, the container that the connection enters.
    #[serde(default)]
    #[schemars(with = "String")]
    pub container: Option<String>,
    /// What must come of it. `podreeve test --bless` writes it where it is missing or wrong.
    #[serde(default)]
    #[schemars(with = "Expect")]
    pub expect: Option<Expect>,
}

/// What a request does with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// What must come of a request. What is left out is not compared, and an empty list means none.
#[derive(Debug, Default, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The strictest of what happens: an object that is repaired and then admitted has the verdict `patch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Verdict")]
    pub verdict: Option<Verdict>,
    /// Exactly the rules whose violations are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RuleId>")]
    pub denied: Option<Vec<String>>,
    /// Exactly the rules whose violations are warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RuleId>")]
    pub warned: Option<Vec<String>>,
    /// Exactly the rules whose violations the mutating webhook repairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RuleId>")]
    pub patched: Option<Vec<String>>,
    /// Exactly the rules whose violations only audit annotations, metrics and reports have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RuleId>")]
    pub audited: Option<Vec<String>>,
    /// Exactly the rules whose violations an exemption lets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RuleId>")]
    pub exempt: Option<Vec<String>>,
    /// Texts that the message of the denial or one of the warnings has. `--bless` writes none, because people choose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub messages: Option<Vec<String>>,
    /// The object after the mutating webhook, as far as it is written here: other keys may have any value, `null` means that the key must
    /// not be there, and a list must have the same length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub result: Option<Value>,
}

impl Expect {
    /// Whether nothing would be compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The keys that are there, and their values, in the order in which people write them.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, Value)> {
        let Self { verdict, denied, warned, patched, audited, exempt, messages, result } = self;
        let lists = [
            ("denied", denied),
            ("warned", warned),
            ("patched", patched),
            ("audited", audited),
            ("exempt", exempt),
            ("messages", messages),
        ];
        let verdict = verdict.map(|verdict| ("verdict", verdict.as_str().into()));
        let lists = lists.into_iter().filter_map(|(key, list)| Some((key, list.as_ref()?.as_slice().into())));
        verdict.into_iter().chain(lists).chain(result.clone().map(|result| ("result", result))).collect()
    }
}

/// An object in the test itself, or the path of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Inline(Map<String, Value>),
    File(String),
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Source;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or a string with the path of a file")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<Source, E> {
                Ok(Source::File(path.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                Map::deserialize(MapAccessDeserializer::new(map)).map(Source::Inline)
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Source {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "minLength": 1, "description": "The path of a file, relative to this one; `FILE#KIND/NAME` is one of its objects."},
            {"type": "object", "required": ["apiVersion", "kind"]},
        ]})
    }
}

/// The id of a rule, for the schema.
struct RuleId;

impl JsonSchema for RuleId {
    fn schema_name() -> Cow<'static, str> {
        "RuleId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = RULES.iter().filter(|rule| rule.pod().is_some()).map(|rule| rule.id).collect();
        json_schema!({"type": "string", "enum": ids})
    }
}

/// One operation of a JSON Patch, for the schema.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "json-patch reads it")]
struct PatchSchema {
    #[schemars(extend("enum" = ["add", "remove", "replace", "move", "copy", "test"]))]
    op: String,
    /// JSON pointer into the object, such as `/spec/containers/0/image`; `-` is the end of a list.
    #[schemars(regex(pattern = "^/"))]
    path: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}
