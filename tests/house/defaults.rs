//! The defaults in `explain`, in docs/policy.schema.json and in the pages made from it are the defaults of the code: to write
//! one down in a policy changes nothing.

use super::finding::{found_with, pod};
use podreeve::rule::Rule;
use podreeve::rules::{RULES, find, of_pods};
use serde_json::{Value, json};

/// Defaults that only a description has: the rule, the parameter, its default, and the words.
fn in_words() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("capabilities", "allow", json!(["NET_BIND_SERVICE"]), "`NET_BIND_SERVICE` when left out"),
        ("cpu-request", "limit", json!(false), "false when left out"),
        ("health-probes", "probes", json!(["liveness", "readiness"]), "liveness and readiness when left out"),
        ("host-devices", "allow", json!([]), "Default: none"),
        ("host-path", "allow", json!([]), "Default: none"),
        ("host-ports", "allow", json!([]), "Default: none"),
        ("pids-limit", "max", json!(16384), "16384 when left out"),
        ("restart-limit", "max", json!(5), "5 when left out"),
        ("run-as-non-root", "groups", json!(false), "false when left out"),
    ]
}

/// The definitions of the schema, among them the parameters of each rule.
fn schema() -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../docs/policy.schema.json")).expect("it is JSON");
    schema["$defs"].clone()
}

fn properties<'s>(schema: &'s Value, rule: &Rule) -> Vec<(&'s String, &'s Value)> {
    let params = &schema["RuleSettings"]["properties"][rule.id]["properties"]["params"];
    params["properties"].as_object().into_iter().flatten().collect()
}

/// Judges every example that leaves the parameter out, with it and without it. Returns the number of these examples.
fn changes_nothing(rule: &'static Rule, write: impl Fn(&mut Value) -> bool, case: &str) -> usize {
    let mut examples = 0;
    for example in rule.examples() {
        let mut params = if example.params.is_empty() { json!({}) } else { example.params_value() };
        if !write(&mut params) {
            continue;
        }
        examples += 1;
        for list in rule.pod().expect("a rule about pods").lists_of(example) {
            let pod = pod(example, *list);
            let left_out = found_with(rule, example.params_value(), example, &pod);
            assert_eq!(
                found_with(rule, params.clone(), example, &pod),
                left_out,
                "{case}: with {params} the example `{}` has other findings (left) than without (right). Mend the default in the code or in the schema.",
                example.name
            );
        }
    }
    examples
}

/// Writes the parameter where it is left out. `version` needs a standard, and `allow` excludes one.
fn written(params: &mut Value, key: &str, value: &Value) -> bool {
    let has = |key: &str| !params[key].is_null();
    let fits = match key {
        "version" => has("pss"),
        "allow" => !has("pss"),
        _ => true,
    };
    let writes = fits && !has(key);
    if writes {
        params[key] = value.clone();
    }
    writes
}

#[test]
fn a_default_of_the_schema_is_the_default_of_the_code() {
    let schema = schema();
    let mut seen = 0;
    for (rule, _) in of_pods() {
        for (key, property) in properties(&schema, rule) {
            // Where the schema accepts null, null means the same as no parameter.
            let default = property.get("default").or_else(|| {
                let kinds = property["type"].as_array();
                kinds.is_some_and(|kinds| kinds.contains(&json!("null"))).then_some(&Value::Null)
            });
            let Some(default) = default else { continue };
            let case = format!("{}.{key}: {default}", rule.id);
            assert!(
                changes_nothing(rule, |params| written(params, key, default), &case) > 0 || key == "version",
                "{case}"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    let read_only = &schema["Allowed"]["properties"]["readOnly"]["default"];
    assert_eq!(read_only, false);
    let write = |params: &mut Value| {
        let allowed = params["allow"].as_array_mut().into_iter().flatten();
        let open: Vec<_> = allowed.filter(|one| one.get("readOnly").is_none()).collect();
        let writes = !open.is_empty();
        for one in open {
            one["readOnly"] = read_only.clone();
        }
        writes
    };
    assert!(changes_nothing(find("host-path").expect("the rule"), write, "host-path.allow[].readOnly") > 0);
}

#[test]
fn a_default_in_a_description_is_the_default_of_the_code() {
    let schema = schema();
    for (id, key, default, words) in in_words() {
        let rule = find(id).expect("a rule");
        let (_, property) = properties(&schema, rule).into_iter().find(|(name, _)| *name == key).expect("a parameter");
        assert!(property["description"].as_str().is_some_and(|text| text.contains(words)), "{id}.{key}: {property}");
        assert!(changes_nothing(rule, |params| written(params, key, &default), &format!("{id}.{key}")) > 0);
    }
    for rule in RULES {
        for (key, _) in properties(&schema, rule).into_iter().filter(|(key, _)| *key == "version") {
            let write = |params: &mut Value| written(params, key, &json!("latest"));
            changes_nothing(rule, write, &format!("{}.{key}", rule.id));
        }
    }
}
