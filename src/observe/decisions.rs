//! One log line for each decision. It is written by hand and not as a tracing event, because it is the only line on the
//! request path.

mod caller;
mod line;
pub mod read;
pub mod record;

pub use caller::Caller;

use super::format::Format;
use super::lines::Lines;
use super::syslog::{Level, Syslog};
use super::times::Times;
use crate::admit::Hook;
use crate::outcome::{Outcome, Verdict};
use jiff::Timestamp;
use line::Style;
use record::LINE_MAX;
use std::cell::RefCell;
use std::time::Duration;

/// Capacity that is kept for the next line, in bytes.
const LINE_KEPT: usize = 4096;

/// The log of decisions.
#[derive(Debug, Clone)]
pub struct Decisions {
    lines: Lines,
    format: Format,
    caller: Caller,
    /// Where decisions go in addition.
    syslog: Option<Syslog>,
}

impl Decisions {
    #[must_use]
    pub const fn new(lines: Lines, format: Format, syslog: Option<Syslog>) -> Self {
        Self { lines, format, caller: Caller::Authenticated, syslog }
    }

    /// The same log, for decisions on requests of `caller`.
    #[must_use]
    pub fn with_caller(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// How many log lines were lost because the reader of the log is too slow.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lines.lost()
    }

    /// The queue of messages to a receiver of syslog, if there is one.
    #[must_use]
    pub const fn syslog(&self) -> Option<&Syslog> {
        self.syslog.as_ref()
    }

    /// Waits until the queued lines and messages are written, for at most `longest` each.
    pub fn flush(&self, longest: Duration) {
        self.lines.flush(longest);
        if let Some(syslog) = &self.syslog {
            syslog.flush(longest);
        }
    }

    pub fn write(&self, hook: Hook, outcome: &Outcome, times: Times) {
        thread_local! {
            /// One buffer for each thread, so that no line allocates.
            static LINE: RefCell<String> = RefCell::default();
        }
        LINE.with_borrow_mut(|out| {
            let now = Timestamp::now();
            let write = |out: &mut String, style| line::write(out, style, self.caller, now, hook, outcome, times);
            out.clear();
            write(out, Style { format: self.format, max: LINE_MAX });
            self.lines.write(out.as_bytes());
            if let Some(syslog) = &self.syslog {
                out.clear();
                let max = syslog.begin(out, now, level(outcome.verdict));
                write(out, Style { format: Format::Json, max });
                syslog.queue(out);
            }
            out.shrink_to(LINE_KEPT);
        });
    }
}

const fn level(verdict: Verdict) -> Level {
    match verdict {
        Verdict::Deny => Level::Warning,
        Verdict::Warn | Verdict::Patch => Level::Notice,
        Verdict::Allow => Level::Info,
    }
}

/// The line that says how many lines were lost.
pub(super) fn lost_line(format: Format) -> fn(u64) -> String {
    match format {
        Format::Json => |lost| {
            format!(
                "{{\"timestamp\":\"{}\",\"level\":\"WARN\",\"target\":\"podreeve::log\",\"message\":\"{lost} log lines \
                 were lost, because the reader of this log is too slow\",\"lost\":{lost}}}\n",
                Timestamp::now()
            )
        },
        Format::Text => |lost| {
            format!(
                "{}  WARN podreeve::log: {lost} log lines were lost, because the reader of this log is too slow\n",
                Timestamp::now()
            )
        },
    }
}
