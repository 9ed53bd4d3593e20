//! A decision as a line of text. The violations are the JSON list of the other format.

use super::pair::escape;
use super::{AFTER_RULES, END, Line, TARGET, would};
use crate::observe::stamp::stamp;
use std::fmt::Write;

pub fn write(out: &mut String, line: &Line<'_>) {
    let start = out.len();
    stamp(out, line.timestamp);
    let _ = write!(out, "  INFO {TARGET}: {} {} ", line.verdict, line.hook);
    part(out, &line.operation);
    out.push(' ');
    part(out, &line.kind);
    if !line.sub_resource.is_empty() {
        out.push('/');
        part(out, &line.sub_resource);
    }
    out.push(' ');
    if !line.namespace.is_empty() {
        part(out, &line.namespace);
        out.push('/');
    }
    part(out, &line.name);
    for (key, value, always) in [
        (" uid=", &*line.uid, true),
        (" user=", &line.user, true),
        (" caller=", line.caller, false),
        (" mode=", line.mode, true),
        (" dry_run=", if line.dry_run { "true" } else { "" }, false),
    ] {
        if always || !value.is_empty() {
            out.push_str(key);
            word(out, value, &[]);
        }
    }
    out.push_str(" rules=");
    for (n, tally) in line.rules.iter().enumerate() {
        if out.len() - start > line.max - AFTER_RULES {
            break;
        }
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:{}:{}", tally.rule, tally.effect, tally.count);
        for (key, count) in would(tally.held_back) {
            let _ = write!(out, ":{key}:{count}");
        }
    }
    let _ = write!(out, " micros={}", line.micros);
    for (key, value) in [(" problem=\"", &line.problem), (" detail=\"", &line.detail)] {
        if !value.is_empty() {
            out.push_str(key);
            escape(out, value);
            out.push('"');
        }
    }
    if line.labels {
        out.push_str(" pod_security_labels=true");
    }
    out.push_str(" violations=");
    let room = line.max.saturating_sub(out.len() - start + END);
    let left_out = line.violations.write(out, room);
    if left_out > 0 {
        let _ = write!(out, " left_out={left_out}");
    }
    out.push('\n');
}

/// A part of the object's name, which a slash ends.
fn part(out: &mut String, text: &str) {
    word(out, text, b"/");
}

/// In quotes if a reader could take the text for several words, for none, or for another field.
fn word(out: &mut String, text: &str, ends: &[u8]) {
    let splits = |b: &u8| matches!(b, b' ' | b'"' | b'=' | b'\\') || ends.contains(b);
    if text.is_empty() || text.as_bytes().iter().any(splits) {
        out.push('"');
        escape(out, text);
        out.push('"');
    } else {
        out.push_str(text);
    }
}
