//! New values as YAML or JSON.

use super::style::Style;
use crate::manifest::{Content, scalar};
use serde_json::{Map, Value};

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// Where it needs quotes.
    Needed,
    Single,
    Double,
}

/// The members, the name first: it says what the object is.
fn members(map: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let name = map.get_key_value("name");
    name.into_iter().chain(map.iter().filter(|(key, _)| *key != "name")).map(|(key, value)| (key.as_str(), value))
}

/// Whether a value takes lines of its own in block style.
pub fn has_lines(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Writes the members or the elements in lines that each begin with `indent` spaces.
pub fn block(out: &mut String, value: &Value, indent: usize, quoted: bool, style: &Style) {
    match value {
        Value::Object(map) => {
            for (key, value) in members(map) {
                spaces(out, indent);
                member(out, key, value, indent, quoted, style);
            }
        }
        Value::Array(items) => {
            for item in items {
                spaces(out, indent);
                element(out, item, indent, quoted, style);
            }
        }
        _ => {}
    }
}

/// `key: value`, whose first line is indented already.
pub fn member(out: &mut String, key: &str, value: &Value, indent: usize, quoted: bool, style: &Style) {
    out.push_str(&text(key, quotes(quoted)));
    out.push(':');
    if has_lines(value) {
        out.push_str(style.newline);
        let step = if value.is_array() { style.list_step } else { style.step };
        block(out, value, indent + step, quoted, style);
    } else {
        out.push(' ');
        out.push_str(&flow(value, false, style));
        out.push_str(style.newline);
    }
}

/// `- value`, whose first line is indented already.
pub fn element(out: &mut String, value: &Value, indent: usize, quoted: bool, style: &Style) {
    out.push_str("- ");
    body(out, value, indent + 2, quoted, style);
}

/// An element behind its dash. Lines after the first begin with `indent` spaces.
pub fn body(out: &mut String, value: &Value, indent: usize, quoted: bool, style: &Style) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (number, (key, value)) in members(map).enumerate() {
                if number > 0 {
                    spaces(out, indent);
                }
                member(out, key, value, indent, quoted, style);
            }
        }
        other => {
            out.push_str(&flow(other, false, style));
            out.push_str(style.newline);
        }
    }
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// A value on one line. `quoted` quotes every text, as JSON does.
pub fn flow(value: &Value, quoted: bool, style: &Style) -> String {
    let (comma, colon) = if style.compact { (",", ":") } else { (", ", ": ") };
    match value {
        Value::Object(map) => {
            let one = |(key, value): (&str, &Value)| {
                format!("{}{colon}{}", text(key, quotes(quoted)), flow(value, quoted, style))
            };
            format!("{{{}}}", members(map).map(one).collect::<Vec<_>>().join(comma))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, quoted, style)).collect();
            format!("[{}]", items.join(comma))
        }
        Value::String(string) => text(string, quotes(quoted)),
        other => other.to_string(),
    }
}

/// A value in brackets, each member on a line of its own. Lines after the first begin with `indent` at least.
pub fn pretty(value: &Value, indent: &str, quoted: bool, style: &Style) -> String {
    let step = if indent.contains('\t') { "\t".to_owned() } else { " ".repeat(style.step) };
    let inner = format!("{indent}{step}");
    let lines = |open: char, lines: Vec<String>, close: char| {
        let newline = style.newline;
        format!("{open}{newline}{inner}{}{newline}{indent}{close}", lines.join(&format!(",{newline}{inner}")))
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let one = |(key, value): (&str, &Value)| {
                format!("{}: {}", text(key, quotes(quoted)), pretty(value, &inner, quoted, style))
            };
            lines('{', members(map).map(one).collect(), '}')
        }
        Value::Array(items) if !items.is_empty() => {
            lines('[', items.iter().map(|item| pretty(item, &inner, quoted, style)).collect(), ']')
        }
        other => flow(other, quoted, style),
    }
}

pub const fn quotes(quoted: bool) -> Quotes {
    if quoted { Quotes::Double } else { Quotes::Needed }
}

/// A text. A text that any reader of YAML could take for something else is quoted.
pub fn text(text: &str, quotes: Quotes) -> String {
    match quotes {
        Quotes::Needed if is_plain(text) => text.to_owned(),
        Quotes::Single if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', "''")),
        // A string of JSON is one of YAML. Serialising it cannot fail.
        _ => serde_json::to_string(text).unwrap_or_default(),
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+' | '=' | '@');
    (first.is_ascii_alphanumeric() || matches!(first, '/' | '_'))
        && text.chars().all(fits)
        && matches!(scalar::plain(text), Ok(Content::Text(_)))
}
