//! The meaning of a scalar for kubectl: the rules of go-yaml v2.

use super::Content;
use base64::Engine;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The meaning of a scalar without quotes.
///
/// # Errors
/// A number that JSON does not have.
pub fn plain(text: &str) -> Result<Content, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Content::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Content::Bool(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(format!("`{text}` is a number that JSON does not have; quote it if it is a text")),
        _ => match number(text) {
            Some(number) => Content::Number(number),
            None => Content::Text(text.to_owned()),
        },
    })
}

/// The meaning of a scalar with a tag of the core schema.
///
/// # Errors
/// A tag that does not fit the text, or that manifests do not use.
pub fn tagged(tag: &str, text: &str) -> Result<Content, String> {
    let content = match tag {
        "str" => return Ok(Content::Text(text.to_owned())),
        "binary" => return binary(text),
        "bool" | "int" | "float" | "null" => plain(text)?,
        _ => return Err(UNKNOWN_TAG.to_owned()),
    };
    let is_integer = |number: &RawValue| !number.get().contains(['.', 'e', 'E']);
    match (&content, tag) {
        (Content::Bool(_), "bool") | (Content::Null, "null") | (Content::Number(_), "float") => Ok(content),
        (Content::Number(number), "int") if is_integer(number) => Ok(content),
        // Without the value, which may be a secret.
        _ => Err(format!("this is not a `!!{tag}`; drop the tag or write a value that fits")),
    }
}

/// The decoded bytes as text, as for kubectl.
fn binary(text: &str) -> Result<Content, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(digits);
    let bytes = bytes.map_err(|_| "this is not base64, as `!!binary` says; write the text itself".to_owned())?;
    Ok(Content::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The message for an unknown tag, without the tag: a password that begins with `!` and has no quotes looks like one.
pub const UNKNOWN_TAG: &str = "this tag has no meaning in a Kubernetes manifest; write the value out, and put a text that begins with `!` in quotes";

/// A number as JSON text. `None` for a scalar that is a text.
fn number(text: &str) -> Option<Box<RawValue>> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    // YAML 1.1 allows groups of digits: 1_000.
    let digits = match first {
        b'.' => Cow::Borrowed(text),
        _ if text.contains('_') => Cow::Owned(text.replace('_', "")),
        _ => Cow::Borrowed(text),
    };
    let json = integer(&digits).or_else(|| float(&digits))?;
    RawValue::from_string(json).ok()
}

/// As Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`. A larger decimal integer keeps its digits, if a float can
/// hold its size.
fn integer(text: &str) -> Option<String> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let sign = if negative && digits.bytes().any(|b| b != b'0') { "-" } else { "" };
    match u128::from_str_radix(digits, radix) {
        Ok(value) if radix == 10 || value <= u128::from(u64::MAX) => Some(format!("{sign}{value}")),
        Err(_) if radix == 10 && digits.parse::<f64>().is_ok_and(f64::is_finite) => Some(format!("{sign}{digits}")),
        _ => None,
    }
}

/// A text that matches `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`. As in Go, a whole number has no fraction
/// in the JSON.
fn float(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fits = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    let value: f64 = if fits { text.parse().ok()? } else { return None };
    #[allow(clippy::cast_possible_truncation, reason = "only where it is exact")]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some((value as i64).to_string());
    }
    serde_json::Number::from_f64(value).map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        match plain(text) {
            Ok(Content::Null) => "null".to_owned(),
            Ok(Content::Bool(value)) => value.to_string(),
            Ok(Content::Number(number)) => number.get().to_owned(),
            Ok(Content::Text(text)) => format!("{text:?}"),
            Ok(_) => "?".to_owned(),
            Err(error) => error,
        }
    }

    // As printed by sigs.k8s.io/yaml v1.6.0.
    #[test]
    fn a_number_too_large_for_a_float_is_a_text() {
        for sign in ["", "-"] {
            let (large, too_large) = (format!("{sign}1{}", "0".repeat(308)), format!("{sign}{}", "8".repeat(309)));
            assert_eq!(json(&large), large);
            assert_eq!(json(&too_large), format!("{too_large:?}"));
        }
    }

    // As printed by sigs.k8s.io/yaml v1.6.0.
    #[test]
    fn scalars_mean_what_they_mean_to_kubectl() {
        for (text, expected) in [
            ("yes", "true"),
            ("y", "true"),
            ("On", "true"),
            ("oN", "\"oN\""),
            ("off", "false"),
            ("N", "false"),
            ("~", "null"),
            ("0644", "420"),
            ("0o644", "420"),
            ("-0644", "-420"),
            ("08", "8"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("_1", "\"_1\""),
            ("+5", "5"),
            ("-0", "0"),
            ("1e3", "1000"),
            ("1e999", "\"1e999\""),
            ("1.0", "1"),
            ("1.", "1"),
            (".5", "0.5"),
            ("1.5e-3", "0.0015"),
            ("1.2.3", "\"1.2.3\""),
            ("100m", "\"100m\""),
            ("1e", "\"1e\""),
            ("0x", "\"0x\""),
            ("0o8", "\"0o8\""),
            ("+", "\"+\""),
            ("-", "\"-\""),
            (".", "\".\""),
            ("2026-11-22", "\"2026-11-22\""),
            ("12:30", "\"12:30\""),
            ("18446744073709551615", "18446744073709551615"),
            ("1e999", "\"1e999\""),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn integers_keep_their_digits() {
        for text in ["123456789012345678901234567890", "-123456789012345678901234567890", &"9".repeat(60)] {
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn tags_must_fit() {
        assert!(matches!(tagged("str", "1"), Ok(Content::Text(text)) if text == "1"));
        assert!(matches!(tagged("int", "0x10"), Ok(Content::Number(n)) if n.get() == "16"));
        assert!(tagged("int", "1.5").is_err());
        assert!(tagged("bool", "1").is_err());
        assert!(matches!(tagged("binary", "a Gk=\n"), Ok(Content::Text(text)) if text == "hi"));
        assert!(tagged("binary", "aGk").is_err());
    }
}
