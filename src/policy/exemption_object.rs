//! The `Exemption` object: a team's own exemption in its namespace, where the operator allows that.

use super::{CompiledExemption, Exemption as Document, PolicyError, PolicyErrors, all_errors, narrowing};
use jiff::civil::Date;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Allows violations of some rules in its own namespace.
///
/// It counts only in namespaces that `serve --exemption-namespaces` names. Every list that is given must match. It weakens
/// every policy there, and never the labels `pod-security.kubernetes.io/*`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "podreeve.dev",
    version = "v1alpha1",
    kind = "Exemption",
    doc = "Allows violations of some rules in its own namespace, where the operator allows that.",
    namespaced,
    status = "super::status::ExemptionStatus",
    shortname = "prex",
    category = "podreeve",
    printcolumn = r#"{"name": "Rules", "type": "string", "jsonPath": ".spec.rules"}"#,
    printcolumn = r#"{"name": "Expires", "type": "string", "jsonPath": ".spec.until"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].reason"}"#,
    printcolumn = r#"{"name": "Why", "type": "string", "priority": 1, "jsonPath": ".spec.reason"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "priority": 1, "jsonPath": ".status.conditions[?(@.type=='Ready')].message"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// Rule ids; at least one.
    #[schemars(length(min = 1, max = 100))]
    pub rules: Vec<String>,
    /// Container names. A violation of the pod itself is exempt only when every container matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub containers: Vec<String>,
    /// Images by registry and path (`registry.example.com/mesh`, whole segments). With a tag or a digest it is one image; a
    /// tag covers no reference that has a digest, since that is what runs. An image that is mounted as a volume must match,
    /// too, for a violation of that volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "narrowing::names")]
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-validations" = [{"rule": "size(self) > 0", "message": narrowing::EMPTY}]))]
    pub images: Vec<String>,
    /// Why this is right, for the next reader.
    #[schemars(length(min = 1, max = 4096), extend("x-kubernetes-validations" = [{"rule": "self.trim() != ''", "message": "say why this is right"}]))]
    pub reason: String,
    /// The last day (UTC) on which it holds, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub until: Option<Date>,
}

/// An Exemption object that is in force.
#[derive(Debug)]
pub struct ObjectExemption {
    /// `namespace/name`.
    pub name: String,
    pub exemption: CompiledExemption,
}

impl ObjectExemption {
    /// # Errors
    /// The keys of the object that cannot be used, and why.
    pub fn new(namespace: &str, name: &str, spec: Option<&str>) -> Result<Self, PolicyErrors> {
        let spec = spec.ok_or_else(|| PolicyError::at(&["spec"], "is missing"))?;
        let (spec, mut errors, removed) = super::document::read_all::<ExemptionSpec>(spec, &["spec"]);
        let Some(ExemptionSpec { rules, containers, images, reason, until }) = spec else {
            return Err(PolicyErrors(errors));
        };
        // An exemption counts in its own namespace and in no other.
        let namespaces = vec![namespace.to_owned()];
        let document = Document { rules, namespaces, containers, images, reason, until };
        let compiled = CompiledExemption::new(&["spec"], &document);
        match all_errors::keep(&mut errors, compiled.map_err(|wrong| removed.originals(wrong))) {
            Some(exemption) if errors.is_empty() => Ok(Self { name: format!("{namespace}/{name}"), exemption }),
            _ => Err(PolicyErrors(errors)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn error(spec: &Value) -> String {
        ObjectExemption::new("shop", "a", Some(&spec.to_string())).map(|e| e.name).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_its_key() {
        let good = json!({"rules": ["privileged"], "reason": "a test"});
        assert_eq!(ObjectExemption::new("shop", "a", Some(&good.to_string())).unwrap().name, "shop/a");
        for (key, value, says) in [
            ("rules", json!(["privilegd"]), "spec.rules[0]: there is no rule `privilegd`; did you mean"),
            ("rules", json!([]), "spec.rules: name at least one rule"),
            ("reason", json!(" "), "spec.reason: say why"),
            ("images", json!(["*"]), "spec.images[0]: `*` is no registry or repository"),
            ("until", json!("tomorrow"), "spec.until: is not a date"),
            ("namespaces", json!(["kube-system"]), "spec.namespaces: there is no key `namespaces`"),
        ] {
            let mut spec = good.clone();
            spec[key] = value;
            assert!(error(&spec).starts_with(says), "{}", error(&spec));
        }
        assert!(
            error(&json!({"reason": "x"})).starts_with("spec.rules: is missing"),
            "{}",
            error(&json!({"reason": "x"}))
        );
    }
}
