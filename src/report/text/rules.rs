//! The summary by rule: how often each was violated, the worst first.

use crate::report::entry::{Entry, Level};
use crate::report::style::{BOLD, style_of_level};
use crate::rule::Severity;
use crate::rules;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Counts the entries of each rule, by their level and severity.
#[derive(Debug, Default)]
pub struct RuleTotals(BTreeMap<(&'static str, Level, Severity), usize>);

/// The entries of one rule with one level and one severity.
struct Row {
    rule: &'static str,
    level: Level,
    severity: Severity,
    count: usize,
}

impl RuleTotals {
    pub fn add(&mut self, entry: &Entry<'_>) {
        *self.0.entry((entry.rule, entry.level, entry.severity)).or_default() += 1;
    }

    /// The rules that deny, the worst first.
    pub fn denying(&self) -> Vec<&'static str> {
        let mut ids: Vec<&'static str> = Vec::new();
        for Row { rule, level, .. } in self.sorted() {
            if level == Level::Denied && rules::find(rule).is_some() && !ids.contains(&rule) {
                ids.push(rule);
            }
        }
        ids
    }

    /// A table. One entry is its own summary.
    pub fn render(&self, text: &mut String) {
        if self.0.values().sum::<usize>() < 2 {
            return;
        }
        let _ = writeln!(text, "\n{BOLD}{:>7}  {:8}  {:9}  rule{BOLD:#}", "count", "severity", "effect");
        for Row { rule, level, severity, count } in self.sorted() {
            let style = style_of_level(level);
            let _ = writeln!(text, "{count:7}  {severity:8}  {style}{:9}{style:#}  {rule}", level.word());
        }
    }

    fn sorted(&self) -> Vec<Row> {
        let row = |(&(rule, level, severity), &count)| Row { rule, level, severity, count };
        let mut rows: Vec<Row> = self.0.iter().map(row).collect();
        rows.sort_by_key(|row| (Reverse((row.level, row.severity, row.count)), rules::order(row.rule)));
        rows
    }
}
