//! One log line for each decision. It is written by hand and not as a tracing event, because it is the only line on the
//! request path.

mod caller;
mod line;
pub mod read;
pub mod record;

pub use caller::Caller;

use super::format::Format;
use super::lines::Lines;
use super::times::Times;
use crate::admit::Hook;
use crate::outcome::Outcome;
use jiff::Timestamp;
use std::cell::RefCell;

/// Capacity that is kept for the next line, in bytes.
const LINE_KEPT: usize = 4096;

/// The log of decisions.
#[derive(Debug, Clone)]
pub struct Decisions {
    lines: Lines,
    format: Format,
    caller: Caller,
}

impl Decisions {
    #[must_use]
    pub const fn new(lines: Lines, format: Format) -> Self {
        Self { lines, format, caller: Caller::Authenticated }
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

    pub fn write(&self, hook: Hook, outcome: &Outcome, times: Times) {
        thread_local! {
            /// One buffer for each thread, so that no line allocates.
            static LINE: RefCell<String> = RefCell::default();
        }
        LINE.with_borrow_mut(|out| {
            out.clear();
            line::write(out, self.format, self.caller, Timestamp::now(), hook, outcome, times);
            self.lines.write(out.as_bytes());
            out.shrink_to(LINE_KEPT);
        });
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
