//! Reads the members of an object, or the elements of a list, and leaves their values as text.

use super::{Child, Node};
use crate::json::{Raw, Reader};
use crate::patch::{first_segment, unescape};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// The members or elements of what an edit made.
pub(super) fn opened<'a>(value: &mut Value) -> Node<'a> {
    match std::mem::take(value) {
        Value::Object(members) => Node::Map(
            members.into_iter().map(|(key, value)| Child::added(Cow::Owned(key), Node::Made(value))).collect(),
        ),
        Value::Array(elements) => {
            Node::List(elements.into_iter().map(|value| Child::added(Cow::Borrowed(""), Node::Made(value))).collect())
        }
        // No rule sets a field below a scalar.
        _ => Node::Map(Vec::new()),
    }
}

/// The members or elements of what was sent, and of the values in it that the path from the key on leads through; none for a
/// scalar.
pub(super) fn read<'a>(text: Raw<'a>, key: &str, below: &str) -> Option<Node<'a>> {
    let mut reader = Reader::new(text.get());
    let node = along(&mut reader, key, below).filter(|_| reader.is_at_end());
    node.or_else(|| serde_json::from_str(text.get()).ok())
}

/// The next value. None means that serde_json has to read it.
fn along<'a>(reader: &mut Reader<'a>, segment: &str, below: &str) -> Option<Node<'a>> {
    if reader.peek() == b'{' {
        let (mut children, segment) = (Vec::with_capacity(MEMBERS), unescape(segment));
        reader.object(|reader, key| {
            let below = if *key == *segment { below } else { "" };
            children.push(child(reader, Cow::Borrowed(key), below)?);
            Some(())
        })?;
        Some(Node::Map(children))
    } else {
        let (mut children, index) = (Vec::with_capacity(ELEMENTS), segment.parse().ok());
        reader.list(|reader| {
            let below = if Some(children.len()) == index { below } else { "" };
            children.push(child(reader, Cow::Borrowed(""), below)?);
            Some(())
        })?;
        Some(Node::List(children))
    }
}

fn child<'a>(reader: &mut Reader<'a>, key: Cow<'a, str>, below: &str) -> Option<Child<'a>> {
    if below.is_empty() || !matches!(reader.peek(), b'{' | b'[') {
        return Some(Child::sent(key, Raw::new(reader.skip()?)));
    }
    let start = reader.clone();
    let (segment, below) = first_segment(below);
    let node = along(reader, segment, below.unwrap_or_default())?;
    Some(Child::opened(key, Raw::new(reader.since(&start)?), node))
}

/// Room for the members of most objects of a pod, and for the elements of most lists, so that it need not grow.
const MEMBERS: usize = 12;
const ELEMENTS: usize = 4;

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Node<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
                let mut children = Vec::new();
                while let Some(key) = map.next_key::<crate::workload::Text<'de>>()? {
                    children.push(Child::sent(key.0, map.next_value()?));
                }
                Ok(Node::Map(children))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
                let mut children = Vec::new();
                while let Some(text) = list.next_element()? {
                    children.push(Child::sent(Cow::Borrowed(""), text));
                }
                Ok(Node::List(children))
            }
        }
        deserializer.deserialize_any(Members)
    }
}
