//! `podreeve review`: answers one AdmissionReview as the webhook would.

use super::exit::{Exit, Failure};
use super::input;
use super::mode::ModeArgs;
use super::output::{self, Format};
use crate::admit::{self, Lookup, Snapshot, admit_guarded, judge_with_lookups};
use crate::facts::{FactAnswer, FactQuery};
use crate::outcome::{Operation, Outcome, Verdict};
use crate::review::response::MAX_REPORTED;
use crate::sources::Sources;
use crate::text::clean;
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use futures_util::FutureExt;
use json_patch::PatchOperation;
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

/// The longest line of an answer that is printed, in characters.
const LINE: usize = 4000;

/// Answer an AdmissionReview as the webhook would, or print an answered one
///
/// A review that has a `response` already, from a running webhook, is printed as it is.
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
    #[arg(long, value_name = "POLICY", value_parser = super::suggested::POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// How to print: json is the answer on the wire
    #[arg(short, long, value_enum, default_value = "json")]
    output: Format,

    #[command(flatten)]
    mode: ModeArgs,
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
    // As many violations are reported as by the webhook.
    let loaded = Sources::new(&args.policy).load(1, MAX_REPORTED).map_err(super::check::unusable)?;
    let snapshot = Snapshot { ceiling: args.mode.ceiling(), ..loaded };
    let read = input::read(&args.file);
    let body = read.bytes.map_err(|message| Failure::input(format!("{}: {message}", read.name)))?;
    if let Some(answer) = answered(&body) {
        print(args.output, &answer)?;
        let allowed = answer.pointer("/response/allowed").and_then(Value::as_bool) == Some(true);
        return Ok(if allowed { Exit::Clean } else { Exit::Violations });
    }
    let hook = match args.hook {
        Hook::Validate => admit::Hook::Validate,
        Hook::Mutate => admit::Hook::Mutate,
    };
    let outcome = WithoutCluster { body: &body, hook, snapshot: &snapshot }.answer();
    let answer: Value = serde_json::from_slice(&outcome.reply).unwrap_or_default();
    if !answer.is_null() {
        print(args.output, &answer)?;
    }
    match &outcome.problem {
        // The envelope cannot be read. A pod that cannot be read is an ordinary denial.
        Some(problem) if answer.is_null() || outcome.about.operation == Operation::default() => {
            Err(Failure::input(format!("{}: {problem}", read.name)))
        }
        _ if outcome.verdict == Verdict::Deny => Ok(Exit::Violations),
        _ => Ok(Exit::Clean),
    }
}

/// A review that is answered as by a webhook without a cluster: no fact can be looked up.
struct WithoutCluster<'a> {
    body: &'a [u8],
    hook: admit::Hook,
    snapshot: &'a Snapshot,
}

impl Lookup for WithoutCluster<'_> {
    type Result = Outcome;

    async fn judge(&mut self, answers: &[FactAnswer]) -> Outcome {
        let mut snapshot = self.snapshot.clone();
        snapshot.facts.answers = answers.to_vec();
        let outcome = admit_guarded(self.body, self.hook, &snapshot, super::check::today());
        outcome.unwrap_or_else(|denial| *denial)
    }

    async fn look_up(&mut self, query: FactQuery) -> FactAnswer {
        FactAnswer::Nothing(query)
    }
}

impl WithoutCluster<'_> {
    fn answer(self) -> Outcome {
        let (body, ceiling) = (self.body, self.snapshot.ceiling);
        // The lookups never wait, so the answer is ready at once.
        let outcome = judge_with_lookups(self).now_or_never();
        outcome.unwrap_or_else(|| {
            let problem = "judging it was interrupted; try again".to_owned();
            admit::unjudged(body, problem, ceiling, super::check::today())
        })
    }
}

/// The review if it is the answer of a running webhook, which has a response and no request.
fn answered(body: &[u8]) -> Option<Value> {
    let review: Value = serde_json::from_slice(body).ok()?;
    (review.get("response").is_some_and(Value::is_object) && review.get("request").is_none()).then_some(review)
}

fn print(format: Format, answer: &Value) -> Result<(), Failure> {
    match format {
        Format::Json => output::json(answer),
        Format::Text => output::print(&text(answer)),
    }
}

fn text(answer: &Value) -> String {
    let allowed = answer.pointer("/response/allowed").and_then(Value::as_bool) == Some(true);
    let mut text = format!("{}\n", if allowed { "allowed" } else { "denied" });
    if let Some(message) = answer.pointer("/response/status/message").and_then(Value::as_str) {
        text.push('\n');
        for line in message.lines() {
            let _ = writeln!(text, "{}", clean(line, LINE));
        }
    }
    let warnings = answer.pointer("/response/warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(text, "warning: {}", clean(warning, LINE));
    }
    for operation in patch(answer).unwrap_or_default() {
        let _ = writeln!(text, "patch: {}", crate::report::text::repair(&operation));
    }
    text
}

fn patch(answer: &Value) -> Option<Vec<PatchOperation>> {
    let encoded = answer.pointer("/response/patch")?.as_str()?;
    serde_json::from_slice(&STANDARD.decode(encoded).ok()?).ok()
}
