//! Operations as a tree of changes, each at its place in the document.

use super::unsure::Unsure;
use crate::manifest::{Content, Node};
use crate::patch::unescape;
use json_patch::PatchOperation;
use serde_json::Value;
use std::borrow::Cow;

/// What becomes of a value. Each has the index of its operation.
#[derive(Debug)]
pub enum Change<'o> {
    Set(&'o Value, usize),
    Remove(usize),
    Below(Changes<'o>),
}

/// Changes below a map or a list.
#[derive(Debug, Default)]
pub struct Changes<'o> {
    /// By key or index.
    pub children: Vec<(Cow<'o, str>, Change<'o>)>,
    /// New elements of a list, behind the others.
    pub appended: Vec<(&'o Value, usize)>,
}

impl<'o> Changes<'o> {
    /// # Errors
    /// An operation that is no edit of a place.
    pub fn of(operations: &'o [PatchOperation]) -> Result<Self, Unsure> {
        let mut changes = Self::default();
        for (index, operation) in operations.iter().enumerate() {
            let (path, value) = match operation {
                PatchOperation::Add(add) => (&add.path, Some(&add.value)),
                PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
                PatchOperation::Remove(remove) => (&remove.path, None),
                _ => return Err(Unsure::form(index, 0)),
            };
            let keys: Vec<Cow<'o, str>> = path.as_str().split('/').skip(1).map(unescape).collect();
            let added = changes.add(&keys, value, index);
            added.ok_or_else(|| Unsure::form(index, 0))?;
        }
        Ok(changes)
    }

    fn add(&mut self, keys: &[Cow<'o, str>], value: Option<&'o Value>, operation: usize) -> Option<()> {
        let (key, deeper) = keys.split_first()?;
        if let (true, "-", Some(value)) = (deeper.is_empty(), &**key, value) {
            self.appended.push((value, operation));
            return Some(());
        }
        let known = self.children.iter().position(|(known, _)| known == key);
        if deeper.is_empty() {
            let change = value.map_or(Change::Remove(operation), |value| Change::Set(value, operation));
            match known.and_then(|known| self.children.get_mut(known)) {
                // What is removed and then set is replaced.
                Some((_, before @ Change::Remove(_))) => *before = change,
                Some(_) => return None,
                None => self.children.push((key.clone(), change)),
            }
            return Some(());
        }
        let place = known.unwrap_or(self.children.len());
        if known.is_none() {
            self.children.push((key.clone(), Change::Below(Changes::default())));
        }
        match self.children.get_mut(place) {
            Some((_, Change::Below(below))) => below.add(deeper, value, operation),
            _ => None,
        }
    }

    /// The operation of the first change.
    pub fn operation(&self) -> usize {
        let first = self.children.iter().map(|(_, change)| match change {
            Change::Set(_, operation) | Change::Remove(operation) => *operation,
            Change::Below(below) => below.operation(),
        });
        first.chain(self.appended.iter().map(|(_, operation)| *operation)).next().unwrap_or_default()
    }

    /// The changes from one value to another of the same kind that has something in common with it.
    pub fn between(old: &Node, new: &'o Value, operation: usize) -> Option<Self> {
        let changes = match (&old.content, new) {
            (Content::Map(members), Value::Object(new)) => {
                let removed = members.iter().filter(|member| !new.contains_key(&member.key));
                let removed = removed.map(|member| (Cow::Owned(member.key.clone()), Change::Remove(operation)));
                let set = new.iter().filter_map(|(key, value)| {
                    let same = old.get(key).is_some_and(|old| is(old, value));
                    (!same).then_some((Cow::Borrowed(key.as_str()), Change::Set(value, operation)))
                });
                let children: Vec<_> = removed.chain(set).collect();
                let kept = members.iter().any(|member| new.contains_key(&member.key));
                kept.then_some(Self { children, appended: Vec::new() })?
            }
            (Content::List(items), Value::Array(new)) => {
                let mut wanted = new.iter().peekable();
                let mut children = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if wanted.next_if(|wanted| is(item, wanted)).is_none() {
                        children.push((Cow::Owned(index.to_string()), Change::Remove(operation)));
                    }
                }
                let kept = children.len() < items.len();
                kept.then(|| Self { children, appended: wanted.map(|value| (value, operation)).collect() })?
            }
            _ => return None,
        };
        Some(changes)
    }
}

fn is(old: &Node, new: &Value) -> bool {
    old.to_value() == *new
}
