//! Of each NetworkPolicy what it makes of incoming traffic.

use super::selector::{Selector, Written};
use crate::workload::Ingress;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Network policies of a namespace, by name.
pub type IngressByName = BTreeMap<String, IngressPolicy>;

/// A NetworkPolicy that concerns incoming traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressPolicy {
    selector: Selector,
    /// It lets in everything from everywhere.
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
    pod_selector: Option<Written>,
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
    /// None when it does not concern incoming traffic, or cannot be read: then it protects nobody.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let Object { spec: Spec { pod_selector, policy_types, ingress } } = serde_json::from_str(json).ok()?;
        if policy_types.is_some_and(|types| !types.is_empty() && !types.iter().any(|kind| kind == "Ingress")) {
            return None;
        }
        let empty = |list: &Option<Vec<IgnoredAny>>| list.as_ref().is_none_or(Vec::is_empty);
        let opens = ingress.unwrap_or_default().iter().any(|rule| empty(&rule.from) && empty(&rule.ports));
        Some(Self { selector: pod_selector.unwrap_or_default().read()?, opens })
    }
}

/// What the policies of its namespace make of a pod with these labels. What one lets in, no other keeps out.
#[must_use]
pub fn ingress(policies: &IngressByName, labels: &BTreeMap<String, String>) -> Ingress {
    let mut selecting = policies.values().filter(|policy| policy.selector.selects(labels)).peekable();
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
    fn what_selects_isolates_unless_it_opens() {
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
