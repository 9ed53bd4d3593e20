//! `podreeve rules`: the table.

pub mod coverage;
mod default_action;

pub use default_action::{default_action, default_params};

use super::exit::{Exit, Failure};
use super::output::{self, Format};
use crate::policy::Action;
use crate::rule::{Example, Rule, Same, Severity};
use crate::rules::RULES;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// List the rules
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print; json includes every example that is a pod
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    /// Show how podreeve answers each item of the OWASP list: by which rule, or by which command
    #[arg(long)]
    owasp: bool,

    /// List only the rules that judge this; exec is a connection to a pod
    #[arg(long, value_enum, value_name = "SUBJECT", conflicts_with = "owasp")]
    judges: Option<Subject>,
}

/// What a rule judges.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Subject {
    Pod,
    Exec,
    Dockerfile,
    Image,
    Node,
}

impl Subject {
    const fn judges(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Exec => "exec",
            Self::Dockerfile => "dockerfile",
            Self::Image => "image",
            Self::Node => "node",
        }
    }
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    title: &'static str,
    /// What the rule judges: pod, exec (a connection to a pod), dockerfile, image or node.
    judges: &'static str,
    docs: Cow<'static, str>,
    owasp: &'static [u8],
    pss: Option<&'static str>,
    severity: Severity,
    /// Whether the rule has a repair.
    patch: bool,
    /// What the built-in policy does.
    action: Action,
    /// The parameters that the built-in policy gives, if it gives some.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<String>,
    examples: Vec<ExampleRow>,
}

#[derive(Serialize)]
struct ExampleRow {
    name: &'static str,
    params: Value,
    expect: &'static str,
    container: bool,
    pod: Value,
    fields: Vec<String>,
}

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.owasp {
        let rows = coverage::rows();
        match args.output {
            Format::Json => output::json(&rows)?,
            Format::Text => output::print(&coverage::table(&rows))?,
        }
        return Ok(Exit::Clean);
    }
    let is_wanted = |rule: &&&'static Rule| args.judges.is_none_or(|subject| subject.judges() == rule.subject());
    let rows: Vec<Row> = RULES.iter().filter(is_wanted).map(|rule| row(rule)).collect();
    match args.output {
        Format::Json => output::json(&rows)?,
        Format::Text => output::print(&table(&rows))?,
    }
    Ok(Exit::Clean)
}

/// The violations that imply this rule's, for people.
#[must_use]
pub fn implied(rule: &Rule) -> Option<String> {
    let of = |same: Same| -> Vec<String> {
        let causes = rule.implied_by().iter().filter(|cause| cause.same == same);
        causes.map(|cause| format!("`{}`", cause.rule)).collect()
    };
    let (containers, volumes) = (of(Same::Container), of(Same::Volume));
    let (what, causes) = if containers.is_empty() { ("volume", volumes) } else { ("container", containers) };
    (!causes.is_empty()).then(|| {
        format!(
            "Not reported for a {what} that violates {}, which implies it; an exemption from that rule covers this one, too. This \
             applies if the policy is as strict about the cause, and to no rule that follows a Pod Security Standard.",
            causes.join(" or ")
        )
    })
}

fn row(rule: &'static Rule) -> Row {
    Row {
        id: rule.id,
        title: rule.title,
        judges: rule.subject(),
        docs: rule.docs_with_addresses(),
        owasp: rule.owasp,
        pss: rule.pss().map(crate::rule::Pss::as_str),
        severity: rule.severity,
        patch: rule.fixes(),
        action: default_action(rule),
        params: default_params(rule),
        examples: plain(rule).map(example).collect(),
    }
}

/// The examples that are a pod alone. Without a bad one among them, the good ones prove nothing.
fn plain(rule: &'static Rule) -> impl Iterator<Item = &'static Example> {
    let plain = || rule.examples().filter(|example| rule.pod().is_some_and(|pod| pod.is_plain(example)));
    let proven = plain().any(Example::is_bad);
    plain().filter(move |_| proven)
}

fn example(example: &Example) -> ExampleRow {
    ExampleRow {
        name: example.name,
        params: example.params_value(),
        expect: if example.is_bad() { "bad" } else { "good" },
        container: example.is_container(),
        pod: example.pod(),
        fields: example.fields(),
    }
}

fn table(rows: &[Row]) -> String {
    let width = |column: fn(&Row) -> &str| rows.iter().map(|row| column(row).len()).max().unwrap_or_default();
    let (id, action, severity) =
        (width(|r| r.id), width(|r| r.action.as_str()).max(6), width(|r| r.severity.as_str()).max(8));
    let mut text = format!("{:id$}  {:action$}  {:severity$}  TITLE\n", "RULE", "ACTION", "SEVERITY");
    for row in rows {
        let _ = writeln!(text, "{:id$}  {:action$}  {:severity$}  {}", row.id, row.action, row.severity, row.title);
    }
    text += "\nACTION is that of the built-in policy `owasp`. `podreeve explain RULE` explains a rule.\n";
    for row in rows {
        if let Some(params) = &row.params {
            let _ = writeln!(text, "In `owasp`, {} has {params}.", row.id);
        }
    }
    text
}
