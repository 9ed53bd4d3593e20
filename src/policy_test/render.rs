//! Values as YAML, on one line or as a block.

use crate::manifest::{self, Content, to_yaml};
use serde_json::Value;

/// The value on one line. `is_json` quotes all keys and texts.
#[must_use]
pub fn flow(value: &Value, is_json: bool) -> String {
    match value {
        _ if is_json => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, is_json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let members: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value, is_json))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// The value in several lines, as it stands behind a key or a dash at this column. The first line has no indent.
#[must_use]
pub fn block(value: &Value, column: usize) -> String {
    let is_empty =
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty || !(value.is_array() || value.is_object()) {
        return flow(value, false);
    }
    indented(&to_yaml(value), column)
}

/// The lines with an indent, except the first one.
#[must_use]
pub fn indented(text: &str, column: usize) -> String {
    text.trim_end().replace('\n', &format!("\n{}", " ".repeat(column)))
}

/// A text without quotes where YAML reads it as the same text.
fn scalar(text: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(known);
    let reads = || match manifest::parse(text.as_bytes()).ok()?.first()?.root.content {
        Content::Text(ref read) => Some(read == text),
        _ => None,
    };
    if is_word && reads() == Some(true) { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_have_quotes_where_they_need_them() {
        let value = json!({"a": ["x-1", "yes", "off", "1", "", "a: b", null, true, 2]});
        let text = r#"{a: [x-1, "yes", "off", "1", "", "a: b", null, true, 2]}"#;
        assert_eq!(flow(&value, false), text);
        let read: Value = serde_json::from_str(&manifest::parse(text.as_bytes()).unwrap()[0].root.to_json()).unwrap();
        assert_eq!(read, value);
        assert_eq!(flow(&json!(["a"]), true), r#"["a"]"#);
        assert_eq!(block(&json!({"a": {"b": 1}, "c": [1]}), 2), "a:\n    b: 1\n  c:\n  - 1");
    }
}
