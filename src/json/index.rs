//! Where in a JSON text strings end and brackets are, found sixty-four bytes at a time.

use wide::u8x16;

/// A bit for each byte of the text. It takes half as much memory as the text.
#[derive(Debug, Default)]
pub struct Index {
    windows: Vec<Window>,
}

/// The bits of sixty-four bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Window {
    /// Quotes that begin or end a string.
    quotes: u64,
    backslashes: u64,
    /// Brackets and braces outside of strings.
    opens: u64,
    closes: u64,
}

const SIZE: usize = 64;

impl Index {
    /// None for what is no JSON: a string with a control character in it, or one without end.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut windows = Vec::with_capacity(text.len() / SIZE + 1);
        let mut carry = Carry::default();
        let (blocks, rest) = text.as_chunks::<SIZE>();
        for block in blocks {
            windows.push(carry.window(Block::of(block)));
        }
        let mut last = [b' '; SIZE];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        windows.push(carry.window(Block::of(&last)));
        (!carry.broken && carry.inside == 0).then_some(Self { windows })
    }

    /// From after a string's first quote to its last one, and whether there is an escape between them.
    #[inline]
    pub fn string(&self, from: usize) -> Option<(usize, bool)> {
        let (mut at, mut looked) = (from / SIZE, !0 << (from % SIZE));
        let mut escaped = false;
        loop {
            let window = self.windows.get(at)?;
            let ends = window.quotes & looked;
            if ends != 0 {
                let before = (ends & ends.wrapping_neg()).wrapping_sub(1);
                escaped |= window.backslashes & looked & before != 0;
                return Some((at * SIZE + ends.trailing_zeros() as usize, escaped));
            }
            escaped |= window.backslashes & looked != 0;
            at += 1;
            looked = !0;
        }
    }

    /// From after an opening bracket to the one that closes it.
    pub fn close(&self, from: usize) -> Option<usize> {
        let (mut at, mut looked) = (from / SIZE, !0 << (from % SIZE));
        let mut depth = 1;
        loop {
            let window = self.windows.get(at)?;
            let (opens, closes) = (window.opens & looked, window.closes & looked);
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
                        return Some(at * SIZE + bit.trailing_zeros() as usize);
                    } else {
                        depth -= 1;
                    }
                    both ^= bit;
                }
            }
            at += 1;
            looked = !0;
        }
    }
}

/// What one window leaves to the next.
#[derive(Default)]
struct Carry {
    /// All ones when it ended inside a string.
    inside: u64,
    /// Whether it ended in a backslash that escapes what follows.
    escape: bool,
    broken: bool,
}

impl Carry {
    #[inline]
    fn window(&mut self, block: Block) -> Window {
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
        self.broken |= block.controls & inside != 0;
        Window { quotes, backslashes: block.backslashes, opens: block.opens & !inside, closes: block.closes & !inside }
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

/// What sixty-four bytes are, each for itself.
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
    fn of(bytes: &[u8; SIZE]) -> Self {
        let mut block = Self::default();
        let (mut least, mut escapes) = (u8x16::splat(0xff), u8x16::splat(0));
        for (n, sixteen) in bytes.as_chunks().0.iter().enumerate() {
            let lane = u8x16::new(*sixteen);
            // A brace and a bracket differ by this bit alone.
            let folded = lane | u8x16::splat(0x20);
            block.quotes |= bits(lane.simd_eq(u8x16::splat(b'"')), n);
            block.opens |= bits(folded.simd_eq(u8x16::splat(b'{')), n);
            block.closes |= bits(folded.simd_eq(u8x16::splat(b'}')), n);
            least = least.min(lane);
            escapes |= lane.simd_eq(u8x16::splat(b'\\'));
        }
        // These two are rare: where they are is looked for only when they are there.
        if escapes.to_bitmask() != 0 {
            block.backslashes = each(bytes, |lane| lane.simd_eq(u8x16::splat(b'\\')));
        }
        if least.min(u8x16::splat(0x1f)).simd_eq(least).to_bitmask() != 0 {
            block.controls = each(bytes, |lane| lane.min(u8x16::splat(0x1f)).simd_eq(lane));
        }
        block
    }
}

#[inline]
fn bits(found: u8x16, n: usize) -> u64 {
    u64::from(found.to_bitmask()) << (n * 16)
}

fn each(bytes: &[u8; SIZE], find: impl Fn(u8x16) -> u8x16) -> u64 {
    let lanes = bytes.as_chunks().0.iter().enumerate();
    lanes.fold(0, |all, (n, sixteen)| all | bits(find(u8x16::new(*sixteen)), n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<usize> {
        let index = Index::new(text.as_bytes())?;
        match text.as_bytes() {
            [b'"', ..] => index.string(1).map(|(end, _)| end + 1),
            _ => index.close(1).map(|end| end + 1),
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
                assert_eq!(Index::new(text.as_bytes()).unwrap().string(1), wanted, "{text}");
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
