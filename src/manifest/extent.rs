//! The part of a file's text that holds a value, so that the value can be replaced and the rest stays as it is.

use super::{build, split};
use serde_saphyr::granit_parser::{Event, Parser, Span, StrInput, StructureStyle};
use std::ops::Range;

/// The text of a value: its range in bytes, and the same of what is in it.
#[derive(Debug, Clone)]
pub struct Extent {
    pub range: Range<usize>,
    pub content: ExtentContent,
}

#[derive(Debug, Clone)]
pub enum ExtentContent {
    Scalar,
    List { is_flow: bool, items: Vec<Extent> },
    Map { is_flow: bool, members: Vec<ExtentMember> },
}

/// A key of a map, and its value.
#[derive(Debug, Clone)]
pub struct ExtentMember {
    pub key: Range<usize>,
    pub value: Extent,
}

impl Extent {
    /// The extent of a document of a file that [`super::read`] reads without an error. `document` is its index.
    #[must_use]
    pub fn of_document(text: &str, document: usize) -> Option<Self> {
        let mut index = 0;
        for chunk in split::chunks(text) {
            let before = index;
            for (part, _) in split::parts(&chunk) {
                let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
                let mut reader = Reader { parser: build::parser(part), offset, text };
                while let Some((event, span)) = reader.next()? {
                    match event {
                        Event::DocumentEnd => index += 1,
                        Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) => {}
                        event => {
                            let extent = reader.value(&event, &span)?;
                            if index == document {
                                return Some(extent);
                            }
                        }
                    }
                }
            }
            index = index.max(before + usize::from(chunk.counts));
        }
        None
    }

    /// The value at a JSON pointer.
    #[must_use]
    pub fn at_pointer(&self, text: &str, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |extent, segment| {
            let key = crate::patch::unescape(segment);
            match &extent.content {
                ExtentContent::List { items, .. } => items.get(key.parse::<usize>().ok()?),
                ExtentContent::Map { members, .. } => {
                    let is_key =
                        |member: &&ExtentMember| text.get(member.key.clone()).is_some_and(|k| *unquoted(k) == *key);
                    members.iter().find(is_key).map(|member| &member.value)
                }
                ExtentContent::Scalar => None,
            }
        })
    }
}

/// A key without its quotes. Keys of our documents need no escapes.
fn unquoted(key: &str) -> &str {
    let inner = |quote: char| key.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(key)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Of the part that is parsed, in the text.
    offset: usize,
    text: &'t str,
}

impl<'t> Reader<'t> {
    /// None for a text that cannot be read.
    #[allow(clippy::option_option, reason = "the outer one is the error")]
    fn next(&mut self) -> Option<Option<(Event<'t>, Span)>> {
        match self.parser.next_event() {
            None => Some(None),
            Some(next) => next.ok().map(Some),
        }
    }

    fn range(&self, span: &Span) -> Option<Range<usize>> {
        Some(self.offset + span.start.byte_offset()?..self.offset + span.end.byte_offset()?)
    }

    /// The range without the white space at its end, which belongs to what follows.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let length = self.text.get(range.clone()).map_or(0, |text| text.trim_end().len());
        range.start..range.start + length
    }

    fn value(&mut self, event: &Event<'t>, span: &Span) -> Option<Extent> {
        let begin = self.range(span)?;
        match event {
            Event::SequenceStart(style, ..) => {
                let is_flow = *style != StructureStyle::Block;
                let mut items = Vec::new();
                loop {
                    match self.next()?? {
                        (Event::SequenceEnd, end) => {
                            let last = items.last().map(|item: &Extent| item.range.end);
                            let mut range = self.collection(&begin, &end, last, is_flow)?;
                            if !is_flow {
                                range.start = self.dash(range.start);
                            }
                            return Some(Extent { range, content: ExtentContent::List { is_flow, items } });
                        }
                        (event, span) => items.push(self.value(&event, &span)?),
                    }
                }
            }
            Event::MappingStart(style, ..) => {
                let is_flow = *style != StructureStyle::Block;
                let mut members = Vec::new();
                loop {
                    match self.next()?? {
                        (Event::MappingEnd, end) => {
                            let last = members.last().map(|member: &ExtentMember| member.value.range.end);
                            let range = self.collection(&begin, &end, last, is_flow)?;
                            return Some(Extent { range, content: ExtentContent::Map { is_flow, members } });
                        }
                        (event, span) => {
                            let key = self.value(&event, &span)?.range;
                            let (event, span) = self.next()??;
                            members.push(ExtentMember { key, value: self.value(&event, &span)? });
                        }
                    }
                }
            }
            _ => Some(Extent { range: self.trimmed(begin), content: ExtentContent::Scalar }),
        }
    }

    /// The range of a collection. One without brackets ends with its last value.
    fn collection(&self, begin: &Range<usize>, end: &Span, last: Option<usize>, is_flow: bool) -> Option<Range<usize>> {
        // The span of a bracket has the white space behind it, too.
        let end = if is_flow { self.range(end)?.start + 1 } else { last.unwrap_or(begin.end) };
        Some(begin.start..end.max(begin.start))
    }

    /// The place of a list's first dash. The parser begins a list that is not indented with its first value.
    fn dash(&self, start: usize) -> usize {
        let before = self.text.get(..start).unwrap_or_default();
        let has_dash = self.text.get(start..).is_some_and(|text| text.starts_with("- ") || text.starts_with("-\n"));
        let line = before.rsplit('\n').next().unwrap_or_default().trim_end();
        if has_dash || !line.ends_with('-') { start } else { before.trim_end().len() - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'t>(text: &'t str, document: usize, pointer: &str) -> Option<&'t str> {
        let extent = Extent::of_document(text, document)?;
        text.get(extent.at_pointer(text, pointer)?.range.clone())
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
