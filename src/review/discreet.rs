//! Removes facts of the cluster from an answer. Without client certificates any caller may pose as the API server, and such a
//! caller must learn nothing about the cluster but the verdict. The decision log has the rest.

use super::response::finish;
use crate::outcome::{Outcome, PodSecurity, SubjectRef, Violation};
use std::borrow::Cow;

/// The text in place of a value from the cluster.
const NOT_SAID: &str = "not said to callers without a client certificate; podreeve's decision log has it";
const LEVEL: &str = "the Pod Security level of its namespace";
const CAPABILITIES: [&str; 2] = ["unrestricted capabilities", "non-default capabilities"];
/// Annotations without facts of the cluster.
const HARMLESS: [&str; 1] = ["unjudged"];

/// As [`finish`], with a reply that has no facts of the cluster. [`Outcome::hidden`] gets what the reply leaves out.
#[must_use]
pub fn discreet(mut outcome: Outcome) -> Outcome {
    let by_label = is_about_labels(&outcome.pod_security);
    let of_cluster = outcome.violations.iter().any(|violation| violation.from_cluster);
    if !by_label && !of_cluster {
        return finish(outcome);
    }
    outcome.hidden = hidden(&outcome);
    let is_namespace = outcome.about.kind == "Namespace";
    let pod_security = without_level(&outcome.pod_security, is_namespace);
    let violations = outcome.violations.iter().map(|violation| masked(violation, by_label)).collect();
    if let Some(repair) = &mut outcome.repair {
        repair.left = repair.left.iter().map(|violation| masked(violation, by_label)).collect();
    }
    // The reply is made from the masked violations. The log and the metrics get the full ones.
    let known = (
        std::mem::replace(&mut outcome.violations, violations),
        std::mem::replace(&mut outcome.pod_security, pod_security),
    );
    outcome = finish(outcome);
    (outcome.violations, outcome.pod_security) = known;
    outcome
}

fn is_about_labels(PodSecurity { denied, warnings, annotations }: &PodSecurity) -> bool {
    denied.is_some() || !warnings.is_empty() || annotations.iter().any(|(key, _)| !HARMLESS.contains(key))
}

fn without_level(verdict: &PodSecurity, is_namespace: bool) -> PodSecurity {
    let warnings = if is_namespace {
        vec![format!("podreeve: what this change meets is {NOT_SAID}")]
    } else {
        verdict.warnings.iter().map(|text| levelless(text).into_owned()).collect()
    };
    let annotations = verdict.annotations.iter().filter(|(key, _)| HARMLESS.contains(key)).cloned().collect();
    PodSecurity {
        denied: verdict.denied.as_deref().map(|text| levelless(text).into_owned()),
        warnings: if verdict.warnings.is_empty() { Vec::new() } else { warnings },
        annotations,
    }
}

/// `violates PodSecurity "restricted:latest": ...` without the level.
fn levelless(text: &str) -> Cow<'_, str> {
    let parts = text.split_once("PodSecurity \"").and_then(|(verb, rest)| Some((verb, rest.split_once('"')?.1)));
    parts.map_or(Cow::Borrowed(text), |(verb, reasons)| {
        // Upstream has a different text for the same check at each level.
        let reasons = CAPABILITIES.iter().fold(reasons.to_owned(), |text, words| text.replace(words, "capabilities"));
        Cow::Owned(format!("{verb}{LEVEL}{}", reasons.replace("restricted volume types", "volume types")))
    })
}

fn masked(violation: &Violation, by_label: bool) -> Violation {
    let mut violation = violation.clone();
    if by_label && violation.policy.starts_with("pss-") {
        violation.policy = LEVEL.into();
    }
    if violation.from_cluster {
        violation.subject = SubjectRef::Pod;
        violation.field = "/spec".into();
        violation.present = violation.field.len();
        violation.found = NOT_SAID.into();
    }
    violation
}

/// The hidden facts, as a line for the log.
fn hidden(outcome: &Outcome) -> String {
    let PodSecurity { denied, warnings, .. } = &outcome.pod_security;
    let found = outcome.violations.iter().filter(|violation| violation.from_cluster).map(|violation| {
        let container =
            violation.subject.container().map(|(_, name)| format!(" of container {name}")).unwrap_or_default();
        format!("{}: found {}{container}", violation.rule.id, violation.found)
    });
    denied.iter().chain(warnings).cloned().chain(found).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_left_out_and_nothing_else() {
        let text = r#"violates PodSecurity "restricted:v1.30": privileged (container "a \"x" must not set it)"#;
        let wanted = format!(r#"violates {LEVEL}: privileged (container "a \"x" must not set it)"#);
        assert_eq!(levelless(text), wanted);
        assert_eq!(levelless("failed to list pods"), "failed to list pods");
    }
}
