//! The table at the end of a scan: what would be denied, by rule.

use crate::report::scan_rules::DeniedRule;
use crate::report::style::{BOLD, plural};
use crate::text::clean;
use std::fmt::Write;

/// How many namespaces of a rule are named.
const NAMED: usize = 3;
/// What a row without a rule counts.
const UNREADABLE: &str = "(cannot be judged)";

/// The table; empty where nothing would be denied.
#[must_use]
pub fn table(rules: &[DeniedRule]) -> String {
    let mut text = String::new();
    if rules.is_empty() {
        return text;
    }
    let name = |rule: &DeniedRule| rule.rule.unwrap_or(UNREADABLE);
    let width = rules.iter().map(|rule| name(rule).len()).max().unwrap_or_default();
    let _ = writeln!(text, "{BOLD}{:width$}  SEVERITY  OWNERS  NAMESPACES{BOLD:#}", "RULE");
    for rule in rules {
        let (owners, namespaces) = (rule.owners, namespaces(rule));
        let _ = writeln!(text, "{:width$}  {:8}  {owners:6}  {namespaces}", name(rule), rule.severity);
    }
    text
}

/// `5: storage (4), shop (2), ...`.
fn namespaces(rule: &DeniedRule) -> String {
    let first = rule.namespaces.iter().take(NAMED);
    let mut names: Vec<String> =
        first.map(|known| format!("{} ({})", clean(&known.namespace, 63), known.owners)).collect();
    if rule.namespaces.len() > NAMED {
        names.push("...".to_owned());
    }
    format!("{}: {}", rule.namespaces.len(), names.join(", "))
}

/// The step to mode deny.
const DENY: &str = "helm upgrade podreeve charts/podreeve --namespace podreeve --reuse-values --set mode=deny --wait";

/// What to type next: `scan` lists the owners in a namespace, if they are not listed already, and `explain` the repair. Where
/// the whole cluster is clean, podreeve can deny.
#[must_use]
pub fn next(rules: &[DeniedRule], list: impl Fn(&str) -> String, listed: bool, whole: bool) -> String {
    let mut text = String::new();
    let Some(worst) = rules.iter().find(|rule| rule.rule.is_some()).or(rules.first()) else {
        let next = if whole { format!("Next: {DENY}\n        has podreeve deny from now on\n") } else { String::new() };
        return format!("Nothing would be denied.\n{next}");
    };
    let mut row = |command: &str, what: &str| {
        let label = if text.is_empty() { "Next:" } else { "" };
        let _ = writeln!(text, "{label:5} {command}\n        {what}");
    };
    if let (false, Some(first)) = (listed, worst.namespaces.first()) {
        let what = format!("lists the {} there", plural(first.owners, "owner"));
        row(&list(&first.namespace), &what);
    }
    if let Some(rule) = worst.rule {
        row(&format!("podreeve explain {rule}"), "shows what to change in them");
    }
    text
}
