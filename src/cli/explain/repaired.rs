//! A bad example of a rule, and the change that makes it pass.

use super::diff::diff;
use crate::rule::{Check, Example, Findings, Fix, GOOD_POD, Kinds, Rule, Scope};
use crate::workload::{Connect, Pod};
use serde_json::Value;

/// The first bad example that has a change to make it pass, and that change as lines with `-` and `+`. Examples with the rule's
/// default parameters come first.
pub fn best(rule: &Rule) -> Option<(&'static Example, String)> {
    let bad = || rule.examples().filter(|example| example.is_bad());
    let mut shown = bad().filter(|e| e.params.is_empty()).chain(bad()).filter_map(|example| {
        let before = example.pod();
        Some((example, diff(&before, &repaired(rule, example, &before)?)))
    });
    shown.find(|(_, diff)| !diff.is_empty())
}

/// The pod that passes: after the rule's own repair, or else the good pod that the examples vary, or a good example.
fn repaired(rule: &Rule, example: &Example, before: &Value) -> Option<Value> {
    let check = (rule.pod().compile)(example.params_value()).ok()?;
    let good = || rule.examples().filter(|other| !other.is_bad());
    // An example for other parameters may pass as well; the check decides.
    let (alike, others): (Vec<_>, Vec<_>) = good().partition(|other| other.params == example.params);
    let with_params = alike.iter().filter(|other| !other.params.is_empty()).map(|other| other.pod());
    by_rule(&*check, before)
        .into_iter()
        .chain(with_params)
        .chain(serde_json::from_str(GOOD_POD))
        .chain(alike.iter().chain(&others).map(|other| other.pod()))
        .find(|pod| violations(&*check, pod, example) == Some(0))
}

fn violations(check: &dyn Check, pod: &Value, example: &Example) -> Option<usize> {
    let json = pod.to_string();
    let mut pod: Pod<'_> = serde_json::from_str(&json).ok()?;
    // Rules about connections judge a pod only if one enters it.
    pod.context.connect = (example.kinds == Kinds::Entered).then(Connect::default);
    let mut findings = Findings::default();
    check.check(&pod, &mut findings);
    Some(findings.into_vec().len())
}

/// The pod after the rule's repair. None if the rule cannot repair every finding.
fn by_rule(check: &dyn Check, before: &Value) -> Option<Value> {
    let json = before.to_string();
    let pod: Pod<'_> = serde_json::from_str(&json).ok()?;
    let mut findings = Findings::default();
    check.check(&pod, &mut findings);
    let mut fix = Fix::new(Scope::Pod);
    for finding in findings.into_vec() {
        if !check.fix(&pod, &finding, &mut fix) {
            return None;
        }
    }
    let mut after = before.clone();
    json_patch::patch(&mut after, &fix.into_patch().finish("")).ok()?;
    Some(after)
}
