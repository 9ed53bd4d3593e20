//! What was expected of a case and not found.

use super::changes::{changes, differences};
use super::document::Expect;
use super::judge::Found;
use super::read::rule_lists;
use crate::decide::Effect;
use serde_json::{Value, json};

/// A place in `expect` where something else was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// JSON pointer below `expect`.
    pub pointer: String,
    pub expected: Value,
    /// Null for a text that no message has.
    pub found: Value,
}

/// The effects, by the key of `expect` that lists their rules.
pub const EFFECTS: [(&str, Effect); 5] = [
    ("denied", Effect::Deny),
    ("warned", Effect::Warn),
    ("patched", Effect::Patch),
    ("audited", Effect::Audit),
    ("exempt", Effect::Exempt),
];

pub fn mismatches(expect: &Expect, found: &Found) -> Vec<Mismatch> {
    let mut all = Vec::new();
    let mut add = |pointer: String, expected: Value, found: Value| all.push(Mismatch { pointer, expected, found });
    if let Some(verdict) = expect.verdict.filter(|verdict| *verdict != found.verdict) {
        add("/verdict".to_owned(), json!(verdict), json!(found.verdict));
    }
    for ((key, expected), (_, effect)) in rule_lists(expect).into_iter().zip(EFFECTS) {
        let Some(expected) = expected else { continue };
        let rules = found.rules(effect);
        let is_same = expected.iter().all(|rule| rules.contains(&rule.as_str()))
            && rules.iter().all(|rule| expected.iter().any(|expected| expected == rule));
        if !is_same {
            add(format!("/{key}"), json!(expected), json!(rules));
        }
    }
    for (index, text) in expect.messages.iter().flatten().enumerate() {
        if !found.messages.iter().any(|message| message.contains(text.as_str())) {
            add(format!("/messages/{index}"), json!(text), Value::Null);
        }
    }
    if let Some(result) = &expect.result {
        differences(result, &found.after, "/result", &mut |pointer, expected, found| {
            add(pointer, expected.clone(), found.clone());
        });
    }
    all
}

/// All that was found and that a test can expect: what `--bless` writes.
#[must_use]
pub fn expectation(found: &Found) -> Expect {
    let rules = |effect: Effect| {
        let rules: Vec<String> = found.rules(effect).into_iter().map(str::to_owned).collect();
        Some(rules).filter(|rules| !rules.is_empty())
    };
    Expect {
        verdict: Some(found.verdict),
        denied: rules(Effect::Deny),
        warned: rules(Effect::Warn),
        patched: rules(Effect::Patch),
        audited: rules(Effect::Audit),
        exempt: rules(Effect::Exempt),
        messages: None,
        result: changes(&found.before, &found.after),
    }
}
