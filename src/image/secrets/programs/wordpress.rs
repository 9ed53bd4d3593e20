//! The password in the settings of WordPress: `define('DB_PASSWORD', 'hunter2');`

use crate::secret_shapes::is_literal;

const DEFINE: &str = "define";

/// How much of a call is read, in bytes.
const CALL: usize = 512;

pub fn find(text: &str) -> Option<&'static str> {
    let mut rest = text;
    let (mut before, mut sign) = (' ', ' ');
    while let Some(c) = rest.chars().next() {
        let is_call = matches!(c, 'd' | 'D') && !is_of_name(before) && sign != '*';
        if is_call && defines_password(rest) {
            return Some("a password of WordPress");
        }
        let length = comment(rest).or_else(|| quoted(rest).map(|inner| inner.len() + 2)).unwrap_or(c.len_utf8());
        before = c;
        sign = if c.is_whitespace() { sign } else { c };
        rest = rest.get(length..).unwrap_or_default();
    }
    None
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$')
}

/// How long the comment is with which the text begins.
fn comment(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix("/*") {
        return Some(rest.find("*/").map_or(text.len(), |at| at + 4));
    }
    // `#[` begins an attribute.
    let is_line = text.starts_with("//") || (text.starts_with('#') && !text.starts_with("#["));
    is_line.then(|| text.find('\n').unwrap_or(text.len()))
}

/// What is between the quotes with which the text begins.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.get(1..)?;
    let mut is_escaped = false;
    let end = inner.find(|c| {
        let is_end = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    inner.get(..end.unwrap_or(inner.len()))
}

/// Whether the text begins with a call that gives the password a literal value.
fn defines_password(text: &str) -> bool {
    let value = || {
        let (_, behind) = text.split_at_checked(DEFINE.len()).filter(|(name, _)| name.eq_ignore_ascii_case(DEFINE))?;
        let end = (0..=CALL.min(behind.len())).rev().find(|end| behind.is_char_boundary(*end))?;
        let inner = behind.get(..end)?.trim_start().strip_prefix('(')?.trim_start();
        let name = quoted(inner).filter(|name| *name == "DB_PASSWORD")?;
        inner.get(name.len() + 2..)?.trim_start().strip_prefix(',')
    };
    value().is_some_and(has_literal)
}

/// Whether the value is a literal, or one where a variable is not set: `getenv('A') ?: 'hunter2'`. Arguments of functions are none.
fn has_literal(value: &str) -> bool {
    let mut rest = value.trim_start();
    let mut is_value = true;
    while let Some(c) = rest.chars().next().filter(|c| *c != ';') {
        let text = quoted(rest);
        if let Some(text) = text.filter(|_| is_value)
            && is_literal(text)
            && text != "password_here"
        {
            return true;
        }
        is_value = matches!(c, '?' | ':') || (is_value && c.is_whitespace());
        rest = rest.get(text.map_or(c.len_utf8(), |text| text.len() + 2)..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_file_is_read_in_one_pass() {
        for part in ["define", "define(", "define ('DB_PASSWORD', ", "/*", "#", "'"] {
            assert_eq!(super::find(&part.repeat(20_000)), None, "{part}");
        }
    }
}
