//! A list of containers, in which a program may have written the same container a thousand times.

use super::container::Container;
use crate::effort;
use crate::json::{Raw, SKIP, VALUE_AND_TEXT};
use crate::workload::list::List;
use crate::workload::text::Text;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The containers of one list, in groups. A container that repeats the text of the one before it in all but the name is a copy
/// of it: only its name is read and kept.
#[derive(Default)]
pub(super) struct ContainerList<'a> {
    pub(super) groups: List<Group<'a>>,
    /// The names of all copies, group by group.
    pub(super) copies: List<Text<'a>>,
}

/// A container, and how many copies follow it.
pub(super) struct Group<'a> {
    pub(super) name: Text<'a>,
    pub(super) container: Container<'a>,
    pub(super) copies: usize,
}

impl<'a> ContainerList<'a> {
    /// With all copies.
    pub(super) fn len(&self) -> usize {
        self.groups.len() + self.copies.len()
    }

    /// `None` when the request has used its memory or its time.
    fn push(&mut self, mut container: Container<'a>) -> Option<()> {
        let name = std::mem::take(&mut container.name);
        self.groups.push(Group { name, container, copies: 0 }).map(|_| ())
    }

    /// Appends a copy of the last container.
    fn push_copy(&mut self, name: &'a str) -> Option<()> {
        self.copies.push(Text(Cow::Borrowed(name)))?;
        self.groups.last_mut().map(|group| group.copies += 1)
    }
}

/// Each container with its name, however the list was written.
impl fmt::Debug for ContainerList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.copies.iter();
        let mut list = f.debug_list();
        for group in &self.groups {
            list.entry(&(&group.name, &group.container));
            list.entries(names.by_ref().take(group.copies).map(|name| (name, &group.container)));
        }
        list.finish()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ContainerList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements)
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = ContainerList<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // serde's words for a `Vec`.
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<ContainerList<'de>, A::Error> {
        let (mut list, mut pattern) = (ContainerList::default(), None);
        while let Some(element) = elements.next_element_seed(NextContainer { last: pattern.as_ref() })? {
            let pushed = match element {
                Element::Copy(name) => list.push_copy(name),
                Element::Container { container, text } => {
                    pattern = text.and_then(|text| Pattern::new(text, &container.name));
                    list.push(container)
                }
            };
            if pushed.is_none() {
                return Err(A::Error::custom("too many elements"));
            }
        }
        Ok(list)
    }
}

/// The size does not matter: it is moved into the list at once.
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation for each container")]
enum Element<'d> {
    /// A copy of the container before it, of this name.
    Copy(&'d str),
    /// From serde_json there is no text, so copies of this container are read like others.
    Container { container: Container<'d>, text: Option<Raw<'d>> },
}

/// Reads a container, or recognises it as a copy.
struct NextContainer<'l, 'd> {
    last: Option<&'l Pattern<'d>>,
}

impl<'de> DeserializeSeed<'de> for NextContainer<'_, 'de> {
    type Value = Element<'de>;
    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element<'de>, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE_AND_TEXT, self)
    }
}

impl<'de> Visitor<'de> for NextContainer<'_, 'de> {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container")
    }

    /// From the fast path.
    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Element<'de>, A::Error> {
        let rest = parts.next_element::<&'de str>()?.unwrap_or_default();
        if let Some((name, length)) = self.last.and_then(|last| last.copy(rest)) {
            parts.next_element_seed(Skip(length))?;
            return Ok(Element::Copy(name));
        }
        let container = parts.next_element()?.ok_or_else(|| A::Error::custom("the container cannot be read"))?;
        Ok(Element::Container { container, text: parts.next_element()? })
    }

    /// From serde_json.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element<'de>, D::Error> {
        Ok(Element::Container { container: Container::deserialize(deserializer)?, text: None })
    }
}

/// Skips a value whose length in bytes is known.
struct Skip(usize);

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = IgnoredAny;
    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<IgnoredAny, D::Error> {
        deserializer.deserialize_tuple_struct(SKIP, self.0, IgnoredAny)
    }
}

/// The text of a container, cut at its name.
struct Pattern<'d> {
    /// Up to the opening quote of the name.
    before: &'d str,
    /// From the closing quote.
    after: &'d str,
}

impl<'d> Pattern<'d> {
    /// `None` when the name is no part of the text: it is absent, null, or has an escape.
    fn new(text: Raw<'d>, name: &Text<'d>) -> Option<Self> {
        let Cow::Borrowed(name) = &name.0 else { return None };
        let text = text.get();
        let at = name.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let (before, rest) = text.split_at_checked(at)?;
        let after = rest.strip_prefix(*name)?;
        (before.ends_with('"') && after.starts_with('"')).then_some(Self { before, after })
    }

    /// The name and the length of a copy at the start of the text. Its bytes are those of the pattern, and its name has no
    /// escape. So every reader finds the same container with this name.
    ///
    /// It compares no more than the text of one container: where `before` fits, all of it is inside that container.
    #[inline]
    fn copy(&self, rest: &'d str) -> Option<(&'d str, usize)> {
        let named = rest.strip_prefix(self.before)?;
        let length = named.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        let (name, behind) = named.split_at_checked(length)?;
        let length = self.before.len() + length + self.after.len();
        effort::look(length);
        behind.starts_with(self.after).then_some((name, length))
    }
}
