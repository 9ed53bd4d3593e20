//! Builds values from the events of the YAML parser: keys, aliases and merges, within a budget that stops YAML bombs.

use super::members::Members;
use super::syntax_error::syntax_error;
use super::{Content, Document, ManifestError, Member, Node, Position, scalar};
use serde_saphyr::granit_parser::{
    self as yaml, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};
use std::borrow::Cow;
use std::collections::HashMap;

/// The depth limit. Kubernetes objects need some 20, CRD schemas some 60, and serde_json stops at 128.
pub const MAX_DEPTH: usize = 100;
/// The most values in a file. They make some 100 MB of JSON.
const MAX_NODES: usize = 5_000_000;
/// The most values that aliases may add. People use aliases for a few shared blocks.
const MAX_ALIASED: usize = 50_000;
/// The most values below anchors. A value below two anchors counts twice.
const MAX_ANCHORED: usize = 1_000_000;
/// The longest key. YAML allows 1024 characters, JSON more.
const MAX_KEY: usize = 64 * 1024;

/// The values in the documents of one file so far.
#[derive(Debug, Default)]
pub struct Budget {
    nodes: usize,
    aliased: usize,
    anchored: usize,
}

/// Reads the documents of a text that begins at `start` of its file, also those before an error. Returns their number, with the
/// empty ones.
pub fn documents(
    text: &str,
    start: Position,
    budget: &mut Budget,
    found: &mut Vec<Document>,
) -> Result<usize, ManifestError> {
    let mut builder = Builder { parser: parser(text), start, text, open: Vec::new(), anchors: HashMap::new(), budget };
    let mut index = 0;
    while let Some((event, at)) = builder.next()? {
        match event {
            Event::DocumentStart(..) => builder.anchors.clear(),
            Event::DocumentEnd => index += 1,
            Event::StreamStart | Event::StreamEnd => {}
            event => {
                let root = builder.node(event, at, 0)?;
                if !matches!(root.content, Content::Null) {
                    found.push(Document { index, root, has_braces: false });
                }
            }
        }
    }
    Ok(index)
}

/// The parser of all that is read.
pub fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let options = yaml::options! {
        emit_comments: false,
        simple_key_max_lookahead: MAX_KEY,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    Parser::new_from_str_with_options(text, options)
}

struct Builder<'t, 'b> {
    parser: Parser<'t, StrInput<'t>>,
    start: Position,
    text: &'t str,
    /// The brackets of flow style that are open, for errors.
    open: Vec<(Position, char)>,
    anchors: HashMap<usize, Node>,
    budget: &'b mut Budget,
}

impl<'t> Builder<'t, '_> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Position)>, ManifestError> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.position(&span)))),
            Some(Err(error)) => Err(self.syntax(&error)),
        }
    }

    /// The next event of a list or a map. The parser reports one without an end as an error.
    fn inner(&mut self, opened: Position) -> Result<(Event<'t>, Position), ManifestError> {
        self.next()?.ok_or_else(|| ManifestError::new(opened, "what begins here has no end"))
    }

    fn position(&self, span: &Span) -> Position {
        self.place(span.start.line(), span.start.col())
    }

    fn place(&self, line: usize, col: usize) -> Position {
        let column = if line == 1 { self.start.column + col } else { col + 1 };
        Position { line: self.start.line + line.max(1) - 1, column }
    }

    fn syntax(&self, error: &ScanError) -> ManifestError {
        syntax_error(error, self.text, |line, column| self.place(line, column), self.open.last().copied())
    }

    /// Counts a value against the budget.
    fn count(&mut self, at: Position) -> Result<(), ManifestError> {
        self.budget.nodes += 1;
        if self.budget.nodes > MAX_NODES {
            return Err(ManifestError::new(at, format!("the file holds more than {MAX_NODES} values; split it")));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, at: Position, depth: usize) -> Result<Node, ManifestError> {
        if depth > MAX_DEPTH {
            return Err(ManifestError::new(at, format!("nested more than {MAX_DEPTH} deep, as no manifest is")));
        }
        self.count(at)?;
        let (content, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at),
            Event::Scalar(text, style, anchor, tag) => {
                (meaning(text, style, tag.as_deref()).map_err(|message| ManifestError::new(at, message))?, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                fitting(tag.as_deref(), "seq").map_err(|message| ManifestError::new(at, message))?;
                (self.within((at, '['), style, |builder| builder.list(at, depth))?, anchor)
            }
            Event::MappingStart(style, anchor, tag) => {
                fitting(tag.as_deref(), "map").map_err(|message| ManifestError::new(at, message))?;
                (self.within((at, '{'), style, |builder| builder.map(at, depth))?, anchor)
            }
            _ => return Err(ManifestError::new(at, "a value is missing here")),
        };
        let node = Node { at, content };
        if anchor != 0 {
            self.budget.anchored += size(&node);
            if self.budget.anchored > MAX_ANCHORED {
                return Err(ManifestError::new(
                    at,
                    format!("anchors name more than {MAX_ANCHORED} values; take them out"),
                ));
            }
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Reads what is inside a bracket, if it is one.
    fn within(
        &mut self,
        opened: (Position, char),
        style: StructureStyle,
        read: impl FnOnce(&mut Self) -> Result<Content, ManifestError>,
    ) -> Result<Content, ManifestError> {
        if style == StructureStyle::Block {
            return read(self);
        }
        self.open.push(opened);
        let content = read(self)?;
        self.open.pop();
        Ok(content)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<Node, ManifestError> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(ManifestError::new(
                at,
                "this alias stands inside the value that it names; write the value out",
            ));
        };
        // Counted before the copy, which may be large.
        self.budget.aliased += size(node);
        if self.budget.aliased > MAX_ALIASED {
            return Err(ManifestError::new(at, format!("aliases add more than {MAX_ALIASED} values; write them out")));
        }
        Ok(node.clone())
    }

    fn list(&mut self, opened: Position, depth: usize) -> Result<Content, ManifestError> {
        let mut items = Vec::new();
        loop {
            match self.inner(opened)? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, opened: Position, depth: usize) -> Result<Content, ManifestError> {
        let mut members = Members::default();
        loop {
            let (event, at) = match self.inner(opened)? {
                (Event::MappingEnd, _) => return Ok(Content::Map(members.list)),
                next => next,
            };
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, at, depth + 1)?;
            let (event, value_at) = self.inner(opened)?;
            let value = self.node(event, value_at, depth + 1)?;
            if merge {
                members.merge(value)?;
            } else {
                members.add(Member { key: key_text(key)?, at, value, merged: false })?;
            }
        }
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(members) => members.iter().map(|member| 1 + size(&member.value)).sum(),
        _ => 0,
    }
}

fn meaning(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Content, String> {
    match tag {
        // The tag `!` means a text.
        Some(tag) if tag.handle().is_empty() && tag.suffix() == "!" => Ok(Content::Text(text.into_owned())),
        Some(tag) => match tag.suffix_in_namespace("tag:yaml.org,2002:") {
            Some(name) => scalar::tagged(&name, &text),
            None => Err(scalar::UNKNOWN_TAG.to_owned()),
        },
        None if style == ScalarStyle::Plain => scalar::plain(&text),
        None => Ok(Content::Text(text.into_owned())),
    }
}

fn fitting(tag: Option<&Tag>, wanted: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(wanted) => Err(scalar::UNKNOWN_TAG.to_owned()),
        _ => Ok(()),
    }
}

/// The text of a key. JSON has only text keys, so kubectl turns a number or a boolean into its text.
fn key_text(key: Node) -> Result<String, ManifestError> {
    match key.content {
        Content::Text(text) => Ok(text),
        Content::Bool(value) => Ok(value.to_string()),
        Content::Number(digits) => Ok(digits.get().to_owned()),
        _ => Err(ManifestError {
            is_template: true,
            ..ManifestError::new(key.at, format!("a key must be a string, not {}; quote it", key.noun()))
        }),
    }
}
