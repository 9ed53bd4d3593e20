//! A value and its position in a file.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A position in a file. Lines and columns count from 1, as in an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub const START: Self = Self { line: 1, column: 1 };

    /// The position behind `text`, which starts here.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        match text.rsplit_once('\n') {
            None => Self { line: self.line, column: self.column + text.chars().count() },
            Some((before, last)) => Self {
                line: self.line + 1 + before.bytes().filter(|b| *b == b'\n').count(),
                column: 1 + last.chars().count(),
            },
        }
    }
}

/// A value of a document. It serialises to the same value, and a number to the same digits.
#[derive(Debug, Clone)]
pub struct Node {
    pub at: Position,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    Null,
    Bool(bool),
    /// JSON text, so that an integer of any size keeps its digits.
    Number(Box<RawValue>),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A key and its value. The keys of one map are unique.
#[derive(Debug, Clone)]
pub struct Member {
    pub key: String,
    pub at: Position,
    pub value: Node,
    /// Whether it is from a merge key (`<<`). A key of the map itself then replaces it.
    pub(super) merged: bool,
}

impl Node {
    /// The value of a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.member(key).map(|member| &member.value)
    }

    pub(super) fn member(&self, key: &str) -> Option<&Member> {
        match &self.content {
            Content::Map(members) => members.iter().find(|member| member.key == key),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its type, for an error message.
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self.content {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(_) => "a string",
            Content::List(_) => "a list",
            Content::Map(_) => "an object",
        }
    }

    /// The value at a JSON pointer.
    #[must_use]
    pub fn at_pointer(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, segment| {
            let key = crate::patch::unescape(segment);
            match &node.content {
                Content::List(items) => items.get(key.parse::<usize>().ok()?),
                _ => node.get(&key),
            }
        })
    }

    /// The longest part of a JSON pointer that exists, and its position: that of the key or of the list item.
    #[must_use]
    pub fn resolve<'p>(&self, pointer: &'p str) -> (&'p str, Position) {
        let (mut node, mut at, mut length) = (self, self.at, 0);
        for segment in pointer.split('/').skip(1) {
            let key = crate::patch::unescape(segment);
            if let Some(member) = node.member(&key) {
                (node, at) = (&member.value, member.at);
            } else if let (Content::List(items), Ok(index)) = (&node.content, key.parse::<usize>())
                && let Some(item) = items.get(index)
            {
                (node, at) = (item, item.at);
            } else {
                break;
            }
            length += 1 + segment.len();
        }
        (pointer.get(..length).unwrap_or_default(), at)
    }

    /// The position of the value at a JSON pointer, or of its nearest ancestor that exists.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        self.resolve(pointer).1
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        // Serialising to a value cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serialising to a string cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(value) => serializer.serialize_bool(*value),
            Content::Number(digits) => digits.serialize(serializer),
            Content::Text(text) => serializer.serialize_str(text),
            Content::List(items) => serializer.collect_seq(items),
            Content::Map(members) => serializer.collect_map(members.iter().map(|m| (&m.key, &m.value))),
        }
    }
}
