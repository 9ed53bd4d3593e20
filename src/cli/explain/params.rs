//! The parameters of a rule, read from their schema.

use crate::rule::Rule;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A parameter of a rule.
pub struct Param {
    /// Dotted path below `params`; `[]` for the items of a list.
    pub name: String,
    /// The type, for people: `list of strings`.
    pub kind: String,
    pub docs: String,
    pub default: Option<Value>,
}

/// Every parameter, each followed by the parameters inside it.
pub fn of(rule: &Rule) -> Vec<Param> {
    let mut generator = SchemaGenerator::new(SchemaSettings::default().with(|s| s.inline_subschemas = true));
    let schema = (rule.params)(&mut generator);
    let mut params = Vec::new();
    collect("", schema.as_value(), &mut params);
    params
}

fn collect(prefix: &str, schema: &Value, params: &mut Vec<Param>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let name = format!("{prefix}{key}");
        let docs = property.get("description").and_then(Value::as_str).unwrap_or_default();
        params.push(Param {
            kind: kind(property),
            docs: docs.split_whitespace().collect::<Vec<_>>().join(" "),
            default: property.get("default").filter(|default| !default.is_null()).cloned(),
            name: name.clone(),
        });
        collect(&format!("{name}."), property, params);
        if let Some(items) = property.get("items") {
            collect(&format!("{name}[]."), items, params);
        }
    }
}

fn kind(schema: &Value) -> String {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return words.join("|");
    }
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return "integer or string".to_owned();
    }
    if let Some(kinds) = schema.get("anyOf").and_then(Value::as_array) {
        let kinds: Vec<String> = kinds.iter().map(kind).filter(|kind| kind != "null").collect();
        return kinds.join(" or ");
    }
    let one = |kind: &str| match kind {
        "array" => schema.get("items").map_or("list".to_owned(), |items| format!("list of {}", kind_of_items(items))),
        "object" => "map".to_owned(),
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(kind)) => one(kind),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<String> =
                kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").map(one).collect();
            kinds.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn kind_of_items(items: &Value) -> String {
    match kind(items).as_str() {
        "map" => "maps".to_owned(),
        "any" => "values".to_owned(),
        words if words.contains(['|', ' ']) => words.to_owned(),
        other => format!("{other}s"),
    }
}
