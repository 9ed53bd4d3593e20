//! The pod API as its schema has it: every list, every map and every object of a pod.

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    One,
    List,
    Map,
}

/// A path into the pod: each key, and the shape of its value.
pub type Path = Vec<(String, Shape)>;

/// What is repeated at the end of a path.
#[derive(Debug, Clone)]
pub enum What {
    /// Elements of a list: a type of the API, or a scalar.
    Elements(Option<String>),
    Entries,
    /// Keys that the object does not have in the API.
    Unknown,
}

pub struct Api(pub BTreeMap<String, Map<String, Value>>);

impl Api {
    pub fn read() -> Self {
        let mut types = BTreeMap::new();
        let generator = || SchemaGenerator::default();
        for (name, root) in [
            ("Pod", generator().into_root_schema_for::<Pod>()),
            ("PodSpec", generator().into_root_schema_for::<PodSpec>()),
        ] {
            let root = root.as_value();
            let definitions = root["$defs"].as_object().expect("the schema has definitions");
            let own = (name.to_owned(), root["properties"].as_object().expect("properties").clone());
            let others = definitions
                .iter()
                .filter_map(|(name, schema)| Some((short(name), schema["properties"].as_object()?.clone())));
            types.extend(others.chain([own]));
        }
        Self(types)
    }

    /// The shape of a field, and the type of the API that it has, or that its elements have.
    pub fn field(&self, schema: &Value) -> (Shape, Option<String>) {
        let known = |schema: &Value| reference(schema).filter(|name| self.0.contains_key(name));
        if schema["items"].is_object() {
            (Shape::List, known(&schema["items"]))
        } else if schema["additionalProperties"].is_object() {
            (Shape::Map, known(&schema["additionalProperties"]))
        } else {
            (Shape::One, known(schema))
        }
    }

    /// Everything in a pod that can be repeated, with the path to it. The status is not judged.
    pub fn repeated(&self) -> Vec<(Path, What)> {
        let mut found = Vec::new();
        self.walk("Pod", &mut Vec::new(), &mut Vec::new(), &mut found);
        found.retain(|(path, _)| path.first().is_none_or(|(key, _)| key != "status"));
        found
    }

    /// Everything that can be repeated at or below a type.
    fn walk(&self, name: &str, path: &mut Path, above: &mut Vec<String>, found: &mut Vec<(Path, What)>) {
        found.push((path.clone(), What::Unknown));
        above.push(name.to_owned());
        for (field, schema) in &self.0[name] {
            let (shape, inner) = self.field(schema);
            path.push((field.clone(), shape));
            match shape {
                Shape::List => found.push((path.clone(), What::Elements(inner.clone()))),
                Shape::Map => found.push((path.clone(), What::Entries)),
                Shape::One => {}
            }
            if let Some(inner) = inner.filter(|inner| shape != Shape::Map && !above.contains(inner)) {
                self.walk(&inner, path, above, found);
            }
            path.pop();
        }
        above.pop();
    }
}

fn short(name: &str) -> String {
    name.rsplit(['.', '/']).next().unwrap_or(name).to_owned()
}

fn reference(schema: &Value) -> Option<String> {
    let inner = schema.get("allOf").or_else(|| schema.get("anyOf")).and_then(|all| all.get(0)).unwrap_or(schema);
    inner.get("$ref").and_then(Value::as_str).map(short)
}
