//! The text of an instruction without line continuations and comments, and where each part of it is in the file.

use std::ops::Range;

/// Text of one instruction. A line continuation joins two lines without a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    /// The beginning of each piece: in `value`, and in the file.
    pieces: Vec<(usize, usize)>,
}

impl Text {
    /// Text that is in the file as it is.
    #[must_use]
    pub fn new(value: &str, at: usize) -> Self {
        let mut text = Self::default();
        text.push(value, at);
        text
    }

    /// Adds the text that begins at this place of the file.
    pub fn push(&mut self, value: &str, at: usize) {
        if !value.is_empty() {
            self.pieces.push((self.value.len(), at));
            self.value.push_str(value);
        }
    }

    /// The place in the file of a place in the text.
    #[must_use]
    pub fn offset(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= at).max(1) - 1;
        self.pieces.get(piece).map_or(0, |(start, file)| file + at.saturating_sub(*start))
    }

    /// The part of the file that a part of the text is in.
    #[must_use]
    pub fn span(&self, part: Range<usize>) -> Range<usize> {
        let start = self.offset(part.start);
        let end = if part.is_empty() { start } else { self.offset(part.end - 1) + 1 };
        start..end.max(start)
    }

    /// All of it in the file.
    #[must_use]
    pub fn whole(&self) -> Range<usize> {
        self.span(0..self.value.len())
    }

    /// The rest of the text from this place on.
    #[must_use]
    pub fn from(&self, start: usize) -> Self {
        let value = self.value.get(start..).unwrap_or_default().to_owned();
        if value.is_empty() {
            return Self { value, pieces: vec![(0, self.offset(start))] };
        }
        let after = self.pieces.iter().filter(|(at, _)| *at > start).map(|(at, file)| (at - start, *file));
        let pieces = std::iter::once((0, self.offset(start))).chain(after).collect();
        Self { value, pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_its_piece() {
        let mut text = Text::default();
        text.push("RUN a ", 10);
        text.push("b c", 30);
        assert_eq!(text.value, "RUN a b c");
        assert_eq!([0, 5, 6, 8].map(|at| text.offset(at)), [10, 15, 30, 32]);
        assert_eq!(text.span(4..7), 14..31);
        let rest = text.from(4);
        assert_eq!((rest.value.as_str(), rest.whole()), ("a b c", 14..33));
        assert_eq!(text.from(9).whole(), 33..33);
        assert_eq!(Text::default().whole(), 0..0);
    }
}
