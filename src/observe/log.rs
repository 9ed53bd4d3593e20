//! The log: tracing events and decisions, JSON or text, on stderr.

use super::{Decisions, decisions, lines::Lines};
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

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line, for collectors.
    #[default]
    Json,
    /// For people.
    Text,
}

/// The log of this process. What is queued is written when it is dropped.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    format: Format,
    level: LevelFilter,
}

impl Log {
    /// Starts the log on stderr and makes it the process's own, panics included.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(format: Format, level: LevelFilter) -> io::Result<Self> {
        let lines = Lines::new(io::stderr(), decisions::lost_line(format))?;
        let writer = Writer(lines.clone());
        let layer = match format {
            Format::Json => fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
            Format::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
        };
        // Other crates' details may quote requests: they only warn.
        let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("podreeve", level);
        // What the client meets is told by `cluster`, once.
        let targets =
            ["kube_client", "kube_runtime"].iter().fold(targets, |t, quiet| t.with_target(*quiet, LevelFilter::OFF));
        // Fails only when somebody else has set a log, as tests in one process do.
        let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
        std::panic::set_hook(Box::new(tell_panic));
        Ok(Self { lines, format, level })
    }

    /// The log of decisions, unless the level leaves it out.
    #[must_use]
    pub fn decisions(&self) -> Option<Decisions> {
        (self.level >= LevelFilter::INFO).then(|| Decisions::new(self.lines.clone(), self.format))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.flush(Duration::from_secs(1));
    }
}

/// Tells where it was. A message that was put together at run time may quote a request and is left out.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not told)");
    tracing::error!(place, message = clean(message, 200), "panic: this is a bug in podreeve, please report it");
}

/// Hands whole lines to the queue: the format layer writes each event at once.
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
