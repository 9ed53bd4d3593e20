//! Translates serde's message about a wrong type into the words of the API: object, list, string, integer, boolean. The value
//! is left out, because it may be a secret.

/// `is a string and must be an integer; take it out of the quotes`. `None` for a message that is not about a type.
#[must_use]
pub fn type_error(message: &str) -> Option<String> {
    if let Some(found) = message.strip_prefix("invalid type: ") {
        // The value may hold any text, also `, expected `. The text after the last one is from our own types.
        let (found, wanted) = found.rsplit_once(", expected ")?;
        let (found, wanted) = (found_word(found), wanted_word(wanted));
        let hint = match (&*found, &*wanted) {
            ("a string", "an integer" | "a boolean" | "a number") => "; take it out of the quotes",
            ("an integer" | "a boolean" | "a number", "a string") => "; put it in quotes",
            _ => "",
        };
        return Some(format!("is {found} and must be {wanted}{hint}"));
    }
    if let Some(found) = message.strip_prefix("invalid value: ") {
        let (found, wanted) = found.rsplit_once(", expected ")?;
        let (found, wanted) = (found_word(found), wanted_word(wanted));
        let range = if found == wanted { " that is too small or too large" } else { "" };
        return Some(match range {
            "" => format!("is {found} that cannot be used; it must be {wanted}"),
            range => format!("is {found}{range}"),
        });
    }
    if let Some(length) = message.strip_prefix("invalid length ") {
        let (length, wanted) = length.split_once(", expected ")?;
        return Some(format!("is a list of {length} and must be {}", wanted_word(wanted)));
    }
    None
}

fn found_word(found: &str) -> String {
    // serde puts the value after the type.
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    match kind {
        "string" | "character" | "char" => "a string",
        "integer" => "an integer",
        "floating point" => "a number with a fraction",
        "boolean" => "a boolean",
        "map" | "struct" | "struct variant" => "an object",
        "sequence" | "tuple" | "tuple variant" | "byte array" => "a list",
        "null" | "unit value" | "Option value" | "unit" => "null",
        _ => "of another type",
    }
    .to_owned()
}

fn wanted_word(wanted: &str) -> String {
    let wanted = match wanted.split_once(" with ") {
        Some((what, _)) if what.starts_with("struct ") || what.starts_with("tuple") => what,
        _ => wanted,
    };
    match wanted {
        "a map" | "an object" | "map" => "an object".to_owned(),
        "a sequence" | "a list" | "sequence" => "a list".to_owned(),
        "a boolean" | "bool" => "a boolean".to_owned(),
        "a string" | "a borrowed string" | "string" | "str" | "a character" | "a string key" => "a string".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "u8" | "u16" | "u32" | "u64" | "u128" | "isize" | "usize" => {
            "an integer".to_owned()
        }
        "f32" | "f64" => "a number".to_owned(),
        "unit" | "null" => "null".to_owned(),
        text if text.starts_with("struct ") || text.starts_with("internally tagged enum") => "an object".to_owned(),
        text if text.starts_with("tuple ") => "a list".to_owned(),
        text if text.starts_with("a nonzero ") => "an integer other than 0".to_owned(),
        // Already our own words.
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_of_the_api() {
        for (message, says) in [
            (
                r#"invalid type: string "a", expected i64"#,
                "is a string and must be an integer; take it out of the quotes",
            ),
            (
                r#"invalid type: string "x, expected struct Y", expected a boolean"#,
                "is a string and must be a boolean; take it out of the quotes",
            ),
            ("invalid type: integer `7`, expected a string", "is an integer and must be a string; put it in quotes"),
            ("invalid type: sequence, expected struct PodSpec", "is a list and must be an object"),
            ("invalid type: map, expected a sequence", "is an object and must be a list"),
            ("invalid type: null, expected struct Container", "is null and must be an object"),
            (
                "invalid type: boolean `true`, expected struct Secret with 3 elements",
                "is a boolean and must be an object",
            ),
            ("invalid type: floating point `1.5`, expected i64", "is a number with a fraction and must be an integer"),
            ("invalid value: integer `-1`, expected u16", "is an integer that is too small or too large"),
            ("invalid length 1, expected struct PodSpec with 22 elements", "is a list of 1 and must be an object"),
            ("invalid type: map, expected rules by their id", "is an object and must be rules by their id"),
        ] {
            assert_eq!(type_error(message).as_deref(), Some(says));
        }
        assert_eq!(type_error("duplicate field `env`"), None);
    }
}
