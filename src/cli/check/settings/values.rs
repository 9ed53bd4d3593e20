//! The values of settings, and what is wrong with them.

use crate::manifest::{Content, Member, Node, Position};
use crate::rule::nearest_name;
use crate::text::clean;

/// The value of one key.
pub struct Values<'v> {
    pub member: &'v Member,
    pub faults: &'v mut Vec<(Position, String)>,
}

impl Values<'_> {
    pub fn fault(&mut self, at: Position, message: String) {
        self.faults.push((at, message));
    }

    pub fn flag(&mut self) -> bool {
        if let Content::Bool(value) = self.member.value.content {
            return value;
        }
        self.wrong_type(&self.member.value, "true or false");
        false
    }

    /// A text, as `parse` understands it.
    pub fn text<T>(&mut self, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        self.item(&self.member.value, &parse)
    }

    /// A list of texts, or one text alone.
    pub fn texts<T>(&mut self, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        match &self.member.value.content {
            Content::List(items) => items.iter().filter_map(|item| self.item(item, &parse)).collect(),
            Content::Text(_) => self.text(parse).into_iter().collect(),
            _ => {
                self.wrong_type(&self.member.value, "a list of strings");
                Vec::new()
            }
        }
    }

    fn item<T>(&mut self, node: &Node, parse: &impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let Some(text) = node.as_str() else {
            self.wrong_type(node, "a string");
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                let key = &self.member.key;
                self.fault(node.at, format!("`{}` in `{}`: {message}", clean(text, 100), clean(key, 60)));
                None
            }
        }
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let key = clean(&self.member.key, 60);
        self.fault(node.at, format!("`{key}` must be {wanted}, not {}", node.noun()));
    }
}

/// The value whose word the text is.
pub fn one_of<T: Copy>(text: &str, values: &[T], word: impl Fn(T) -> &'static str) -> Result<T, String> {
    let found = values.iter().find(|value| word(**value) == text);
    found.copied().ok_or_else(|| {
        let words: Vec<&str> = values.iter().map(|value| word(*value)).collect();
        match nearest_name(text, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it must be one of {}", words.join(", ")),
        }
    })
}
