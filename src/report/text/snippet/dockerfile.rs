//! What may be a secret in a Dockerfile: the values of variables and labels, and what the rule about secrets finds.

use crate::dockerfile::{Arguments, Dockerfile, Instruction};
use crate::policy::CompiledPolicy;
use crate::rule::Rule;
use crate::rules::{self, SecretValues};
use crate::secret_shapes::secret_value;
use crate::text::HIDDEN;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;

const RULE: &str = "dockerfile-secrets";

/// The parts of a Dockerfile that are not shown, in its order.
pub struct Secrets(Vec<Range<usize>>);

impl Secrets {
    /// A policy may have further names of secrets. What it allows stays hidden.
    pub fn new(file: &Dockerfile<'_>, policies: &[Arc<CompiledPolicy>]) -> Self {
        let mut hidden = Vec::new();
        for pair in file.instructions.iter().flat_map(Instruction::pairs) {
            hidden.extend(pair.value.as_ref().map(|value| value.span.clone()));
        }
        let mut found = Vec::new();
        let of_table = rules::find(RULE).and_then(Rule::file).and_then(|rule| (rule.compile)(Value::Null).ok());
        let of_policies = policies.iter().flat_map(|policy| &policy.files).filter(|rule| rule.rule.id == RULE);
        for check in of_table.iter().map(|check| &**check).chain(of_policies.map(|rule| &*rule.check)) {
            let mut findings = Vec::new();
            check.check(file, &mut findings);
            found.extend(findings.iter().map(|finding| finding.at.span.clone()));
            // The name of a variable and the path of a file are no secrets.
            let is_text = |span: &Range<usize>| {
                let found = file.instruction_at(span.start).map(|(_, instruction)| instruction);
                found.is_some_and(|of| !of.span.contains(&span.start) || matches!(of.arguments, Arguments::Command(_)))
            };
            hidden.extend(findings.into_iter().map(|finding| finding.at.span).filter(is_text));
        }
        let values = SecretValues::of_dockerfile(file, &found);
        // What no rule reads, such as the path of an ADD, and where a value is written once more.
        for instruction in &file.instructions {
            let mut at = instruction.span.start;
            let text = file.text().get(instruction.span.clone()).unwrap_or_default();
            for piece in text.split_inclusive(char::is_whitespace) {
                let word = piece.trim_end();
                if secret_value(word).is_some() || values.are_in(word) {
                    hidden.push(at..at + word.len());
                }
                at += piece.len();
            }
        }
        // A key is in several lines, of which a finding names the first.
        for heredoc in file.instructions.iter().flat_map(|instruction| &instruction.heredocs) {
            if heredoc.text.contains("PRIVATE KEY") {
                hidden.push(heredoc.start..heredoc.start + heredoc.text.len());
            }
        }
        hidden.sort_by_key(|span| (span.start, span.end));
        // A secret in a here-document that is hidden as a whole is hidden once.
        hidden.dedup_by(|next, before| {
            let overlaps = next.start <= before.end;
            if overlaps {
                before.end = before.end.max(next.end);
            }
            overlaps
        });
        Self(hidden)
    }

    /// A part of the text without secrets.
    pub fn hide(&self, file: &Dockerfile<'_>, part: Range<usize>) -> String {
        let mut out = String::new();
        let mut at = part.start;
        for hidden in self.0.iter().filter(|hidden| hidden.start < part.end && hidden.end > part.start) {
            if hidden.end <= at {
                continue;
            }
            out.push_str(file.text().get(at..hidden.start.max(at)).unwrap_or_default());
            out.push_str(HIDDEN);
            at = hidden.end.min(part.end);
        }
        out.push_str(file.text().get(at..part.end).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_secrets_are_hidden() {
        let path = "FROM a\nADD hunter2.conf /etc/\nENV A_PASSWORD=hunter2\n";
        let file = Dockerfile::parse(path);
        assert_eq!(Secrets::new(&file, &[]).hide(&file, file.line(2)), "ADD (not repeated) /etc/");
        let text = "FROM a\nENV A=hunter2 B=1\nRUN x && mysql -phunter2 \\\n  -u root\nCOPY id_rsa /\nCOPY <<EOF /k\n-----BEGIN PRIVATE KEY-----\nhunter2\nEOF\n";
        let file = Dockerfile::parse(text);
        let secrets = Secrets::new(&file, &[]);
        let line = |number| secrets.hide(&file, file.line(number));
        assert_eq!(line(2), "ENV A=(not repeated) B=(not repeated)");
        assert_eq!(line(3), "RUN x && mysql (not repeated) \\");
        assert_eq!([line(4), line(5)], ["  -u root", "COPY id_rsa /"]);
        assert_eq!([line(7), line(8)], [HIDDEN, HIDDEN]);
    }
}
