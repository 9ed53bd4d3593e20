//! What the published schema refuses of the parameters of a rule does not load.

use podreeve::policy::{Cluster, CompiledPolicy};
use podreeve::rules::RULES;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// Texts that a pattern refuses. A test fails for a pattern that is not here.
const REFUSED: &[(&str, &[&str])] = &[
    ("^[1-9][0-9]{0,4}[hd]$", &["", "0d", "01d", "1w", "123456h", "d"]),
    ("^(latest|v1\\.(0|[1-9][0-9]*))$", &["", "v1", "v1.01", "1.30", "v2.0"]),
];

struct Case {
    /// Below `params`.
    pointer: String,
    params: Value,
    /// Whether the schema takes it.
    fits: bool,
}

struct Walk<'w> {
    definitions: &'w Map<String, Value>,
    cases: Vec<Case>,
}

impl Walk<'_> {
    fn target<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next());
        name.map_or(schema, |name| &self.definitions[name])
    }

    /// A value that the schema takes.
    fn sample(&self, schema: &Value) -> Value {
        let schema = self.target(schema);
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        if let Some(form) = schema["anyOf"].as_array().and_then(|all| all.first()) {
            return self.sample(form);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("string");
        match kind {
            "integer" => schema["minimum"].as_i64().unwrap_or_default().into(),
            "boolean" => true.into(),
            "array" => json!([self.sample(&schema["items"])]),
            "object" => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                required.map(|key| (key.to_owned(), self.sample(&schema["properties"][key]))).collect()
            }
            _ if schema["pattern"] == REFUSED[0].0 => "1d".into(),
            _ => "v1.30".into(),
        }
    }

    fn add(&mut self, pointer: &str, wrap: &dyn Fn(Value) -> Value, value: Value, fits: bool) {
        self.cases.push(Case { pointer: pointer.to_owned(), params: wrap(value), fits });
    }

    fn value(&mut self, schema: &Value, pointer: &str, wrap: &dyn Fn(Value) -> Value) {
        let schema = &self.target(schema).clone();
        for form in schema["anyOf"].as_array().into_iter().flatten() {
            self.value(form, pointer, wrap);
        }
        let several = || schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let kinds: Vec<&str> = schema["type"].as_str().map_or_else(several, |kind| vec![kind]);
        if let Some(all) = schema["enum"].as_array() {
            assert!(!all.contains(&json!("no-such-value")));
            self.add(pointer, wrap, json!("no-such-value"), false);
        }
        if !kinds.is_empty() && !kinds.contains(&"object") {
            self.add(pointer, wrap, json!({"a": 1}), false);
        }
        if kinds.contains(&"integer") {
            for (limit, step) in [("minimum", -1), ("maximum", 1)] {
                if let Some(limit) = schema[limit].as_i64() {
                    self.add(pointer, wrap, json!(limit), true);
                    self.add(pointer, wrap, json!(limit + step), false);
                }
            }
        }
        for (key, at_least) in [("minLength", true), ("maxLength", false), ("minItems", true), ("maxItems", false)] {
            let Some(limit) = schema[key].as_u64() else { continue };
            let count = usize::try_from(if at_least { limit - 1 } else { limit + 1 }).expect("a small limit");
            let text = key.ends_with("Length");
            let list = || Value::Array(vec![self.sample(&schema["items"]); count]);
            let value = if text { json!("a".repeat(count)) } else { list() };
            self.add(pointer, wrap, value, false);
        }
        if let Some(pattern) = schema["pattern"].as_str() {
            let refused = REFUSED.iter().find(|(known, _)| *known == pattern);
            for text in refused.unwrap_or_else(|| panic!("{pattern}: add texts that it refuses to REFUSED")).1 {
                self.add(pointer, wrap, json!(text), false);
            }
        }
        if schema["items"].is_object() {
            self.value(&schema["items"], &format!("{pointer}/0"), &|value| wrap(json!([value])));
        }
        self.object(schema, pointer, wrap);
    }

    fn object(&mut self, schema: &Value, pointer: &str, wrap: &dyn Fn(Value) -> Value) {
        let whole = match self.sample(schema) {
            Value::Object(whole) if schema["properties"].is_object() => whole,
            _ => Map::new(),
        };
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            let with = |value: Value| {
                let mut whole = whole.clone();
                whole.insert(key.clone(), value);
                wrap(Value::Object(whole))
            };
            self.value(inner, &format!("{pointer}/{key}"), &with);
        }
        if schema["additionalProperties"] == false {
            let mut whole = whole;
            whole.insert("noSuchKey".to_owned(), json!(1));
            self.add(&format!("{pointer}/noSuchKey"), wrap, Value::Object(whole), false);
        }
    }
}

/// The places of the errors below the parameters of the rule.
fn errors(rule: &str, params: &Value) -> Vec<String> {
    let document = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"rules": {rule: {"action": "audit", "params": params}}},
    });
    let errors = CompiledPolicy::from_json(&document.to_string(), Cluster::Without).err().map(|all| all.0);
    let place = format!("/spec/rules/{rule}/params");
    let places = errors.into_iter().flatten().filter_map(|error| Some(error.pointer.strip_prefix(&place)?.to_owned()));
    places.collect()
}

#[test]
fn parameters_that_the_schema_refuses_do_not_load() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for rule in RULES {
        let mut generator = SchemaGenerator::default();
        let schema: Value = (rule.params)(&mut generator).into();
        let definitions = generator.take_definitions(true);
        let mut walk = Walk { definitions: &definitions, cases: Vec::new() };
        walk.value(&schema, "", &|value| value);
        for case in walk.cases.iter().filter(|case| !case.pointer.is_empty()) {
            count += 1;
            // An error of an element may be that of its list.
            let is_it = |place: &String| !place.is_empty() && case.pointer.starts_with(place.as_str());
            let found = errors(rule.id, &case.params);
            if found.iter().any(is_it) == case.fits {
                wrong.push(format!(
                    "{} {}: {} fits: {}, errors: {found:?}",
                    rule.id, case.pointer, case.params, case.fits
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "the schema and the code differ:\n{}", wrong.join("\n"));
    assert!(count > 200, "{count} cases");
}
