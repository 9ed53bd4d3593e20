//! Label selectors, as Kubernetes reads them.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A selector whose every requirement means something. An empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    pub equal: BTreeMap<String, String>,
    pub required: Vec<(String, Required)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Required {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Required {
    /// None for an operator that there is not.
    #[must_use]
    pub fn new(operator: &str, values: &[String]) -> Option<Self> {
        match operator {
            "In" => Some(Self::In(values.to_vec())),
            "NotIn" => Some(Self::NotIn(values.to_vec())),
            "Exists" => Some(Self::Exists),
            "DoesNotExist" => Some(Self::DoesNotExist),
            _ => None,
        }
    }
}

impl Selector {
    #[must_use]
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.equal.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.required.iter().all(|(key, required)| {
                let label = labels.get(key);
                match required {
                    Required::In(values) => label.is_some_and(|label| values.contains(label)),
                    Required::NotIn(values) => label.is_none_or(|label| !values.contains(label)),
                    Required::Exists => label.is_some(),
                    Required::DoesNotExist => label.is_none(),
                }
            })
    }
}

/// A selector as the API server has checked it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Written {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Debug, Deserialize)]
struct Expression {
    key: String,
    operator: String,
    values: Option<Vec<String>>,
}

impl Written {
    /// None when it has an operator that this podreeve does not know.
    #[must_use]
    pub fn read(self) -> Option<Selector> {
        let expressions = self.match_expressions.unwrap_or_default().into_iter();
        let required = expressions.map(|Expression { key, operator, values }| {
            Some((key, Required::new(&operator, &values.unwrap_or_default())?))
        });
        Some(Selector { equal: self.match_labels.unwrap_or_default(), required: required.collect::<Option<_>>()? })
    }
}
