//! A Dockerfile that violates a rule, with what the rule finds in it.

use crate::dockerfile::Dockerfile;
use crate::rule::{FileExample, FileRule};
use std::fmt::Write;

/// A bad example of a rule about Dockerfiles.
pub struct BadFile {
    pub example: &'static FileExample,
    /// `line 2: found port 22, wanted no SSH server`
    pub findings: Vec<String>,
    /// The edit as lines that begin with `-`, `+` or a space; empty if the rule suggests none.
    pub diff: String,
}

/// The first bad example that the rule's own edits repair, or else the first one; those with the default parameters come first.
pub fn best(rule: &FileRule) -> Option<BadFile> {
    let bad = || rule.examples.iter().filter(|example| example.is_bad());
    let repaired = bad().find(|example| !example.repaired.is_empty());
    let example = repaired.or_else(|| bad().find(|example| example.params.is_empty())).or_else(|| bad().next())?;
    let check = (rule.compile)(example.params_value()).ok()?;
    let file = Dockerfile::parse(example.text);
    let mut findings = Vec::new();
    check.check(&file, &mut findings);
    let finding = |line: usize, found: &str, wanted: &str| format!("line {line}: found {found}, wanted {wanted}");
    let findings = findings.iter().map(|one| finding(one.at.line, &one.found, &one.wanted)).collect();
    let diff = if example.repaired.is_empty() { String::new() } else { diff(example.text, example.repaired) };
    Some(BadFile { example, findings, diff })
}

/// The lines of both texts. Where they have as many lines, only those that differ are repeated.
fn diff(before: &str, after: &str) -> String {
    let mut text = String::new();
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len() == new.len() {
        for (old, new) in old.iter().zip(&new) {
            let _ = if old == new { writeln!(text, "  {old}") } else { writeln!(text, "- {old}\n+ {new}") };
        }
    } else {
        let signed = old.iter().map(|line| ('-', line)).chain(new.iter().map(|line| ('+', line)));
        for (sign, line) in signed {
            let _ = writeln!(text, "{sign} {line}");
        }
    }
    text
}
