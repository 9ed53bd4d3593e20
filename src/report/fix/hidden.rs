//! Lines that a diff does not show, because they have a secret.

use crate::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::report::{ObjectReport, ViolationReport};
use crate::rule::Judges;
use crate::rules::{SecretValues, find, has_secret};
use crate::text::HIDDEN;
use std::collections::HashSet;

/// The lines with secrets, from 0.
#[derive(Debug, Default)]
pub struct Hidden(HashSet<usize>);

impl Hidden {
    /// Of a Dockerfile: values of variables, and what is found by the rule, whether or not a policy has it.
    #[must_use]
    pub fn of_dockerfile(text: &str) -> Self {
        let file = Dockerfile::parse(text);
        let mut spans = Vec::new();
        let values = file.instructions.iter().filter(|it| matches!(it.keyword, Keyword::Env | Keyword::Arg));
        spans.extend(
            values.flat_map(Instruction::pairs).filter(|pair| pair.value.is_some()).map(|pair| pair.span.clone()),
        );
        let mut found = Vec::new();
        let rule = find("dockerfile-secrets").map(|rule| &rule.judges);
        if let Some(Judges::Dockerfile(rule)) = rule
            && let Ok(check) = (rule.compile)(serde_json::json!({}))
        {
            let mut findings = Vec::new();
            check.check(&file, &mut findings);
            found.extend(findings.into_iter().map(|finding| finding.at.span));
        }
        // A line without a variable may have its value once more.
        let values = SecretValues::of_dockerfile(&file, &found);
        let mut lines: HashSet<usize> =
            text.lines().enumerate().filter(|(_, line)| values.are_in(line)).map(|(index, _)| index).collect();
        spans.extend(found);
        // Spans may be in each other: each line is counted once.
        spans.sort_by_key(|span| span.start);
        let mut next = 0;
        for span in spans {
            let end = file.line_of(span.end);
            lines.extend(next.max(file.line_of(span.start) - 1)..end);
            next = next.max(end);
        }
        Self::of_text(text, lines)
    }

    /// Of a manifest: what is found in variables and commands.
    #[must_use]
    pub fn of_manifest(text: &str, objects: &[ObjectReport]) -> Self {
        let violations = objects.iter().flat_map(|object| &object.violations);
        let lines =
            violations.filter(|violation| violation.rule == "env-secrets").map(|ViolationReport { line, .. }| line);
        Self::of_text(text, lines.map(|line| line.saturating_sub(1)).collect())
    }

    /// With the lines that show by themselves what they have.
    fn of_text(text: &str, mut lines: HashSet<usize>) -> Self {
        let mut is_in_key = false;
        for (index, line) in text.lines().enumerate() {
            is_in_key |= line.contains("-----BEGIN ") && line.contains("PRIVATE KEY");
            if is_in_key || has_secret(line.trim()) {
                lines.insert(index);
            }
            is_in_key &= !line.contains("-----END ");
        }
        Self(lines)
    }

    #[must_use]
    pub fn has(&self, line: usize) -> bool {
        self.0.contains(&line)
    }

    /// The line as it may be shown: its first word, if that is a key or an instruction.
    #[must_use]
    pub fn shown(line: &str) -> String {
        let bare = line.trim_start();
        let first = bare.split_whitespace().next().unwrap_or_default();
        let is_shown = first == "-" || first.ends_with(':') || Keyword::find(first).is_some();
        let indent = line.get(..line.len() - bare.len()).unwrap_or_default();
        let end = if line.ends_with('\n') { "\n" } else { "" };
        if is_shown { format!("{indent}{first} {HIDDEN}{end}") } else { format!("{indent}{HIDDEN}{end}") }
    }

    /// Whether a new line repeats what an old one must not show.
    #[must_use]
    pub fn is_repeated(old: &str, new: &str) -> bool {
        let value = old.trim().split_once([':', '=', ' ']).map_or(old, |(_, value)| value).trim();
        has_secret(new.trim()) || (value.len() >= 3 && new.contains(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_the_value_of_a_variable_elsewhere_is_hidden() {
        let hidden = Hidden::of_dockerfile("FROM a\nADD hunter2.conf /etc/\nENV A_PASSWORD=hunter2\nADD b /\n");
        assert_eq!([1, 2, 3, 4].map(|line| hidden.has(line - 1)), [false, true, true, false]);
    }
}
