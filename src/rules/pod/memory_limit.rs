//! `resources.limits.memory` of containers and init containers, or of the pod.

use super::limits::{self, Suggestion};
use super::limits::{Amount, EffectiveQuantity, LEAST_MEMORY, below_request, in_order, pods_below_request};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, NOT_EPHEMERAL, PodRule, Rule, Scope, Severity, compile, params,
};
use crate::workload::{Pod, quantity};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "memory-limit",
    title: "Every container has a memory limit",
    docs: "Each container and init container needs `resources.limits.memory`, its own or, if the API has \
`spec.resources`, the pod's. `0` is no limit. With `max` the limit in effect for a container must not be above it. A \
limit below 4 MiB is a typing error (`512m` is half a byte, `512` are bytes), and so is a request in fractions of a \
byte; for a value that is no quantity (`512MB`) the message says what was probably meant. Debug containers cannot have \
resources; only the pod's cgroup limits them.\n\n\
Set the limit to what the program needs under load plus a reserve, or give the namespace a LimitRange with defaults. \
The repair sets `default`, if the policy gives one, on containers without a limit; not if the memory request is larger \
than the default, and not if `spec.resources` has memory, since the API server would refuse the pod.",
    why: "a container without a memory limit can use up the node's memory, and other pods are killed",
    owasp: &[77, 27, 68],
    severity: Severity::Medium,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "set the limit to what the program needs under load plus a reserve",
        lists: NOT_EPHEMERAL,
        fixes: true,
        compile: compile::<MemoryLimit>,
        examples: &[
            Example::bad("no resources", r#"{"resources":null}"#, &["resources.limits.memory"]).no_repair(),
            Example::bad("other limits", r#"{"resources":{"limits":{"memory":null}}}"#, &["resources.limits.memory"])
                .params(r#"{"default":"256Mi"}"#),
            Example::bad("no resources and a default", r#"{"resources":null}"#, &["resources.limits.memory"])
                .params(r#"{"default":"256Mi","max":"0.5Gi"}"#),
            Example::bad(
                "zero is no limit",
                r#"{"resources":{"limits":{"memory":"0"}}}"#,
                &["resources.limits.memory"],
            )
            .params(r#"{"default":"256Mi"}"#),
            Example::bad("zero as a number", r#"{"resources":{"limits":{"memory":0}}}"#, &["resources.limits.memory"])
                .no_repair(),
            Example::bad("negative", r#"{"resources":{"limits":{"memory":"-1Gi"}}}"#, &["resources.limits.memory"])
                .no_repair(),
            Example::bad(
                "not a quantity",
                r#"{"resources":{"limits":{"memory":"1 GB"}}}"#,
                &["resources.limits.memory"],
            )
            .no_repair(),
            Example::bad(
                "not a quantity, and a default",
                r#"{"resources":{"limits":{"memory":"512MB"}}}"#,
                &["resources.limits.memory"],
            )
            .params(r#"{"default":"256Mi"}"#)
            .no_repair(),
            Example::bad(
                "half a byte",
                r#"{"resources":{"requests":{"memory":"256m"},"limits":{"memory":"512m"}}}"#,
                &["resources.limits.memory", "resources.requests.memory"],
            )
            .params(r#"{"default":"256Mi","max":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "a few bytes",
                r#"{"resources":{"requests":null,"limits":{"memory":512}}}"#,
                &["resources.limits.memory"],
            )
            .no_repair(),
            Example::bad(
                "a limit just below 4 MiB",
                r#"{"resources":{"requests":{"memory":"1Mi"},"limits":{"memory":"4194303"}}}"#,
                &["resources.limits.memory"],
            )
            .no_repair(),
            Example::bad(
                "the pod's limit is half a byte",
                r#"{"resources":{"requests":{"memory":null},"limits":{"memory":null}}}"#,
                &["spec.resources.limits.memory"],
            )
            .spec(r#"{"resources":{"limits":{"memory":"512m"}}}"#)
            .no_repair(),
            Example::bad(
                "the request is above the default",
                r#"{"resources":{"requests":{"memory":"512Mi"},"limits":{"memory":null}}}"#,
                &["resources.limits.memory"],
            )
            .params(r#"{"default":"256Mi"}"#)
            .no_repair(),
            Example::bad(
                "a limit below its request",
                r#"{"resources":{"requests":{"memory":"1Gi"},"limits":{"memory":"512Mi"}}}"#,
                &["resources.limits.memory"],
            )
            .params(r#"{"default":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "above max, in bytes",
                r#"{"resources":{"limits":{"memory":1073741825}}}"#,
                &["resources.limits.memory"],
            )
            .params(r#"{"max":"1Gi","default":"1Gi"}"#)
            .no_repair(),
            Example::bad("above max", r#"{"resources":{"limits":{"memory":"1e10"}}}"#, &["resources.limits.memory"])
                .params(r#"{"max":"9.9G"}"#)
                .no_repair(),
            Example::bad(
                "the pod's limit is above max",
                r#"{"resources":{"limits":{"memory":null}}}"#,
                &["spec.resources.limits.memory"],
            )
            .spec(r#"{"resources":{"limits":{"memory":"4Gi"}}}"#)
            .params(r#"{"max":"1Gi"}"#)
            .no_repair(),
            Example::bad(
                "the pod's limit is zero",
                r#"{"resources":{"limits":{"memory":null}}}"#,
                &["resources.limits.memory"],
            )
            .spec(r#"{"resources":{"limits":{"memory":"0"}}}"#)
            .no_repair(),
            Example::bad(
                "the pod's limit below the pod's request",
                r#"{"resources":{"requests":{"memory":null},"limits":{"memory":null}}}"#,
                &["spec.resources.limits.memory"],
            )
            .spec(r#"{"resources":{"requests":{"memory":"2Gi"},"limits":{"memory":"1Gi"}}}"#)
            .no_repair(),
            Example::good("a limit", r#"{"resources":{"limits":{"memory":"128Mi"}}}"#),
            Example::good(
                "the smallest limit, and a small request",
                r#"{"resources":{"requests":{"memory":"1Ki"},"limits":{"memory":"4Mi"}}}"#,
            ),
            Example::good("a limit in milli-bytes", r#"{"resources":{"limits":{"memory":"128000000000m"}}}"#),
            Example::good("exactly max in another unit", r#"{"resources":{"limits":{"memory":"1073741824"}}}"#)
                .params(r#"{"max":"1Gi"}"#),
            Example::good("the pod's limit counts", r#"{"resources":null}"#)
                .spec(r#"{"resources":{"limits":{"memory":"1Gi"}}}"#),
            Example::good("a limit below the pod's", r#"{"resources":{"limits":{"memory":"1Gi"}}}"#)
                .spec(r#"{"resources":{"limits":{"memory":"4Gi"}}}"#)
                .params(r#"{"max":"1Gi"}"#),
            Example::good(
                "the pod's limit is the pod's request",
                r#"{"resources":{"requests":{"memory":null},"limits":{"memory":null}}}"#,
            )
            .spec(r#"{"resources":{"requests":{"memory":"2Gi"},"limits":{"memory":"2Gi"}}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `memory-limit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The highest limit, in bytes as a Kubernetes quantity (`4Gi`); any limit when left out.
    max: Option<Amount>,
    /// The limit that the repair sets, in bytes as a Kubernetes quantity; no repair when left out.
    default: Option<Amount>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct MemoryLimit {
    max: Option<Amount>,
    default: Option<Amount>,
}

impl TryFrom<Params> for MemoryLimit {
    type Error = String;
    fn try_from(Params { max, default }: Params) -> Result<Self, String> {
        in_order(default.as_ref(), max.as_ref())?;
        Ok(Self { max, default })
    }
}

impl Check for MemoryLimit {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.extend(pods_below_request(pod, "memory"));
        limits::of_each(pod, findings, |container, findings| {
            let limit = EffectiveQuantity::new(pod, container, "limits", "memory");
            match (limit.nano, &self.max) {
                (None, None) => findings.add(limit.finding("a limit above 0").amount(i128::MAX)),
                (None, Some(max)) => {
                    findings.add(limit.finding(format!("a limit of at most {}", max.text)).amount(i128::MAX));
                }
                (Some(nano), _) if nano < LEAST_MEMORY => findings.extend(limit.too_small()),
                (Some(nano), Some(max)) if nano > max.nano => {
                    findings.add(limit.finding(format!("at most {}", max.text)).amount(nano).why(WHY_MAX));
                }
                (Some(_), _) => {}
            }
            findings.extend(EffectiveQuantity::new(pod, container, "requests", "memory").fraction());
            // A limit that is a typing error is one violation: the request says nothing about it.
            if limit.nano.is_none_or(|nano| nano >= LEAST_MEMORY) {
                findings.extend(below_request(container, "memory"));
            }
        });
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(default), Some(container), Scope::Pod) = (&self.default, finding.container(), fix.scope) else {
            return false;
        };
        let pods = pod.spec.resources.as_ref();
        let on_pod = |list| pods.and_then(|r| r.list(list)).is_some_and(|list| list.memory.is_some());
        let limit = EffectiveQuantity::own(container, "limits", "memory");
        let request = EffectiveQuantity::own(container, "requests", "memory");
        let fits = request.nano.is_none_or(|request| request <= default.nano);
        let fixable = limit.is_free() && fits && !on_pod("limits") && !on_pod("requests");
        if fixable {
            fix.suggest_only();
            fix.set(&limit.at(), default.text.clone().into());
        }
        fixable
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        limits::suggest(
            pod,
            finding,
            fix,
            "memory",
            &Suggestion {
                example: if self.max.as_ref().is_some_and(|max| max.nano < EXAMPLE.1) { None } else { Some(EXAMPLE) },
                default: self.default.as_ref(),
                max: self.max.as_ref(),
            },
        )
    }
}

/// A limit to begin with, and its billionths of a byte.
const EXAMPLE: (&str, i128) = ("128Mi", (128 << 20) * quantity::UNIT);
const WHY_MAX: &str = "the policy keeps each container's share of a node's memory below this";
