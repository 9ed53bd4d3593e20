//! `podreeve explain -o json`.

use super::{params, repaired};
use crate::cli::rules::default_action;
use crate::policy::Action;
use crate::rule::{Pss, Rule, Severity};
use crate::rules::owasp;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// What `explain` says of a rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    id: &'static str,
    title: &'static str,
    judges: &'static str,
    docs: Cow<'static, str>,
    why: &'static str,
    severity: Severity,
    /// The action of the built-in policy.
    action: Action,
    pss: Option<&'static str>,
    owasp: Vec<Item>,
    params: Vec<Param>,
    /// The edit of an example; null if the rule has none to show.
    repair: Option<Edit>,
    /// What to do where no edit helps.
    #[serde(skip_serializing_if = "str::is_empty")]
    instead: &'static str,
}

#[derive(Serialize)]
struct Item {
    number: u8,
    title: &'static str,
}

#[derive(Serialize)]
struct Param {
    /// Dotted path below `params`.
    name: String,
    #[serde(rename = "type")]
    kind: String,
    docs: String,
    default: Option<Value>,
}

#[derive(Serialize)]
struct Edit {
    example: &'static str,
    /// JSON pointer to what the lines show.
    pointer: String,
    /// Lines of YAML that begin with `-`, `+` or a space.
    lines: Vec<String>,
}

/// The rules as JSON values.
pub fn explain(rules: &[&'static Rule]) -> Vec<Explained> {
    rules.iter().map(|rule| one(rule)).collect()
}

fn one(rule: &'static Rule) -> Explained {
    let items = owasp::ITEMS.iter().filter(|item| rule.owasp.contains(&item.number));
    let params = params::of(rule).into_iter();
    Explained {
        id: rule.id,
        title: rule.title,
        judges: rule.subject(),
        docs: rule.docs_with_addresses(),
        why: rule.why,
        severity: rule.severity,
        action: default_action(rule),
        pss: rule.pss().map(Pss::as_str),
        owasp: items.map(|item| Item { number: item.number, title: item.title }).collect(),
        params: params.map(|params::Param { name, kind, docs, default }| Param { name, kind, docs, default }).collect(),
        repair: repaired::best(rule).map(|repaired| Edit {
            example: repaired.example.name,
            pointer: repaired.at,
            lines: repaired.lines.lines().map(str::to_owned).collect(),
        }),
        instead: rule.instead(),
    }
}
