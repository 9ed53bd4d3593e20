//! `resources.requests.cpu` of containers and init containers, or of the pod.

use super::limits::{self, Suggestion};
use super::limits::{Amount, EffectiveQuantity, below_request, in_order, pods_below_request};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, NOT_EPHEMERAL, PodRule, Rule, Scope, Severity, compile, params,
};
use crate::workload::{Pod, quantity};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "cpu-request",
    title: "Every container requests CPU",
    docs: "The CPU request is the weight (`cpu.weight`) with which a container competes for the node's processors; \
without a request it has the lowest weight. Each container and init container needs `resources.requests.cpu`, its own \
or the pod's (`spec.resources`); a CPU limit counts, since the API server makes it the request. With `limit: true` a \
CPU limit is required too. With `max`, neither the limit nor, if there is none, the request may be above it. More than \
100,000 cores is a typing error (`500M` is 500 million), and for a value that is no quantity (`2 cores`) the message \
says what was probably meant. Debug containers cannot have resources.\n\n\
The repair sets `default`, if the policy gives one, as the request of containers without one.",
    why: "a container without a CPU request starves under load, and the scheduler overfills its node",
    owasp: &[76, 68],
    severity: Severity::Low,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "request what the program needs under load",
        lists: NOT_EPHEMERAL,
        fixes: true,
        compile: compile::<CpuRequest>,
        examples: &[
            Example::bad("no resources", r#"{"resources":null}"#, &["resources.requests.cpu"]).no_repair(),
            Example::bad(
                "other requests",
                r#"{"resources":{"requests":{"cpu":null},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .params(r#"{"default":"50m"}"#),
            Example::bad("no resources and a default", r#"{"resources":null}"#, &["resources.requests.cpu"])
                .params(r#"{"default":0.05,"max":2}"#),
            Example::bad(
                "zero is no request",
                r#"{"resources":{"requests":{"cpu":"0m"},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .params(r#"{"default":"50m"}"#),
            Example::bad(
                "negative",
                r#"{"resources":{"requests":{"cpu":-1},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .no_repair(),
            Example::bad(
                "not a quantity",
                r#"{"resources":{"requests":{"cpu":"2 cores"},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .params(r#"{"default":"50m"}"#)
            .no_repair(),
            Example::bad(
                "millions of cores",
                r#"{"resources":{"requests":{"cpu":"500M"},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .params(r#"{"max":4}"#)
            .no_repair(),
            Example::bad("no limit", r#"{"resources":{"limits":{"cpu":null}}}"#, &["resources.limits.cpu"])
                .params(r#"{"limit":true,"default":"50m"}"#)
                .no_repair(),
            Example::bad(
                "neither request nor limit",
                r#"{"resources":null}"#,
                &["resources.requests.cpu", "resources.limits.cpu"],
            )
            .params(r#"{"limit":true}"#)
            .no_repair(),
            Example::bad(
                "a limit below its request",
                r#"{"resources":{"requests":{"cpu":"1"},"limits":{"cpu":"500m"}}}"#,
                &["resources.limits.cpu"],
            )
            .params(r#"{"default":"50m"}"#)
            .no_repair(),
            Example::bad(
                "a request above max",
                r#"{"resources":{"requests":{"cpu":"2001m"},"limits":{"cpu":null}}}"#,
                &["resources.requests.cpu"],
            )
            .params(r#"{"max":"2","default":"1"}"#)
            .no_repair(),
            Example::bad("a limit above max", r#"{"resources":{"limits":{"cpu":2.5}}}"#, &["resources.limits.cpu"])
                .params(r#"{"max":2}"#)
                .no_repair(),
            Example::bad("the pod's request is above max", r#"{"resources":null}"#, &["spec.resources.requests.cpu"])
                .spec(r#"{"resources":{"requests":{"cpu":"3"}}}"#)
                .params(r#"{"max":"2"}"#)
                .no_repair(),
            Example::bad(
                "the pod's limit below the pod's request",
                r#"{"resources":{"requests":{"cpu":null},"limits":{"cpu":null}}}"#,
                &["spec.resources.limits.cpu"],
            )
            .spec(r#"{"resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1500m"}}}"#)
            .no_repair(),
            Example::good("a request", r#"{"resources":{"requests":{"cpu":"1"},"limits":{"cpu":null}}}"#),
            Example::good(
                "the limit becomes the request",
                r#"{"resources":{"requests":null,"limits":{"cpu":"500m"}}}"#,
            ),
            Example::good("the pod's request counts", r#"{"resources":null}"#)
                .spec(r#"{"resources":{"requests":{"cpu":"1"}}}"#),
            Example::good("the pod's limit counts", r#"{"resources":null}"#)
                .spec(r#"{"resources":{"limits":{"cpu":"1"}}}"#)
                .params(r#"{"limit":true,"max":1}"#),
            Example::good("exactly max in another unit", r#"{"resources":{"limits":{"cpu":"2000m"}}}"#)
                .params(r#"{"max":2,"limit":true}"#),
            Example::good(
                "the pod's limit is the pod's request",
                r#"{"resources":{"requests":{"cpu":null},"limits":{"cpu":null}}}"#,
            )
            .spec(r#"{"resources":{"requests":{"cpu":"2"},"limits":{"cpu":"2"}}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `cpu-request`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// Require a CPU limit too; false when left out.
    limit: bool,
    /// The highest limit or, where there is none, request, in cores as a Kubernetes quantity (`500m`, `2`); any when left out.
    max: Option<Amount>,
    /// The request that the repair sets, in cores as a Kubernetes quantity; no repair when left out.
    default: Option<Amount>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct CpuRequest {
    limit: bool,
    max: Option<Amount>,
    default: Option<Amount>,
}

impl TryFrom<Params> for CpuRequest {
    type Error = String;
    fn try_from(Params { limit, max, default }: Params) -> Result<Self, String> {
        in_order(default.as_ref(), max.as_ref())?;
        Ok(Self { limit, max, default })
    }
}

impl Check for CpuRequest {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.extend(pods_below_request(pod, "cpu"));
        limits::of_each(pod, findings, |container, findings| {
            let request = EffectiveQuantity::new(pod, container, "requests", "cpu");
            let limit = EffectiveQuantity::new(pod, container, "limits", "cpu");
            if request.nano.is_none() && limit.nano.is_none() {
                findings.add(request.finding("a request above 0"));
            }
            if self.limit && limit.nano.is_none() {
                // The text differs from that of a missing request, so an update that removes the limit brings a new violation.
                let mut finding = limit.finding("a limit above 0").why(WHY_LIMIT);
                finding.found = format!("{} (limit)", finding.found).into();
                findings.add(finding);
            }
            findings.extend([request, limit].iter().find_map(EffectiveQuantity::too_large));
            findings.extend(below_request(container, "cpu"));
            let highest = if limit.nano.is_some() { limit } else { request };
            if let (Some(nano), Some(max)) = (highest.nano, &self.max)
                && nano > max.nano
                && highest.too_large().is_none()
            {
                findings.add(highest.finding(format!("at most {}", max.text)).amount(nano).why(WHY_MAX));
            }
        });
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(default), Some(container), Scope::Pod) = (&self.default, finding.container(), fix.scope) else {
            return false;
        };
        let request = EffectiveQuantity::own(container, "requests", "cpu");
        let on_pod = pod.spec.resources.as_ref().and_then(|r| r.requests.as_ref()).is_some_and(|r| r.cpu.is_some());
        let fixable = finding.at.has_key("requests") && request.is_free() && !on_pod;
        if fixable {
            fix.suggest_only();
            fix.set(&request.at(), default.text.clone().into());
        }
        fixable
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let example = if finding.at.has_key("limits") { ("1", quantity::UNIT) } else { ("100m", quantity::UNIT / 10) };
        let is_too_much = self.max.as_ref().is_some_and(|max| max.nano < example.1);
        limits::suggest(
            pod,
            finding,
            fix,
            "cpu",
            &Suggestion { example: (!is_too_much).then_some(example), default: None, max: self.max.as_ref() },
        )
    }
}

const WHY_LIMIT: &str = "without a CPU limit one container can use all processors of its node";
const WHY_MAX: &str = "the policy keeps each container's share of a node's processors below this";
