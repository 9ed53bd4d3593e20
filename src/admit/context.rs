//! The facts of the cluster that belong to one pod, as far as a policy needs them.

use crate::facts::{FactKinds, FactQuery, Facts, Known, ingress::ingress};
use crate::policy::CompiledPolicy;
use crate::workload::{Ingress, Pod, PodContext, Written};

/// # Errors
/// The fact that must be looked up first.
pub(super) fn of<'a>(
    pod: &Pod<'_>,
    namespace: &str,
    policies: &[&CompiledPolicy],
    facts: &Facts,
) -> Result<PodContext<'a>, FactQuery> {
    let written = facts
        .manifest_accounts
        .as_ref()
        .map(|accounts| Written { account_automounts: accounts.automounts(namespace, pod.spec.account()) });
    let mut context = PodContext { written, ..PodContext::default() };
    context.in_own_namespace = facts.is_own_namespace(namespace);
    if !facts.cluster {
        return Ok(context);
    }
    let needed: FactKinds = policies.iter().map(|policy| policy.facts).collect();
    context.windows_node = pod.spec.node_name.as_deref().is_some_and(|name| facts.nodes.is_windows(name));
    if needed.intersects(FactKinds::OF_NODES) {
        let nodes = facts.nodes.of_pod(pod.spec.node_name.as_deref(), &pod.spec.node_selector());
        if needed.contains(FactKinds::NODES) {
            context.node_pids = nodes.highest_pids();
        }
        (context.app_armor, context.se_linux) = (nodes.app_armor(), nodes.se_linux());
        // A class of runtimes may have another runtime.
        if pod.spec.runtime_class_name.is_none() {
            context.user_namespaces = nodes.user_namespaces();
        }
    }
    if needed.contains(FactKinds::NETWORK_POLICIES) {
        context.ingress = Some(match facts.ingress_of(namespace) {
            Known::Is(policies) => ingress(policies, &pod.metadata.labels()),
            Known::Absent => Ingress::Open,
            Known::Unknown => {
                let query = FactQuery::NetworkPolicies(namespace.to_owned());
                if facts.may_look_up(&query) {
                    return Err(query);
                }
                Ingress::Unknown
            }
        });
    }
    Ok(context)
}
