//! One line a decision. Written by hand, not as a tracing event: it is the only line on the request path.

use super::{Format, Times, lines::Lines};
use crate::admit::Hook;
use crate::outcome::{Outcome, Tally};
use crate::text::{clean, is_unsafe};
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use std::borrow::Cow;
use std::fmt::Write;

const TARGET: &str = "podreeve::decision";
/// No field of a line is longer, in characters; the API's own names are not.
const FIELD_MAX: usize = 253;

/// Writes decisions.
#[derive(Debug, Clone)]
pub struct Decisions {
    lines: Lines,
    format: Format,
}

impl Decisions {
    #[must_use]
    pub const fn new(lines: Lines, format: Format) -> Self {
        Self { lines, format }
    }

    /// How many lines of the log were lost because its reader is too slow.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lines.lost()
    }

    pub fn write(&self, hook: Hook, outcome: &Outcome, times: Times) {
        self.lines.write(line(self.format, Timestamp::now(), hook, outcome, times));
    }
}

/// Field by field what is known of the request; never its body.
#[derive(Serialize)]
struct Line<'o> {
    timestamp: Timestamp,
    level: &'static str,
    target: &'static str,
    message: &'static str,
    hook: &'static str,
    uid: Cow<'o, str>,
    user: Cow<'o, str>,
    operation: Cow<'o, str>,
    kind: Cow<'o, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    sub_resource: Cow<'o, str>,
    namespace: Cow<'o, str>,
    name: Cow<'o, str>,
    verdict: &'static str,
    #[serde(serialize_with = "as_objects")]
    rules: &'o [Tally],
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    micros: u128,
}

fn as_objects<S: Serializer>(tallies: &&[Tally], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row {
        rule: &'static str,
        effect: &'static str,
        count: usize,
    }
    let mut rows = serializer.serialize_seq(Some(tallies.len()))?;
    for tally in *tallies {
        rows.serialize_element(&Row { rule: tally.rule, effect: tally.effect.as_str(), count: tally.count })?;
    }
    rows.end()
}

fn line(format: Format, timestamp: Timestamp, hook: Hook, outcome: &Outcome, times: Times) -> String {
    let about = &outcome.about;
    let line = Line {
        timestamp,
        level: "INFO",
        target: TARGET,
        message: "decided",
        hook: hook.as_str(),
        uid: safe(&about.uid),
        user: safe(&about.user),
        operation: safe(&about.operation),
        kind: safe(&about.kind),
        sub_resource: safe(&about.sub_resource),
        namespace: safe(&about.namespace),
        name: safe(&about.name),
        verdict: outcome.verdict.as_str(),
        rules: &outcome.tallies,
        problem: outcome.problem.as_deref().map(|problem| clean(problem, FIELD_MAX)),
        micros: times.total.as_micros(),
    };
    match format {
        Format::Json => json(&line),
        Format::Text => text(&line),
    }
}

fn json(line: &Line<'_>) -> String {
    let mut bytes = Vec::with_capacity(512);
    // Strings and numbers into memory: nothing here can fail.
    let _ = serde_json::to_writer(&mut bytes, line);
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

fn text(line: &Line<'_>) -> String {
    let mut out = String::with_capacity(256);
    let sub = if line.sub_resource.is_empty() { "" } else { "/" };
    let space = if line.namespace.is_empty() { "" } else { "/" };
    let _ = write!(
        out,
        "{}  INFO {TARGET}: {} {} {} {}{sub}{} {}{space}{} uid={} user={} rules=",
        line.timestamp,
        line.verdict,
        line.hook,
        line.operation,
        line.kind,
        line.sub_resource,
        line.namespace,
        line.name,
        line.uid,
        line.user
    );
    for (n, tally) in line.rules.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:{}", tally.rule, tally.effect.as_str());
    }
    let _ = write!(out, " micros={}", line.micros);
    if let Some(problem) = &line.problem {
        let _ = write!(out, " problem={problem:?}");
    }
    out.push('\n');
    out
}

/// The line that tells of lost ones.
pub(super) fn lost_line(format: Format) -> fn(u64) -> String {
    match format {
        Format::Json => |lost| {
            format!(
                "{{\"timestamp\":\"{}\",\"level\":\"WARN\",\"target\":\"podreeve::log\",\"message\":\"{lost} log lines \
                 were lost, because whoever reads this log is too slow\",\"lost\":{lost}}}\n",
                Timestamp::now()
            )
        },
        Format::Text => |lost| {
            format!(
                "{}  WARN podreeve::log: {lost} log lines were lost, because whoever reads this log is too slow\n",
                Timestamp::now()
            )
        },
    }
}

/// Borrowed when it is harmless, which it nearly always is.
fn safe(text: &str) -> Cow<'_, str> {
    let harmless =
        text.len() <= FIELD_MAX && (text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(is_unsafe));
    if harmless { Cow::Borrowed(text) } else { Cow::Owned(clean(text, FIELD_MAX)) }
}
