//! What would change a decision.

use super::object::exemptions;
use super::report::{Change, How};
use crate::decide::Effect;
use crate::observe::decisions::record::{DecisionLine, NoteWord, ViolationRecord};
use crate::policy::Action;
use crate::text::clean;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// The ways to another decision, the best first. None where nothing was denied and nothing was warned of.
#[must_use]
pub fn changes(line: &DecisionLine, today: Date) -> Vec<Change> {
    let denied: BTreeSet<&str> = rules(line, Effect::Deny);
    let mut changes = Vec::new();
    if let Some(problem) = &line.problem {
        let text = format!("Correct what could not be read or is invalid: {}", clean(problem, 1000));
        changes.push(Change { how: How::Repair, text, command: None, objects: Vec::new() });
    }
    let open: Vec<&str> = rules(line, Effect::Warn).union(&denied).copied().collect();
    if !open.is_empty() {
        let text =
            "Change each field above to what is wanted. This prints the rules, and the change in YAML:".to_owned();
        let command = Some(format!("podreeve explain {}", open.join(" ")));
        changes.push(Change { how: How::Repair, text, command, objects: Vec::new() });
    }
    let (by_labels, by_policies): (Vec<&ViolationRecord>, Vec<_>) = line
        .violations
        .iter()
        .filter(|violation| violation.effect == Effect::Deny)
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
    changes.extend(notes(line));
    changes
}

fn rules(line: &DecisionLine, effect: Effect) -> BTreeSet<&str> {
    line.rules.iter().filter(|rule| rule.effect == effect).map(|rule| rule.rule.as_str()).collect()
}

fn labels(line: &DecisionLine) -> Change {
    let text = format!(
        "The labels of the namespace require the policies pss-*, and no exemption covers them. Change the label \
         pod-security.kubernetes.io/enforce, or name the namespace in podSecurityExemptions of the policy that honours \
         the labels: {}",
        clean(&line.namespace, 63)
    );
    let command = format!("kubectl get namespace {} --show-labels", clean(&line.namespace, 63));
    Change { how: How::Labels, text, command: Some(command), objects: Vec::new() }
}

fn exempt(line: &DecisionLine, denied: &[&ViolationRecord], rules: &[&str], today: Date) -> Change {
    let policies: BTreeSet<String> = denied.iter().map(|violation| clean(&violation.policy, 63)).collect();
    let policies = policies.into_iter().collect::<Vec<_>>().join(", ");
    let of = if policies.is_empty() { String::new() } else { format!(" of policy {policies}") };
    let whole = if line.left_out > 0 {
        " The line leaves out some violations, so no container is named for their rules."
    } else {
        ""
    };
    let text = format!(
        "Or exempt it as it is. This counts if `exemptionNamespaces` names {namespace}; without `metadata`, and with \
         `namespaces: [{namespace}]`, its spec is also an entry of spec.exemptions{of}.{whole}",
        namespace = clean(&line.namespace, 63),
    );
    Change { how: How::Exempt, text, command: None, objects: exemptions(line, denied, rules, today) }
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
            Some(NoteWord::WillBePatched) | None => continue,
        };
        if !changes.iter().any(|change| change.text == text) {
            changes.push(Change { how, text, command: None, objects: Vec::new() });
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
