//! The retries of Jobs, and containers that restart without a limit.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Rule, Scope, Severity, compile,
    display_value, params,
};
use crate::workload::pod::{Job, RestartRule};
use crate::workload::{ContainerRef, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "restart-limit",
    title: "What fails is restarted a limited number of times",
    docs: "A Job's `backoffLimit` must be set and not above `max` (default 5; Kubernetes' own default is 6). In a Job \
with `backoffLimitPerIndex`, the rule judges that field instead, since Kubernetes then sets no limit in \
`backoffLimit`. A container of a Job must not restart in place without a limit: no `restartPolicy: Always` (except \
sidecars), and `OnFailure` only for the whole pod, where the restarts count towards `backoffLimit`. In any pod, \
`restartPolicyRules` may restart on listed exit codes (`In`), not on all but some (`NotIn`).\n\n\
The repair sets `backoffLimit` to `max`.",
    why: "a program that fails and restarts forever wastes the node's time, floods logs and hides the failure",
    owasp: &[78],
    severity: Severity::Low,
    params: params::<RestartLimit>,
    judges: Judges::Pod(PodRule {
        instead: "set `backoffLimit`, and let the pod restart, not one container",
        lists: NOT_EPHEMERAL,
        fixes: true,
        compile: compile::<RestartLimit>,
        examples: &[
            Example::bad("above 5", "", &["job.backoffLimit"]).job(r#"{"backoffLimit":6}"#),
            Example::bad("not set", "", &["job.backoffLimit"]).job(r#"{"backoffLimit":null}"#),
            Example::bad("above max", "", &["job.backoffLimit"]).job(r#"{"backoffLimit":3}"#).params(r#"{"max":2}"#),
            Example::bad("above 5 for each index", "", &["job.backoffLimitPerIndex"])
                .job(r#"{"backoffLimit":null,"backoffLimitPerIndex":6}"#)
                .no_repair(),
            Example::bad("a Job that restarts forever", "", &["spec.restartPolicy"])
                .spec(r#"{"restartPolicy":"Always"}"#)
                .job("{}")
                .no_repair(),
            Example::bad("a container of a Job that restarts forever", r#"{"restartPolicy":"OnFailure"}"#, &["restartPolicy"])
                .job("{}")
                .no_repair(),
            Example::bad(
                "rules that never give up, and one that does",
                r#"{"restartPolicy":"Never","restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[42]}},{"action":"Restart","exitCodes":{"operator":"NotIn","values":[0]}}]}"#,
                &["restartPolicyRules[1]"],
            )
            .no_repair(),
            Example::bad(
                "a rule without exit codes",
                r#"{"restartPolicy":"Never","restartPolicyRules":[{"action":"Restart"}]}"#,
                &["restartPolicyRules[0]"],
            )
            .no_repair(),
            Example::good("at most 5", "").job(r#"{"backoffLimit":5}"#),
            Example::good("none at all", "").job(r#"{"backoffLimit":0}"#),
            Example::good("5 for each index", "").job(r#"{"backoffLimit":2147483647,"backoffLimitPerIndex":5}"#),
            Example::good("the whole pod on failure", r#"{"restartPolicy":"OnFailure"}"#)
                .spec(r#"{"restartPolicy":"OnFailure"}"#)
                .job("{}"),
            Example::good("a sidecar of a Job", "")
                .spec(r#"{"initContainers":[{"name":"proxy","restartPolicy":"Always"}]}"#)
                .job("{}"),
            Example::good("pods of other kinds restart always", r#"{"restartPolicy":null}"#)
                .spec(r#"{"restartPolicy":"Always"}"#)
                .not_job(),
            Example::good(
                "listed exit codes",
                r#"{"restartPolicy":"Never","restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[42]}}]}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `restart-limit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RestartLimit {
    /// The highest `backoffLimit` of a Job, in retries; 5 when left out.
    max: u16,
}

impl Default for RestartLimit {
    fn default() -> Self {
        Self { max: 5 }
    }
}

impl Check for RestartLimit {
    fn requires(&self) -> PodFeatures {
        PodFeatures::JOB | PodFeatures::RESTART_RULES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        if let Some(job) = pod.job {
            self.job(job, findings);
            let policy = pod.spec.restart_policy.as_deref();
            if !matches!(policy, Some("Never" | "OnFailure")) {
                let at = Location::spec().key("restartPolicy", policy.is_some());
                findings.add(Finding::new(at, display_value(policy), "Never or OnFailure"));
            }
        }
        findings.of_each(pod.all_containers(), |container, findings| {
            let policy = container.container.restart_policy.as_deref();
            if pod.job.is_some() && restarts_for_ever(pod, container) {
                let at = Location::container(container).key("restartPolicy", true);
                let finding = Finding::new(at, display_value(policy), "Never, or OnFailure on the pod");
                findings.add(finding.why("restarts of one container do not count towards the Job's backoffLimit"));
            }
            for (index, rule) in container.container.restart_policy_rules.iter().enumerate() {
                if !gives_up(rule) {
                    let at = Location::container(container).key("restartPolicyRules", true).index(index);
                    findings.add(Finding::new(
                        at,
                        "restarts on all but some exit codes",
                        "operator In, with exit codes",
                    ));
                }
            }
        });
    }

    fn fix(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let fixable = finding.at.has_key("backoffLimit") && fix.scope == Scope::Pod;
        if fixable {
            fix.set_found(finding, self.max.into());
        }
        fixable
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let at = &finding.at;
        if at.has_key("backoffLimitPerIndex") {
            fix.set_found(finding, self.max.into());
        } else if at.has_key("restartPolicyRules") || finding.container().is_some() {
            fix.remove(at);
        } else if at.has_key("restartPolicy") {
            fix.set_found(finding, "Never".into());
        } else {
            return false;
        }
        fix.scope == Scope::Pod
    }
}

impl RestartLimit {
    fn job(&self, job: Job, findings: &mut Findings<'_>) {
        let (field, limit) = match job.backoff_limit_per_index {
            Some(limit) => ("backoffLimitPerIndex", Some(limit)),
            None => ("backoffLimit", job.backoff_limit),
        };
        // The default of Kubernetes.
        let in_effect = limit.unwrap_or(6);
        if limit.is_none() || in_effect > i64::from(self.max) {
            let found = limit.map_or_else(|| "not set, which is 6".to_owned(), |limit| limit.to_string());
            let at = Location::job().key(field, limit.is_some());
            findings.add(Finding::new(at, found, format!("at most {}", self.max)).amount(in_effect.into()));
        }
    }
}

/// Whether the container restarts in place without counting towards a limit of the Job.
fn restarts_for_ever(pod: &Pod<'_>, container: ContainerRef<'_>) -> bool {
    match container.container.restart_policy.as_deref() {
        Some("Always") => !container.is_sidecar(),
        Some("OnFailure") => pod.spec.restart_policy.as_deref() != Some("OnFailure"),
        _ => false,
    }
}

fn gives_up(rule: &RestartRule<'_>) -> bool {
    rule.exit_codes.as_ref().is_some_and(|codes| codes.operator.as_deref() == Some("In"))
}
