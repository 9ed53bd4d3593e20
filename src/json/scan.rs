//! Finds the end of strings and brackets, many bytes at a time.

use wide::u8x16;

/// The index of a string's closing quote, and whether there is an escape before it. `from` is the index behind the opening
/// quote. `None` for a string with a control character or without an end.
#[inline]
pub fn string(text: &[u8], from: usize) -> Option<(usize, bool)> {
    let (mut at, mut escaped) = (from, false);
    loop {
        at = special(text, at)?;
        match text.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' => (at, escaped) = (at + 2, true),
            _ => return None,
        }
    }
}

/// The length of a string without an escape that ends within sixteen bytes, as most keys do. `None` for any other string:
/// [`string`] must look at it.
#[inline]
pub fn short(rest: &[u8]) -> Option<usize> {
    let sixteen = rest.first_chunk()?;
    let length = specials(sixteen).trailing_zeros() as usize;
    (sixteen.get(length) == Some(&b'"')).then_some(length)
}

/// The index of the next byte that has a special meaning in a string: a quote, a backslash or a control character.
#[inline]
fn special(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let Some(sixteen) = text.get(at..)?.first_chunk() else { return last(text, at) };
        match specials(sixteen) {
            0 => at += sixteen.len(),
            specials => return Some(at + specials.trailing_zeros() as usize),
        }
    }
}

/// The text before the first such byte, this byte, and the text behind it.
#[inline]
pub fn first_special(text: &str) -> Option<(&str, u8, &str)> {
    let at = special(text.as_bytes(), 0)?;
    // All such bytes are ASCII.
    Some((text.get(..at)?, *text.as_bytes().get(at)?, text.get(at + 1..)?))
}

/// A bit for each such byte.
#[inline]
fn specials(sixteen: &[u8; 16]) -> u32 {
    let lane = u8x16::new(*sixteen);
    (lane.simd_eq(u8x16::splat(b'"')) | lane.simd_eq(u8x16::splat(b'\\')) | controls(lane)).to_bitmask()
}

/// As [`special`], in the last bytes of the text, of which there are less than sixteen.
#[inline(never)]
fn last(text: &[u8], at: usize) -> Option<usize> {
    let (rest, mut sixteen) = (text.get(at..)?, [b' '; 16]);
    sixteen.get_mut(..rest.len())?.copy_from_slice(rest);
    let specials = specials(&sixteen);
    (specials != 0).then(|| at + specials.trailing_zeros() as usize)
}

#[inline]
fn controls(lane: u8x16) -> u8x16 {
    lane.min(u8x16::splat(0x1f)).simd_eq(lane)
}

/// The index of the bracket that closes the one before `from`, however deep the text between them is nested.
/// `None` when it is not closed, or for a string with a control character.
pub fn close(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 1);
    let mut carry = Carry::default();
    loop {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let brackets = if let Some(block) = rest.first_chunk() {
            carry.brackets(block)
        } else {
            let mut last = [b' '; WINDOW];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            carry.brackets(&last)
        };
        let Brackets { opens, closes } = brackets?;
        if closes.count_ones() < depth {
            // In any order, these brackets do not reach the end.
            depth = depth + opens.count_ones() - closes.count_ones();
        } else {
            let mut both = opens | closes;
            while both != 0 {
                let bit = both & both.wrapping_neg();
                if opens & bit != 0 {
                    depth += 1;
                } else if depth <= 1 {
                    return Some(at + bit.trailing_zeros() as usize);
                } else {
                    depth -= 1;
                }
                both ^= bit;
            }
        }
        at += WINDOW;
    }
}

const WINDOW: usize = 64;

/// Brackets and braces outside of strings, as a bit for each byte of a window.
struct Brackets {
    opens: u64,
    closes: u64,
}

/// The state between two windows.
#[derive(Default)]
struct Carry {
    /// All ones when the last window ended inside a string.
    inside: u64,
    /// Whether it ended with a backslash that escapes the next byte.
    escape: bool,
}

impl Carry {
    /// `None` for a control character inside a string.
    #[inline]
    fn brackets(&mut self, block: &[u8; WINDOW]) -> Option<Brackets> {
        let (mut quotes, mut opens, mut closes) = (0, 0, 0);
        let (mut least, mut escapes) = (u8x16::splat(0xff), u8x16::splat(0));
        for (n, sixteen) in block.as_chunks().0.iter().enumerate() {
            let lane = u8x16::new(*sixteen);
            // Only this bit differs between a brace and a bracket.
            let folded = lane | u8x16::splat(0x20);
            quotes |= bits(lane.simd_eq(u8x16::splat(b'"')), n);
            opens |= bits(folded.simd_eq(u8x16::splat(b'{')), n);
            closes |= bits(folded.simd_eq(u8x16::splat(b'}')), n);
            least = least.min(lane);
            escapes |= lane.simd_eq(u8x16::splat(b'\\'));
        }
        // Backslashes and control characters are rare, so their positions are computed only when there are some.
        if self.escape || escapes.to_bitmask() != 0 {
            quotes &= !self.escaped(each(block, |lane| lane.simd_eq(u8x16::splat(b'\\'))));
        }
        // Each bit becomes the parity of the quotes up to it: 1 from an opening quote to before the closing one.
        let mut inside = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.inside;
        self.inside = (inside >> 63).wrapping_neg();
        if controls(least).to_bitmask() != 0 && each(block, controls) & inside != 0 {
            return None;
        }
        Some(Brackets { opens: opens & !inside, closes: closes & !inside })
    }

    /// A bit for each byte behind a backslash that is not escaped itself.
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

#[inline]
fn bits(found: u8x16, n: usize) -> u64 {
    u64::from(found.to_bitmask()) << (n * 16)
}

fn each(block: &[u8; WINDOW], find: impl Fn(u8x16) -> u8x16) -> u64 {
    let lanes = block.as_chunks().0.iter().enumerate();
    lanes.fold(0, |all, (n, sixteen)| all | bits(find(u8x16::new(*sixteen)), n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        for inner in [r#""}""#, r#""\"}""#, r#""\\""#, r#""\\\"}]""#, "{}", "[{},[]]", r#"{"a":"]"}"#] {
            // At every offset from the start of a window, with more text after it.
            for pad in 0..130 {
                let text = format!("[{}{inner}]}},1]", " ".repeat(pad));
                assert_eq!(close(text.as_bytes(), 1), Some(text.len() - 5), "{text}");
            }
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        for (inner, escapes) in [("", false), ("{[", false), (r#"\""#, true), (r"\\", true), (r#"\\\""#, true)] {
            for pad in 0..70 {
                for behind in ["", ",\"\\\"\"", "                "] {
                    let text = format!("\"{}{inner}\"{behind}", " ".repeat(pad));
                    let wanted = Some((1 + pad + inner.len(), escapes));
                    assert_eq!(string(text.as_bytes(), 1), wanted, "{text}");
                }
            }
        }
    }

    #[test]
    fn broken_strings_and_brackets_have_no_end() {
        for text in ["[", "{\"a\":[1,2}", "[\"]", "[\"\\\"]", "[\"\u{0}\"]", "[\"\u{1f}\"]"] {
            assert_eq!(close(text.as_bytes(), 1), None, "{text:?}");
        }
        for text in ["\"", "\"a\\\"", "\"a\\", "\"a\nb\"", "\"a\nb                 \"", "\"\\\n"] {
            assert_eq!(string(text.as_bytes(), 1), None, "{text:?}");
        }
    }

    #[test]
    fn a_deep_text_needs_no_deep_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(close(deep.as_bytes(), 1), Some(199_999));
        let escapes = format!("\"{}\"", "\\n".repeat(100_000));
        assert_eq!(string(escapes.as_bytes(), 1), Some((200_001, true)));
    }
}
