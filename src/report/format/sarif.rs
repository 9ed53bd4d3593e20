//! SARIF 2.1.0, for code scanning: each rule with its help, each entry as a result.

mod fixes;
mod types;

use super::json::indented;
use super::{Ending, FileFindings, Format, rule_url};
use crate::report::entry::{Entry, Level, TOPICS, Topic, entries};
use crate::rule::{Rule, Severity};
use crate::rules::owasp;
use types::{
    ArtifactLocation, Configuration, Location, LogicalLocation, Message, MultiformatMessage, PhysicalLocation, Region,
    ReportingDescriptor, RuleProperties, SarifResult, Suppression,
};

/// Writes one run of podreeve.
#[derive(Debug, Default)]
pub struct SarifReport {
    all: bool,
    /// The rules that judge what is reported about, which a reader takes for the ones that found nothing.
    rules: Vec<&'static Rule>,
    has_results: bool,
}

impl SarifReport {
    #[must_use]
    pub fn new(all: bool, rules: Vec<&'static Rule>) -> Self {
        Self { all, rules, has_results: false }
    }

    /// The place of an id in the list of rules.
    fn index(&self, id: &str) -> Option<usize> {
        self.rules.iter().map(|rule| rule.id).chain(TOPICS.iter().map(|topic| topic.id)).position(|known| known == id)
    }
}

impl Format for SarifReport {
    fn begin(&mut self) -> String {
        let rules: Vec<ReportingDescriptor> =
            self.rules.iter().map(|rule| of_rule(rule)).chain(TOPICS.iter().map(|topic| of_topic(topic))).collect();
        let rules: Vec<String> = rules.iter().map(|rule| indented(rule, 12)).collect();
        format!(
            r#"{{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {{
      "tool": {{
        "driver": {{
          "name": "podreeve",
          "informationUri": "{}",
          "semanticVersion": "{}",
          "rules": [
{}
          ]
        }}
      }},
      "columnKind": "unicodeCodePoints",
      "results": ["#,
            env!("CARGO_PKG_REPOSITORY"),
            env!("CARGO_PKG_VERSION"),
            rules.join(",\n")
        )
    }

    fn file(&mut self, file: &FileFindings<'_>) -> String {
        let mut text = String::new();
        for entry in entries(file.results, self.all) {
            text.push_str(if self.has_results { ",\n" } else { "\n" });
            self.has_results = true;
            text.push_str(&indented(&result(&entry, self.index(entry.rule)), 8));
        }
        text
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        let end = if self.has_results { "\n      " } else { "" };
        format!(
            "{end}],\n      \"invocations\": [\n        {{\"executionSuccessful\": {}}}\n      ]\n    }}\n  ]\n}}\n",
            ending.errors.is_empty()
        )
    }
}

fn of_rule(rule: &'static Rule) -> ReportingDescriptor {
    let url = rule_url(rule.id);
    let items: Vec<String> = rule
        .owasp
        .iter()
        .filter_map(|number| owasp::ITEMS.iter().find(|item| item.number == *number))
        .map(|item| format!("OWASP item {}: {}", item.number, item.title))
        .collect();
    let repair = format!("`podreeve explain {}` shows the repair.", rule.id);
    let text = [&*rule.docs_with_addresses(), &format!("Why: {}.", rule.why), &items.join("\n"), &repair].join("\n\n");
    let tags = ["security".to_owned(), "kubernetes".to_owned()].into_iter();
    ReportingDescriptor {
        id: rule.id,
        name: rule.id,
        short_description: Message::new(rule.title),
        full_description: Message::new(rule.why),
        help_uri: url.clone(),
        help: MultiformatMessage { text: text.clone(), markdown: format!("{text}\n\n[The page of this rule]({url})") },
        default_configuration: Configuration { level: level_of(rule.severity) },
        properties: RuleProperties {
            precision: "very-high",
            security_severity: security_severity(rule.severity),
            tags: tags.chain(rule.owasp.iter().map(|item| format!("owasp-{item}"))).collect(),
        },
    }
}

fn of_topic(topic: &'static Topic) -> ReportingDescriptor {
    ReportingDescriptor {
        id: topic.id,
        name: topic.id,
        short_description: Message::new(topic.title),
        full_description: Message::new(topic.title),
        help_uri: rule_url(topic.id),
        help: MultiformatMessage { text: topic.title.to_owned(), markdown: topic.title.to_owned() },
        default_configuration: Configuration { level: level_of(topic.severity) },
        properties: RuleProperties {
            precision: "very-high",
            security_severity: security_severity(topic.severity),
            tags: vec!["kubernetes".to_owned()],
        },
    }
}

const fn level_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// A number in the range that code scanning reads as the same severity.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn result(entry: &Entry<'_>, rule_index: Option<usize>) -> SarifResult {
    let why = entry.why();
    let why = if why.is_empty() { String::new() } else { format!(". Why: {why}") };
    // Code scanning wants a line, also of what has none.
    let region =
        entry.line.or(entry.object.map(|_| 1)).map(|start_line| Region { start_line, start_column: entry.column });
    SarifResult {
        rule_id: entry.rule,
        rule_index,
        level: match entry.level {
            Level::Error | Level::Denied => "error",
            Level::Warning => "warning",
            Level::Note | Level::Repaired | Level::Audit | Level::Exempt => "note",
        },
        message: Message::new(format!("{}: {}{why}", entry.level.word(), entry.sentence())),
        locations: vec![Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(&entry.file) },
                region,
            },
            logical_locations: logical(entry),
        }],
        partial_fingerprints: (!entry.fingerprint.is_empty())
            .then(|| [("podreeveFingerprint/v1", entry.fingerprint.to_owned())].into()),
        fixes: fixes::of(entry, &uri(&entry.file)),
        suppressions: if entry.level == Level::Exempt {
            vec![Suppression { kind: "external", status: "accepted" }]
        } else {
            Vec::new()
        },
    }
}

fn logical(entry: &Entry<'_>) -> Vec<LogicalLocation> {
    let Some(object) = entry.object else { return Vec::new() };
    let field = entry.violation.map(|violation| format!("/{}", violation.field)).unwrap_or_default();
    let name = crate::report::entry::object_name(object);
    vec![LogicalLocation { fully_qualified_name: format!("{name}{field}"), kind: "object" }]
}

/// The path as a URI: relative as it is given, so that code scanning finds the file in the repository.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("./a b/\u{fc}.yaml"), "a%20b/%C3%BC.yaml");
        assert_eq!(uri("/a/b.yaml"), "file:///a/b.yaml");
        assert_eq!(uri("../a#b?c.yaml"), "../a%23b%3Fc.yaml");
    }
}
