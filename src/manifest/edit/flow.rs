//! Edits of maps and lists in brackets, as JSON has them.

use super::render;
use super::unsure::Unsure;
use super::writer::Writer;
use crate::manifest::layout::{Entry, Part};
use crate::manifest::lines::{is_last_on_line, line_start, skip_comments};
use serde_json::Value;
use std::ops::Range;

/// What changes in brackets.
struct InBrackets<'e> {
    /// The members or elements.
    spans: Vec<Range<usize>>,
    removed: &'e [bool],
    added: Vec<String>,
    lines: Option<&'e str>,
}

impl Writer<'_> {
    pub fn flow_map(
        &mut self,
        entries: &[Entry],
        removed: &[bool],
        added: &[(&str, &Value)],
        lines: Option<&str>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        let colon = if self.style.compact { ":" } else { ": " };
        let added = added.iter().map(|(key, value)| {
            let key = render::text(key, render::quotes(quoted));
            format!("{key}{colon}{}", self.in_flow(value, lines, quoted))
        });
        let (added, spans) = (added.collect(), entries.iter().map(|entry| self.span(entry)).collect());
        self.brackets(&InBrackets { spans, removed, added, lines })
    }

    pub fn flow_list(
        &mut self,
        items: &[Part],
        removed: &[bool],
        appended: &[&Value],
        lines: Option<&str>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        let added = appended.iter().map(|value| self.in_flow(value, lines, quoted)).collect();
        let spans = items.iter().map(|item| item.begin..item.span.end).collect();
        self.brackets(&InBrackets { spans, removed, added, lines })
    }

    fn in_flow(&self, value: &Value, lines: Option<&str>, quoted: bool) -> String {
        match lines {
            Some(indent) => render::pretty(value, indent, quoted, self.style),
            None => render::flow(value, quoted, self.style),
        }
    }

    /// A key with its value, or with its colon where the value is left out.
    fn span(&self, entry: &Entry) -> Range<usize> {
        let end = if entry.value.is_absent() {
            let rest = self.text.get(entry.key.span.end..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            entry.key.span.end + if rest.trim_start().starts_with(':') { blank + 1 } else { 0 }
        } else {
            entry.value.span.end
        };
        entry.key.begin..end
    }

    /// The place behind the comma that follows.
    fn comma(&self, at: usize) -> Option<usize> {
        let at = skip_comments(self.text, at);
        (self.text.as_bytes().get(at) == Some(&b',')).then_some(at + 1)
    }

    /// The end of the line, if nothing but a comma and a comment follows.
    fn own_line(&self, end: usize) -> Option<usize> {
        let behind = self.comma(end).filter(|comma| self.text.get(end..*comma).is_some_and(|t| !t.contains('\n')));
        let behind = behind.unwrap_or(end);
        is_last_on_line(self.text, behind).then(|| self.line_end(behind))
    }

    fn brackets(&mut self, change: &InBrackets<'_>) -> Result<(), Unsure> {
        let InBrackets { spans, removed, added, lines } = change;
        let gone = |index: usize| removed.get(index).is_some_and(|removed| *removed);
        let Some((last_kept, kept)) = spans.iter().enumerate().rfind(|(index, _)| !gone(*index)) else {
            return Ok(());
        };
        let Some(last) = spans.last() else { return Ok(()) };
        let by_line = lines.is_some()
            && spans
                .iter()
                .enumerate()
                .all(|(index, span)| (index != last_kept && !gone(index)) || self.own_line(span.end).is_some());
        if by_line {
            self.by_line(change, kept, last, gone);
            return Ok(());
        }
        let mut index = 0;
        while let Some(span) = spans.get(index) {
            if !gone(index) {
                index += 1;
                continue;
            }
            let run = (index..spans.len()).take_while(|index| gone(*index)).count();
            let (start, end) = match spans.get(index + run) {
                Some(next) => (span.start, next.start),
                None => (kept.end, last.end),
            };
            if self.text.get(start..end).is_some_and(|gone| gone.contains(" #") || gone.contains("\n#")) {
                return Err(Unsure::form(0, span.start));
            }
            self.edit(start, end, "");
            index += run;
        }
        let between = match lines {
            Some(indent) => format!(",{}{indent}", self.style.newline),
            None if self.style.compact => ",".to_owned(),
            None => ", ".to_owned(),
        };
        let text: String = added.iter().map(|added| format!("{between}{added}")).collect();
        self.edit(kept.end, kept.end, text);
        Ok(())
    }

    /// Members on lines of their own: whole lines come and go, and commas stay between members.
    fn by_line(
        &mut self,
        change: &InBrackets<'_>,
        kept: &Range<usize>,
        last: &Range<usize>,
        gone: impl Fn(usize) -> bool,
    ) {
        let InBrackets { spans, added, lines, .. } = change;
        let trailing = self.comma(last.end).is_some();
        for (_, span) in spans.iter().enumerate().filter(|(index, _)| gone(*index)) {
            let end = self.own_line(span.end).unwrap_or(span.end);
            self.edit(line_start(self.text, span.start), end, "");
        }
        let comma = self.comma(kept.end);
        match comma {
            None if !added.is_empty() => self.edit(kept.end, kept.end, ","),
            // No comma before the bracket, unless the author has one there.
            Some(comma) if added.is_empty() && !trailing => self.edit(comma - 1, comma, ""),
            _ => {}
        }
        if added.is_empty() {
            return;
        }
        let (newline, indent) = (self.style.newline, lines.unwrap_or_default());
        let text = added.join(&format!(",{newline}{indent}"));
        let end = self.own_line(kept.end).unwrap_or(kept.end);
        self.edit(end, end, format!("{indent}{text}{}{newline}", if trailing { "," } else { "" }));
    }

    pub fn replace_in_flow(
        &mut self,
        part: &Part,
        lines: Option<&str>,
        value: &Value,
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        let text = if render::has_lines(value) {
            self.in_flow(value, lines, quoted)
        } else {
            self.scalar(part, value, quoted)
        };
        if !part.is_absent() {
            self.edit(part.begin, part.span.end, text);
            return Ok(());
        }
        // What is left out stands at the colon.
        if self.text.as_bytes().get(part.span.start) != Some(&b':') {
            return Err(Unsure::form(operation, part.begin));
        }
        self.edit(part.span.start + 1, part.span.start + 1, format!(" {text}"));
        Ok(())
    }
}
