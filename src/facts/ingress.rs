//! What each NetworkPolicy does with incoming traffic.

use crate::workload::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Network policies of a namespace, by name.
pub type IngressByName = BTreeMap<String, IngressPolicy>;

/// A NetworkPolicy for incoming traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressPolicy {
    selector: Selector,
    /// It allows all traffic from everywhere.
    opens: bool,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    pod_selector: Option<LabelSelector>,
    policy_types: Option<Vec<String>>,
    ingress: Option<Vec<Rule>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    from: Option<Vec<IgnoredAny>>,
    ports: Option<Vec<IgnoredAny>>,
}

impl IngressPolicy {
    /// None when the policy is not for incoming traffic, or cannot be read: then it protects no pod.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let Object { spec: Spec { pod_selector, policy_types, ingress } } = serde_json::from_str(json).ok()?;
        if policy_types.is_some_and(|types| !types.is_empty() && !types.iter().any(|kind| kind == "Ingress")) {
            return None;
        }
        let empty = |list: &Option<Vec<IgnoredAny>>| list.as_ref().is_none_or(Vec::is_empty);
        let opens = ingress.unwrap_or_default().iter().any(|rule| empty(&rule.from) && empty(&rule.ports));
        Some(Self { selector: pod_selector.unwrap_or_default().try_into().ok()?, opens })
    }
}

/// What the policies of its namespace do for a pod with these labels. Traffic that one policy allows, no other blocks.
#[must_use]
pub fn ingress(policies: &IngressByName, labels: &BTreeMap<String, String>) -> Ingress {
    let mut selecting = policies.values().filter(|policy| policy.selector.matches(labels)).peekable();
    if selecting.peek().is_none() {
        Ingress::Open
    } else if selecting.any(|policy| policy.opens) {
        Ingress::Opened
    } else {
        Ingress::Isolated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(policies: &[Value], labels: Value) -> Ingress {
        let read = |(n, spec): (usize, &Value)| {
            Some((n.to_string(), IngressPolicy::read(&json!({"metadata": {}, "spec": spec}).to_string())?))
        };
        let policies = policies.iter().enumerate().filter_map(read).collect();
        ingress(&policies, &serde_json::from_value(labels).unwrap())
    }

    #[test]
    fn a_policy_isolates_the_pods_that_it_selects_unless_it_allows_everything() {
        let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        let web = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 80}]}]});
        let open = json!({"podSelector": {}, "ingress": [{}]});
        let egress = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": []});
        let odd = json!({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}});
        for (policies, labels, wanted) in [
            (vec![], json!({}), Ingress::Open),
            (vec![deny.clone()], json!({}), Ingress::Isolated),
            (vec![web.clone()], json!({"app": "web"}), Ingress::Isolated),
            (vec![web], json!({"app": "db"}), Ingress::Open),
            (vec![deny, open], json!({}), Ingress::Opened),
            (vec![egress], json!({}), Ingress::Open),
            (vec![odd], json!({}), Ingress::Open),
        ] {
            assert_eq!(of(&policies, labels.clone()), wanted, "{policies:?} {labels}");
        }
    }
}
