//! Parameters that a rule has from elsewhere in its policy. Those that it is given itself come first.

use super::compiled_rule;
use super::document::PolicySpec;
use crate::rule::Rule;
use crate::rules;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// The rule whose bases other rules know, and its parameter with them.
const BASES: (&str, &str) = ("image-base", "allow");

/// The rule's parameters, with those of the policy's Pod Security Standard and the bases that the policy allows, if it has such parameters.
pub fn of(rule: &Rule, own: Value, spec: &PolicySpec) -> Value {
    if spec.pod_security_standard.is_none() && rule.image().is_none() {
        return own;
    }
    let schema = (rule.params)(&mut SchemaGenerator::default());
    let has = |key: &str| schema.pointer(&format!("/properties/{key}")).is_some();
    let mut params = match own {
        Value::Null => Map::new(),
        Value::Object(params) => params,
        // An error, which is reported for the rule.
        other => return other,
    };
    let is_given = |key: &str| params.contains_key(key);
    let standard =
        spec.pod_security_standard.as_ref().filter(|_| has("pss") && !is_given("pss") && !is_given("version"));
    // `bases` of `dockerfile-user` are names.
    let bases = (rule.image().is_some() && has("bases") && !is_given("bases")).then(|| bases(spec)).flatten();
    if let Some(Ok(Value::Object(standard))) = standard.map(serde_json::to_value) {
        params.extend(
            standard.into_iter().map(|(key, value)| (if key == "level" { "pss".to_owned() } else { key }, value)),
        );
    }
    params.extend(bases.map(|bases| ("bases".to_owned(), bases)));
    if params.is_empty() { Value::Null } else { Value::Object(params) }
}

/// The bases that the policy allows. An error in them is reported for the rule that they are given to.
fn bases(spec: &PolicySpec) -> Option<Value> {
    let (id, key) = BASES;
    let params = &spec.rules.as_ref()?.0.get(id)?.params;
    let rule = rules::find(id)?;
    compiled_rule::check(rule, params.clone(), rule.image()?.compile).ok()?;
    params.get(key).cloned()
}
