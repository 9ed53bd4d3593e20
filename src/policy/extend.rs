//! `spec.extends`: a policy that changes a built-in one.

use super::builtin::{self, BUILTINS};
use super::rule_settings::{RuleSetting, RuleSettings};
use super::{PolicyDocument, PolicyError, PolicySpec};
use crate::rule::nearest_name;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::btree_map::Entry;

/// The spec with everything that it has from the policy that it extends.
///
/// # Errors
/// No built-in policy has the name.
pub(super) fn whole(spec: &PolicySpec) -> Result<Cow<'_, PolicySpec>, PolicyError> {
    let Some(name) = &spec.extends else { return Ok(Cow::Borrowed(spec)) };
    let base = base(name).map_err(|message| PolicyError::at(&["spec", "extends"], message))?;
    let PolicySpec { extends: _, matching, rules, exemptions, node_exemptions, pod_security_standard, .. } =
        spec.clone();
    Ok(Cow::Owned(PolicySpec {
        extends: None,
        contact: spec.contact.clone().or(base.contact),
        docs: spec.docs.clone().or(base.docs),
        matching: matching.or(base.matching),
        rules: Some(merged(base.rules.unwrap_or_default(), rules.unwrap_or_default())),
        exemptions: [base.exemptions, exemptions].concat(),
        node_exemptions: [base.node_exemptions, node_exemptions].concat(),
        pod_security_standard: pod_security_standard.or(base.pod_security_standard),
        pod_security_labels: spec.pod_security_labels || base.pod_security_labels,
        pod_security_exemptions: spec.pod_security_exemptions.clone().or(base.pod_security_exemptions),
        pod_security_defaults: spec.pod_security_defaults.or(base.pod_security_defaults),
        rollout: spec.rollout.clone().or(base.rollout),
        workloads: [base.workloads, spec.workloads.clone()].concat(),
        patch_templates: spec.patch_templates || base.patch_templates,
    }))
}

/// The spec of a built-in policy.
fn base(name: &str) -> Result<PolicySpec, String> {
    let Some(yaml) = builtin::builtin(name)? else { return Err(unknown(name)) };
    let document: Value = serde_saphyr::from_str(&yaml).map_err(|error| error.to_string())?;
    PolicyDocument::from_json(&document.to_string()).map(|document| document.spec).map_err(|error| error.to_string())
}

/// The error for a name that no built-in policy has, with the one that was probably meant.
fn unknown(name: &str) -> String {
    let known: Vec<&str> = BUILTINS.iter().map(|(name, _)| *name).collect();
    let near = nearest_name(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let name = crate::text::clean(name, 60);
    format!("there is no built-in policy `{name}`{} They are {}", near.as_deref().unwrap_or("."), known.join(", "))
}

/// The rules of the built-in policy, with the actions and the parameters that these set.
fn merged(mut base: RuleSettings, own: RuleSettings) -> RuleSettings {
    for (id, setting) in own.0 {
        match base.0.entry(id) {
            Entry::Vacant(entry) => _ = entry.insert(setting),
            Entry::Occupied(mut entry) => {
                let RuleSetting { action, params } = entry.get_mut();
                *action = setting.action.or(*action);
                merge_params(params, setting.params);
            }
        }
    }
    base
}

/// A parameter replaces the one of the same name. What is no object is refused later, at its place.
fn merge_params(base: &mut Value, own: Value) {
    match (base, own) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(own)) => base.extend(own),
        (base, own) => *base = own,
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Action, Cluster, CompiledPolicy};
    use serde_json::{Value, json};

    fn compile(spec: &Value) -> Result<CompiledPolicy, String> {
        CompiledPolicy::from_object("p", Some(&spec.to_string()), Cluster::Without).map_err(|errors| errors.to_string())
    }

    fn action(policy: &CompiledPolicy, id: &str) -> Option<Action> {
        policy.rules.iter().find(|rule| rule.rule.id == id).map(|rule| rule.action)
    }

    #[test]
    fn what_is_not_named_is_as_in_the_built_in_policy() {
        let plain = compile(&json!({"extends": "owasp"})).unwrap();
        let changed = compile(&json!({"extends": "owasp", "rules": {
            "image-digest": {"action": "deny"},
            "memory-limit": {"params": {"max": "4Gi"}},
            "privileged-ports": {"action": "off"},
            "volume-types": {"params": {"allow": ["csi/secrets-store.csi.k8s.io"]}},
        }, "exemptions": [{"rules": ["privileged"], "namespaces": ["storage"], "reason": "the CSI driver"}]}))
        .unwrap();
        for rule in &plain.rules {
            let wanted = match rule.rule.id {
                "image-digest" => Some(Action::Deny),
                "privileged-ports" => None,
                _ => Some(rule.action),
            };
            assert_eq!(action(&changed, rule.rule.id), wanted, "{}", rule.rule.id);
        }
        assert_eq!(changed.rules.len(), plain.rules.len() - 1);
        assert_eq!((plain.exemptions.len(), changed.exemptions.len()), (0, 1));
        let settings = &changed.spec.rules.as_ref().unwrap().0;
        assert_eq!(settings["memory-limit"].params, json!({"max": "4Gi"}));
        // The parameter that the built-in policy sets stays.
        let volume_types = &settings["volume-types"].params;
        assert_eq!(volume_types["allow"], json!(["csi/secrets-store.csi.k8s.io"]));
        assert!(volume_types["only"].as_array().is_some_and(|only| only.len() > 3), "{volume_types}");
    }

    #[test]
    fn a_version_of_a_standard_can_be_extended() {
        let policy =
            compile(&json!({"extends": "pss-restricted@v1.30", "rules": {"sysctls": {"action": "warn"}}})).unwrap();
        assert_eq!(action(&policy, "sysctls"), Some(Action::Warn));
        assert_eq!(action(&policy, "privileged"), Some(Action::Deny));
        assert_eq!(serde_json::to_value(&policy.spec.pod_security_standard).unwrap()["version"], "v1.30");
    }

    #[test]
    fn an_error_names_what_was_probably_meant() {
        for (spec, says) in [
            (
                json!({"extends": "owsap"}),
                "spec.extends: there is no built-in policy `owsap`; did you mean `owasp`? They are owasp, pss-baseline, pss-restricted",
            ),
            (json!({"extends": "corporate"}), "spec.extends: there is no built-in policy `corporate`. They are"),
            (json!({"extends": "owasp@v1.30"}), "spec.extends: `owasp` follows no Pod Security Standard"),
            (
                json!({"extends": "owasp", "rules": {"privilegd": {"action": "off"}}}),
                "spec.rules.privilegd: there is no rule `privilegd`; did you mean `privileged`?",
            ),
            (
                json!({"extends": "owasp", "rules": {"privileged": {"actoin": "off"}}}),
                "spec.rules.privileged.actoin: there is no key `actoin`; did you mean `action`?",
            ),
            (
                json!({"extends": "owasp", "rules": {"memory-limit": {"params": {"mx": "1Gi"}}}}),
                "spec.rules.memory-limit.params.mx: there is no key `mx`; did you mean `max`?",
            ),
            (
                json!({"extends": "pss-baseline", "rules": {"memory-limit": {"params": {"max": "1Gi"}}}}),
                "spec.rules.memory-limit.action: is missing, and `pss-baseline` does not have this rule; add it",
            ),
            (
                json!({"rules": {"privileged": {}}}),
                "spec.rules.privileged.action: is missing and has no default; add it",
            ),
            (json!({"match": {"kinds": ["Pod"]}}), "spec.rules: is missing and has no default; add it"),
        ] {
            let error = compile(&spec).unwrap_err();
            assert!(error.starts_with(says), "{spec}: {error}");
        }
    }
}
