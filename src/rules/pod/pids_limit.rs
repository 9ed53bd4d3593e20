//! The limit on processes of a pod: `spec.resources.limits.pids`, or the kubelet's `podPidsLimit`.

use super::limits::{Amount, in_order, is_free, note_no_quantity, positive};
use crate::facts::FactKinds;
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Rule, Scope, Severity, compile, display_value,
    params,
};
use crate::workload::{Pod, quantity::UNIT};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "pids-limit",
    title: "The number of processes of a pod is limited",
    docs: "A fork bomb in one pod uses up the process ids of its whole node, unless `podPidsLimit` of the node's \
kubelet limits them. A pod does not show that limit, so this rule judges the nodes that the pod may run on: `serve \
--cluster` reads `podPidsLimit` from each node (from its kubelet's `configz`, which needs `get` on `nodes/configz` or `nodes/proxy`); if \
it cannot, set `nodeLimit` to the limit that all nodes have. For a pod with `nodeSelector` or `nodeName` only the \
nodes count that these select; affinity and taints exclude no node. If nothing is known about the nodes, the rule \
reports nothing about the pod; the log, the metric `podreeve_pids_limit_known` and `podreeve scan` say that the limit \
is unknown. Change the nodes' kubelet configuration, not the pod.\n\n\
`spec.resources.limits.pids` of the pod (KEP-6063, with the feature gate `PerPodPIDLimit`) counts, too, if the API \
server has it; API servers of Kubernetes 1.36 and 1.37 refuse it. Such a limit may not be above `max` (default 16384). \
With `default`, which is for clusters whose API has the field, the message names the field, and the repair sets it.",
    why: "without a limit one fork bomb uses up all process ids of the node, and its other pods fail as well",
    owasp: &[81],
    severity: Severity::Medium,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        shows_edit: false,
        instead: "ask the operators of the nodes for `podPidsLimit` in the kubelet configuration",
        linux_only: true,
        fixes: true,
        compile: compile::<PidsLimit>,
        examples: &[
            Example::bad("a node has no limit", "", &["spec"]).params(r#"{"nodeLimit":-1}"#).no_repair(),
            Example::bad("0 is no limit of the nodes", "", &["spec"]).params(r#"{"nodeLimit":0}"#).no_repair(),
            Example::bad("the nodes' limit is above max", "", &["spec"])
                .params(r#"{"max":1024,"nodeLimit":4096}"#)
                .no_repair(),
            Example::bad("other limits of the pod", "", &["spec.resources.limits.pids"])
                .spec(r#"{"resources":{"limits":{"memory":"1Gi"}}}"#)
                .params(r#"{"nodeLimit":-1,"default":1024}"#),
            Example::bad("no resources and a default", "", &["spec.resources.limits.pids"])
                .params(r#"{"nodeLimit":-1,"default":"1k"}"#),
            Example::bad("zero", "", &["spec.resources.limits.pids"])
                .spec(r#"{"resources":{"limits":{"pids":0}}}"#)
                .params(r#"{"default":1024}"#),
            Example::bad("not a quantity", "", &["spec.resources.limits.pids"])
                .spec(r#"{"resources":{"limits":{"pids":"1024 processes"}}}"#)
                .params(r#"{"default":1024}"#)
                .no_repair(),
            Example::bad("above max", "", &["spec.resources.limits.pids"])
                .spec(r#"{"resources":{"limits":{"pids":"2k"}}}"#)
                .params(r#"{"max":1024,"default":1024}"#)
                .no_repair(),
            Example::bad("above the default max", "", &["spec.resources.limits.pids"])
                .spec(r#"{"resources":{"limits":{"pids":"16385"}}}"#)
                .no_repair(),
            Example::good("nothing is known of the nodes", ""),
            Example::good("a limit of the pod", "").spec(r#"{"resources":{"limits":{"pids":"1024"}}}"#),
            Example::good("a limit of all nodes", "").params(r#"{"nodeLimit":4096}"#),
            Example::good("the nodes limit a pod that sets more", "")
                .spec(r#"{"resources":{"limits":{"pids":4096}}}"#)
                .params(r#"{"max":1024,"nodeLimit":1024}"#),
            Example::good("Windows has no such limit", "").spec(r#"{"os":{"name":"windows"}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `pids-limit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Params {
    /// The highest limit of a pod, in processes; 16384 when left out.
    max: Option<Amount>,
    /// `podPidsLimit` of the kubelets, the highest of all nodes, if it cannot be read; `-1` and `0` are no limit. If left out, nothing is known.
    node_limit: Option<i64>,
    /// The limit that the repair sets on the pod, in processes; no repair when left out.
    default: Option<Amount>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct PidsLimit {
    max: Amount,
    node_limit: Option<i64>,
    default: Option<Amount>,
}

impl TryFrom<Params> for PidsLimit {
    type Error = String;
    fn try_from(Params { max, node_limit, default }: Params) -> Result<Self, String> {
        let max = max.unwrap_or_else(|| Amount { text: "16384".to_owned(), nano: 16_384 * UNIT });
        in_order(default.as_ref(), Some(&max))?;
        Ok(Self { max, node_limit, default })
    }
}

impl Check for PidsLimit {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let nodes = pod.context.node_pids.or(self.node_limit);
        // The lower limit is in effect, so a node's limit is enough, whatever the pod sets.
        if nodes.is_some_and(|limit| limit > 0 && i128::from(limit) * UNIT <= self.max.nano) {
            return;
        }
        let (at, text) = limit(pod);
        match (text, text.and_then(positive), nodes) {
            (_, Some(nano), _) if nano <= self.max.nano => {}
            (_, Some(nano), _) => {
                let finding = Finding::new(at, display_value(text), format!("at most {}", self.max.text)).amount(nano);
                findings.add(finding.of_linux(pod));
            }
            (Some(_), None, _) => {
                let finding =
                    Finding::new(at, display_value(text), format!("at most {}", self.max.text)).amount(i128::MAX);
                findings.add(note_no_quantity(finding, text).of_linux(pod));
            }
            (None, None, Some(nodes)) => findings.add(self.of_nodes(at, nodes).of_linux(pod)),
            (None, None, None) => {}
        }
    }

    fn facts(&self) -> FactKinds {
        FactKinds::NODES
    }

    fn fix(&self, pod: &Pod<'_>, _finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(default), Scope::Pod) = (&self.default, fix.scope) else { return false };
        let (at, text) = limit(pod);
        let fixable = is_free(text);
        if fixable {
            fix.suggest_only();
            fix.set(&at, default.text.clone().into());
        }
        fixable
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        // The field is set, so this API server has it.
        let is_set = limit(pod).1.is_some() && finding.at.has_key("pids") && fix.scope == Scope::Pod;
        if is_set {
            fix.set_found(finding, self.max.text.clone().into());
        }
        is_set
    }
}

impl PidsLimit {
    /// The finding if a node that the pod may run on has no limit, or one that is too high. Most API servers refuse the field of
    /// the pod, so the finding names that field only if the policy has a `default`.
    fn of_nodes<'p>(&self, at: Location<'p>, nodes: i64) -> Finding<'p> {
        let found = if nodes > 0 {
            format!("a node with podPidsLimit {nodes}")
        } else {
            "a node without podPidsLimit".to_owned()
        };
        let kubelets = format!("podPidsLimit of at most {} in the kubelet configuration of every node", self.max.text);
        let finding = match &self.default {
            Some(_) => Finding::new(
                at,
                display_value(None),
                format!("a limit of at most {}, here or as podPidsLimit of all nodes", self.max.text),
            ),
            None => Finding::new(Location::spec(), found, kubelets),
        };
        finding.amount(i128::MAX)
    }
}

/// The field of the pod's own limit, and its value.
fn limit<'p>(pod: &'p Pod<'p>) -> (Location<'p>, Option<&'p str>) {
    let limits = pod.spec.resources.as_ref().and_then(|resources| resources.limits.as_ref());
    let text = limits.and_then(|limits| limits.pids.as_ref()).map(|scalar| &*scalar.text);
    let at = Location::spec()
        .key("resources", pod.spec.resources.is_some())
        .key("limits", limits.is_some())
        .key("pids", text.is_some());
    (at, text)
}
