//! The log: tracing events on stderr, decisions there or on stdout, as JSON or text, and decisions to a receiver of syslog.

use super::decisions::{self, Decisions};
use super::format::Format;
use super::lines::Lines;
use super::syslog::{self, Syslog};
use crate::text::clean;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Where decisions go.
#[derive(Debug, Clone, Default)]
pub struct DecisionLog {
    /// To stdout, and not to stderr among the other lines.
    pub to_stdout: bool,
    /// To a receiver of syslog in addition.
    pub syslog: Option<syslog::Settings>,
}

/// The log of this process. Dropping it writes the lines that are still queued.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    /// None when the level leaves decisions out.
    decisions: Option<Decisions>,
}

impl Log {
    /// Starts the log on stderr, for the whole process. Panics are logged, too.
    ///
    /// # Errors
    /// When the system starts no thread, or a certificate for syslog cannot be used.
    pub fn start(format: Format, level: LevelFilter, decision_log: DecisionLog) -> Result<Self, syslog::StartError> {
        let lines = Lines::new(io::stderr(), decisions::lost_line(format))?;
        let writer = Writer(lines.clone());
        let layer = match format {
            Format::Json => fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
            Format::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
        };
        // Details of other crates may quote requests, so only their warnings are logged.
        let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("podreeve", level);
        // `cluster` logs errors of the client itself, once.
        let targets =
            ["kube_client", "kube_runtime"].iter().fold(targets, |t, quiet| t.with_target(*quiet, LevelFilter::OFF));
        // Fails only when the process has a log already, as tests do that run in one process.
        let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
        std::panic::set_hook(Box::new(log_panic));
        if level < LevelFilter::INFO {
            return Ok(Self { lines, decisions: None });
        }
        let to = if decision_log.to_stdout {
            Lines::new(io::stdout(), decisions::lost_line(format))?
        } else {
            lines.clone()
        };
        let syslog = decision_log.syslog.map(Syslog::start).transpose()?;
        Ok(Self { lines, decisions: Some(Decisions::new(to, format, syslog)) })
    }

    /// The log of decisions, unless the level leaves it out.
    #[must_use]
    pub fn decisions(&self) -> Option<Decisions> {
        self.decisions.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(decisions) = &self.decisions {
            decisions.flush(Duration::from_secs(1));
        }
        self.lines.flush(Duration::from_secs(1));
    }
}

/// Logs the place of a panic. A message that was formatted at run time may quote a request, and is left out.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message =
        panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(left out: it may quote a request)");
    tracing::error!(place, message = clean(message, 200), "panic: this is a bug in podreeve, please report it");
}

/// Passes lines to the queue. Each write is a whole line, because the format layer writes each event at once.
#[derive(Clone)]
struct Writer(Lines);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Writer {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
