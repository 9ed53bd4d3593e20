//! What the labels `pod-security.kubernetes.io/*` of a namespace make of a pod, with upstream's semantics and words.

use super::{Audience, reasons};
use crate::decide::{Effect, Judged, Previous, findings};
use crate::facts::{Known, Labels};
use crate::outcome::PodSecurity;
use crate::policy::document::PodSecurityExemptions;
use crate::policy::pod_security::{self, Honoured, Level, LevelVersion, Levels, strictest_defaults};
use crate::policy::{CompiledPolicy, Subject};
use crate::workload::Pod;

/// What was found, and what is to be said of it.
#[derive(Debug, Default)]
pub(super) struct PodSecurityVerdict<'p> {
    pub judged: Vec<Judged<'p>>,
    pub pod_security: PodSecurity,
}

/// Whom it concerns.
pub(super) struct LabelCase<'s> {
    pub subject: &'s Subject<'s>,
    /// A template's pods are judged when they come; here they are only warned of.
    pub is_template: bool,
    pub sub_resource: bool,
    pub audience: Audience,
}

/// # Errors
/// When a pod cannot be let in, because nobody knows the labels.
pub(super) fn judge<'p>(
    case: &LabelCase<'_>,
    policies: &[&CompiledPolicy],
    pod: &'p Pod<'p>,
    previous: impl FnOnce() -> Option<Previous<'p>>,
) -> Result<PodSecurityVerdict<'p>, String> {
    let honoured: Vec<_> = policies.iter().filter_map(|policy| policy.pod_security_labels.as_ref()).collect();
    if honoured.is_empty() || (case.is_template && case.sub_resource) {
        return Ok(PodSecurityVerdict::default());
    }
    if let Some(exempt) = exempt(&honoured, case.subject, pod) {
        return Ok(PodSecurityVerdict::annotated("exempt", exempt.to_owned()));
    }
    let hidden = || {
        let enforce = (format!("{}enforce", pod_security::PREFIX), "restricted".to_owned());
        Labels::from([enforce])
    };
    // Whether there is a namespace is not for anybody to know: one that is not there looks like a strict one. The API
    // server creates nothing in it.
    let absent = (case.audience == Audience::Anybody && case.subject.labels == Known::Absent).then(hidden);
    let labels = absent.as_ref().map_or(case.subject.labels, Known::Is);
    let Known::Is(labels) = labels else {
        let problem = format!("failed to lookup namespace \"{}\"", crate::text::clean(case.subject.namespace, 63));
        // As upstream: only what would run is kept out.
        return if case.is_template { Ok(PodSecurityVerdict::annotated("error", problem)) } else { Err(problem) };
    };
    if !case.is_template && previous().is_some_and(|previous| previous.change.is_none()) {
        return Ok(PodSecurityVerdict::default());
    }
    Ok(evaluate(labels, strictest_defaults(&honoured), case.is_template, pod))
}

fn evaluate<'p>(labels: &Labels, defaults: Levels, template: bool, pod: &'p Pod<'p>) -> PodSecurityVerdict<'p> {
    let (asked, bad) = pod_security::read(labels, defaults);
    let mut verdict = PodSecurityVerdict::default();
    if !bad.is_empty() {
        let bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
        verdict.pod_security.annotations.push(("error", format!("Failed to parse policy: {}", bad.join(", "))));
    }
    let audit = violations(asked.audit, pod);
    if let Some((text, _)) = reasons::tell("would violate", asked.audit, &audit) {
        verdict.pod_security.annotations.push(("audit-violations", text));
    }
    if !template {
        verdict.pod_security.annotations.push(("enforce-policy", asked.enforce.to_string()));
        let denied = violations(asked.enforce, pod);
        if let Some((text, _)) = reasons::tell("violates", asked.enforce, &denied) {
            verdict.pod_security.denied = Some(text);
            verdict.judged = with_effect(denied, Effect::Deny);
            return verdict;
        }
    }
    let warned = violations(asked.warn, pod);
    if let Some((full, short)) = reasons::tell("would violate", asked.warn, &warned) {
        verdict.pod_security.warnings.push(if full.len() > crate::review::response::WARNING_MAX {
            short
        } else {
            full
        });
        verdict.judged = with_effect(warned, Effect::Warn);
    } else {
        verdict.judged = with_effect(audit, Effect::Audit);
    }
    verdict
}

impl PodSecurityVerdict<'_> {
    fn annotated(key: &'static str, value: String) -> Self {
        Self {
            pod_security: PodSecurity { annotations: vec![(key, value)], ..PodSecurity::default() },
            ..Self::default()
        }
    }
}

/// What a level of a version finds in a pod. Nothing that is decided here depends on the old object.
pub(super) fn violations<'p>(asked: LevelVersion, pod: &'p Pod<'p>) -> Vec<Judged<'p>> {
    let policy = (asked.level != Level::Privileged).then(|| pod_security::standard(asked)).flatten();
    let rules = policy.into_iter().flat_map(|policy| policy.rules.iter().map(|rule| (&*policy.name, rule)));
    rules
        .flat_map(|(policy, compiled)| {
            findings(compiled, pod).into_iter().map(move |finding| Judged {
                rule: compiled.rule,
                finding,
                policy,
                compiled,
                effect: Effect::Deny,
                note: None,
                exemption: None,
                fixed: false,
                count: 1,
            })
        })
        .collect()
}

fn with_effect(mut judged: Vec<Judged<'_>>, effect: Effect) -> Vec<Judged<'_>> {
    for judged in &mut judged {
        judged.effect = effect;
    }
    judged
}

/// Exempt is what every policy with label mode exempts: of two, none widens the other.
fn exempt(honoured: &[&Honoured], subject: &Subject<'_>, pod: &Pod<'_>) -> Option<&'static str> {
    let all = |has: &dyn Fn(&PodSecurityExemptions) -> bool| honoured.iter().all(|honoured| has(&honoured.exemptions));
    let names = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
    let class = pod.spec.runtime_class_name.as_deref().unwrap_or_default();
    if all(&|e| names(&e.namespaces, subject.namespace)) {
        Some("namespace")
    } else if all(&|e| names(&e.usernames, subject.user)) {
        Some("user")
    } else if !class.is_empty() && all(&|e| names(&e.runtime_classes, class)) {
        Some("runtimeClass")
    } else {
        None
    }
}
