//! The diff of a denial, what it leaves, and its notes.

use super::Detail;
use super::annotate::Annotator;
use super::list;
use crate::decide::Effect;
use crate::outcome::{Outcome, Repair};
use crate::repair::{Diff, Line};
use crate::rule::Severity;
use crate::text::clean;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

/// Where the annotations begin, if the line is not longer.
const COLUMN: usize = 46;
/// The most characters of a line with several notes.
const WIDTH: usize = 150;
/// How many containers with the same edit are named.
const NAMES: usize = 12;

pub(super) fn body(outcome: &Outcome, detail: Detail) -> String {
    let Some(repair) = &outcome.repair else { return list::left(&list::denied(outcome)) };
    let mut text = String::new();
    if !repair.is_empty() {
        text.push('\n');
        diff(&mut text, repair, detail);
        also_repaired(&mut text, outcome, repair);
    }
    if !repair.left.is_empty() {
        text.push_str(&list::left(&repair.left.iter().collect::<Vec<_>>()));
    }
    if let Some(custom) = &repair.custom {
        let _ = writeln!(
            text,
            "For kubectl debug: write {} into custom.json and add --profile=restricted --custom=custom.json",
            clean(custom, 600)
        );
    }
    text
}

fn diff(text: &mut String, repair: &Repair, detail: Detail) {
    let Repair { diff, offers, .. } = repair;
    let mut annotator = Annotator::new(offers, detail.reasons);
    let shown = shown(repair, detail);
    let mut at = 0;
    while let Some(index) = shown.get(at) {
        let Some(line) = diff.lines.get(*index) else { break };
        // The lines of one container.
        let block = block(diff, &shown, at);
        let alike = if detail.folds && !block.is_empty() { alike(diff, &shown, &block) } else { Vec::new() };
        let mut first = true;
        for index in shown.get(block.clone()).filter(|block| !block.is_empty()).unwrap_or(&[*index]) {
            let Some(line) = diff.lines.get(*index) else { continue };
            let annotation = annotator.annotation(diff.by(line), line.container);
            let annotation = if first && !alike.is_empty() { same(diff, &shown, &alike) } else { annotation };
            first = false;
            write_line(text, line, diff.text(line), &annotation);
        }
        at = alike.last().unwrap_or(&block).end.max(at + 1);
        let _ = line;
    }
    summed_up(text, repair, detail.least);
    notes(text, &annotator.notes);
}

fn write_line(text: &mut String, line: &Line, content: &str, annotation: &str) {
    let begin = text.len();
    text.push(line.sign.as_char());
    text.push(' ');
    text.push_str(content);
    if !annotation.is_empty() {
        let width = text.get(begin..).map_or(0, |line| line.chars().count());
        text.extend(std::iter::repeat_n(' ', COLUMN.saturating_sub(width).max(2)));
        text.push_str("# ");
        text.push_str(annotation);
    }
    text.push('\n');
}

/// The lines with a violation of this severity or a worse one, and the keys above them.
fn shown(repair: &Repair, detail: Detail) -> Vec<usize> {
    let Repair { diff, offers, .. } = repair;
    let is_severe = |line: &Line| {
        let mut offers = diff.by(line).iter().filter_map(|by| offers.get(*by));
        offers.any(|offer| offer.severity >= detail.least && (detail.optional || !offer.optional))
    };
    if detail.least == Severity::Low && detail.optional {
        return (0..diff.lines.len()).collect();
    }
    let content = |line: &Line| diff.text(line).trim_start();
    let indent = |line: &Line| {
        let text = diff.text(line);
        text.len() - text.trim_start_matches([' ', '-']).len()
    };
    // From the end: a key is above a line that is shown and indented further.
    let (mut kept, mut needs_less_than) = (Vec::new(), 0);
    for (index, line) in diff.lines.iter().enumerate().rev() {
        let depth = indent(line);
        let is_above = diff.by(line).is_empty() && depth < needs_less_than;
        // The first member of an element shows which element it is.
        let is_first = diff.by(line).is_empty() && depth == needs_less_than && content(line).starts_with("- ");
        if is_severe(line) || is_above {
            needs_less_than = depth;
            kept.push(index);
        } else if is_first {
            kept.push(index);
        }
    }
    kept.reverse();
    kept
}

/// The lines of the container whose first line is at `at`; empty for any other line.
fn block(diff: &Diff, shown: &[usize], at: usize) -> Range<usize> {
    let container = |at: usize| shown.get(at).and_then(|index| diff.lines.get(*index)?.container);
    let Some(this) = container(at) else { return at..at };
    let end = (at..shown.len()).find(|at| container(*at) != Some(this)).unwrap_or(shown.len());
    at..end
}

/// The blocks that follow and differ from this one in nothing but their first line, which has the name.
fn alike(diff: &Diff, shown: &[usize], block: &Range<usize>) -> Vec<Range<usize>> {
    let lines = |block: &Range<usize>| -> Vec<(char, &str)> {
        let lines = shown.get(block.clone()).into_iter().flatten().skip(1).filter_map(|index| diff.lines.get(*index));
        lines.map(|line| (line.sign.as_char(), diff.text(line))).collect()
    };
    let (this, mut found, mut end) = (lines(block), Vec::new(), block.end);
    loop {
        let next = self::block(diff, shown, end);
        if next.is_empty() || lines(&next) != this {
            return found;
        }
        end = next.end;
        found.push(next);
    }
}

/// `the same for b, c, d`.
fn same(diff: &Diff, shown: &[usize], blocks: &[Range<usize>]) -> String {
    let name = |block: &Range<usize>| {
        let line = shown.get(block.start).and_then(|index| diff.lines.get(*index))?;
        Some(diff.text(line).trim_start_matches([' ', '-']).trim_start_matches("name: "))
    };
    let names: Vec<&str> = blocks.iter().take(NAMES).filter_map(name).collect();
    let more = blocks.len().saturating_sub(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("the same for {}{more}", names.join(", "))
}

/// The rules whose lines are not shown.
fn summed_up(text: &mut String, repair: &Repair, least: Severity) {
    let mut rules: Vec<(&str, usize)> = Vec::new();
    for offer in repair.offers.iter().filter(|offer| offer.severity < least) {
        match rules.iter_mut().find(|(rule, _)| *rule == offer.rule.id) {
            Some((_, count)) => *count += 1,
            None => rules.push((offer.rule.id, 1)),
        }
    }
    if !rules.is_empty() {
        let rules: Vec<String> = rules.iter().map(|(rule, count)| format!("{rule} ({count})")).collect();
        let _ = writeln!(
            text,
            "The edits of medium and low violations are left out here: {}. All of it: podreeve explain -f FILE",
            rules.join(", ")
        );
    }
}

/// The rules that no line names, because the edit for another rule repairs their violations, too.
fn also_repaired(text: &mut String, outcome: &Outcome, repair: &Repair) {
    let Repair { diff, offers, left, .. } = repair;
    let lines = diff.lines.iter().flat_map(|line| diff.by(line)).filter_map(|by| offers.get(*by));
    let named: HashSet<&str> =
        lines.map(|offer| offer.rule.id).chain(left.iter().map(|violation| violation.rule.id)).collect();
    let denied = outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny);
    let also: Vec<&str> = denied.map(|tally| tally.rule).filter(|rule| !named.contains(rule)).collect();
    if !also.is_empty() {
        let _ = writeln!(text, "The edit also repairs: {}", also.join(", "));
    }
}

fn notes(text: &mut String, notes: &[&str]) {
    let mut line = String::new();
    for (number, note) in notes.iter().enumerate() {
        let note = format!("[{}] {}", number + 1, clean(note, 500));
        if !line.is_empty() && line.chars().count() + note.chars().count() + 2 > WIDTH {
            let _ = writeln!(text, "{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(&note);
    }
    if !line.is_empty() {
        let _ = writeln!(text, "{line}");
    }
}
