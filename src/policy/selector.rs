//! Label selectors of policies. A requirement without a meaning is an error.

use super::document::{LabelSelector, LabelSelectorRequirement};
use super::{PolicyError, PolicyErrors};
use kube::core::{Expression, Selector};

/// The selector at `place`.
///
/// # Errors
/// Every requirement without a meaning.
pub fn compile(selector: &LabelSelector, place: &[&str]) -> Result<Selector, PolicyErrors> {
    let mut compiled: Selector = selector.match_labels.clone().into_iter().collect();
    let mut errors = Vec::new();
    for (index, requirement) in selector.match_expressions.iter().enumerate() {
        let index = index.to_string();
        let mut error = |key: &str, message: String| {
            errors.push(PolicyError::at(&[place, &["matchExpressions", &index, key]].concat(), message));
        };
        let LabelSelectorRequirement { key, operator, values } = requirement;
        if key.is_empty() {
            error("key", "name a label".to_owned());
        }
        let (name, set) = (key.clone(), values.iter().cloned().collect());
        match (operator.as_str(), values.is_empty()) {
            ("In" | "NotIn", true) => error("values", format!("`{operator}` needs values")),
            ("Exists" | "DoesNotExist", false) => {
                error("values", format!("`{operator}` has no values; leave them out"));
            }
            ("In", false) => _ = compiled.extend(Expression::In(name, set)),
            ("NotIn", false) => _ = compiled.extend(Expression::NotIn(name, set)),
            ("Exists", true) => _ = compiled.extend(Expression::Exists(name)),
            ("DoesNotExist", true) => _ = compiled.extend(Expression::DoesNotExist(name)),
            (other, _) => {
                let other = crate::text::clean(other, 60);
                error("operator", format!("`{other}` is none of In, NotIn, Exists, DoesNotExist"));
            }
        }
    }
    if errors.is_empty() { Ok(compiled) } else { Err(PolicyErrors(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn selector(value: Value) -> Result<Selector, String> {
        let selector: LabelSelector = serde_json::from_value(value).unwrap();
        compile(&selector, &["spec", "match", "namespaceSelector"]).map_err(|error| error.to_string())
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_operator() {
        let selects =
            |selector: Value, pairs: &[(&str, &str)]| self::selector(selector).unwrap().matches(&labels(pairs));
        assert!(selects(json!({}), &[]));
        assert!(selects(json!({"matchLabels": {"a": "1"}}), &[("a", "1"), ("b", "2")]));
        assert!(!selects(json!({"matchLabels": {"a": "1"}}), &[("a", "2")]));
        let one = |operator: &str, values: Value| json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]});
        for (operator, values, [without, same, other]) in [
            ("In", json!(["1"]), [false, true, false]),
            ("NotIn", json!(["1"]), [true, false, true]),
            ("Exists", json!([]), [false, true, true]),
            ("DoesNotExist", json!([]), [true, false, false]),
        ] {
            assert_eq!(selects(one(operator, values.clone()), &[]), without, "{operator}");
            assert_eq!(selects(one(operator, values.clone()), &[("a", "1")]), same, "{operator}");
            assert_eq!(selects(one(operator, values), &[("a", "2")]), other, "{operator}");
        }
    }

    #[test]
    fn a_requirement_without_a_meaning_is_an_error() {
        for (operator, values, says) in [
            ("in", json!(["1"]), "spec.match.namespaceSelector.matchExpressions[0].operator: `in` is none of"),
            ("In", json!([]), "spec.match.namespaceSelector.matchExpressions[0].values: `In` needs values"),
            ("Exists", json!(["1"]), "spec.match.namespaceSelector.matchExpressions[0].values: `Exists` has no values"),
        ] {
            let wrong = json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]});
            let error = selector(wrong).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
