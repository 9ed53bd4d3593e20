//! Settings inside a value: `Password=...;`, `"password": "..."`, `password: ...`, `-Dspring.password=...`.

use super::named::is_allowed;
use super::names::{is_setting_secret, may_name};
use super::values::{floor, is_literal};

/// The longest name of a setting, in bytes.
const NAME: usize = 64;
/// How much of a value is read, in bytes: enough to recognise a secret.
const VALUE: usize = 256;

/// The name of the first setting with a secret that is not allowed; empty if it is a login of SQL or a signature.
pub fn secret<'t>(text: &'t str, allow: &[String]) -> Option<&'t str> {
    let settings = text.match_indices(['=', ':']).filter_map(|(at, sign)| setting(text, at, sign));
    let mut secrets = settings.filter(|(name, value)| is_setting_secret(name, value) && !is_allowed(allow, name));
    let is_other = || {
        text.match_indices("sig=").any(|(at, found)| is_signature(text, at, at + found.len()))
            || (text.contains('\'') && has_sql_password(&text.to_ascii_lowercase()))
    };
    secrets.next().map(|(name, _)| name).or_else(|| is_other().then_some(""))
}

/// Whether an SQL statement sets a password: `IDENTIFIED BY '...'`, `ALTER ROLE app PASSWORD '...'`.
fn has_sql_password(lower: &str) -> bool {
    ["identified by '", "password by '", " password '"].iter().any(|start| {
        lower.match_indices(start).any(|(at, start)| {
            let rest = lower.get(at + start.len()..).unwrap_or_default();
            let near = rest.get(..floor(rest, VALUE)).unwrap_or_default();
            near.split_once('\'')
                .is_some_and(|(password, _)| password.starts_with(char::is_alphanumeric) && is_literal(password))
        })
    })
}

/// The name before `=` or `:` and the value after it, if they are a setting.
fn setting<'a>(text: &'a str, at: usize, sign: &str) -> Option<(&'a str, &'a str)> {
    let head = text.get(..at)?;
    let rest = text.get(at + 1..)?;
    // A comparison, or a scheme of a URL.
    if rest.starts_with(['=', '~', '/', ':']) || head.ends_with(['!', '<', '>', '=', '~', '+', ':']) {
        return None;
    }
    // The name is checked first: it is shorter than the value.
    let (name, place) = name(head).filter(|(name, _)| may_name(name))?;
    let spaced = rest.starts_with([' ', '\t']) || head.ends_with([' ', '\t']);
    let value = value(rest)?;
    let is_setting = match sign {
        // YAML and JSON.
        ":" => (place == Place::Quoted && (spaced || value.quoted)) || (place == Place::First && spaced && value.alone),
        _ if spaced => value.quoted || (place == Place::First && value.alone && !is_word(value.text)),
        _ => true,
    };
    let value = is_setting.then_some(value).filter(|value| value.quoted || !is_code(name, value))?;
    Some((name, value.text))
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Place {
    Quoted,
    /// At the beginning of a line, a list or a map.
    First,
    Other,
}

/// The name that a text ends with.
fn name(head: &str) -> Option<(&str, Place)> {
    let trimmed = head.trim_end_matches([' ', '\t']);
    // The name is quoted: `"a"`, `\"a\"` or `x['a']`.
    let bare = trimmed.trim_end_matches(['"', '\'', '\\', ']']);
    if head.len() - bare.len() > 8 {
        return None;
    }
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let length = bare.bytes().rev().take(NAME + 1).take_while(is_name).count();
    if length == 0 || length > NAME {
        return None;
    }
    let (before, name) = bare.split_at(bare.len() - length);
    let place = if bare.len() < trimmed.len() {
        Place::Quoted
    } else {
        let left = before.trim_end_matches([' ', '\t', '-']);
        let is_first = before.len() - left.len() <= 64 && (left.is_empty() || left.ends_with(['\n', '{', ',', ';']));
        if is_first { Place::First } else { Place::Other }
    };
    Some((name, place))
}

struct Setting<'a> {
    text: &'a str,
    quoted: bool,
    /// Nothing else is in its line.
    alone: bool,
    /// It ends like an argument of a function.
    is_argument: bool,
}

/// The value that a text begins with.
fn value(rest: &str) -> Option<Setting<'_>> {
    let rest = rest.get(..floor(rest, VALUE))?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let bare = rest.strip_prefix('\\').unwrap_or(rest);
    if let Some(quote) = bare.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = bare.get(1..)?;
        // A text without a closing quote was cut: all of it is the value.
        let text = inner.split(quote).next().unwrap_or_default();
        return Some(Setting { text: text.trim_end_matches('\\'), quoted: true, alone: true, is_argument: false });
    }
    if bare.starts_with('<') {
        return None;
    }
    let is_end = |c: char| {
        c.is_whitespace() || matches!(c, ';' | '&' | ',' | '"' | '\'' | '`' | '|' | '<' | '}' | ')' | ']' | '\\')
    };
    let length = bare.find(is_end).unwrap_or(bare.len());
    let (text, after) = bare.split_at(length);
    let line = after.split('\n').next().unwrap_or_default().trim();
    let alone = line.is_empty() || line.starts_with(['#', ',', '}', ';']);
    let is_argument = after.starts_with(')') || after.starts_with(", ");
    Some(Setting { text, quoted: false, alone, is_argument })
}

/// Whether the text is an expression of a program, and no literal value: `os.environ["X"]`, `token=token)`, `:password`.
fn is_code(name: &str, value: &Setting<'_>) -> bool {
    let text = value.text;
    let is_member = || text.contains('.') && text.split('.').all(is_word);
    text.starts_with(['$', '`', '{', '[', ':', '@', '(', '?', '*'])
        || text.starts_with("#{")
        || text.contains(['(', '['])
        || is_member()
        || (value.is_argument && (is_word(text) || name.ends_with(text)))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// Whether a signature of a URL for Azure Storage begins at `from`: of its own length, or behind the version of the service.
fn is_signature(text: &str, at: usize, from: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    let begins = head.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    let rest = text.get(from..).unwrap_or_default();
    let length = rest.bytes().take(60).take_while(|b| b.is_ascii_alphanumeric() || b"%+/=".contains(b)).count();
    let near = head.get(floor(head, head.len().saturating_sub(VALUE))..).unwrap_or_default();
    let is_versioned = || near.contains("?sv=") || near.contains("&sv=");
    begins && (length >= 40 || (length >= 16 && is_versioned()))
}
