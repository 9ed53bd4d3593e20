//! Walks a JSON text. `None` means that the fast path gives up.

use super::{number, scan};
use crate::effort;
use std::borrow::Cow;

/// The fast path gave up. serde_json reads the text again, and its error names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GaveUp;

/// A position in a JSON text.
#[derive(Debug, Clone)]
pub struct Reader<'d> {
    text: &'d str,
    at: usize,
}

impl<'d> Reader<'d> {
    #[must_use]
    pub const fn new(text: &'d str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether only white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek() == 0 && self.at == self.text.len()
    }

    /// The next byte that is not white space. 0 at the end: no value begins with it.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.peek_after_blanks(),
        }
    }

    #[cold]
    fn peek_after_blanks(&mut self) -> u8 {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// Whether the next value is `null`. If so, it is skipped.
    #[inline]
    pub fn null(&mut self) -> Option<bool> {
        if self.peek() == b'n' { self.word("null").map(|()| true) } else { Some(false) }
    }

    pub fn bool(&mut self) -> Option<bool> {
        match self.peek() {
            b't' => self.word("true").map(|()| true),
            b'f' => self.word("false").map(|()| false),
            _ => None,
        }
    }

    /// The text of a number.
    pub fn number(&mut self) -> Option<&'d str> {
        self.peek();
        let start = self.at;
        self.at = number::end(self.text.as_bytes(), start)?;
        self.text.get(start..self.at)
    }

    /// An integer. Not `-0`, which serde_json reads as a fraction.
    pub fn integer(&mut self) -> Option<i64> {
        parse_integer(self.number()?)
    }

    /// The text of an integer.
    pub fn integer_text(&mut self) -> Option<&'d str> {
        self.number().filter(|text| parse_integer(text).is_some())
    }

    /// Borrowed unless it has an escape.
    #[inline]
    pub fn string(&mut self) -> Option<Cow<'d, str>> {
        match self.short() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => self.long(),
        }
    }

    /// The next string, if it is short and has no escape. `None` means only that [`Self::long`] must read it.
    #[inline]
    fn short(&mut self) -> Option<&'d str> {
        let Some([b'"', rest @ ..]) = self.text.as_bytes().get(self.at..) else { return None };
        let (start, length) = (self.at + 1, scan::short(rest)?);
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    #[inline(never)]
    fn long(&mut self) -> Option<Cow<'d, str>> {
        self.take(b'"')?;
        let start = self.at;
        let (end, escaped) = scan::string(self.text.as_bytes(), start)?;
        self.at = end + 1;
        if escaped { self.unescape(start, end) } else { self.text.get(start..end).map(Cow::Borrowed) }
    }

    #[cold]
    fn unescape(&self, start: usize, end: usize) -> Option<Cow<'d, str>> {
        serde_json::from_str(self.text.get(start - 1..=end)?).ok().map(Cow::Owned)
    }

    /// A key without an escape. Only an attacker has a reason to write a key with one.
    #[inline]
    fn key(&mut self) -> Option<&'d str> {
        self.short().or_else(|| match self.long()? {
            Cow::Borrowed(key) => Some(key),
            Cow::Owned(_) => None,
        })
    }

    /// Skips a value and returns its text.
    pub fn skip(&mut self) -> Option<&'d str> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'"' => self.at = scan::string(self.text.as_bytes(), start + 1)?.0 + 1,
            b'{' | b'[' if matches!(self.text.as_bytes().get(start + 1), Some(b'}' | b']')) => self.at += 2,
            b'{' | b'[' => self.at = scan::close(self.text.as_bytes(), start + 1)? + 1,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.at = number::end(self.text.as_bytes(), start)?,
        }
        self.text.get(start..self.at)
    }

    /// The text from here to the end.
    pub(super) fn rest(&self) -> &'d str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over a value of this many bytes.
    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) -> Option<()> {
        let at = self.at.checked_add(bytes)?;
        self.text.is_char_boundary(at).then(|| self.at = at)
    }

    /// The text since an earlier position.
    #[must_use]
    pub fn since(&self, start: &Self) -> Option<&'d str> {
        self.text.get(start.at..self.at)
    }

    /// Steps into an object or a list.
    #[inline]
    pub(super) fn open(&mut self, bracket: u8) -> Option<()> {
        self.take(bracket)
    }

    /// The next key of an object, in front of its value. `None` at the end of the object.
    #[inline]
    pub(super) fn next_key(&mut self, place: &mut Place) -> Result<Option<&'d str>, GaveUp> {
        if !self.next(place, b'}').ok_or(GaveUp)? {
            return Ok(None);
        }
        let key = self.key().ok_or(GaveUp)?;
        self.take(b':').ok_or(GaveUp)?;
        Ok(Some(key))
    }

    /// Whether a list has a next element.
    #[inline]
    pub(super) fn next_element(&mut self, place: &mut Place) -> Option<bool> {
        self.next(place, b']')
    }

    #[inline]
    fn next(&mut self, place: &mut Place, close: u8) -> Option<bool> {
        let byte = self.peek();
        match place {
            Place::End => return Some(false),
            _ if byte == close => {
                self.at += 1;
                *place = Place::End;
                return Some(false);
            }
            Place::First => *place = Place::Later,
            Place::Later if byte == b',' => self.at += 1,
            Place::Later => return None,
        }
        effort::step(1).then_some(true)
    }

    /// Calls `member` with each key of an object. It must read the value.
    #[inline]
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &'d str) -> Option<()>) -> Option<()> {
        self.open(b'{')?;
        let mut place = Place::First;
        while let Some(key) = self.next_key(&mut place).ok()? {
            member(self, key)?;
        }
        Some(())
    }

    /// Calls `element` for each element of a list. It must read the element.
    #[inline]
    pub fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.open(b'[')?;
        let mut place = Place::First;
        while self.next_element(&mut place)? {
            element(self)?;
        }
        Some(())
    }
}

/// Where in a list or an object the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Later,
    End,
}

fn parse_integer(number: &str) -> Option<i64> {
    match number.as_bytes() {
        [digit] => Some(i64::from(digit - b'0')),
        _ => number.parse().ok().filter(|number| *number != 0),
    }
}
