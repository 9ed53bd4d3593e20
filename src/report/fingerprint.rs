//! What a violation is recognised by when lines, files and podreeve's other findings change.

use crate::manifest::{Content, Node, Object};
use crate::outcome::Violation;
use crate::patch::unescape;

/// The fingerprint of a violation, as 32 hexadecimal digits: a hash of the object, the rule, the field and what was found.
/// Neither the file nor the position is a part of it.
#[must_use]
pub fn fingerprint(object: &Object<'_>, namespace: &str, violation: &Violation) -> String {
    let mut hash = Hash::new();
    let (kind, container) = violation.subject.container().map(|(kind, name)| (kind.field(), name)).unwrap_or_default();
    let field = stable_field(object.node, &violation.field);
    for part in [
        object.group(),
        object.kind,
        namespace,
        &object.name(),
        violation.rule.id,
        kind,
        container,
        &field,
        &violation.found,
    ] {
        hash.add(part);
    }
    format!("{:032x}", hash.0)
}

/// The fingerprint of texts.
#[must_use]
pub fn of_text(parts: &[&str]) -> String {
    let mut hash = Hash::new();
    for part in parts {
        hash.add(part);
    }
    format!("{:032x}", hash.0)
}

/// The JSON pointer with the names of list items in place of their indices, because another item before them moves them.
fn stable_field(root: &Node, pointer: &str) -> String {
    let mut field = String::with_capacity(pointer.len());
    let mut node = Some(root);
    for segment in pointer.split('/').skip(1) {
        let key = unescape(segment);
        field.push('/');
        let item = node.and_then(|node| match &node.content {
            Content::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        });
        match item.and_then(|item| item.get("name")).and_then(Node::as_str) {
            Some(name) => field.push_str(name),
            None => field.push_str(segment),
        }
        node = item.or_else(|| node.and_then(|node| node.get(&key)));
    }
    field
}

/// FNV-1a with 128 bits. Unlike the hashers of the standard library it is the same in each version.
struct Hash(u128);

impl Hash {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;

    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// Adds a part, and a byte that no text contains, so that the border of two parts counts.
    fn add(&mut self, part: &str) {
        for byte in part.bytes().chain([0xFF]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;

    /// The published test vectors of FNV-1a.
    #[test]
    fn the_hash_is_fnv_1a() {
        let plain = |text: &str| {
            text.bytes().fold(Hash::new().0, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(Hash::PRIME))
        };
        assert_eq!(plain(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(plain("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(plain("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn an_item_is_known_by_its_name() {
        let documents = manifest::parse(b"spec: {containers: [{name: a}, {image: b, env: [{name: X}]}]}").unwrap();
        let field = |pointer: &str| stable_field(&documents[0].root, pointer);
        assert_eq!(field("/spec/containers/0/image"), "/spec/containers/a/image");
        assert_eq!(field("/spec/containers/1/env/0/value"), "/spec/containers/1/env/X/value");
        assert_eq!(field("/spec/containers/7/image"), "/spec/containers/7/image");
    }
}
