//! What makes an example pass: the rule's own repair, or else the good pod that the example varies.

use crate::rules::{Example, Findings, Fix, GOOD_POD, Rule, Scope};
use crate::workload::Pod;
use serde_json::Value;

/// The example as it is, and as it passes.
pub fn repaired(rule: &Rule, example: &Example) -> (Value, Value) {
    let before = example.pod();
    let good = || serde_json::from_str(GOOD_POD).unwrap_or_default();
    let after = by_rule(rule, example, &before).unwrap_or_else(good);
    (before, after)
}

/// None when the rule cannot repair all of it.
fn by_rule(rule: &Rule, example: &Example, before: &Value) -> Option<Value> {
    let check = (rule.compile)(example.params_value()).ok()?;
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
