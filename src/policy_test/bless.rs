//! Writes what was found into the text of a policy test. Comments, order and layout stay, and what is as expected is not touched.

use super::compare::{Mismatch, expectation, mismatches};
use super::judge::Found;
use super::read::read;
use super::render::{block, flow, indented};
use super::run::{CaseResult, SuiteResult};
use crate::manifest::{Layout, Part, Shape};
use serde_json::Value;
use std::ops::Range;

/// One change of the text.
struct Edit {
    range: Range<usize>,
    text: String,
}

/// The text of a file with all that was found in the cases of its tests; none where all is written already. Texts that no message has
/// stay as they are.
///
/// # Errors
/// Something that is not written where it is read, as with an alias.
pub fn blessed(text: &str, suites: &[SuiteResult<'_>]) -> Result<Option<String>, String> {
    let (mark, text) = text.strip_prefix('\u{FEFF}').map_or(("", text), |rest| ("\u{FEFF}", rest));
    let mut edits = Vec::new();
    for result in suites {
        let suite = result.suite;
        let fail = |case: &CaseResult<'_>| {
            let name = crate::text::clean(&case.case.name, 100);
            format!("{}:{}: `{name}` cannot be changed in place; write its `expect` by hand", suite.file, case.line)
        };
        let changed = result.cases.iter().filter(|case| !case.passed());
        let changed: Vec<_> = changed.filter_map(|case| Some((case, case.outcome.as_ref().ok()?))).collect();
        if changed.is_empty() {
            continue;
        }
        let layout = Layout::of_document(text, suite.document);
        let is_json = text.trim_start().starts_with('{');
        for (case, (found, _)) in changed {
            let place = Place { text, root: layout.as_ref().map(|layout| &layout.root), is_json, index: case.index };
            edits.extend(place.edits(case, found).ok_or_else(|| fail(case))?);
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let blessed = applied(text, edits);
    check(&blessed, suites)?;
    Ok(Some(format!("{mark}{blessed}")))
}

fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        result.push_str(text.get(at..edit.range.start).unwrap_or_default());
        result.push_str(&edit.text);
        at = edit.range.end.max(at);
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// Reads the new text, and compares again.
fn check(blessed: &str, results: &[SuiteResult<'_>]) -> Result<(), String> {
    let file = results.first().map(|result| result.suite.file.as_str()).unwrap_or_default();
    let (suites, errors) = read(file, blessed.as_bytes());
    if let Some(error) = errors.first() {
        return Err(format!("what was found cannot be written in place; change it by hand ({error})"));
    }
    for result in results {
        let suite = suites.iter().find(|suite| suite.document == result.suite.document);
        for case in &result.cases {
            let Ok((found, _)) = &case.outcome else { continue };
            let expect = suite.and_then(|suite| suite.spec.cases.get(case.index)?.expect.as_ref());
            let differs = |mismatch: &Mismatch| !mismatch.pointer.starts_with("/messages/");
            if expect.is_none_or(|expect| mismatches(expect, found).iter().any(differs)) {
                let name = crate::text::clean(&case.case.name, 100);
                return Err(format!(
                    "{file}:{}: `{name}` cannot be changed in place; write its `expect` by hand",
                    case.line
                ));
            }
        }
    }
    Ok(())
}

/// A case in the text of its file.
struct Place<'t> {
    text: &'t str,
    root: Option<&'t Part>,
    is_json: bool,
    index: usize,
}

impl Place<'_> {
    /// None where a value is not in the text.
    fn edits(&self, case: &CaseResult<'_>, found: &Found) -> Option<Vec<Edit>> {
        let Some(expect) = &case.case.expect else { return self.insert(found).map(|edit| vec![edit]) };
        let mut edits = Vec::new();
        for mismatch in mismatches(expect, found) {
            if !mismatch.pointer.starts_with("/messages/") {
                let pointer = format!("/spec/cases/{}/expect{}", self.index, mismatch.pointer);
                edits.extend(self.replace(&pointer, &mismatch.found)?);
            }
        }
        Some(edits)
    }

    fn replace(&self, pointer: &str, value: &Value) -> Option<Vec<Edit>> {
        let part = self.root?.at_pointer(pointer)?;
        let is_block = match &part.shape {
            Shape::Scalar(_) | Shape::Alias => false,
            Shape::List { flow, .. } | Shape::Map { flow, .. } => !flow,
        };
        if !is_block {
            let text = flow(value, self.is_json);
            // A value that is left out is behind the colon of its key.
            if part.is_absent() {
                let at = self.behind_colon(self.key(pointer)?)?;
                return Some(vec![Edit { range: at..at, text: format!(" {text}") }]);
            }
            return Some(vec![Edit { range: part.span.clone(), text }]);
        }
        let texts: Option<Vec<&str>> = value
            .as_array()
            .filter(|items| !items.is_empty())
            .map(|items| items.iter().filter_map(Value::as_str).collect());
        match (&part.shape, texts) {
            (Shape::List { items, .. }, Some(texts)) if pointer.matches('/').count() == 5 => {
                self.items(part, items, &texts)
            }
            _ => self.replace_block(pointer, part, value).map(|edit| vec![edit]),
        }
    }

    /// Removes and adds items of a block, so that the others keep their comments.
    fn items(&self, list: &Part, items: &[Part], wanted: &[&str]) -> Option<Vec<Edit>> {
        let word = |item: &Part| self.text.get(item.span.clone()).map(|text| text.trim_matches(['"', '\'']));
        let mut edits = Vec::new();
        for item in items.iter().filter(|item| !word(item).is_some_and(|word| wanted.contains(&word))) {
            edits.push(Edit {
                range: self.line_start(item.span.start)..self.line_end(item.span.end),
                text: String::new(),
            });
        }
        let known: Vec<&str> = items.iter().filter_map(word).collect();
        let indent = " ".repeat(self.column(list.span.start));
        let new: String = wanted
            .iter()
            .filter(|rule| !known.contains(*rule))
            .map(|rule| format!("{indent}- {}\n", flow(&Value::from(*rule), false)))
            .collect();
        if !new.is_empty() {
            let at = self.line_end(items.last()?.span.end);
            let before = if self.text.get(..at)?.ends_with('\n') { "" } else { "\n" };
            edits.push(Edit { range: at..at, text: format!("{before}{new}") });
        }
        Some(edits)
    }

    fn replace_block(&self, pointer: &str, part: &Part, value: &Value) -> Option<Edit> {
        let span = part.span.clone();
        let column = self.column(span.start);
        let is_collection = |value: &Value| match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => false,
        };
        if is_collection(value) {
            return Some(Edit { range: span, text: block(value, column) });
        }
        let text = flow(value, self.is_json);
        let Some(key) = self.key(pointer) else { return Some(Edit { range: span, text }) };
        let at = self.behind_colon(key)?;
        if self.text.get(at..span.start)?.trim().is_empty() {
            return Some(Edit { range: at..span.end, text: format!(" {text}") });
        }
        // A comment is between them. A value without dashes must be indented more than its key.
        let indent = if column == self.column(key.span.start) { "  " } else { "" };
        Some(Edit { range: span, text: format!("{indent}{text}") })
    }

    /// An `expect` behind the last key of a case that has none.
    fn insert(&self, found: &Found) -> Option<Edit> {
        let case = self.root?.at_pointer(&format!("/spec/cases/{}", self.index))?;
        let Shape::Map { flow: is_flow, entries } = &case.shape else { return None };
        let expect = expectation(found);
        if *is_flow {
            let at = entries.last()?.value.span.end;
            let quoted = |key: &str| if self.is_json { format!("\"{key}\"") } else { key.to_owned() };
            let member = |(key, value): &(&str, Value)| format!("{}: {}", quoted(key), flow(value, self.is_json));
            let members: Vec<String> = expect.entries().iter().map(member).collect();
            let text = format!(", {}: {{{}}}", quoted("expect"), members.join(", "));
            return Some(Edit { range: at..at, text });
        }
        let column = self.column(entries.first()?.key.span.start);
        let mut lines = "\nexpect:".to_owned();
        for (key, value) in expect.entries() {
            if key == "result" {
                lines.push_str(&format!("\n  result:\n    {}", block(&value, 4)));
            } else {
                lines.push_str(&format!("\n  {key}: {}", flow(&value, false)));
            }
        }
        let end = self.line_end(case.span.end);
        let at = if self.text.get(..end)?.ends_with('\n') { end - 1 } else { end };
        Some(Edit { range: at..at, text: indented(&lines, column) })
    }

    /// The key of a value of a map.
    fn key(&self, pointer: &str) -> Option<&Part> {
        let (above, _) = pointer.rsplit_once('/')?;
        let value = self.root?.at_pointer(pointer)?;
        match &self.root?.at_pointer(above)?.shape {
            Shape::Map { entries, .. } => {
                entries.iter().find(|entry| std::ptr::eq(&raw const entry.value, value)).map(|entry| &entry.key)
            }
            _ => None,
        }
    }

    fn behind_colon(&self, key: &Part) -> Option<usize> {
        let colon = self.text.get(key.span.end..)?.find(':')?;
        Some(key.span.end + colon + 1)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1)
    }

    /// The place behind the line's end.
    fn line_end(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|text| text.find('\n')).map_or(self.text.len(), |end| at + end + 1)
    }

    /// How many characters are before it on its line.
    fn column(&self, at: usize) -> usize {
        self.text.get(self.line_start(at)..at).map_or(0, |text| text.chars().count())
    }
}
