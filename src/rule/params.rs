//! The parameters of a rule: their schema, and what is wrong with the ones of a policy.

use crate::json::Objects;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Parameters that do not fit their rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParams {
    /// Dotted path below `params`, empty for `params` itself.
    pub field: String,
    pub message: String,
}

/// The parameters of a rule that has none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// For [`super::Rule::params`].
pub fn params<P: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    P::json_schema(generator)
}

/// Reads the list of what a rule judges, if it is given. The rule would find nothing with an empty one.
///
/// # Errors
/// The list is empty.
pub fn judged<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<T>>::deserialize(deserializer)?;
    if list.as_ref().is_some_and(Vec::is_empty) {
        let message = "is an empty list, so the rule would find nothing; name at least one, or set `action: off`";
        return Err(Error::custom(message));
    }
    Ok(list)
}

/// Absent parameters are the defaults, unknown keys are refused.
pub(super) fn read<P: DeserializeOwned>(params: Value) -> Result<P, BadParams> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    serde_path_to_error::deserialize::<_, P>(Objects(params)).map_err(|error| BadParams {
        field: match error.path().to_string() {
            root if root == "." => String::new(),
            path => path,
        },
        message: error.into_inner().to_string(),
    })
}
