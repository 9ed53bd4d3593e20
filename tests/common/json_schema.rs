//! A validator for the published schemas.

use serde_json::{Value, json};

/// Keywords that do not restrict a value.
const NOTES: &[&str] = &["$schema", "$id", "$defs", "title", "description", "format", "default"];

/// Validates a value. An unknown keyword is an error, so nothing passes unchecked.
pub fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(schema) = schema.as_object() else {
        return if schema == &json!(true) { Ok(()) } else { Err(format!("{at}: forbidden")) };
    };
    let fail = |what: &str| Err(format!("{at}: {what}: {value}"));
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            note if NOTES.contains(&note) => {}
            "$ref" => {
                let pointer = wanted.as_str().and_then(|r| r.strip_prefix('#')).expect("a local reference");
                validate(root, root.pointer(pointer).expect("the reference resolves"), value, at)?;
            }
            "type" => {
                let is = |kind: &Value| match kind.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("{at}: type {other}"),
                };
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !kinds.iter().any(is) {
                    return fail(&format!("not {wanted}"));
                }
            }
            "const" if value != wanted => return fail("another constant"),
            "enum" if !wanted.as_array().expect("values").contains(value) => return fail("not in the list"),
            "minimum" if value.is_number() && value.as_i64() < wanted.as_i64() => return fail("too small"),
            "maximum" if value.is_number() && value.as_i64() > wanted.as_i64() => return fail("too large"),
            "const" | "enum" | "minimum" | "maximum" => {}
            "required" => {
                for key in wanted.as_array().expect("keys") {
                    if value.get(key.as_str().expect("a key")).is_none() {
                        return fail(&format!("no {key}"));
                    }
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    // Stricter than the schema: a report has no field that is not published.
                    let Some(schema) = wanted.get(key) else { return fail(&format!("`{key}` is not published")) };
                    validate(root, schema, value, &format!("{at}/{key}"))?;
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, wanted, item, &format!("{at}/{index}"))?;
                }
            }
            // A field that is not published fails above, whatever the schema allows.
            "additionalProperties" if wanted.is_boolean() => {}
            "anyOf" => {
                let schemas = wanted.as_array().expect("schemas");
                if !schemas.iter().any(|schema| validate(root, schema, value, at).is_ok()) {
                    return fail("none of them");
                }
            }
            "oneOf" => {
                let schemas = wanted.as_array().expect("schemas").iter();
                if schemas.filter(|schema| validate(root, schema, value, at).is_ok()).count() != 1 {
                    return fail("not exactly one of them");
                }
            }
            other => panic!("{at}: unknown keyword {other}"),
        }
    }
    Ok(())
}
