//! `podreeve review`: one AdmissionReview answered as the webhook would.

use super::output::{self, Format};
use super::{Exit, Failure, input};
use crate::admit::{self, admit};
use crate::outcome::{Outcome, Verdict};
use clap::ValueEnum;
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

/// Answer an AdmissionReview as the webhook would
///
/// Exit code 0 when the request is allowed, 1 when it is denied, 2 when the review cannot be read.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The AdmissionReview, JSON; - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Which webhook is called
    #[arg(long, value_enum, default_value_t)]
    hook: Hook,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY")]
    policy: Vec<String>,

    /// How to print: json is the answer on the wire
    #[arg(short, long, value_enum, default_value = "json")]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Hook {
    #[default]
    Validate,
    Mutate,
}

/// # Errors
/// A file or policies that cannot be read, and a stdout that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let snapshot = super::check::load(&args.policy)?;
    let read = input::read(&args.file);
    let body = read.bytes.map_err(|message| Failure::unreadable(format!("{}: {message}", read.name)))?;
    let hook = match args.hook {
        Hook::Validate => admit::Hook::Validate,
        Hook::Mutate => admit::Hook::Mutate,
    };
    let outcome = admit(&body, hook, &snapshot, super::check::today());
    let answer: Value = serde_json::from_slice(&outcome.reply).unwrap_or_default();
    if !answer.is_null() {
        match args.output {
            Format::Json => output::json(&answer)?,
            Format::Text => output::print(&text(&answer, &outcome))?,
        }
    }
    match &outcome.problem {
        // The envelope itself; a pod that cannot be read is a denial like others.
        Some(problem) if answer.is_null() || outcome.about.operation.is_empty() => {
            Err(Failure::unreadable(format!("{}: {problem}", read.name)))
        }
        _ if outcome.verdict == Verdict::Deny => Ok(Exit::Violations),
        _ => Ok(Exit::Clean),
    }
}

fn text(answer: &Value, outcome: &Outcome) -> String {
    let mut text = format!("{}\n", if outcome.verdict == Verdict::Deny { "denied" } else { "allowed" });
    if let Some(message) = answer.pointer("/response/status/message").and_then(Value::as_str) {
        let _ = writeln!(text, "\n{message}");
    }
    let warnings = answer.pointer("/response/warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(text, "warning: {warning}");
    }
    for operation in &outcome.patch {
        let _ = writeln!(text, "patch: {}", crate::report::text::repair(operation));
    }
    text
}
