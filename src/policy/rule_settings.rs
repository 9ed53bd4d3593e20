//! `spec.rules`: one key for each rule of the table, with that rule's own parameters.

use super::Action;
use crate::rule::Rule;
use crate::rules::{self, RULES};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Settings by rule id. A rule without settings is off.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct RuleSettings(pub BTreeMap<String, RuleSetting>);

/// The settings of one rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSetting {
    /// Missing only in a policy that extends one that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The rule's own type checks them when the policy is compiled.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
}

impl<'de> Deserialize<'de> for RuleSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;
        impl<'de> Visitor<'de> for Rules {
            type Value = RuleSettings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rules by their id, such as `privileged: {action: deny}`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RuleSettings, A::Error> {
                let mut settings = BTreeMap::new();
                while let Some(id) = map.next_key::<String>()? {
                    if rules::find(&id).is_none() {
                        // The error must come from the value, so that its path ends with the key.
                        map.next_value_seed(Refuse(unknown_rule(&id)))?;
                        continue;
                    }
                    let setting = map.next_value()?;
                    if settings.insert(id.clone(), setting).is_some() {
                        return Err(A::Error::custom(format_args!("rule `{id}` is set twice")));
                    }
                }
                Ok(RuleSettings(settings))
            }
        }
        deserializer.deserialize_map(Rules)
    }
}

/// Fails for every value.
struct Refuse(String);

impl<'de> DeserializeSeed<'de> for Refuse {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(self.0))
    }
}

/// The error for an unknown rule, with the rule that was probably meant.
#[must_use]
pub fn unknown_rule(id: &str) -> String {
    match rules::nearest(id) {
        Some(near) => format!("there is no rule `{id}`; did you mean `{near}`? `podreeve rules` lists them"),
        None => format!("there is no rule `{id}`; `podreeve rules` lists them"),
    }
}

impl JsonSchema for RuleSettings {
    fn schema_name() -> Cow<'static, str> {
        "RuleSettings".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let properties: Map<String, Value> =
            RULES.iter().map(|rule| (rule.id.to_owned(), setting(rule, generator))).collect();
        json_schema!({
            "description": "Each rule by its id. A rule that is not named is off, or as in the policy that this one extends.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

fn setting(rule: &Rule, generator: &mut SchemaGenerator) -> Value {
    let mut params = (rule.params)(generator);
    params.remove("title");
    // A rule without a repair cannot patch.
    let is_possible = |action: &Action| *action != Action::Patch || rule.fixes();
    let actions: Vec<&str> = Action::ALL.into_iter().filter(is_possible).map(Action::as_str).collect();
    json_schema!({
        "description": rule.title,
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": actions},
            "params": params,
        },
        "additionalProperties": false,
    })
    .into()
}
