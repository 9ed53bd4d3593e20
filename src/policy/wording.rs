//! Serde's error messages, in words for users who write YAML.

/// The name of the missing field, if the error is about one.
pub fn missing_field(message: &str) -> Option<String> {
    message.strip_prefix("missing field `")?.strip_suffix('`').map(str::to_owned)
}

/// The message in words for users.
pub fn plain(message: &str) -> String {
    if missing_field(message).is_some() {
        return "is missing and has no default; add it".to_owned();
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return format!("there is no key `{}", rest.replace(", expected ", "; known here: ").replace("one of ", ""));
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
            ("invalid type: null, expected struct PolicySpec", "is null and must be an object"),
            ("invalid type: integer `1`, expected a string", "is an integer and must be a string; put it in quotes"),
            ("anything else", "anything else"),
        ] {
            assert_eq!(plain(serde), plain_text);
        }
    }
}
