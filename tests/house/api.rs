//! The pod API as the schema of k8s-openapi describes it.

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

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
pub enum Repeated {
    /// Elements of a list: of a type of the API, or scalars.
    Elements(Option<String>),
    Entries,
    /// Keys that the object does not have in the API.
    UnknownKeys,
}

/// The properties of every type under `Pod`, by the type's short name.
pub struct Api(BTreeMap<String, Map<String, Value>>);

impl Api {
    pub fn read() -> Self {
        let mut types = BTreeMap::new();
        let generator = SchemaGenerator::default;
        for (name, root) in [
            ("Pod", generator().into_root_schema_for::<Pod>()),
            ("PodSpec", generator().into_root_schema_for::<PodSpec>()),
        ] {
            let root = root.as_value();
            let definitions = root["$defs"].as_object().expect("the schema has definitions");
            let own = (name.to_owned(), root["properties"].as_object().expect("properties").clone());
            let others = definitions
                .iter()
                .filter_map(|(name, schema)| Some((short(name).to_owned(), schema["properties"].as_object()?.clone())));
            types.extend(others.chain([own]));
        }
        Self(types)
    }

    /// The fields of a type, with the schema of each. A type that the API does not have has none.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(name).into_iter().flatten()
    }

    pub fn has_type(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the API has this `Type.field`.
    pub fn has(&self, field: &str) -> bool {
        field.split_once('.').is_some_and(|(name, key)| self.schema(name, key).is_some())
    }

    pub fn schema(&self, name: &str, key: &str) -> Option<&Value> {
        self.0.get(name)?.get(key)
    }

    /// The shape of a field, and the type of the API that it has, or that its elements have.
    pub fn field(&self, schema: &Value) -> (Shape, Option<String>) {
        let known = |schema: &Value| reference(schema).filter(|name| self.has_type(name)).map(str::to_owned);
        if schema["items"].is_object() {
            (Shape::List, known(&schema["items"]))
        } else if schema["additionalProperties"].is_object() {
            (Shape::Map, known(&schema["additionalProperties"]))
        } else {
            (Shape::One, known(schema))
        }
    }

    /// Everything in a pod that can be repeated, with the path to it. The status is not judged.
    pub fn repeated(&self) -> Vec<(Path, Repeated)> {
        let mut found = Vec::new();
        self.walk("Pod", &mut Vec::new(), &mut Vec::new(), &mut found);
        found.retain(|(path, _)| path.first().is_none_or(|(key, _)| key != "status"));
        found
    }

    /// Everything that can be repeated at or below a type.
    fn walk(&self, name: &str, path: &mut Path, above: &mut Vec<String>, found: &mut Vec<(Path, Repeated)>) {
        found.push((path.clone(), Repeated::UnknownKeys));
        above.push(name.to_owned());
        for (field, schema) in self.fields(name) {
            let (shape, inner) = self.field(schema);
            path.push((field.clone(), shape));
            match shape {
                Shape::List => found.push((path.clone(), Repeated::Elements(inner.clone()))),
                Shape::Map => found.push((path.clone(), Repeated::Entries)),
                Shape::One => {}
            }
            if let Some(inner) = inner.filter(|inner| shape != Shape::Map && !above.contains(inner)) {
                self.walk(&inner, path, above, found);
            }
            path.pop();
        }
        above.pop();
    }

    /// The paths of all fields under a type whose elements are containers.
    pub fn container_lists(&self, name: &str) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.walk_containers(name, &mut Vec::new(), &mut Vec::new(), &mut found);
        found
    }

    fn walk_containers(
        &self,
        name: &str,
        path: &mut Vec<String>,
        above: &mut Vec<String>,
        found: &mut Vec<Vec<String>>,
    ) {
        above.push(name.to_owned());
        for (field, schema) in self.fields(name) {
            path.push(field.clone());
            match self.field(schema).1 {
                Some(inner) if inner.ends_with("Container") => found.push(path.clone()),
                Some(inner) if !above.contains(&inner) => self.walk_containers(&inner, path, above, found),
                _ => {}
            }
            path.pop();
        }
        above.pop();
    }

    /// Collects the fields, as `Type.field`, that a value of this type has.
    pub fn fields_of(&self, name: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.fields_of(name, value, found)),
            Value::Object(map) => {
                for (key, value) in map {
                    let Some(schema) = self.schema(name, key) else { continue };
                    found.insert(format!("{name}.{key}"));
                    if let Some(inner) = self.field(schema).1 {
                        self.fields_of(&inner, value, found);
                    }
                }
            }
            _ => {}
        }
    }

    /// Removes the field, given as `Type.field`, wherever a value of this type has it.
    pub fn remove(&self, name: &str, value: &mut Value, field: &str) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|value| self.remove(name, value, field)),
            Value::Object(map) => {
                if let Some(key) = field.strip_prefix(name).and_then(|key| key.strip_prefix('.')) {
                    map.remove(key);
                }
                for (key, value) in map {
                    if let Some(inner) = self.schema(name, key).and_then(|schema| self.field(schema).1) {
                        self.remove(&inner, value, field);
                    }
                }
            }
            _ => {}
        }
    }

    /// The fields, as `Type.field`, on the way of a pointer into a pod.
    pub fn fields_to(&self, pointer: &str) -> Vec<String> {
        let (mut name, mut fields) = ("PodSpec".to_owned(), Vec::new());
        for key in pointer.strip_prefix("/spec/").into_iter().flat_map(|path| path.split('/')) {
            // An index, and a key of a map, stays in the type.
            let Some(schema) = self.schema(&name, key) else { continue };
            fields.push(format!("{name}.{key}"));
            let Some(inner) = self.field(schema).1 else { break };
            name = inner;
        }
        fields
    }
}

fn short(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

/// The short name of the type that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    let inner = schema.get("allOf").or_else(|| schema.get("anyOf")).and_then(|all| all.get(0)).unwrap_or(schema);
    inner.get("$ref").and_then(Value::as_str).map(short)
}
