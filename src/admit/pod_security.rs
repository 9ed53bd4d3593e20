//! Judges a pod by the labels `pod-security.kubernetes.io/*` of its namespace, with upstream's semantics and words.

use super::{Audience, reasons};
use crate::decide::{Effect, Judged, Previous, capped, findings, merged};
use crate::facts::{Known, Labels};
use crate::outcome::PodSecurity;
use crate::policy::pod_security::{
    self, HonouredLabels, Level, LevelVersion, Levels, PodSecurityExemptions, strictest_defaults,
};
use crate::policy::{Ceiling, CompiledPolicy, MatchInput, standard};
use crate::workload::Pod;
use jiff::civil::Date;

/// The violations of the labels' levels, and their texts.
#[derive(Debug, Default)]
pub(super) struct PodSecurityVerdict<'p> {
    pub judged: Vec<Judged<'p>>,
    pub pod_security: PodSecurity,
}

/// The circumstances in which the labels judge a pod.
pub(super) struct LabelCase<'s> {
    pub input: &'s MatchInput<'s>,
    /// The pod is a template. Its pods are judged when they are created; here it can only be warned of.
    pub is_template: bool,
    pub sub_resource: bool,
    pub audience: Audience,
    pub ceiling: Ceiling,
    pub today: Date,
}

/// # Errors
/// A pod cannot be admitted, because the labels are not known.
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
    if let Some(exempt) = exempt(&honoured, case.input, pod) {
        return Ok(PodSecurityVerdict::annotated("exempt", exempt.to_owned()));
    }
    let strict = || {
        let enforce = (format!("{}enforce", pod_security::PREFIX), "restricted".to_owned());
        Labels::from([enforce])
    };
    // An unknown client must not learn whether a namespace exists. So one that does not exist is answered as a strict one;
    // the API server creates nothing in it.
    let absent = (case.audience == Audience::AnyClient && case.input.labels == Known::Absent).then(strict);
    let labels = absent.as_ref().map_or(case.input.labels, Known::Is);
    let Known::Is(labels) = labels else {
        let problem = format!("failed to lookup namespace \"{}\"", crate::text::clean(case.input.namespace, 63));
        // As upstream: only pods are denied, because only they would run.
        return if case.is_template { Ok(PodSecurityVerdict::annotated("error", problem)) } else { Err(problem) };
    };
    if !case.is_template && previous().is_some_and(|previous| previous.change.is_none()) {
        return Ok(PodSecurityVerdict::default());
    }
    Ok(evaluate(labels, strictest_defaults(&honoured), case, pod))
}

fn evaluate<'p>(labels: &Labels, defaults: Levels, case: &LabelCase<'_>, pod: &'p Pod<'p>) -> PodSecurityVerdict<'p> {
    let (levels, bad) = pod_security::read(labels, defaults);
    let mut verdict = PodSecurityVerdict::default();
    if !bad.is_empty() {
        let bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
        verdict.pod_security.annotations.push(("error", format!("Failed to parse policy: {}", bad.join(", "))));
    }
    let audit = violations(levels.audit, pod);
    if let Some((text, _)) = reasons::describe("would violate", levels.audit, &audit) {
        verdict.pod_security.annotations.push(("audit-violations", text));
    }
    if !case.is_template {
        verdict.pod_security.annotations.push(("enforce-policy", levels.enforce.to_string()));
        let enforced = with_effect(violations(levels.enforce, pod), Effect::Deny, case);
        let (denied, held_back): (Vec<_>, Vec<_>) = enforced.into_iter().partition(|j| j.effect == Effect::Deny);
        verdict.warn(levels.enforce, &held_back);
        verdict.judged = held_back;
        if let Some((text, _)) = reasons::describe("violates", levels.enforce, &denied) {
            verdict.pod_security.denied = Some(text);
            verdict.judged.extend(denied);
            return verdict;
        }
    }
    let warned = with_effect(violations(levels.warn, pod), Effect::Warn, case);
    verdict.warn(levels.warn, &warned);
    let milder = if warned.is_empty() { with_effect(audit, Effect::Audit, case) } else { warned };
    verdict.judged = merged(std::mem::take(&mut verdict.judged), milder);
    verdict
}

impl PodSecurityVerdict<'_> {
    /// Adds upstream's warning about what was found, if it is not there yet.
    fn warn(&mut self, level: LevelVersion, found: &[Judged<'_>]) {
        let Some((full, short)) = reasons::describe("would violate", level, found) else { return };
        let text = if full.len() > crate::review::response::WARNING_MAX { short } else { full };
        if !self.pod_security.warnings.contains(&text) {
            self.pod_security.warnings.push(text);
        }
    }

    fn annotated(key: &'static str, value: String) -> Self {
        Self {
            pod_security: PodSecurity { annotations: vec![(key, value)], ..PodSecurity::default() },
            ..Self::default()
        }
    }
}

/// The violations of a level in a pod. They do not depend on the old object.
pub(super) fn violations<'p>(level: LevelVersion, pod: &'p Pod<'p>) -> Vec<Judged<'p>> {
    let policy = (level.level != Level::Privileged).then(|| standard(level)).flatten();
    let rules = policy.into_iter().flat_map(|policy| policy.rules.iter().map(|rule| (&policy.name, rule)));
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

/// The violations with this effect, as far as the mode allows it.
fn with_effect<'p>(mut judged: Vec<Judged<'p>>, effect: Effect, case: &LabelCase<'_>) -> Vec<Judged<'p>> {
    for judged in &mut judged {
        let cap = case.ceiling.cap(judged.severity(), case.today);
        (judged.effect, judged.note) = capped(cap, effect, None);
    }
    judged
}

/// Why the pod is exempt: every policy that honours the labels exempts it. So no policy weakens another one.
fn exempt(honoured: &[&HonouredLabels], input: &MatchInput<'_>, pod: &Pod<'_>) -> Option<&'static str> {
    let all = |has: &dyn Fn(&PodSecurityExemptions) -> bool| honoured.iter().all(|honoured| has(&honoured.exemptions));
    let names = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
    let class = pod.spec.runtime_class_name.as_deref().unwrap_or_default();
    if all(&|e| names(&e.namespaces, input.namespace)) {
        Some("namespace")
    } else if all(&|e| names(&e.usernames, input.user)) {
        Some("user")
    } else if !class.is_empty() && all(&|e| names(&e.runtime_classes, class)) {
        Some("runtimeClass")
    } else {
        None
    }
}
