//! Serde's error messages, in words for users who write YAML.

use crate::rule::nearest_name;

/// The error for a missing key.
pub const MISSING: &str = "is missing and has no default; add it";

/// The name of the missing field, if the error is about one.
pub fn missing_field(message: &str) -> Option<String> {
    message.strip_prefix("missing field `")?.strip_suffix('`').map(str::to_owned)
}

/// The error for an unknown key, with the key that was probably meant.
fn unknown_key(message: &str) -> Option<String> {
    let (key, known) = message.strip_prefix("unknown field `")?.split_once("`, ")?;
    let Some(known) = known.strip_prefix("expected ") else {
        return Some(format!("there is no key `{key}`, and none is known here; take it out"));
    };
    let known = known.strip_prefix("one of ").unwrap_or(known);
    Some(match nearest_name(key, known.split('`').skip(1).step_by(2)) {
        Some(near) => format!("there is no key `{key}`; did you mean `{near}`? Known here: {known}"),
        None => format!("there is no key `{key}`; known here: {known}"),
    })
}

/// The message in words for users.
pub fn plain(message: &str) -> String {
    if missing_field(message).is_some() {
        return MISSING.to_owned();
    }
    if let Some(text) = unknown_key(message) {
        return text;
    }
    if let Some(text) = crate::text::type_error(message) {
        return text;
    }
    if message.starts_with("failed to parse") {
        return format!("is not a date, which is written as YYYY-MM-DD ({message})");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_is_translated() {
        for (serde, plain_text) in [
            ("missing field `reason`", "is missing and has no default; add it"),
            ("unknown field `x`, expected `a` or `b`", "there is no key `x`; known here: `a` or `b`"),
            ("unknown field `x`, expected one of `a`, `b`, `c`", "there is no key `x`; known here: `a`, `b`, `c`"),
            (
                "unknown field `mach`, expected one of `match`, `rules`",
                "there is no key `mach`; did you mean `match`? Known here: `match`, `rules`",
            ),
            (
                "unknown field `actoin`, expected `action` or `params`",
                "there is no key `actoin`; did you mean `action`? Known here: `action` or `params`",
            ),
            ("unknown field `max`, there are no fields", "there is no key `max`, and none is known here; take it out"),
            ("invalid type: null, expected struct PolicySpec", "is null and must be an object"),
            ("invalid type: integer `1`, expected a string", "is an integer and must be a string; put it in quotes"),
            ("anything else", "anything else"),
        ] {
            assert_eq!(plain(serde), plain_text);
        }
    }
}
