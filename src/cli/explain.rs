//! `podreeve explain`: what to change in the YAML that a rule denies. Denials name this command.

pub mod file_example;
pub mod image_example;
mod json;
pub mod node_example;
mod object;
pub mod params;
pub mod repaired;

use super::exit::{Exit, Failure};
use super::output::{self, Format};
use super::rules::{default_action, default_params};
use super::suggested::{POLICY, RULE};
use crate::rule::{Judges, Rule};
use crate::rules::{self, RULES, owasp};
use crate::text::dotted;
use anstyle::Style;
use file_example::BadFile;
use repaired::Repaired;
use std::fmt::Write;
use std::path::PathBuf;

/// Explain what a rule requires and why, or show the edit that makes your own objects pass
///
/// With -f it prints one edit for each object that a policy would deny, repair or warn of, as a diff in YAML.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rule ids, as denials name them
    #[arg(value_name = "RULE", required_unless_present = "filename", value_parser = RULE, hide_possible_values = true)]
    rules: Vec<String>,

    /// Manifests, YAML or JSON, whose edit is shown; - is stdin; may be repeated
    #[arg(short, long, value_name = "FILE", conflicts_with = "rules")]
    filename: Vec<String>,

    /// With -f, a policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY", requires = "filename", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// With -f, facts of images, as `podreeve image IMAGE --facts FILE` writes them; may be repeated
    #[arg(long, value_name = "FILE", requires = "filename", value_hint = clap::ValueHint::FilePath)]
    image_facts: Vec<PathBuf>,

    /// With -f, the namespace of objects that name none
    #[arg(short, long, default_value = "default", value_parser = super::namespace::name)]
    namespace: String,

    /// How to print; json explains rules, and `check -o json` has the edits of objects
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "filename")]
    output: Format,
}

/// How what violates a rule that judges no requests gets through.
pub const fn passes(rule: &Rule) -> &'static str {
    match rule.judges {
        Judges::Node(_) => NODES_PASS,
        Judges::Image(_) | Judges::Pod(_) | Judges::Exec(_) | Judges::Dockerfile(_) => FILES_PASS,
    }
}

/// How a host that violates a rule gets through.
const NODES_PASS: &str = "A policy exempts nodes under `spec.nodeExemptions`, by their labels or for all, with a reason and an end. A policy \
     of your own changes the action or the parameters.";

/// How violations of a rule about files pass: exemptions are for pods.
const FILES_PASS: &str = "`podreeve check --write-baseline FILE` writes what there is to a file, and `--baseline FILE` then \
     reports only what is new. A policy of your own changes the action or the parameters.";

const WIDTH: usize = 100;
const BOLD: Style = Style::new().bold();

/// # Errors
/// An unknown rule, and a stdout that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.filename.is_empty() {
        let Args { filename, policy, namespace, image_facts, .. } = args;
        return object::run(&object::Objects { files: filename, policy, namespace, image_facts });
    }
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for id in &args.rules {
        match rules::find(id) {
            Some(rule) => found.push(rule),
            None => unknown.push(unknown_rule(id)),
        }
    }
    match args.output {
        Format::Json => output::json(&json::explain(&found))?,
        Format::Text => {
            let pages: Vec<String> = found.into_iter().map(page).collect();
            output::print(&pages.join("\n"))?;
        }
    }
    if unknown.is_empty() { Ok(Exit::Clean) } else { Err(Failure::input(unknown.join("\n"))) }
}

fn unknown_rule(id: &str) -> String {
    let id = crate::text::clean(id, 60);
    match rules::nearest(&id) {
        Some(near) => format!("there is no rule `{id}`; did you mean `{near}`?"),
        None => format!("there is no rule `{id}`; `podreeve rules` lists all {}", RULES.len()),
    }
}

fn page(rule: &'static Rule) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{BOLD}{}{BOLD:#}: {}", rule.id, rule.title);
    let action = default_action(rule);
    let params = default_params(rule).map(|params| format!(", {params}")).unwrap_or_default();
    let mut facts = vec![format!("{} severity", rule.severity), format!("`owasp`: {action}{params}")];
    facts.extend(rule.pss().map(|pss| format!("Pod Security Standards: {}", pss.as_str())));
    if rule.fixes() {
        facts.push("has a repair".to_owned());
    }
    let _ = writeln!(text, "{}", facts.join(" · "));
    for paragraph in rule.docs_with_addresses().split("\n\n") {
        text.push('\n');
        wrap(&mut text, "", paragraph);
    }
    section(&mut text, "Why");
    wrap(&mut text, "  ", &sentence(rule.why));
    for number in rule.owasp {
        let title = owasp::ITEMS.iter().find(|item| item.number == *number).map_or("", |item| item.title);
        let _ = writeln!(text, "  OWASP item {number}: {title}");
    }
    if let Some(implied) = super::rules::implied(rule) {
        wrap(&mut text, "  ", &implied);
    }
    change(&mut text, rule);
    parameters(&mut text, rule);
    exempt(&mut text, rule);
    text
}

fn section(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n{BOLD}{title}{BOLD:#}");
}

/// A bad example, and the edit that makes it pass; or what to do without an edit.
fn change(text: &mut String, rule: &'static Rule) {
    let instead = rule.instead();
    if let Some(bad) = rule.file().and_then(file_example::best) {
        return change_of_file(text, &bad, instead);
    }
    if let Some(bad) = rule.image().and_then(image_example::best) {
        let _ = writeln!(text, "\n{BOLD}A violation{BOLD:#} (example: {})", bad.example.name);
        for finding in &bad.findings {
            wrap(text, "  ", finding);
        }
        section(text, "What to do");
        return wrap(text, "  ", &sentence(instead));
    }
    if let Some(bad) = rule.node().and_then(node_example::best) {
        let _ = writeln!(text, "\n{BOLD}A violation{BOLD:#} (example: {})", bad.example.name);
        for failure in &bad.failures {
            wrap(text, "  ", failure);
        }
        section(text, "What to do");
        return wrap(text, "  ", &sentence(instead));
    }
    let Some(Repaired { example, at, lines }) = repaired::best(rule) else {
        if !instead.is_empty() {
            section(text, "What to do");
            wrap(text, "  ", &sentence(instead));
        }
        return;
    };
    let params = if example.params.is_empty() { String::new() } else { format!(", with params {}", example.params) };
    let at = if at.is_empty() { String::new() } else { format!(" in {}", dotted(&at)) };
    let _ = writeln!(text, "\n{BOLD}What to change{at}{BOLD:#} (example: {}{params})", example.name);
    for line in lines.lines() {
        let style = style_of(line);
        let _ = writeln!(text, "  {style}{line}{style:#}");
    }
    let others = rule.examples().filter(|other| other.is_bad() && other.name != example.name);
    let others: Vec<&str> = others.map(|other| other.name).collect();
    if !others.is_empty() {
        wrap(text, "  ", &format!("Also violations: {}.", others.join("; ")));
    }
    wrap(
        text,
        "  ",
        "In a Deployment and the like the same fields are under spec.template, in a CronJob under spec.jobTemplate.spec.template.",
    );
}

/// A bad Dockerfile with what is found in it, and the edit or what to do.
fn change_of_file(text: &mut String, bad: &BadFile, instead: &str) {
    let BadFile { example, findings, diff } = bad;
    let params = if example.params.is_empty() { String::new() } else { format!(", with params {}", example.params) };
    let title = if diff.is_empty() { "A violation" } else { "What to change" };
    let _ = writeln!(text, "\n{BOLD}{title}{BOLD:#} (example: {}{params})", example.name);
    let lines = if diff.is_empty() { example.text } else { diff };
    for line in lines.lines() {
        let style = if diff.is_empty() { Style::new() } else { style_of(line) };
        let _ = writeln!(text, "  {style}{line}{style:#}");
    }
    for finding in findings {
        wrap(text, "  ", finding);
    }
    if !instead.is_empty() {
        section(text, "What to do");
        wrap(text, "  ", &sentence(instead));
    }
}

/// The colour of a line of a diff.
fn style_of(line: &str) -> Style {
    match line.as_bytes().first() {
        Some(b'-') => anstyle::AnsiColor::Red.on_default(),
        Some(b'+') => anstyle::AnsiColor::Green.on_default(),
        _ => Style::new(),
    }
}

fn parameters(text: &mut String, rule: &'static Rule) {
    let params = params::of(rule);
    if params.is_empty() {
        return;
    }
    section(text, &format!("Parameters, in a policy under spec.rules.{}.params", rule.id));
    for params::Param { name, kind, docs, default } in params {
        let default = default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        let _ = writeln!(text, "  {BOLD}{name}{BOLD:#}  {kind}{default}");
        wrap(text, "      ", &docs);
    }
}

fn exempt(text: &mut String, rule: &'static Rule) {
    if !rule.judges_requests() {
        section(text, "To let what exists through");
        wrap(text, "  ", passes(rule));
        return;
    }
    section(text, "To let one case through, in the policy");
    let _ = write!(
        text,
        "  spec:
    exemptions:
    - rules: [{}]
      namespaces: [my-namespace]
      containers: [my-container]  # or images: [registry.example.com/team/app]; left out: every pod there
      reason: why this is right
      until: {}-12-31           # the last day; left out: no end
",
        rule.id,
        super::check::today().year()
    );
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + chars.as_str() + "."
}

/// Wraps a paragraph and the items of a list to lines of at most [`WIDTH`]. Tables and indented lines stay as they are.
pub(super) fn wrap(text: &mut String, indent: &str, paragraph: &str) {
    if paragraph.lines().any(|line| line.starts_with([' ', '-', '*', '|'])) {
        for line in paragraph.lines() {
            match line.strip_prefix("- ") {
                Some(item) => fill(text, &format!("{indent}- "), &format!("{indent}  "), item),
                None => {
                    let _ = writeln!(text, "{indent}{line}");
                }
            }
        }
        return;
    }
    fill(text, indent, indent, paragraph);
}

/// Wraps words to lines, of which the first one begins in another way.
fn fill(text: &mut String, first: &str, indent: &str, paragraph: &str) {
    let (mut line, mut is_empty) = (first.to_owned(), true);
    for word in paragraph.split_whitespace() {
        if is_empty {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = format!("{indent}{word}");
        } else {
            line.push(' ');
            line.push_str(word);
        }
        is_empty = false;
    }
    let _ = writeln!(text, "{line}");
}
