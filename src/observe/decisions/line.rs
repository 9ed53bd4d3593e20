//! The text of a decision's log line, JSON or text.

use super::caller::Caller;
use crate::admit::Hook;
use crate::observe::format::Format;
use crate::observe::times::Times;
use crate::outcome::{HeldBack, Outcome, Tally};
use crate::text::{clean, is_unsafe};
use jiff::Timestamp;
use jiff::tz::Offset;
use std::borrow::Cow;
use std::fmt::Write;

const TARGET: &str = "podreeve::decision";
/// Longest field of a line, in characters. Names in the API are not longer.
const FIELD_MAX: usize = 253;
/// Longest text of what the answer left out, in characters.
const DETAIL_MAX: usize = 1000;

/// The fields of a line. The request's body is never one of them.
struct Line<'o> {
    timestamp: Timestamp,
    hook: &'static str,
    caller: &'static str,
    uid: Cow<'o, str>,
    user: Cow<'o, str>,
    operation: Cow<'o, str>,
    kind: Cow<'o, str>,
    sub_resource: Cow<'o, str>,
    namespace: Cow<'o, str>,
    name: Cow<'o, str>,
    verdict: &'static str,
    rules: &'o [Tally],
    problem: Option<String>,
    detail: String,
    micros: u64,
}

/// Appends the line of one decision.
pub fn write(
    out: &mut String,
    format: Format,
    caller: Caller,
    timestamp: Timestamp,
    hook: Hook,
    outcome: &Outcome,
    times: Times,
) {
    let about = &outcome.about;
    let line = Line {
        timestamp,
        hook: hook.as_str(),
        caller: caller.mark(),
        uid: safe(&about.uid),
        user: safe(&about.user),
        operation: safe(about.operation.as_str()),
        kind: safe(&about.kind),
        sub_resource: safe(&about.sub_resource),
        namespace: safe(&about.namespace),
        name: safe(&about.name),
        verdict: outcome.verdict.as_str(),
        rules: &outcome.tallies,
        problem: outcome.problem.as_deref().map(|problem| clean(problem, FIELD_MAX)),
        detail: if outcome.hidden.is_empty() { String::new() } else { clean(&outcome.hidden, DETAIL_MAX) },
        micros: u64::try_from(times.total.as_micros()).unwrap_or(u64::MAX),
    };
    match format {
        Format::Json => json(out, &line),
        Format::Text => text(out, &line),
    }
}

/// Written by hand: serde takes three times as long.
fn json(out: &mut String, line: &Line<'_>) {
    out.push_str("{\"timestamp\":\"");
    stamp(out, line.timestamp);
    out.push_str("\",\"level\":\"INFO\",\"target\":\"");
    out.push_str(TARGET);
    out.push_str("\",\"message\":\"decided\"");
    let problem = line.problem.as_deref().unwrap_or_default();
    for (key, value, always) in [
        (",\"hook\":\"", line.hook, true),
        (",\"uid\":\"", &*line.uid, true),
        (",\"user\":\"", &line.user, true),
        (",\"caller\":\"", line.caller, false),
        (",\"operation\":\"", &line.operation, true),
        (",\"kind\":\"", &line.kind, true),
        (",\"sub_resource\":\"", &line.sub_resource, false),
        (",\"namespace\":\"", &line.namespace, true),
        (",\"name\":\"", &line.name, true),
        (",\"verdict\":\"", line.verdict, true),
        (",\"problem\":\"", problem, false),
        (",\"detail\":\"", &line.detail, false),
    ] {
        if always || !value.is_empty() {
            out.push_str(key);
            escape(out, value);
            out.push('"');
        }
    }
    out.push_str(",\"rules\":[");
    for (n, Tally { rule, effect, count, held_back }) in line.rules.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{{\"rule\":\"{rule}\",\"effect\":\"{effect}\",\"count\":{count}");
        for (key, count) in would(*held_back) {
            let _ = write!(out, ",\"{key}\":{count}");
        }
        out.push('}');
    }
    out.push_str("],\"micros\":");
    let _ = write!(out, "{}", line.micros);
    out.push_str("}\n");
}

/// What mode deny would have done, as far as the running mode held it back.
fn would(held_back: HeldBack) -> impl Iterator<Item = (&'static str, usize)> {
    [("wouldDeny", held_back.deny), ("wouldPatch", held_back.patch)].into_iter().filter(|(_, count)| *count > 0)
}

/// Escapes quotes and backslashes. [`safe`] has replaced all else that JSON would need escaped.
fn escape(out: &mut String, text: &str) {
    if text.bytes().fold(false, |any, b| any | matches!(b, b'"' | b'\\')) {
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    } else {
        out.push_str(text);
    }
}

/// RFC 3339 in UTC, to the microsecond.
fn stamp(out: &mut String, timestamp: Timestamp) {
    let at = Offset::UTC.to_datetime(timestamp);
    let micros = at.subsec_nanosecond() / 1000;
    for (two, end) in [
        (i32::from(at.year() / 100), ""),
        (i32::from(at.year() % 100), "-"),
        (at.month().into(), "-"),
        (at.day().into(), "T"),
        (at.hour().into(), ":"),
        (at.minute().into(), ":"),
        (at.second().into(), "."),
        (micros / 10_000, ""),
        (micros / 100 % 100, ""),
        (micros % 100, "Z"),
    ] {
        for digit in [two / 10, two % 10] {
            out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
        }
        out.push_str(end);
    }
}

/// In quotes if a reader could take the text for several words, or for another field.
fn word(text: &str) -> Cow<'_, str> {
    let splits = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | '\\');
    if text.contains(splits) { Cow::Owned(format!("{text:?}")) } else { Cow::Borrowed(text) }
}

fn text(out: &mut String, line: &Line<'_>) {
    let sub = if line.sub_resource.is_empty() { "" } else { "/" };
    let caller = if line.caller.is_empty() { "" } else { " caller=" };
    let space = if line.namespace.is_empty() { "" } else { "/" };
    let _ = write!(
        out,
        "{}  INFO {TARGET}: {} {} {} {}{sub}{} {}{space}{} uid={} user={}{caller}{} rules=",
        line.timestamp,
        line.verdict,
        line.hook,
        word(&line.operation),
        word(&line.kind),
        word(&line.sub_resource),
        word(&line.namespace),
        word(&line.name),
        word(&line.uid),
        word(&line.user),
        line.caller
    );
    for (n, tally) in line.rules.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:{}", tally.rule, tally.effect);
        for (key, _) in would(tally.held_back) {
            let _ = write!(out, ":{key}");
        }
    }
    let _ = write!(out, " micros={}", line.micros);
    if let Some(problem) = &line.problem {
        let _ = write!(out, " problem={problem:?}");
    }
    if !line.detail.is_empty() {
        let _ = write!(out, " detail={:?}", line.detail);
    }
    out.push('\n');
}

/// Borrowed if the text is harmless, which it nearly always is.
fn safe(text: &str) -> Cow<'_, str> {
    // The loop never ends early, so that the compiler compares many bytes at once.
    let is_plain = text.bytes().fold(true, |all, b| all & (b.wrapping_sub(b' ') < 0x5f));
    let harmless = text.len() <= FIELD_MAX && (is_plain || !text.chars().any(is_unsafe));
    if harmless { Cow::Borrowed(text) } else { Cow::Owned(clean(text, FIELD_MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Effect;
    use crate::outcome::{About, Outcome};
    use serde_json::{Value, json};
    use std::time::Duration;

    fn outcome() -> Outcome {
        let about = About {
            uid: "u-1".to_owned(),
            name: "a\u{1b}[31m\"\\\n\u{202e}é".to_owned(),
            user: "jane".to_owned(),
            ..About::default()
        };
        let mut outcome = Outcome::refused(about, "no \"pod\"".to_owned());
        "pod \"a\"\n".clone_into(&mut outcome.hidden);
        let held_back = HeldBack::default();
        outcome.tallies.push(Tally { rule: "privileged", effect: Effect::Deny, count: 2, held_back });
        let held_back = HeldBack { deny: 1, patch: 0 };
        outcome.tallies.push(Tally { rule: "host-pid", effect: Effect::Warn, count: 1, held_back });
        outcome
    }

    #[test]
    fn a_json_line_is_json_whatever_is_in_it() {
        let times = Times { total: Duration::from_micros(41), ..Times::default() };
        let at: Timestamp = "2026-01-02T03:04:05.000678901Z".parse().unwrap();
        let mut out = String::new();
        write(&mut out, Format::Json, Caller::Unauthenticated, at, Hook::Validate, &outcome(), times);
        let line = out;
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        let wanted = json!({
            "timestamp": "2026-01-02T03:04:05.000678Z", "level": "INFO", "target": TARGET, "message": "decided",
            "hook": "validate", "uid": "u-1", "user": "jane", "caller": "unauthenticated", "operation": "", "kind": "", "namespace": "",
            "name": "a\\u{1b}[31m\"\\\\u{a}\\u{202e}é", "verdict": "deny", "problem": "no \"pod\"", "micros": 41,
            "detail": "pod \"a\"\\u{a}",
            "rules": [
                {"rule": "privileged", "effect": "deny", "count": 2},
                {"rule": "host-pid", "effect": "warn", "count": 1, "wouldDeny": 1},
            ],
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), wanted);
    }

    #[test]
    fn a_text_line_has_each_field_once() {
        let mut outcome = outcome();
        outcome.about.name = "a uid=u-2 user=root".to_owned();
        outcome.about.user = "x\" verdict=allow".to_owned();
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut out = String::new();
        write(&mut out, Format::Text, Caller::Unauthenticated, at, Hook::Validate, &outcome, Times::default());
        let wanted = "2026-01-02T03:04:05Z  INFO podreeve::decision: deny validate   \"a uid=u-2 user=root\" uid=u-1 \
                      user=\"x\\\" verdict=allow\" caller=unauthenticated rules=privileged:deny,host-pid:warn:wouldDeny micros=0 problem=\"no \\\"pod\\\"\" detail=\"pod \\\"a\\\"\\\\u{a}\"\n";
        assert_eq!(out, wanted);
    }
}
