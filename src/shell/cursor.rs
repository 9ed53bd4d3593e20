//! A place in the text of a script.

#[derive(Default)]
pub struct Cursor<'s> {
    text: &'s str,
    at: usize,
    /// Where the text begins in the outermost script.
    base: usize,
}

impl<'s> Cursor<'s> {
    pub const fn new(text: &'s str, base: usize) -> Self {
        Self { text, at: 0, base }
    }

    pub fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    /// Where it is in the outermost script.
    pub const fn place(&self) -> usize {
        self.base + self.at
    }

    /// The text up to the parenthesis that closes and where it begins. Both are skipped.
    pub fn inside(&mut self) -> (&'s str, usize) {
        let (text, start) = (self.rest(), self.place());
        let (mut open, mut quote) = (1_usize, None);
        let end = text.char_indices().find(|(_, c)| {
            match (quote, c) {
                (Some(q), c) if q == *c => quote = None,
                (None, '\'' | '"') => quote = Some(*c),
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            open == 0
        });
        let end = end.map_or(text.len(), |(at, _)| at);
        self.skip(end + 1);
        (text.get(..end).unwrap_or_default(), start)
    }
}
