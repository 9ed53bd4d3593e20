//! Walks the changes, the values and their text together, and writes the edits.

use super::changes::{Change, Changes};
use super::places;
use super::render::{self, Quotes};
use super::style::Style;
use super::text_edit::TextEdit;
use super::unsure::Unsure;
use crate::manifest::layout::{Entry, Layout, Part, Shape};
use crate::manifest::lines::line_end;
use crate::manifest::{Content, Node};
use serde_json::{Map, Value};
use serde_saphyr::granit_parser::ScalarStyle;

/// What a value is a part of.
#[derive(Clone, Copy)]
pub enum Place<'p> {
    Root,
    /// The value of a key, in block style.
    Member(&'p Entry),
    /// An element of a list in block style, with its dash.
    Item(usize),
    /// In brackets, with the white space before each member or element if each has a line of its own.
    Flow(Option<&'p str>),
}

pub struct Writer<'t> {
    pub text: &'t str,
    layout: &'t Layout,
    pub style: &'t Style,
    edits: Vec<TextEdit>,
}

impl<'t> Writer<'t> {
    pub const fn new(text: &'t str, layout: &'t Layout, style: &'t Style) -> Self {
        Self { text, layout, style, edits: Vec::new() }
    }

    pub fn document(&mut self, root: &Node, changes: &Changes<'_>) -> Result<(), Unsure> {
        let layout = self.layout;
        self.below(root, &layout.root, changes, Place::Root, false)
    }

    /// The edits in the order of the text.
    pub fn finish(mut self) -> Result<Vec<TextEdit>, Unsure> {
        // Stable: what is added to a value comes before what is added behind it.
        self.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        self.join_last_lines();
        let meets = self.edits.windows(2).find_map(|pair| match pair {
            [first, second] if second.range.start < first.range.end => Some(second.range.start),
            _ => None,
        });
        match meets {
            Some(at) => Err(Unsure::form(0, at)),
            None => Ok(self.edits),
        }
    }

    /// Where the last line of the file has no line end and goes, what is inserted behind it stands in its place.
    fn join_last_lines(&mut self) {
        let end = self.text.len();
        let goes = |edit: &TextEdit| edit.range.end == end && edit.range.start < end && edit.text.is_empty();
        let Some(removed) = self.edits.iter().position(goes) else { return };
        let Some([TextEdit { range, .. }, inserted]) = self.edits.get_mut(removed..removed + 2) else { return };
        let is_line = self.text.get(..range.start).is_some_and(|before| before.ends_with('\n'));
        if is_line && let Some(rest) = inserted.text.strip_prefix(self.style.newline) {
            inserted.text = rest.to_owned();
        }
    }

    pub fn edit(&mut self, start: usize, end: usize, text: impl Into<String>) {
        let text = text.into();
        if start < end || !text.is_empty() {
            self.edits.push(TextEdit { range: start..end, text });
        }
    }

    /// Inserts whole lines at the end of a line.
    pub fn insert_lines(&mut self, at: usize, lines: &str) {
        let before = self.text.get(..at).unwrap_or_default();
        if before.ends_with('\n') || before.is_empty() {
            return self.edit(at, at, lines);
        }
        // The last line of the file has no line end, and the new last line gets none.
        let newline = self.style.newline;
        let lines = lines.strip_suffix(newline).unwrap_or(lines);
        self.edit(at, at, format!("{newline}{lines}"));
    }

    fn below(
        &mut self,
        node: &Node,
        part: &Part,
        changes: &Changes<'_>,
        place: Place<'_>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        let operation = changes.operation();
        self.unshared(part, operation)?;
        match (&node.content, &part.shape) {
            (Content::Map(_), Shape::Map { flow, entries }) => {
                let quoted = is_quoted(entries).unwrap_or(quoted);
                self.map(node, part, (*flow, entries), changes, place, quoted)
            }
            (Content::List(_), Shape::List { flow, items }) => {
                self.list(node, part, (*flow, items), changes, place, quoted)
            }
            _ => Err(Unsure::form(operation, part.begin)),
        }
    }

    fn map(
        &mut self,
        node: &Node,
        part: &Part,
        (flow, entries): (bool, &[Entry]),
        changes: &Changes<'_>,
        place: Place<'_>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        let (mut removed, mut added) = (vec![false; entries.len()], Map::new());
        let mut order: Vec<&str> = Vec::new();
        let lines = flow.then(|| places::lines(self.text, entries.iter().map(|entry| entry.key.begin))).flatten();
        for (key, change) in &changes.children {
            if node.member(key).is_some_and(|member| member.merged) {
                let reason = format!("`{}` comes from a merge (`<<`)", crate::text::clean(key, 60));
                return Err(Unsure::new(operation_of(change), part.begin, reason));
            }
            let index = entries.iter().position(|entry| entry.name.as_deref() == Some(&**key));
            let known = index.and_then(|index| Some((index, entries.get(index)?, node.get(key)?)));
            match (known, change) {
                (None, Change::Set(value, _)) => {
                    added.insert(key.to_string(), (*value).clone());
                    order.push(key);
                }
                (None, _) => return Err(Unsure::form(operation_of(change), part.begin)),
                (Some((index, entry, _)), Change::Remove(operation)) => {
                    self.unused(&entry.value, *operation)?;
                    if let Some(removed) = removed.get_mut(index) {
                        *removed = true;
                    }
                }
                (Some((_, entry, value)), change) => {
                    let place = if flow { Place::Flow(lines) } else { Place::Member(entry) };
                    self.change(value, &entry.value, change, place, quoted)?;
                }
            }
        }
        let operation = changes.operation();
        if !removed.contains(&false) {
            return self.replace(part, place, &Value::Object(added), quoted, operation);
        }
        let added: Vec<(&str, &Value)> = order.iter().filter_map(|key| Some((*key, added.get(*key)?))).collect();
        if flow {
            self.flow_map(entries, &removed, &added, lines, quoted)
        } else {
            self.block_map(entries, &removed, &added, quoted, operation)
        }
    }

    fn list(
        &mut self,
        node: &Node,
        part: &Part,
        (flow, items): (bool, &[Part]),
        changes: &Changes<'_>,
        place: Place<'_>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        let mut removed = vec![false; items.len()];
        let dashes = if flow { Vec::new() } else { places::dashes(self.text, part, items) };
        let lines = flow.then(|| places::lines(self.text, items.iter().map(|item| item.begin))).flatten();
        let Content::List(nodes) = &node.content else { return Ok(()) };
        for (key, change) in &changes.children {
            let index: Option<usize> = key.parse().ok();
            let known = index.and_then(|index| Some((index, items.get(index)?, nodes.get(index)?)));
            let Some((index, item, value)) = known else {
                return Err(Unsure::form(operation_of(change), part.begin));
            };
            match change {
                Change::Remove(operation) => {
                    self.unused(item, *operation)?;
                    if let Some(removed) = removed.get_mut(index) {
                        *removed = true;
                    }
                }
                change => {
                    let place = dashes.get(index).map_or(Place::Flow(lines), |dash| Place::Item(*dash));
                    self.change(value, item, change, place, quoted)?;
                }
            }
        }
        let operation = changes.operation();
        let appended: Vec<&Value> = changes.appended.iter().map(|(value, _)| *value).collect();
        if !removed.contains(&false) {
            return self.replace(part, place, &appended.into_iter().cloned().collect(), quoted, operation);
        }
        if flow {
            self.flow_list(items, &removed, &appended, lines, quoted)
        } else {
            self.block_list(items, &dashes, &removed, &appended, quoted, operation)
        }
    }

    fn change(
        &mut self,
        node: &Node,
        part: &Part,
        change: &Change<'_>,
        place: Place<'_>,
        quoted: bool,
    ) -> Result<(), Unsure> {
        match change {
            Change::Below(changes) => self.below(node, part, changes, place, quoted),
            Change::Set(value, operation) => match Changes::between(node, value, *operation) {
                Some(changes) if !matches!(part.shape, Shape::Alias) => self.below(node, part, &changes, place, quoted),
                _ => {
                    self.unused(part, *operation)?;
                    self.replace(part, place, value, quoted, *operation)
                }
            },
            Change::Remove(operation) => Err(Unsure::form(*operation, part.begin)),
        }
    }

    /// Writes another value in place of one.
    fn replace(
        &mut self,
        part: &Part,
        place: Place<'_>,
        value: &Value,
        quoted: bool,
        operation: usize,
    ) -> Result<(), Unsure> {
        match place {
            Place::Root => Err(Unsure::form(operation, part.begin)),
            Place::Flow(lines) => self.replace_in_flow(part, lines, value, quoted, operation),
            Place::Member(entry) => self.replace_member(entry, value, quoted, operation),
            Place::Item(dash) => self.replace_item(part, dash, value, quoted, operation),
        }
    }

    /// A scalar as the author would write it: in the quotes of the old one.
    pub fn scalar(&self, part: &Part, value: &Value, quoted: bool) -> String {
        let style = match (&part.shape, quoted) {
            (Shape::Scalar(ScalarStyle::DoubleQuoted), _) | (_, true) => Quotes::Double,
            (Shape::Scalar(ScalarStyle::SingleQuoted), _) => Quotes::Single,
            _ => Quotes::Needed,
        };
        match value {
            Value::String(text) => render::text(text, style),
            other => render::flow(other, quoted, self.style),
        }
    }

    /// What stands elsewhere, too, is not edited: the edit would change both.
    fn unshared(&self, part: &Part, operation: usize) -> Result<(), Unsure> {
        let name = |part: &Part| self.text.get(part.span.clone()).unwrap_or_default();
        if matches!(part.shape, Shape::Alias) {
            let shown = crate::text::clean(name(part), 60);
            return Err(Unsure::new(operation, part.begin, format!("`{shown}` stands for a value of another place")));
        }
        if self.layout.aliased.contains(&part.anchor) {
            return Err(Unsure::new(operation, part.begin, "an alias (`*`) uses this value elsewhere, too"));
        }
        Ok(())
    }

    /// What an alias needs is not removed.
    fn unused(&self, part: &Part, operation: usize) -> Result<(), Unsure> {
        let is_used = |part: &Part| self.layout.aliased.contains(&part.anchor);
        if part.any(&is_used) {
            return Err(Unsure::new(operation, part.begin, "an alias (`*`) uses this value elsewhere, too"));
        }
        Ok(())
    }

    pub fn line_end(&self, at: usize) -> usize {
        line_end(self.text, at)
    }
}

fn operation_of(change: &Change<'_>) -> usize {
    match change {
        Change::Set(_, operation) | Change::Remove(operation) => *operation,
        Change::Below(changes) => changes.operation(),
    }
}

/// Whether all keys are in double quotes. Unknown without keys.
fn is_quoted(entries: &[Entry]) -> Option<bool> {
    let is = |entry: &Entry| matches!(entry.key.shape, Shape::Scalar(ScalarStyle::DoubleQuoted));
    (!entries.is_empty()).then(|| entries.iter().all(is))
}
