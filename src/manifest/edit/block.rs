//! Edits of maps and lists in block style: whole lines come and go.

use super::render;
use super::unsure::Unsure;
use super::writer::Writer;
use crate::manifest::layout::{Entry, Part, Shape};
use crate::manifest::lines::{before, column, content_end, line_start, same_line};
use serde_json::Value;
use serde_saphyr::granit_parser::ScalarStyle;

/// The end of a value; the place behind its key if the text leaves it out.
fn end(value: &Part) -> usize {
    value.span.end.max(value.begin)
}

impl Writer<'_> {
    pub fn block_map(
        &mut self,
        entries: &[Entry],
        removed: &[bool],
        added: &[(&str, &Value)],
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let is_removed = |index: usize| removed.get(index).is_some_and(|removed| *removed);
        let shares_line = !before(self.text, first.key.begin).trim().is_empty();
        for (index, entry) in entries.iter().enumerate().filter(|(index, _)| is_removed(*index)) {
            self.colon(entry, operation)?;
            if index == 0 && shares_line {
                let kept = entries.iter().enumerate().find(|(index, _)| !is_removed(*index));
                self.remove_behind_dash(entry, kept.map(|(_, kept)| kept), entries.get(1));
            } else if entry.key.begin >= self.kept_behind_dash(entries, removed, shares_line) {
                self.remove_lines(entry.key.begin, end(&entry.value));
            }
        }
        if added.is_empty() {
            return Ok(());
        }
        self.colon(first, operation)?;
        let prefix = before(self.text, first.key.begin);
        if prefix.contains('\t') || prefix.trim_start_matches(['-', ' ']).starts_with('?') {
            return Err(Unsure::form(operation, first.key.begin));
        }
        let indent = column(self.text, first.key.begin);
        let mut lines = String::new();
        for (key, value) in added {
            lines.push_str(&" ".repeat(indent));
            render::member(&mut lines, key, value, indent, quoted, self.style);
        }
        let end = self.line_end(end(&last.value).max(last.key.span.end));
        self.insert_lines(end, &lines);
        Ok(())
    }

    /// The first kept key moves up to the dash if nothing but removed keys stands between.
    fn kept_behind_dash(&self, entries: &[Entry], removed: &[bool], shares_line: bool) -> usize {
        let gone = removed.iter().take_while(|removed| **removed).count();
        let (Some(first), Some(kept)) = (entries.first(), entries.get(gone)) else { return 0 };
        let joins = shares_line && gone > 0 && self.is_free_of_comments(first.key.begin, kept.key.begin);
        if joins { kept.key.begin } else { 0 }
    }

    /// Removes the first entry, which stands behind a dash.
    fn remove_behind_dash(&mut self, entry: &Entry, kept: Option<&Entry>, next: Option<&Entry>) {
        let start = entry.key.begin;
        match kept {
            Some(kept) if self.is_free_of_comments(start, kept.key.begin) => self.edit(start, kept.key.begin, ""),
            _ => {
                // A comment stays on its line, and the dash above it.
                let end = content_end(self.text, end(&entry.value));
                let end = next.map_or(end, |next| end.min(next.key.begin));
                let spaces = before(self.text, start);
                let start = start - (spaces.len() - spaces.trim_end_matches(' ').len());
                self.edit(start, end, "");
            }
        }
    }

    fn is_free_of_comments(&self, from: usize, to: usize) -> bool {
        // A `#` inside a text is taken for a comment, and then the key stays on its line.
        let lines = self.text.get(from..to).unwrap_or_default().lines();
        lines.skip(1).all(|line| !line.trim_start().starts_with('#'))
    }

    /// Removes the lines from one byte to another.
    fn remove_lines(&mut self, from: usize, to: usize) {
        self.edit(line_start(self.text, from), self.line_end(to.max(from)), "");
    }

    pub fn block_list(
        &mut self,
        items: &[Part],
        dashes: &[usize],
        removed: &[bool],
        appended: &[&Value],
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        let (Some(first), Some(last_dash), Some(last)) = (dashes.first(), dashes.last(), items.last()) else {
            return Err(Unsure::form(operation, items.first().map_or(0, |item| item.begin)));
        };
        for ((item, dash), _) in items.iter().zip(dashes).zip(removed).filter(|(_, removed)| **removed) {
            if !before(self.text, *dash).trim().is_empty() {
                return Err(Unsure::form(operation, *dash));
            }
            self.remove_lines(*dash, end(item).max(*dash));
        }
        if appended.is_empty() {
            return Ok(());
        }
        let indent = column(self.text, *first);
        if before(self.text, *first).contains('\t') {
            return Err(Unsure::form(operation, *first));
        }
        let mut lines = String::new();
        for value in appended {
            lines.push_str(&" ".repeat(indent));
            render::element(&mut lines, value, indent, quoted, self.style);
        }
        let end = self.line_end(end(last).max(*last_dash));
        self.insert_lines(end, &lines);
        Ok(())
    }

    /// The place behind the colon of a key.
    pub fn colon(&self, entry: &Entry, operation: usize) -> Result<usize, Unsure> {
        let rest = self.text.get(entry.key.span.end..).unwrap_or_default();
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let prefix = before(self.text, entry.key.begin).trim_end();
        if !rest.trim_start_matches([' ', '\t']).starts_with(':') || prefix.ends_with('?') {
            return Err(Unsure::form(operation, entry.key.begin));
        }
        Ok(entry.key.span.end + spaces + 1)
    }

    pub fn replace_member(
        &mut self,
        entry: &Entry,
        value: &Value,
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        let (colon, part) = (self.colon(entry, operation)?, &entry.value);
        let (first_line, end) = (self.line_end(colon), end(part));
        let is_below = !part.is_absent() && !same_line(self.text, colon, part.begin);
        if render::has_lines(value) {
            let indent = column(self.text, entry.key.begin);
            if before(self.text, entry.key.begin).contains('\t') {
                return Err(Unsure::form(operation, entry.key.begin));
            }
            let step = if value.is_array() { self.style.list_step } else { self.style.step };
            let mut lines = String::new();
            render::block(&mut lines, value, indent + step, quoted, self.style);
            if part.is_absent() {
                self.insert_lines(first_line, &lines);
            } else if is_below {
                self.edit(first_line, self.line_end(end), lines);
            } else {
                self.edit(colon, end, "");
                self.insert_lines(self.line_end(end), &lines);
            }
            return Ok(());
        }
        let text = self.scalar(part, value, quoted);
        if part.is_absent() || is_below {
            self.edit(colon, colon, format!(" {text}"));
            if is_below {
                self.edit(first_line, self.line_end(end), "");
            }
        } else {
            self.replace_text(part, &text);
        }
        Ok(())
    }

    /// Writes a text in place of a value that begins on its key's line.
    pub fn replace_text(&mut self, part: &Part, text: &str) {
        // What is left of the line behind a text in block style is its own.
        let is_block = matches!(part.shape, Shape::Scalar(ScalarStyle::Literal | ScalarStyle::Folded));
        let end = if is_block { content_end(self.text, part.span.end) } else { part.span.end };
        self.edit(part.begin, end, text);
    }

    pub fn replace_item(
        &mut self,
        part: &Part,
        dash: usize,
        value: &Value,
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        let absent = part.is_absent();
        if !absent && !same_line(self.text, dash, part.begin) {
            return Err(Unsure::form(operation, dash));
        }
        if render::has_lines(value) && value.is_object() {
            let indent = if absent { column(self.text, dash) + 2 } else { column(self.text, part.begin) };
            let mut lines = String::new();
            render::body(&mut lines, value, indent, quoted, self.style);
            let lines = lines.strip_suffix(self.style.newline).unwrap_or(&lines).to_owned();
            let (start, end) = if absent { (dash + 1, dash + 1) } else { (part.begin, part.span.end) };
            self.edit(start, end, if absent { format!(" {lines}") } else { lines });
            return Ok(());
        }
        let text = self.scalar(part, value, quoted);
        if absent {
            self.edit(dash + 1, dash + 1, format!(" {text}"));
        } else {
            self.replace_text(part, &text);
        }
        Ok(())
    }
}
