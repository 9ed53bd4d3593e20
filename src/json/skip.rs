//! Passes over JSON that nobody reads.
//!
//! Objects and lists are passed over by their brackets, sixty-four bytes at a time: whether commas and
//! colons stand right between them matters to nobody, and the API server's own encoder put them there.

use wide::u8x16;

/// From a value's first byte to after its last.
pub fn value(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => Some(string(text, at + 1)?.0),
        b'{' | b'[' => brackets(text, at),
        b't' => word(text, at, b"true"),
        b'f' => word(text, at, b"false"),
        b'n' => word(text, at, b"null"),
        b'-' | b'0'..=b'9' => number(text, at),
        _ => None,
    }
}

/// Over white space.
pub fn blank(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// From after a string's quote to after its other one, and whether it has escapes.
pub fn string(text: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = plain(text, at);
        match text.get(at)? {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => {
                escaped = true;
                at = match text.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at + 2,
                    b'u' if text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at + 6,
                    _ => return None,
                };
            }
            // A control character.
            _ => return None,
        }
    }
}

/// To the next quote, backslash or control character, eight bytes at a time.
fn plain(text: &[u8], mut at: usize) -> usize {
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = specials(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        at += 1;
    }
    at
}

/// The high bit of the first byte that is a quote, a backslash or below a space; bytes after it may be wrong.
const fn specials(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let quote = quote.wrapping_sub(EACH) & !quote;
    let backslash = backslash.wrapping_sub(EACH) & !backslash;
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    (quote | backslash | control) & (EACH << 7)
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(word).then_some(at + word.len())
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at)? {
        b'0' => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    // A zero before other digits.
    (!text.get(at).is_some_and(u8::is_ascii_digit)).then_some(at)
}

/// One digit or more.
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

/// From an opening bracket to after the one that closes it.
fn brackets(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0;
    let mut quoting = Quoting::default();
    loop {
        let block = Block::new(text.get(at..).filter(|rest| !rest.is_empty())?);
        let quoted = quoting.of(&block);
        let (opens, closes) = (block.opens & !quoted, block.closes & !quoted);
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
                    return Some(at + bit.trailing_zeros() as usize + 1);
                } else {
                    depth -= 1;
                }
                both ^= bit;
            }
        }
        at += Block::SIZE;
    }
}

/// What is inside a string, from block to block.
#[derive(Default)]
struct Quoting {
    /// All ones when the last block ended inside a string.
    inside: u64,
    /// Whether it ended in a backslash that escapes what follows.
    escape: bool,
}

impl Quoting {
    /// A bit for each byte inside a string, its first quote included.
    fn of(&mut self, block: &Block) -> u64 {
        let mut quotes = block.quotes;
        if self.escape || block.backslashes != 0 {
            quotes &= !self.escaped(block.backslashes);
        }
        // Each bit becomes the sum of those up to it: odd inside of a string.
        for shift in [1, 2, 4, 8, 16, 32] {
            quotes ^= quotes << shift;
        }
        let inside = quotes ^ self.inside;
        self.inside = (inside >> 63).wrapping_neg();
        inside
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
}

impl Block {
    const SIZE: usize = 64;

    fn new(text: &[u8]) -> Self {
        if let Some(bytes) = text.first_chunk() {
            return Self::of(bytes);
        }
        let mut bytes = [b' '; Self::SIZE];
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        Self::of(&bytes)
    }

    fn of(bytes: &[u8; Self::SIZE]) -> Self {
        let mut block = Self::default();
        for (n, sixteen) in bytes.as_chunks().0.iter().enumerate() {
            let lane = u8x16::new(*sixteen);
            // A brace and a bracket differ by this bit alone.
            let folded = lane | u8x16::splat(0x20);
            let found = |lane: u8x16, byte| u64::from(lane.simd_eq(u8x16::splat(byte)).to_bitmask()) << (n * 16);
            block.quotes |= found(lane, b'"');
            block.backslashes |= found(lane, b'\\');
            block.opens |= found(folded, b'{');
            block.closes |= found(folded, b'}');
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        for inner in [r#""}""#, r#""\"}""#, r#""\\""#, r#""\\\"}]""#, "{}", "[{},[]]", r#"{"a":"]"}"#] {
            // At every place relative to the blocks, with something behind.
            for pad in 0..130 {
                let text = format!("[{}{inner}]}},1]", " ".repeat(pad));
                assert_eq!(value(text.as_bytes(), 0), Some(text.len() - 4), "{text}");
            }
        }
    }

    #[test]
    fn what_does_not_end_is_not_passed_over() {
        for text in ["[", "{\"a\":[1,2}", "[\"]", "[\"\\\"]", "\"", "tru", "-", "01", "1.", "1e", ""] {
            assert_eq!(value(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(value(deep.as_bytes(), 0), Some(200_000));
    }
}
