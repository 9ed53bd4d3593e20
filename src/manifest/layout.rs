//! Where the parts of a document stand in the text of its file: what an edit of the text needs, and nothing else does.

use super::build::{key_text, meaning, options};
use super::lines::{line_end, skip_comments};
use super::{Node, Position};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle};
use std::collections::HashSet;
use std::ops::Range;

/// A value, with its bytes in the text.
#[derive(Debug)]
pub struct Part {
    /// Where its tag or its anchor begins, or else the value itself.
    pub begin: usize,
    /// The value itself. A value that is left out has no bytes.
    pub span: Range<usize>,
    /// The number of its anchor; 0 without one.
    pub anchor: usize,
    pub shape: Shape,
}

#[derive(Debug)]
pub enum Shape {
    Scalar(ScalarStyle),
    /// It stands for the value of an anchor.
    Alias,
    Map {
        flow: bool,
        entries: Vec<Entry>,
    },
    List {
        flow: bool,
        items: Vec<Part>,
    },
}

/// A key and its value.
#[derive(Debug)]
pub struct Entry {
    /// The key's meaning. None for a merge key, and for what is no key of JSON.
    pub name: Option<String>,
    pub key: Part,
    pub value: Part,
}

impl Part {
    /// Whether the text leaves the value out, as behind `key:`.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.span.is_empty() && matches!(self.shape, Shape::Scalar(ScalarStyle::Plain))
    }

    /// The part at a JSON pointer.
    #[must_use]
    pub fn at_pointer(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |part, segment| part.child(&crate::patch::unescape(segment)))
    }

    fn child(&self, key: &str) -> Option<&Self> {
        match &self.shape {
            Shape::List { items, .. } => items.get(key.parse::<usize>().ok()?),
            Shape::Map { entries, .. } => {
                entries.iter().find(|entry| entry.name.as_deref() == Some(key)).map(|entry| &entry.value)
            }
            Shape::Scalar(_) | Shape::Alias => None,
        }
    }

    /// Whether this part or one below it fulfils a condition.
    pub fn any(&self, condition: &impl Fn(&Self) -> bool) -> bool {
        condition(self)
            || match &self.shape {
                Shape::Scalar(_) | Shape::Alias => false,
                Shape::Map { entries, .. } => {
                    entries.iter().any(|entry| entry.key.any(condition) || entry.value.any(condition))
                }
                Shape::List { items, .. } => items.iter().any(|item| item.any(condition)),
            }
    }
}

/// The parts of one document.
#[derive(Debug)]
pub struct Layout {
    pub root: Part,
    /// The anchors that an alias uses.
    pub aliased: HashSet<usize>,
}

impl Layout {
    /// The layout of a document of a file that [`super::read`] reads without an error. `document` is its index.
    #[must_use]
    pub fn of_document(text: &str, document: usize) -> Option<Self> {
        let documents = super::read(text.as_bytes()).documents;
        let document = documents.into_iter().find(|one| one.index == document)?;
        Self::of(text, document.part, document.number)
    }

    /// The layout of the document with this number in a part of a file. `range` is that of the part in `text`.
    #[must_use]
    pub fn of(text: &str, range: Range<usize>, number: usize) -> Option<Self> {
        let part = text.get(range.clone())?;
        let parser = Parser::new_from_str_with_options(part, options(true));
        let mut reader =
            Reader { parser, next: None, text, base: range.start, last: range.start, aliased: HashSet::new() };
        let mut index = 0;
        while let Some((event, span)) = reader.next() {
            match event {
                Event::DocumentEnd => index += 1,
                Event::DocumentStart(..) | Event::StreamStart | Event::StreamEnd => {}
                event if index == number => {
                    let root = reader.part(event, &span)?;
                    return Some(Self { root, aliased: reader.aliased });
                }
                _ => {}
            }
        }
        None
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// An event that was read too early.
    next: Option<(Event<'t>, Span)>,
    text: &'t str,
    base: usize,
    /// The end of the last event.
    last: usize,
    aliased: HashSet<usize>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.next.take().or_else(|| self.parser.next_event()?.ok())
    }

    fn range(&self, span: &Span) -> Option<Range<usize>> {
        Some(self.base + span.start.byte_offset()?..self.base + span.end.byte_offset()?)
    }

    fn part(&mut self, event: Event<'t>, at: &Span) -> Option<Part> {
        let mut span = self.range(at)?;
        let mut begin = at.tag_start.and_then(|tag| tag.byte_offset()).map_or(span.start, |tag| self.base + tag);
        let before = std::mem::replace(&mut self.last, span.end);
        let (anchor, shape) = match event {
            Event::Alias(anchor) => {
                self.aliased.insert(anchor);
                return Some(Part { begin, span, anchor: 0, shape: Shape::Alias });
            }
            Event::Scalar(_, style @ (ScalarStyle::Literal | ScalarStyle::Folded), anchor, _) => {
                let header = self.header(before)?;
                begin = begin.min(header);
                span = header..self.block_end(header, span.end)?;
                (anchor, Shape::Scalar(style))
            }
            Event::Scalar(_, style, anchor, _) => (anchor, Shape::Scalar(style)),
            Event::SequenceStart(style, anchor, _) => {
                begin = self.anchor_before(begin)?;
                (anchor, self.list(style == StructureStyle::Flow, &mut span)?)
            }
            Event::MappingStart(style, anchor, _) => {
                begin = self.anchor_before(begin)?;
                (anchor, self.map(style == StructureStyle::Flow, &mut span)?)
            }
            _ => return None,
        };
        let begin = self.anchor_before(begin)?;
        Some(Part { begin, span, anchor, shape })
    }

    /// The beginning of a value that may have an anchor, whose event comes directly behind that of the value.
    fn anchor_before(&mut self, begin: usize) -> Option<usize> {
        match self.next() {
            Some((Event::Anchor(..), span)) => Some(self.range(&span)?.start.min(begin)),
            other => {
                self.next = other;
                Some(begin)
            }
        }
    }

    fn list(&mut self, flow: bool, span: &mut Range<usize>) -> Option<Shape> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    span.end = self.end(flow, &end, items.last())?;
                    return Some(Shape::List { flow, items });
                }
                (event, at) => items.push(self.part(event, &at)?),
            }
        }
    }

    fn map(&mut self, flow: bool, span: &mut Range<usize>) -> Option<Shape> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, at) = match self.next()? {
                (Event::MappingEnd, end) => {
                    span.end = self.end(flow, &end, entries.last().map(|entry| &entry.value))?;
                    return Some(Shape::Map { flow, entries });
                }
                next => next,
            };
            let name = name(&event);
            let key = self.part(event, &at)?;
            let (event, at) = self.next()?;
            let mut value = self.part(event, &at)?;
            if matches!(value.shape, Shape::List { flow: false, .. }) {
                value.span.start = self.dash(key.span.end)?;
                value.begin = value.begin.min(value.span.start);
            }
            entries.push(Entry { name, key, value });
        }
    }

    /// The end of a collection: behind its bracket, or that of its last value.
    fn end(&mut self, flow: bool, end: &Span, last: Option<&Part>) -> Option<usize> {
        let end = self.range(end)?.end;
        self.last = end;
        Some(last.filter(|_| !flow).map_or(end, |last| last.span.end.max(last.begin)))
    }

    /// The first dash of the list behind a key. The parser reports it only where it is deeper than the key.
    fn dash(&self, key_end: usize) -> Option<usize> {
        let mut at = key_end;
        loop {
            at = skip_comments(self.text, at);
            let rest = self.text.get(at..)?;
            at += match rest.chars().next()? {
                '-' => return Some(at),
                ':' => 1,
                // An anchor or a tag.
                '&' | '!' => rest.find([' ', '\t', '\r', '\n'])?,
                _ => return None,
            };
        }
    }

    /// Where the `|` or `>` of a text in block style stands, behind the last event.
    fn header(&self, before: usize) -> Option<usize> {
        let mut at = before;
        loop {
            at = skip_comments(self.text, at);
            match self.text.get(at..)?.chars().next()? {
                '|' | '>' => return Some(at),
                other => at += other.len_utf8(),
            }
        }
    }

    /// The end of a text in block style: of its last line that is not empty, unless its header keeps empty lines.
    fn block_end(&self, header: usize, end: usize) -> Option<usize> {
        let all = self.text.get(header..end)?;
        let first = self.text.get(header..line_end(self.text, header))?;
        let keeps = first.split('#').next()?.contains('+');
        let kept = if keeps {
            let lines = all.trim_end_matches([' ', '\t']);
            lines.strip_suffix('\n').map_or(lines, |lines| lines.strip_suffix('\r').unwrap_or(lines))
        } else {
            all.trim_end()
        };
        Some(header + kept.len())
    }
}

/// The meaning of a key.
fn name(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<" => None,
        Event::Scalar(text, style, _, tag) => {
            let content = meaning(text.clone(), *style, tag.as_deref()).ok()?;
            key_text(Node { at: Position::START, content }).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'t>(text: &'t str, document: usize, pointer: &str) -> Option<&'t str> {
        let layout = Layout::of_document(text, document)?;
        text.get(layout.root.at_pointer(pointer)?.span.clone())
    }

    #[test]
    fn a_value_is_found_in_its_text() {
        let text = "# é\na: 1 # one\nb:\n  - x # first\n  - {c: [1, 2], d: 'q'} # second\n\n# end\n\"k\": |\n  block\n\nl:\n- y\nm:\n";
        for (pointer, value) in [
            ("/a", "1"),
            ("/b", "- x # first\n  - {c: [1, 2], d: 'q'}"),
            ("/b/0", "x"),
            ("/b/1", "{c: [1, 2], d: 'q'}"),
            ("/b/1/c", "[1, 2]"),
            ("/b/1/d", "'q'"),
            ("/l", "- y"),
            ("/m", ""),
        ] {
            assert_eq!(at(text, 0, pointer), Some(value), "{pointer}");
        }
        assert!(at(text, 0, "/k").is_some_and(|value| value.ends_with("block")), "{:?}", at(text, 0, "/k"));
        assert_eq!((at(text, 0, "/z"), at(text, 1, "")), (None, None));
    }

    #[test]
    fn documents_are_counted_as_they_are_read() {
        let text = "# nothing\n---\n---\na: 1\n---\n{\"a\": 2}\n{\"a\": 3}\n";
        let reading = crate::manifest::read(text.as_bytes());
        let found: Vec<_> = reading.documents.iter().map(|document| at(text, document.index, "/a")).collect();
        assert_eq!(found, [Some("1"), Some("2"), Some("3")]);
    }
}
