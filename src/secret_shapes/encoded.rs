//! Secrets in base64, and the headers that carry them.

use super::values::{floor, is_literal};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// How much of a value is decoded, in bytes.
const LONGEST: usize = 64 << 10;

/// The text behind a value in base64, decoded once.
pub fn decoded(value: &str) -> Option<String> {
    let value = value.trim();
    // This check comes before the copy, because most values are no base64.
    let is_encoded = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_\n\r ".contains(&b);
    if value.len() < 16 || !value.bytes().take(LONGEST).all(is_encoded) {
        return None;
    }
    let mut text: String = value.chars().take(LONGEST).filter(|c| !c.is_whitespace()).collect();
    if value.len() > LONGEST {
        text.truncate(text.len() / 4 * 4);
    }
    decode(&text)
}

fn decode(text: &str) -> Option<String> {
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let bytes = GeneralPurpose::new(&alphabet, LENIENT).decode(text).ok()?;
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        // The value was cut inside a character.
        Err(error) => {
            let end = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            (bytes.len() - end < 4).then(|| String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
        }
    }
}

/// Whether the value is `user:password` in base64.
pub fn is_basic(value: &str) -> bool {
    value.len() >= 8
        && value.len() <= 1024
        && decode(value).is_some_and(|login| {
            login.chars().all(|c| !c.is_control())
                && login.split_once(':').is_some_and(|(user, password)| !user.is_empty() && is_literal(password))
        })
}

/// Whether the value is `Bearer ...` or `Basic ...`, or contains it after the word `Authorization`.
pub fn has_authorization(value: &str) -> bool {
    // Counted once: there can be thousands of matches after thousands of blanks.
    let blank = value.len() - value.trim_start().len();
    ["earer ", "asic "].iter().any(|scheme| {
        value.match_indices(scheme).any(|(at, scheme)| {
            let rest = value.get(at + scheme.len()..).unwrap_or_default();
            let rest = rest.get(..floor(rest, 4096)).unwrap_or_default();
            let token = rest
                .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | ',' | '}'))
                .next()
                .unwrap_or_default();
            let head = value.get(..at.saturating_sub(1)).unwrap_or_default();
            let is_whole = head.len() <= blank && rest.trim().len() == token.len();
            let is_behind = || {
                let from = (head.len().saturating_sub(24)..=head.len()).find(|from| head.is_char_boundary(*from));
                let near = from.and_then(|from| head.get(from..)).unwrap_or_default();
                near.to_ascii_lowercase().contains("authorization")
            };
            (is_whole || is_behind()) && if scheme == "asic " { is_basic(token) } else { is_bearer(token) }
        })
    })
}

fn is_bearer(token: &str) -> bool {
    token.len() >= 8 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)) && is_literal(token)
}
