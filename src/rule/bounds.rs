//! The limits that the published schema sets to the parameters of a rule. What the schema refuses must not load.

use super::{BadParams, Rule};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// The schema of the parameters of a rule.
#[derive(Debug)]
pub struct Bounds {
    schema: Value,
    /// What the schema refers to.
    definitions: Map<String, Value>,
}

impl Bounds {
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let mut generator = SchemaGenerator::default();
        let schema = (rule.params)(&mut generator);
        Self { schema: schema.into(), definitions: generator.take_definitions(true) }
    }

    /// Compares parameters whose types are right with the limits of numbers, lists and texts.
    ///
    /// # Errors
    /// The first value beyond a limit.
    pub fn check(&self, params: &Value) -> Result<(), BadParams> {
        self.value(&self.schema, params, "")
    }

    fn value(&self, schema: &Value, value: &Value, at: &str) -> Result<(), BadParams> {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
        if let Some(target) = name.and_then(|name| self.definitions.get(name)) {
            self.value(target, value, at)?;
        }
        // Of several forms, the one for this type counts.
        let forms = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
        for form in forms.filter(|form| has_type(form, value)) {
            self.value(form, value, at)?;
        }
        let bad = |message: String| Err(BadParams { field: at.to_owned(), message });
        match value {
            Value::Number(number) => {
                let limit = |key: &str| schema.get(key).and_then(Value::as_i64).map(i128::from);
                let number = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                match (number, limit("minimum"), limit("maximum")) {
                    (Some(number), Some(least), _) if number < least => {
                        bad(format!("is {number}, and {least} is the least"))
                    }
                    (Some(number), _, Some(most)) if number > most => {
                        bad(format!("is {number}, and {most} is the most"))
                    }
                    _ => Ok(()),
                }
            }
            Value::String(text) => {
                let count = text.chars().count();
                match lengths(schema, "Length", count) {
                    Some(Beyond::Least(least)) => bad(format!("has {count} characters, and needs {least} at least")),
                    Some(Beyond::Most(most)) => bad(format!("has {count} characters, and {most} is the most")),
                    None => Ok(()),
                }
            }
            Value::Array(list) => {
                match lengths(schema, "Items", list.len()) {
                    Some(Beyond::Least(_)) if list.is_empty() => {
                        return bad("is an empty list; name at least one".to_owned());
                    }
                    Some(Beyond::Least(least)) => {
                        return bad(format!("has {} elements, and needs {least} at least", list.len()));
                    }
                    Some(Beyond::Most(most)) => {
                        return bad(format!("has {} elements, and {most} is the most", list.len()));
                    }
                    None => {}
                }
                let Some(items) = schema.get("items") else { return Ok(()) };
                let mut elements = list.iter().enumerate();
                elements.try_for_each(|(index, element)| self.value(items, element, &format!("{at}[{index}]")))
            }
            Value::Object(map) => map.iter().try_for_each(|(key, value)| {
                let Some(schema) = schema.get("properties").and_then(|all| all.get(key)) else { return Ok(()) };
                self.value(schema, value, &if at.is_empty() { key.clone() } else { format!("{at}.{key}") })
            }),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }
}

/// A limit that a length is beyond.
enum Beyond {
    Least(u64),
    Most(u64),
}

/// Compares a length with `minItems` and `maxItems`, or with `minLength` and `maxLength`.
fn lengths(schema: &Value, of: &str, length: usize) -> Option<Beyond> {
    let limit = |kind: &str| schema.get(format!("{kind}{of}")).and_then(Value::as_u64);
    let length = length as u64;
    let least = limit("min").filter(|least| length < *least).map(Beyond::Least);
    least.or_else(|| limit("max").filter(|most| length > *most).map(Beyond::Most))
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => kind == name,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == name),
        _ => !value.is_null(),
    }
}
