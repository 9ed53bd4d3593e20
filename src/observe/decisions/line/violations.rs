//! The violations of a line: a JSON list in both formats, as long as the line has room.

use super::bounded;
use super::pair::{escape, push};
use crate::decide::Note;
use crate::outcome::{Violation, displayed};
use crate::policy::HeldBy;
use crate::text::push_dotted;
use jiff::civil::Date;
use std::fmt::Write;

/// Longest name of a container, a policy or an exemption, in bytes.
const NAME_MAX: usize = 128;
/// Longest field path, in bytes.
const PATH_MAX: usize = 320;
/// Longest value that is repeated, in bytes. No rule repeats a secret.
const VALUE_MAX: usize = 160;

/// The violations of an outcome.
pub struct Violations<'o> {
    pub described: &'o [Violation],
    /// How many there are, with those that are only counted.
    pub count: usize,
}

impl Violations<'_> {
    /// Appends the list, with at most `room` bytes: the worst violations that fit, in their order. Returns how many are left
    /// out.
    pub fn write(&self, out: &mut String, room: usize) -> usize {
        let start = out.len();
        let mut limit = self.described.len();
        // Nearly always the first turn writes all. Each further one writes half as many, so all turns together cost twice the
        // first at most.
        loop {
            out.push('[');
            let mut written = 0;
            for violation in displayed(self.described, limit, |v| (v.effect, v.severity)) {
                if written > 0 {
                    out.push(',');
                }
                one(out, violation);
                written += 1;
                if out.len() - start >= room {
                    break;
                }
            }
            out.push(']');
            if limit == 0 || out.len() - start <= room {
                return self.count.saturating_sub(written);
            }
            limit /= 2;
            out.truncate(start);
        }
    }
}

fn one(out: &mut String, violation: &Violation) {
    push(out, "{\"rule\":", violation.rule.id);
    push(out, ",\"effect\":", violation.effect.as_str());
    push(out, ",\"severity\":", violation.severity.as_str());
    push(out, ",\"policy\":", &bounded(&violation.policy, NAME_MAX));
    push(out, ",\"action\":", violation.action.as_str());
    if let Some((kind, name)) = violation.subject.container() {
        push(out, ",\"container\":", &bounded(name, NAME_MAX));
        push(out, ",\"container_kind\":", kind.field());
    }
    field(out, &violation.field);
    push(out, ",\"found\":", &bounded(&violation.found, VALUE_MAX));
    push(out, ",\"wanted\":", &bounded(&violation.wanted, VALUE_MAX));
    let mut until = None;
    if let Some(exemption) = &violation.exemption {
        push(out, ",\"exemption\":", &bounded(&exemption.name, NAME_MAX + PATH_MAX));
        until = exemption.until;
    }
    if let Some(note) = violation.note {
        let (word, held_by, last) = note_words(note);
        push(out, ",\"note\":", word);
        if let Some(held_by) = held_by {
            push(out, ",\"held_by\":", held_by);
        }
        until = last.or(until);
    }
    if let Some(until) = until {
        let _ = write!(out, ",\"until\":\"{until}\"");
    }
    out.push('}');
}

/// The note, what holds a denial back, and until when.
const fn note_words(note: Note) -> (&'static str, Option<&'static str>, Option<Date>) {
    match note {
        Note::Preexisting => ("preexisting", None, None),
        Note::WillBePatched => ("will-be-patched", None, None),
        Note::WarnedUntil(last) => ("warned-until", None, Some(last)),
        Note::ExemptUntil(last) => ("exempt-until", None, Some(last)),
        Note::WouldBeDenied(HeldBy::Mode) => ("would-be-denied", Some("mode"), None),
        Note::WouldBeDenied(HeldBy::Severity) => ("would-be-denied", Some("severity"), None),
        Note::WouldBeDenied(HeldBy::Until(last)) => ("would-be-denied", Some("date"), Some(last)),
        Note::WouldBePatched => ("would-be-patched", None, None),
    }
}

fn field(out: &mut String, pointer: &str) {
    out.push_str(",\"field\":\"");
    let start = out.len();
    push_dotted(out, pointer);
    let written = out.get(start..).unwrap_or_default();
    // Only keys with a dot, such as those of annotations, are quoted.
    if written.len() > PATH_MAX || written.bytes().any(|b| matches!(b, b'"' | b'\\')) {
        let path = out.split_off(start);
        escape(out, &bounded(&path, PATH_MAX));
    }
    out.push('"');
}
