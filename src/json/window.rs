//! Sixty-four bytes of JSON at a time, as bits: where strings end, and where brackets are.
//!
//! Each byte is looked at once, whether somebody reads it or not. In what nobody reads, commas, colons
//! and escapes may stand as they like: the API server's own encoder put them there.

use wide::u8x16;

/// A window onto the text; it only moves forward.
#[derive(Debug, Default)]
pub struct Window {
    start: usize,
    /// Where the next one starts.
    next: usize,
    /// Quotes that begin or end a string.
    quotes: u64,
    backslashes: u64,
    /// Brackets and braces outside of strings.
    opens: u64,
    closes: u64,
    /// All ones when it ends inside a string.
    inside: u64,
    /// Whether it ends in a backslash that escapes what follows.
    escape: bool,
}

impl Window {
    const SIZE: usize = 64;

    /// From after a string's first quote to its last one, and whether there is an escape between them.
    pub fn string(&mut self, text: &[u8], at: usize) -> Option<(usize, bool)> {
        let mut looked = self.seek(text, at)?;
        let mut escaped = false;
        loop {
            let ends = self.quotes & looked;
            if ends != 0 {
                let before = (ends & ends.wrapping_neg()).wrapping_sub(1);
                escaped |= self.backslashes & looked & before != 0;
                return Some((self.start + ends.trailing_zeros() as usize, escaped));
            }
            escaped |= self.backslashes & looked != 0;
            self.advance(text)?;
            looked = !0;
        }
    }

    /// From after an opening bracket to the one that closes it.
    pub fn close(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let mut looked = self.seek(text, at)?;
        let mut depth = 1;
        loop {
            let (opens, closes) = (self.opens & looked, self.closes & looked);
            if closes.count_ones() < depth {
                // Whatever their order, the end is not here.
                depth = depth + opens.count_ones() - closes.count_ones();
            } else {
                let mut both = opens | closes;
                while both != 0 {
                    let bit = both & both.wrapping_neg();
                    if opens & bit != 0 {
                        depth += 1;
                    } else if depth <= 1 {
                        return Some(self.start + bit.trailing_zeros() as usize);
                    } else {
                        depth -= 1;
                    }
                    both ^= bit;
                }
            }
            self.advance(text)?;
            looked = !0;
        }
    }

    /// Moves on to the byte at `at`; the bits from there on.
    fn seek(&mut self, text: &[u8], at: usize) -> Option<u64> {
        while at >= self.next {
            self.advance(text)?;
        }
        Some(!0 << (at.saturating_sub(self.start) % Self::SIZE))
    }

    /// None at the end of the text, and where a string holds what no string may.
    fn advance(&mut self, text: &[u8]) -> Option<()> {
        let rest = text.get(self.next..).filter(|rest| !rest.is_empty())?;
        let block = Block::new(rest);
        self.start = self.next;
        self.next += Self::SIZE;
        let mut quotes = block.quotes;
        if self.escape || block.backslashes != 0 {
            quotes &= !self.escaped(block.backslashes);
        }
        // Each bit becomes the sum of those up to it: odd inside of a string, its first quote included.
        let mut inside = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.inside;
        self.inside = (inside >> 63).wrapping_neg();
        self.quotes = quotes;
        self.backslashes = block.backslashes;
        self.opens = block.opens & !inside;
        self.closes = block.closes & !inside;
        (block.controls & inside == 0).then_some(())
    }

    /// A bit for each byte that a backslash stands before, unless that one is escaped itself.
    fn escaped(&mut self, mut backslashes: u64) -> u64 {
        let mut escaped = u64::from(self.escape);
        backslashes &= !escaped;
        self.escape = false;
        while backslashes != 0 {
            let bit = backslashes & backslashes.wrapping_neg();
            let next = bit << 1;
            self.escape = next == 0;
            escaped |= next;
            backslashes &= !(bit | next);
        }
        escaped
    }
}

/// A bit for each of sixty-four bytes.
#[derive(Default)]
struct Block {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
    controls: u64,
}

impl Block {
    #[inline]
    fn new(text: &[u8]) -> Self {
        if let Some(bytes) = text.first_chunk() {
            return Self::of(bytes);
        }
        let mut bytes = [b' '; Window::SIZE];
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        Self::of(&bytes)
    }

    #[inline]
    fn of(bytes: &[u8; Window::SIZE]) -> Self {
        let mut block = Self::default();
        for (n, sixteen) in bytes.as_chunks().0.iter().enumerate() {
            let lane = u8x16::new(*sixteen);
            // A brace and a bracket differ by this bit alone.
            let folded = lane | u8x16::splat(0x20);
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (n * 16);
            block.quotes |= bits(lane.simd_eq(u8x16::splat(b'"')));
            block.backslashes |= bits(lane.simd_eq(u8x16::splat(b'\\')));
            block.opens |= bits(folded.simd_eq(u8x16::splat(b'{')));
            block.closes |= bits(folded.simd_eq(u8x16::splat(b'}')));
            block.controls |= bits(lane.min(u8x16::splat(0x1f)).simd_eq(lane));
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<usize> {
        match text.as_bytes() {
            [b'"', ..] => Window::default().string(text.as_bytes(), 1).map(|(end, _)| end + 1),
            _ => Window::default().close(text.as_bytes(), 1).map(|end| end + 1),
        }
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        for inner in [r#""}""#, r#""\"}""#, r#""\\""#, r#""\\\"}]""#, "{}", "[{},[]]", r#"{"a":"]"}"#] {
            // At every place relative to the windows, with something behind.
            for pad in 0..130 {
                let text = format!("[{}{inner}]}},1]", " ".repeat(pad));
                assert_eq!(end(&text), Some(text.len() - 4), "{text}");
            }
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        for (inner, escapes) in [("", false), ("{[", false), (r#"\""#, true), (r"\\", true), (r#"\\\""#, true)] {
            for pad in 0..130 {
                let text = format!("\"{}{inner}\",\"\\\"\"", " ".repeat(pad));
                let wanted = Some((1 + pad + inner.len(), escapes));
                assert_eq!(Window::default().string(text.as_bytes(), 1), wanted, "{text}");
            }
        }
    }

    #[test]
    fn what_does_not_end_has_no_end() {
        for text in ["[", "{\"a\":[1,2}", "[\"]", "[\"\\\"]", "\"", "\"a\\\"", "\"a\nb\"", "[\"\u{0}\"]"] {
            assert_eq!(end(text), None, "{text:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(end(&deep), Some(200_000));
    }
}
