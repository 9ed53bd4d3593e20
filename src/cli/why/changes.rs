//! What would change a decision.

use super::object::exemptions;
use super::report::{Change, How};
use crate::decide::Effect;
use crate::observe::decisions::record::{DecisionLine, HeldByWord, NoteWord, RuleCount, ViolationRecord};
use crate::outcome::Verdict;
use crate::policy::{Action, Mode, builtin};
use crate::text::clean;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// The ways to another decision, the best first. None where nothing was denied and nothing was warned of.
#[must_use]
pub fn changes(line: &DecisionLine, today: Date) -> Vec<Change> {
    let denied: BTreeSet<&str> = rules(line, |rule| rule.effect == Effect::Deny || rule.would_deny > 0);
    let mut changes = Vec::new();
    if let Some(problem) = &line.problem {
        changes.push(Change::new(
            How::Repair,
            format!("Correct what could not be read or is invalid: {}", clean(problem, 1000)),
        ));
    }
    let open = rules(line, |rule| matches!(rule.effect, Effect::Deny | Effect::Warn) || rule.would_deny > 0);
    if !open.is_empty() {
        let text =
            "Change each field above to what is wanted. This prints the rules, and the change in YAML:".to_owned();
        // A log is somebody's text, and people paste this line into a shell.
        let known: Vec<&str> = open.into_iter().filter(|rule| crate::rules::find(rule).is_some()).collect();
        let command = (!known.is_empty()).then(|| format!("podreeve explain {}", known.join(" ")));
        changes.push(Change { command, ..Change::new(How::Repair, text) });
    }
    let (by_labels, by_policies): (Vec<&ViolationRecord>, Vec<_>) = line
        .violations
        .iter()
        .filter(|violation| violation.is_denied())
        .partition(|violation| line.pod_security_labels && violation.policy.starts_with("pss-"));
    if !by_labels.is_empty() {
        changes.push(labels(line));
    }
    let of_labels: BTreeSet<&str> = by_labels.iter().map(|violation| violation.rule.as_str()).collect();
    let of_policies: BTreeSet<&str> = by_policies.iter().map(|violation| violation.rule.as_str()).collect();
    let exempted: Vec<&str> =
        denied.into_iter().filter(|rule| of_policies.contains(rule) || !of_labels.contains(rule)).collect();
    if !exempted.is_empty() && !line.namespace.is_empty() {
        changes.push(exempt(line, &by_policies, &exempted, today));
    }
    changes.extend(mode(line));
    changes.extend(notes(line));
    changes
}

fn rules(line: &DecisionLine, wanted: impl Fn(&RuleCount) -> bool) -> BTreeSet<&str> {
    line.rules.iter().filter(|rule| wanted(rule)).map(|rule| rule.rule.as_str()).collect()
}

/// What another mode would do.
fn mode(line: &DecisionLine) -> Option<Change> {
    let held: Vec<&ViolationRecord> = line.violations.iter().filter(|violation| violation.held_by.is_some()).collect();
    let count: usize = line.rules.iter().map(|rule| rule.would_deny).sum();
    let violations = if count == 1 { "1 violation".to_owned() } else { format!("{count} violations") };
    let text = if line.verdict == Verdict::Deny && line.mode == Mode::Deny {
        let is_invalid = line.problem.is_some() && line.rules.is_empty() && !line.kind.is_empty();
        // An invalid Policy is refused in every mode.
        if is_invalid && matches!(line.kind.as_str(), "Policy" | "Exemption") {
            return None;
        }
        "Mode warn admits it, with warnings, and everything else too (the chart's value `mode`).".to_owned()
    } else if count == 0 {
        return None;
    } else if line.mode != Mode::Deny {
        format!("Mode {} holds {violations} back: mode deny would deny it.", line.mode)
    } else {
        let until = held.iter().find_map(|violation| violation.until.as_deref());
        match until.filter(|_| held.iter().any(|violation| violation.held_by == Some(HeldByWord::Date))) {
            Some(until) => format!("`denyAfter` holds {violations} back: it is denied after {until}."),
            None => {
                format!("`denyFrom` holds {violations} back, which are milder: a lower severity there would deny it.")
            }
        }
    };
    Some(Change::new(How::Mode, text))
}

fn labels(line: &DecisionLine) -> Change {
    let text = format!(
        "The labels of the namespace require the policies pss-*, and no exemption covers them. Change the label \
         pod-security.kubernetes.io/enforce, or name the namespace in podSecurityExemptions of the policy that honours \
         the labels: {}",
        clean(&line.namespace, 63)
    );
    let is_name = line.namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let command = is_name.then(|| format!("kubectl get namespace {} --show-labels", line.namespace));
    Change { command, ..Change::new(How::Labels, text) }
}

fn exempt(line: &DecisionLine, denied: &[&ViolationRecord], rules: &[&str], today: Date) -> Change {
    let policies: BTreeSet<String> = denied.iter().map(|violation| clean(&violation.policy, 63)).collect();
    let places: BTreeSet<String> = policies.iter().map(|policy| place(policy)).collect();
    let places = places.into_iter().collect::<Vec<_>>().join(" and of ");
    let also = |namespace: &str| {
        format!(" With `namespaces: [{namespace}]` in place of `metadata`, the spec is also an entry of {places}.")
    };
    let namespace = clean(&line.namespace, 63);
    let text = format!(
        "Or exempt it as it is. An Exemption object counts if the chart's `exemptionNamespaces` names {namespace}.{also}{whole}",
        also = if places.is_empty() { String::new() } else { also(&namespace) },
        whole = if line.left_out > 0 {
            " The line leaves out some violations, so no container is named for their rules."
        } else {
            ""
        },
    );
    Change { objects: exemptions(line, denied, rules, today), ..Change::new(How::Exempt, text) }
}

/// Where the exemptions of a policy are written.
fn place(policy: &str) -> String {
    match builtin(policy) {
        Ok(Some(_)) => "the chart's `exemptions`".to_owned(),
        _ => format!("spec.exemptions of policy {policy}"),
    }
}

/// Violations that only warn, and until when.
fn notes(line: &DecisionLine) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for violation in line.violations.iter().filter(|violation| violation.effect == Effect::Warn) {
        let (rule, policy) = (&violation.rule, clean(&violation.policy, 63));
        let until = violation.until.as_deref().unwrap_or_default();
        let (how, text) = match violation.note {
            Some(NoteWord::Preexisting) => (
                How::Wait,
                "What was there before the update only warns. A new image, a new container or another pod template is judged \
                 as a whole, and then denied."
                    .to_owned(),
            ),
            Some(NoteWord::WarnedUntil) => (How::Wait, format!("Policy {policy} only warns up to {until}, and then denies.")),
            Some(NoteWord::ExemptUntil) => (
                How::Exempt,
                format!("{} covers {rule} up to {until}; prolong it.", source(violation)),
            ),
            None if violation.action == Action::Warn => {
                (How::Policy, format!("Policy {policy} only warns of {rule} (action: warn)."))
            }
            Some(NoteWord::WillBePatched | NoteWord::WouldBeDenied | NoteWord::WouldBePatched) | None => continue,
        };
        if !changes.iter().any(|change| change.text == text) {
            changes.push(Change::new(how, text));
        }
    }
    changes
}

/// The exemption of a violation: `Exemption shop/web`, `spec.exemptions[0] of policy owasp`.
#[must_use]
pub fn source(violation: &ViolationRecord) -> String {
    let name = violation.exemption.as_deref().unwrap_or("an exemption");
    let of =
        if name.starts_with("spec.") { format!(" of policy {}", clean(&violation.policy, 63)) } else { String::new() };
    clean(name, 400) + &of
}
