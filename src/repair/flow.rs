//! JSON as YAML on one line, for people: plain words without quotes, long texts cut, values of variables left out.

use super::tree::{Node, live};
use crate::json::Reader;
use crate::text::{HIDDEN, clean, is_unsafe};
use serde_json::Value;
use std::fmt::Write;

/// The longest text that is repeated, in characters.
const TEXT_MAX: usize = 60;
/// What is deeper is not repeated.
const DEPTH: usize = 3;

/// What was sent. `key` is the member whose value it is. The value of a variable or of a header is not repeated, nor anything
/// deep: it may hold secrets, and the reader knows it.
pub(super) fn sent(out: &mut String, key: &str, json: &str) {
    let mut reader = Reader::new(json);
    if walk(out, &mut reader, key, 0).is_none() {
        out.push_str("...");
    }
}

fn walk(out: &mut String, reader: &mut Reader<'_>, key: &str, depth: usize) -> Option<()> {
    match reader.peek() {
        _ if is_secret(key) => {
            reader.skip()?;
            out.push_str(HIDDEN);
        }
        b'{' | b'[' if depth >= DEPTH => {
            reader.skip()?;
            out.push_str("...");
        }
        b'{' => {
            out.push('{');
            let mut first = true;
            reader.object(|reader, key| {
                separate(out, &mut first);
                word(out, key);
                out.push_str(": ");
                walk(out, reader, key, depth + 1)
            })?;
            out.push('}');
        }
        b'[' => {
            out.push('[');
            let mut first = true;
            reader.list(|reader| {
                separate(out, &mut first);
                walk(out, reader, key, depth + 1)
            })?;
            out.push(']');
        }
        b'"' => word(out, &reader.string()?),
        _ => out.push_str(reader.skip()?),
    }
    Some(())
}

/// The members whose texts an author may fill with secrets.
fn is_secret(key: &str) -> bool {
    matches!(key, "value" | "command" | "args" | "volumeAttributes" | "options" | "user" | "secretRef")
}

fn separate(out: &mut String, first: &mut bool) {
    if !std::mem::take(first) {
        out.push_str(", ");
    }
}

/// What edits made.
pub(super) fn made(out: &mut String, node: &Node<'_>) {
    match node {
        Node::Text(text) => sent(out, "", text.get()),
        Node::Made(value) => of_value(out, value),
        Node::Map(children) => {
            out.push('{');
            let mut first = true;
            for (child, node) in live(children) {
                separate(out, &mut first);
                word(out, &child.key);
                out.push_str(": ");
                made(out, node);
            }
            out.push('}');
        }
        Node::List(children) => {
            out.push('[');
            let mut first = true;
            for (_, node) in live(children) {
                separate(out, &mut first);
                made(out, node);
            }
            out.push(']');
        }
    }
}

fn of_value(out: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            out.push('{');
            let mut first = true;
            // The name says what it is.
            let name = members.get_key_value("name");
            for (key, value) in name.into_iter().chain(members.iter().filter(|(key, _)| *key != "name")) {
                separate(out, &mut first);
                word(out, key);
                out.push_str(": ");
                of_value(out, value);
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            let mut first = true;
            for value in elements {
                separate(out, &mut first);
                of_value(out, value);
            }
            out.push(']');
        }
        Value::String(text) => word(out, text),
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{number}");
        }
    }
}

/// A text as YAML: without quotes where YAML reads it as this text.
pub(super) fn word(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    if text.len() <= TEXT_MAX && !text.chars().any(|c| is_unsafe(c) || matches!(c, '"' | '\\')) {
        out.push_str(text);
    } else {
        out.push_str(&clean(text, TEXT_MAX).replace('"', "\\\""));
    }
    out.push('"');
}

/// Texts that YAML reads as something else, in any case.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

fn is_plain(text: &str) -> bool {
    let Some(first) = text.bytes().next() else { return false };
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-' | b'+' | b'@' | b'%' | b'=');
    text.len() <= TEXT_MAX
        && (first.is_ascii_alphabetic() || matches!(first, b'/' | b'_') || is_amount(text))
        && text.bytes().all(fits)
        && !(text.len() <= 5 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Digits and a unit of letters: `128Mi`. YAML reads digits alone, and `1e3`, as a number.
fn is_amount(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "m" | "k" | "Ki" | "M" | "Mi" | "G" | "Gi" | "T" | "Ti")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let mut out = String::new();
        sent(&mut out, "", json);
        out
    }

    #[test]
    fn a_value_reads_as_yaml() {
        assert_eq!(
            shown(r#"{"path":"/var/run/docker.sock","type":"","n":1,"on":true,"l":["ALL","a b"]}"#),
            r#"{path: /var/run/docker.sock, type: "", "n": 1, "on": true, l: [ALL, "a b"]}"#
        );
        assert_eq!(
            shown(r#"{"a":"128Mi","b":"8080","c":"1e3","d":"no"}"#),
            r#"{a: 128Mi, b: "8080", c: "1e3", d: "no"}"#
        );
    }

    #[test]
    fn what_may_be_secret_or_moves_text_is_not_repeated() {
        assert_eq!(
            shown(r#"{"name":"A","value":"hunter2","command":["x"]}"#),
            "{name: A, value: (not repeated), command: (not repeated)}"
        );
        assert_eq!(shown("\"a\\u001b\\n\""), "\"a\\u{1b}\\u{a}\"");
        assert_eq!(shown("[[[[1]]]]"), "[[[...]]]");
    }
}
