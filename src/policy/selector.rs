//! Label selectors of policies: what means nothing is refused.

use super::document::{LabelSelector, LabelSelectorRequirement};
use super::{PolicyError, PolicyErrors};
use crate::facts::selector::{Required, Selector};

/// The selector at `place`.
///
/// # Errors
/// Every requirement that means nothing.
pub fn compile(selector: &LabelSelector, place: &[&str]) -> Result<Selector, PolicyErrors> {
    let (mut required, mut errors) = (Vec::new(), Vec::new());
    for (index, requirement) in selector.match_expressions.iter().enumerate() {
        let index = index.to_string();
        let error = |key: &str, message: String| {
            PolicyError::at(&[place, &["matchExpressions", &index, key]].concat(), message)
        };
        let LabelSelectorRequirement { key, operator, values } = requirement;
        if key.is_empty() {
            errors.push(error("key", "name a label".to_owned()));
        }
        let Some(meaning) = Required::new(operator, values) else {
            let other = crate::text::clean(operator, 60);
            errors.push(error("operator", format!("`{other}` is none of In, NotIn, Exists, DoesNotExist")));
            continue;
        };
        match (&meaning, values.is_empty()) {
            (Required::In(_) | Required::NotIn(_), true) => {
                errors.push(error("values", format!("`{operator}` needs values")));
            }
            (Required::Exists | Required::DoesNotExist, false) => {
                errors.push(error("values", format!("`{operator}` has no values; leave them out")));
            }
            _ => required.push((key.clone(), meaning)),
        }
    }
    if !errors.is_empty() {
        return Err(PolicyErrors(errors));
    }
    Ok(Selector { equal: selector.match_labels.clone(), required })
}

#[cfg(test)]
mod tests {
    use super::*;
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
            |selector: Value, pairs: &[(&str, &str)]| self::selector(selector).unwrap().selects(&labels(pairs));
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
    fn what_means_nothing_is_refused() {
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
