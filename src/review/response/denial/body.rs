//! The diff of a denial, what it leaves, and its notes.

use super::annotate::Annotator;
use super::foot::push_joined;
use super::list;
use super::{Detail, lines};
use crate::decide::Effect;
use crate::outcome::{Outcome, Repair};
use crate::repair::{Diff, Line};
use crate::rule::Severity;
use crate::text::{cleaned, push_spaces};
use smallvec::SmallVec;
use std::fmt::Write;
use std::ops::Range;

/// Where the annotations begin, if the line is not longer.
const COLUMN: usize = 46;
/// The most characters of a line with several notes.
const WIDTH: usize = 150;
/// How many containers with the same edit are named.
const NAMES: usize = 12;

/// The most lines and bytes of a body.
pub(super) type Room = (usize, usize);

/// Appends the body. False if there is not enough room for it; it may then be incomplete.
pub(super) fn body(
    text: &mut String,
    outcome: &Outcome,
    detail: Detail,
    shown: &mut Vec<usize>,
    room: Option<Room>,
) -> bool {
    let begin = text.len();
    let Some(repair) = &outcome.repair else {
        list::left(text, list::denied(outcome));
        return fits(text, begin, room);
    };
    if !repair.is_empty() {
        text.push('\n');
        select(shown, repair, detail);
        // Most bodies that are too long are known by their lines alone.
        if room.is_some_and(|(lines, _)| !detail.folds && shown.len() >= lines) {
            return false;
        }
        diff(text, repair, detail, shown);
        also_repaired(text, outcome, repair);
    }
    list::left(text, repair.left.iter());
    if let Some(custom) = &repair.custom {
        let _ = writeln!(
            text,
            "For kubectl debug: write {} into custom.json and add --profile=restricted --custom=custom.json",
            cleaned(custom, 600)
        );
    }
    fits(text, begin, room)
}

fn fits(text: &str, begin: usize, room: Option<Room>) -> bool {
    let Some((most, bytes)) = room else { return true };
    let body = text.get(begin..).unwrap_or_default();
    body.len() <= bytes && lines(body) <= most
}

fn diff(text: &mut String, repair: &Repair, detail: Detail, shown: &[usize]) {
    let Repair { diff, offers, .. } = repair;
    let mut annotator = Annotator::new(offers, detail.reasons);
    let mut at = 0;
    while at < shown.len() {
        // The lines of one container.
        let block = block(diff, shown, at);
        let alike = if detail.folds && !block.is_empty() { alike(diff, shown, &block) } else { at..at };
        let lines = if block.is_empty() { at..at + 1 } else { block.clone() };
        for (number, index) in shown.get(lines).unwrap_or_default().iter().enumerate() {
            let Some(line) = diff.lines.get(*index) else { continue };
            write_line(text, line, diff.text(line), |text| {
                let folded = number == 0 && !alike.is_empty();
                // What is not shown for the other containers is not new in them either.
                let begin = text.len();
                annotator.annotate(text, diff.by(line), line.container);
                if folded {
                    text.truncate(begin);
                    same(text, diff, shown, &block, &alike);
                }
            });
        }
        at = if alike.is_empty() { block.end } else { alike.end }.max(at + 1);
    }
    summed_up(text, repair, detail.least);
    notes(text, &annotator.notes);
}

fn write_line(text: &mut String, line: &Line, content: &str, annotate: impl FnOnce(&mut String)) {
    let begin = text.len();
    text.push(line.sign.as_char());
    text.push(' ');
    text.push_str(content);
    let end = text.len();
    let width = text.get(begin..).map_or(0, |line| line.chars().count());
    push_spaces(text, COLUMN.saturating_sub(width).max(2));
    text.push_str("# ");
    let comment = text.len();
    annotate(text);
    if text.len() == comment {
        text.truncate(end);
    }
    text.push('\n');
}

/// Selects the lines with a violation of this severity or a worse one, and the keys above them.
fn select(shown: &mut Vec<usize>, repair: &Repair, detail: Detail) {
    let Repair { diff, offers, .. } = repair;
    shown.clear();
    if detail.least == Severity::Low && detail.optional {
        shown.extend(0..diff.lines.len());
        return;
    }
    let is_severe = |line: &Line| {
        let mut offers = diff.by(line).iter().filter_map(|by| offers.get(*by));
        offers.any(|offer| offer.severity >= detail.least && (detail.optional || !offer.optional))
    };
    let content = |line: &Line| diff.text(line).trim_start();
    let indent = |line: &Line| {
        let text = diff.text(line);
        text.bytes().take_while(|byte| matches!(byte, b' ' | b'-')).count()
    };
    // From the end: a key is above a line that is shown and indented further.
    let mut needs_less_than = 0;
    for (index, line) in diff.lines.iter().enumerate().rev() {
        let depth = indent(line);
        let is_above = diff.by(line).is_empty() && depth < needs_less_than;
        // The first member of an element shows which element it is.
        let is_first = diff.by(line).is_empty() && depth == needs_less_than && content(line).starts_with("- ");
        if is_severe(line) || is_above {
            needs_less_than = depth;
            shown.push(index);
        } else if is_first {
            shown.push(index);
        }
    }
    shown.reverse();
}

/// The lines of the container whose first line is at `at`; empty for any other line.
fn block(diff: &Diff, shown: &[usize], at: usize) -> Range<usize> {
    let container = |at: usize| shown.get(at).and_then(|index| diff.lines.get(*index)?.container);
    let Some(this) = container(at) else { return at..at };
    let end = (at..shown.len()).find(|at| container(*at) != Some(this)).unwrap_or(shown.len());
    at..end
}

/// The blocks that follow and differ from this one in nothing but their first line, which has the name.
fn alike(diff: &Diff, shown: &[usize], block: &Range<usize>) -> Range<usize> {
    let lines = |block: &Range<usize>| {
        let lines = shown.get(block.clone()).into_iter().flatten().skip(1).filter_map(|index| diff.lines.get(*index));
        lines.map(|line| (line.sign, diff.text(line)))
    };
    let mut end = block.end;
    loop {
        let next = self::block(diff, shown, end);
        if next.is_empty() || !lines(&next).eq(lines(block)) {
            return block.end..end;
        }
        end = next.end;
    }
}

/// Appends `the same for b, c, d`. The blocks are as long as `first`.
fn same(text: &mut String, diff: &Diff, shown: &[usize], first: &Range<usize>, blocks: &Range<usize>) {
    let name = |at: usize| {
        let line = shown.get(at).and_then(|index| diff.lines.get(*index))?;
        Some(diff.text(line).trim_start_matches([' ', '-']).trim_start_matches("name: "))
    };
    let count = blocks.len() / first.len().max(1);
    text.push_str("the same for ");
    push_joined(text, blocks.clone().step_by(first.len().max(1)).take(NAMES).filter_map(name), ", ");
    if count > NAMES {
        let _ = write!(text, " and {} more", count - NAMES);
    }
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
    let mut named: SmallVec<[&str; 32]> = SmallVec::new();
    for offer in diff.lines.iter().flat_map(|line| diff.by(line)).filter_map(|by| offers.get(*by)) {
        if !named.contains(&offer.rule.id) {
            named.push(offer.rule.id);
        }
    }
    let is_named = |rule: &str| named.contains(&rule) || left.iter().any(|violation| violation.rule.id == rule);
    let denied = outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny);
    let mut also = denied.map(|tally| tally.rule).filter(|rule| !is_named(rule)).peekable();
    if also.peek().is_some() {
        text.push_str("The edit also repairs: ");
        push_joined(text, also, ", ");
        text.push('\n');
    }
}

/// Appends the notes, as many on a line as fit.
fn notes(text: &mut String, notes: &[&str]) {
    let mut width = 0;
    for (number, note) in (1_usize..).zip(notes) {
        let note = cleaned(note, 500);
        let digits = number.checked_ilog10().unwrap_or_default() as usize + 1;
        let own = note.chars().count() + digits + 3;
        if width > 0 && width + own + 2 > WIDTH {
            text.push('\n');
            width = 0;
        }
        if width > 0 {
            text.push_str("  ");
            width += 2;
        }
        let _ = write!(text, "[{number}] {note}");
        width += own;
    }
    if width > 0 {
        text.push('\n');
    }
}
