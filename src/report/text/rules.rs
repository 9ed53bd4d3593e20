//! The summary by rule: how often each was violated, the worst first.

use crate::report::entry::{Entry, Level};
use crate::report::style::{BOLD, style_of_level};
use crate::rule::Severity;
use crate::rules;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The entries of one rule with one level.
#[derive(Debug, Clone, Copy)]
struct Total {
    count: usize,
    /// The highest.
    severity: Severity,
}

/// Counts the entries.
#[derive(Debug, Default)]
pub struct RuleTotals(BTreeMap<(&'static str, Level), Total>);

impl RuleTotals {
    pub fn add(&mut self, entry: &Entry<'_>) {
        let fresh = Total { count: 0, severity: entry.severity };
        let total = self.0.entry((entry.rule, entry.level)).or_insert(fresh);
        total.count += 1;
        total.severity = total.severity.max(entry.severity);
    }

    /// The rules that deny, the worst first.
    pub fn denying(&self) -> Vec<&'static str> {
        let denied = self.sorted().into_iter().filter(|(_, level, _)| *level == Level::Denied);
        denied.map(|(rule, ..)| rule).filter(|rule| rules::find(rule).is_some()).collect()
    }

    /// A table. One entry is its own summary.
    pub fn render(&self, text: &mut String) {
        if self.0.values().map(|total| total.count).sum::<usize>() < 2 {
            return;
        }
        let _ = writeln!(text, "\n{BOLD}{:>7}  {:8}  {:9}  rule{BOLD:#}", "count", "severity", "effect");
        for (rule, level, total) in self.sorted() {
            let style = style_of_level(level);
            let Total { count, severity } = total;
            let _ = writeln!(text, "{count:7}  {severity:8}  {style}{:9}{style:#}  {rule}", level.word());
        }
    }

    fn sorted(&self) -> Vec<(&'static str, Level, Total)> {
        let mut rows: Vec<_> = self.0.iter().map(|((rule, level), total)| (*rule, *level, *total)).collect();
        rows.sort_by_key(|(rule, level, total)| (Reverse((*level, total.severity, total.count)), rules::order(rule)));
        rows
    }
}
