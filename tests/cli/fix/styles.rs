//! Objects as YAML in the styles that people write.

use crate::merged_edit::Numbers;
use serde_json::{Map, Value};

/// The style of one file.
pub struct Style {
    numbers: Numbers,
    step: usize,
    list_step: usize,
    quoted: bool,
    /// Of so many collections one is in brackets.
    flow: usize,
    comments: bool,
    trailing_spaces: bool,
    count: usize,
}

impl Style {
    pub fn of(seed: usize) -> Self {
        let mut numbers = Numbers(u64::try_from(seed).unwrap_or_default() * 7919 + 5);
        numbers.below(3);
        let step = [2, 2, 2, 4, 3][numbers.below(5)];
        Self {
            step,
            list_step: [0, step][numbers.below(2)],
            quoted: numbers.one_in(6),
            flow: [3, 12, 1_000_000][numbers.below(3)],
            comments: numbers.one_in(2),
            trailing_spaces: numbers.one_in(5),
            count: 0,
            numbers,
        }
    }

    /// The object as a document, or as documents of a file with others around it.
    pub fn file(&mut self, object: &Value) -> String {
        match self.numbers.below(10) {
            0 => return serde_json::to_string(object).expect("JSON") + "\n",
            1 => return serde_json::to_string_pretty(object).expect("JSON"),
            2 => return serde_json::to_string_pretty(object).expect("JSON").replace("  ", "\t") + "\n",
            _ => {}
        }
        let mut text = match self.numbers.below(5) {
            0 => {
                let mut list = String::from("apiVersion: v1\nkind: List\nitems:\n");
                let step = self.list_step;
                self.elements(&mut list, &[object.clone(), object.clone()], step);
                list
            }
            1 => format!("# first\n{}---\n# second\n{}", self.document(object), self.document(object)),
            2 => format!(
                "---\n{}...\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: c}}\ndata: {{a: '1'}}\n",
                self.document(object)
            ),
            _ => self.document(object),
        };
        if self.numbers.one_in(4) {
            text = text.replace('\n', "\r\n");
        }
        if self.numbers.one_in(6) {
            text.insert(0, '\u{FEFF}');
        }
        if self.numbers.one_in(6) {
            text.truncate(text.trim_end().len());
        }
        text
    }

    fn document(&mut self, object: &Value) -> String {
        let mut text = String::new();
        self.members(&mut text, object.as_object().expect("an object"), 0, false);
        text
    }

    /// Members in block style. `inline` writes the first one behind a dash.
    fn members(&mut self, text: &mut String, map: &Map<String, Value>, indent: usize, inline: bool) {
        for (number, (key, value)) in map.iter().enumerate() {
            if !(inline && number == 0) {
                self.comment(text, indent);
                text.push_str(&" ".repeat(indent));
            }
            let key = self.key(key);
            text.push_str(&key);
            text.push(':');
            self.value(text, value, indent);
        }
    }

    /// A value behind its key, with the rest of its lines.
    fn value(&mut self, text: &mut String, value: &Value, indent: usize) {
        let flow = self.numbers.one_in(self.flow);
        match value {
            Value::Object(map) if !map.is_empty() && !flow => {
                self.end(text);
                let step = self.step;
                self.members(text, map, indent + step, false);
            }
            Value::Array(items) if !items.is_empty() && !flow => {
                self.end(text);
                let step = self.list_step;
                self.elements(text, items, indent + step);
            }
            Value::String(string) if string.contains(' ') && self.numbers.one_in(2) => {
                text.push_str(" |-\n");
                text.push_str(&" ".repeat(indent + 2));
                text.push_str(string);
                text.push('\n');
            }
            other => {
                text.push(' ');
                let flow = self.flow_text(other);
                text.push_str(&flow);
                self.end(text);
            }
        }
    }

    fn elements(&mut self, text: &mut String, items: &[Value], indent: usize) {
        for item in items {
            self.comment(text, indent);
            text.push_str(&" ".repeat(indent));
            text.push_str("- ");
            match item {
                Value::Object(map) if !map.is_empty() && !self.numbers.one_in(self.flow) => {
                    self.members(text, map, indent + 2, true);
                }
                other => {
                    let flow = self.flow_text(other);
                    text.push_str(&flow);
                    self.end(text);
                }
            }
        }
    }

    fn flow_text(&mut self, value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let members: Vec<String> =
                    map.iter().map(|(key, value)| format!("{}: {}", self.key(key), self.flow_text(value))).collect();
                format!("{{{}}}", members.join(", "))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow_text(item)).collect();
                format!("[{}]", items.join(if self.step == 3 { " , " } else { ", " }))
            }
            Value::String(text) => match self.numbers.below(3) {
                0 => format!("'{}'", text.replace('\'', "''")),
                _ => value.to_string(),
            },
            other => other.to_string(),
        }
    }

    fn key(&mut self, key: &str) -> String {
        if self.quoted || key.contains(['/', ' ']) { format!("\"{key}\"") } else { key.to_owned() }
    }

    /// A comment on a line of its own. Each is another one.
    fn comment(&mut self, text: &mut String, indent: usize) {
        if self.comments && self.numbers.one_in(4) {
            self.count += 1;
            let indent = if self.numbers.one_in(3) { 0 } else { indent };
            text.push_str(&format!("{}# comment {}\n", " ".repeat(indent), self.count));
            if self.numbers.one_in(3) {
                text.push('\n');
            }
        }
    }

    /// The end of a line, with a comment or spaces.
    fn end(&mut self, text: &mut String) {
        if self.comments && self.numbers.one_in(5) {
            self.count += 1;
            text.push_str(&format!("  # behind {}", self.count));
        }
        if self.trailing_spaces && self.numbers.one_in(3) {
            text.push_str("  ");
        }
        text.push('\n');
    }
}
