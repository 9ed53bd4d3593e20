use super::*;
use crate::cluster::state::Listed;
use crate::policy::{CompiledPolicy, PolicyDocument, PolicySet};

fn policies(rules: &str) -> Policies {
    let document = format!(
        r#"{{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{{"name":"p"}},"spec":{{"rules":{rules}}}}}"#
    );
    let policy = CompiledPolicy::new(&PolicyDocument::from_json(&document).unwrap()).unwrap();
    let mut policies = Policies::fixed(Snapshot::new(PolicySet::new(vec![policy], 1), 20));
    policies.first(&Health::new(None), &Metrics::new().unwrap(), true).unwrap();
    policies
}

#[test]
fn facts_that_a_policy_needs_are_awaited() {
    let rules = r#"{"exec-root": {"action": "warn"}, "network-policy": {"action": "deny"}}"#;
    let mut needing = policies(rules);
    assert_eq!(needing.awaited(), [POLICIES, "pods", "network policies"]);
    needing.cluster_state.listed = Listed { policies: true, exemptions: true };
    assert_eq!(needing.awaited(), ["pods", "network policies"]);
    needing.cluster_state.facts.complete |= FactKinds::PODS;
    assert_eq!(needing.awaited(), ["network policies"]);
    needing.cluster_state.facts.complete |= FactKinds::NETWORK_POLICIES;
    assert!(needing.awaited().is_empty());

    let mut others = policies(r#"{"privileged": {"action": "deny"}}"#);
    assert_eq!(others.awaited(), [POLICIES]);
    others.cluster_state.listed = Listed { policies: true, exemptions: true };
    assert!(others.awaited().is_empty());
}
