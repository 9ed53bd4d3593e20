//! HTML: one file that needs no other, with charts by rule and by namespace, and the findings by rule.

mod charts;

use super::{Ending, FileFindings, Format};
use crate::report::entry::{Entry, Level, TOPICS, entries};
use crate::report::text::summary;
use crate::rule::Severity;
use crate::rules;
use crate::text::clean;
use askama::Template;
use charts::{Chart, Totals};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most rows of one rule. A page with all of 100,000 would not open.
const MAX_ROWS: usize = 1000;
/// The most errors that are shown.
const MAX_ERRORS: usize = 1000;

/// Writes the page. It is written at the end, because the totals come first.
#[derive(Debug, Default)]
pub struct HtmlReport {
    all: bool,
    rules: BTreeMap<&'static str, RuleSection>,
    by_rule: Totals,
    by_namespace: Totals,
}

#[derive(Template)]
#[template(path = "check-report.html")]
struct Page<'p> {
    verdict: &'static str,
    style: &'static str,
    summary: String,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    rules: Vec<&'p RuleSection>,
    errors: Vec<(String, String)>,
    version: &'static str,
}

struct Tile {
    name: &'static str,
    count: usize,
    style: &'static str,
}

/// The findings of a rule.
#[derive(Debug)]
struct RuleSection {
    id: &'static str,
    title: &'static str,
    why: String,
    url: String,
    level: Level,
    severity: Severity,
    style: &'static str,
    word: &'static str,
    count: usize,
    rows: Vec<Row>,
    /// How many rows are left out.
    more: usize,
}

#[derive(Debug)]
struct Row {
    place: String,
    subject: String,
    message: String,
    style: &'static str,
    word: &'static str,
}

impl HtmlReport {
    #[must_use]
    pub fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    fn add(&mut self, entry: &Entry<'_>) {
        self.by_rule.add(entry.rule, entry.level);
        if let Some(object) = entry.object {
            let namespace = if object.namespace.is_empty() { "no namespace" } else { &object.namespace };
            self.by_namespace.add(&clean(namespace, 63), entry.level);
        }
        let section = self.rules.entry(entry.rule).or_insert_with(|| RuleSection::new(entry.rule));
        section.count += 1;
        section.severity = section.severity.max(entry.severity);
        section.raise(entry.level);
        if section.rows.len() < MAX_ROWS {
            section.rows.push(Row {
                place: entry.place(),
                subject: entry.subject.clone(),
                message: entry.message.clone(),
                style: style(entry.level),
                word: entry.level.word(),
            });
        } else {
            section.more += 1;
        }
    }
}

impl RuleSection {
    fn new(id: &'static str) -> Self {
        let rule = rules::find(id);
        let topic = TOPICS.iter().find(|topic| topic.id == id);
        let title = rule.map(|rule| rule.title).or(topic.map(|topic| topic.title)).unwrap_or_default();
        Self {
            id,
            title,
            why: rule.map(|rule| sentence(rule.why)).unwrap_or_default(),
            url: super::rule_url(id),
            level: Level::Exempt,
            severity: Severity::Low,
            style: style(Level::Exempt),
            word: Level::Exempt.word(),
            count: 0,
            rows: Vec::new(),
            more: 0,
        }
    }

    fn raise(&mut self, level: Level) {
        if level >= self.level {
            (self.level, self.style, self.word) = (level, style(level), level.word());
        }
    }
}

impl Format for HtmlReport {
    fn file(&mut self, file: &FileFindings<'_>) -> String {
        for entry in entries(file.results, self.all).iter().filter(|entry| entry.level != Level::Error) {
            self.add(entry);
        }
        String::new()
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        let totals = ending.summary;
        let (verdict, style) = match (totals.denied, totals.errors, totals.warned) {
            (0, 0, 0) => ("podreeve admits everything", "good"),
            (0, 0, _) => ("podreeve admits everything, with warnings", "warning"),
            (0, ..) => ("podreeve could not read everything", "denied"),
            _ => ("podreeve denies", "denied"),
        };
        let mut rules: Vec<&RuleSection> = self.rules.values().collect();
        rules.sort_by_key(|rule| (Reverse((rule.level, rule.severity, rule.count)), rules::order(rule.id)));
        let tile = |name, count, style| Tile { name, count, style };
        let page = Page {
            verdict,
            style,
            summary: summary::line(ending),
            tiles: vec![
                tile("objects", totals.objects, ""),
                tile("denied", totals.denied, if totals.denied > 0 { "denied" } else { "" }),
                tile("with warnings", totals.warned, if totals.warned > 0 { "warning" } else { "" }),
                tile("repaired", totals.patched, ""),
                tile("admitted", totals.allowed, "good"),
                tile("could not be read", totals.errors, if totals.errors > 0 { "denied" } else { "" }),
            ],
            charts: vec![self.by_rule.chart("By rule"), self.by_namespace.chart("By namespace")],
            rules,
            errors: ending.errors.iter().take(MAX_ERRORS).map(error).collect(),
            version: env!("CARGO_PKG_VERSION"),
        };
        // Rendering to a string cannot fail.
        page.render().unwrap_or_default()
    }
}

fn error(error: &crate::report::FileError) -> (String, String) {
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", clean(&error.file, 4096)),
        _ => clean(&error.file, 4096),
    };
    (place, clean(&error.message, 1000))
}

const fn style(level: Level) -> &'static str {
    match level {
        Level::Denied | Level::Error => "denied",
        Level::Warning => "warning",
        _ => "other",
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + chars.as_str() + "."
}
