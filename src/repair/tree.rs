//! The object that was sent, as a tree that is read only where an edit goes. What no edit touches stays text.

mod keys;
mod read;
#[cfg(test)]
mod tests;

use crate::json::{Raw, write};
use crate::patch::{first_segment, unescape};
use crate::rule::{Edit, Op};
use keys::added_key;
use read::{opened, read};
use serde_json::Value;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A value of the tree.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// As it was sent.
    Text(Raw<'a>),
    /// As an edit made it.
    Made(Value),
    Map(Vec<Child<'a>>),
    List(Vec<Child<'a>>),
}

/// A member of an object or an element of a list.
#[derive(Debug)]
pub(super) struct Child<'a> {
    /// Empty in a list.
    pub key: Cow<'a, str>,
    /// The text that was sent; none if an edit added it.
    pub was: Option<Raw<'a>>,
    /// None if an edit removed it.
    pub now: Option<Node<'a>>,
    /// It was removed in an earlier round, so the pointers of this round do not count it.
    gone: bool,
    /// The offers whose edits changed it here.
    pub by: Marks,
}

/// Offers, by their place in the list. A field is seldom changed by more than two.
pub(super) type Marks = SmallVec<[usize; 2]>;

impl<'a> Child<'a> {
    fn sent(key: Cow<'a, str>, text: Raw<'a>) -> Self {
        Self::opened(key, text, Node::Text(text))
    }

    /// A child that was sent, and is read already.
    fn opened(key: Cow<'a, str>, text: Raw<'a>, node: Node<'a>) -> Self {
        Self { key, was: Some(text), now: Some(node), gone: false, by: Marks::new() }
    }

    fn added(key: Cow<'a, str>, node: Node<'a>) -> Self {
        Self { key, was: None, now: Some(node), gone: false, by: Marks::new() }
    }

    fn is_null(&self) -> bool {
        matches!(&self.now, Some(Node::Text(text)) if text.get() == "null")
    }

    /// Whether anything here or below is not as it was sent.
    pub fn is_changed(&self) -> bool {
        self.was.is_none() || !self.by.is_empty() || self.now.as_ref().is_none_or(Node::is_changed)
    }
}

/// An object, and the edits that were made to it.
#[derive(Debug)]
pub struct Tree<'a> {
    pub(super) root: Node<'a>,
}

impl<'a> Tree<'a> {
    #[must_use]
    pub const fn new(object: Raw<'a>) -> Self {
        Self { root: Node::Text(object) }
    }

    /// Makes an edit, which the offer `by` needs. `at` is its place in the object. Nothing is changed below what another edit
    /// removed, and of two values for one field the first is kept. False if nothing changed.
    pub fn apply(&mut self, at: &str, edit: Edit, by: usize) -> bool {
        let mut node = &mut self.root;
        let Some(mut path) = at.strip_prefix('/') else { return false };
        let creates = !matches!(edit.op, Op::Remove);
        while let (key, Some(below)) = first_segment(path) {
            let Some(child) = node.child(key, below, creates) else { return false };
            if creates && child.is_null() {
                child.now = Some(Node::Map(Vec::new()));
            }
            match &mut child.now {
                Some(below) => node = below,
                None => return false,
            }
            path = below;
        }
        match edit.op {
            Op::Remove => node.child(path, "", false).is_some_and(|child| child.remove(by)),
            Op::Set(value) => node.child(path, "", true).is_some_and(|child| child.set(value, by)),
            Op::Append(value) => node.child(path, "", true).is_some_and(|child| child.append(value, by)),
        }
    }

    /// Ends a round of edits: what became empty is removed, and later pointers do not count what was removed.
    pub fn settle(&mut self) {
        self.root.settle();
    }

    /// The object as JSON, after the edits.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.root.length() + 512);
        self.root.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl<'a> Node<'a> {
    pub(super) fn is_changed(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Made(_) => true,
            Self::Map(children) | Self::List(children) => children.iter().any(Child::is_changed),
        }
    }

    /// Reads the members or elements, and in the same pass those of all values that the path from the key on leads through.
    fn open(&mut self, key: &str, below: &str) -> Option<&mut Vec<Child<'a>>> {
        match self {
            Self::Text(text) => *self = read(*text, key, below)?,
            Self::Made(value) => *self = opened(value),
            Self::Map(_) | Self::List(_) => {}
        }
        match self {
            Self::Map(children) | Self::List(children) => Some(children),
            Self::Text(_) | Self::Made(_) => None,
        }
    }

    /// The member or element. `below` is the path from there on, and `creates` adds a member that is missing.
    fn child(&mut self, key: &str, below: &str, creates: bool) -> Option<&mut Child<'a>> {
        self.open(key, below)?;
        match self {
            Self::List(children) => {
                let index: usize = key.parse().ok()?;
                children.iter_mut().filter(|child| !child.gone).nth(index)
            }
            Self::Map(children) => {
                let key = unescape(key);
                // A key that was removed and is set again comes last, as a new one.
                let known = children.iter().position(|child| child.key == key && !child.gone);
                match known {
                    Some(index) => children.get_mut(index),
                    None if creates => {
                        children.push(Child::added(added_key(&key), Node::Map(Vec::new())));
                        children.last_mut()
                    }
                    None => None,
                }
            }
            Self::Text(_) | Self::Made(_) => None,
        }
    }

    /// Removes what became empty by a removal.
    fn settle(&mut self) {
        let (Self::Map(children) | Self::List(children)) = self else { return };
        for child in children {
            if let Some(node) = &mut child.now {
                node.settle();
                let emptied = match node {
                    Self::Map(below) | Self::List(below) => {
                        child.was.is_some() && !below.is_empty() && below.iter().all(|child| child.now.is_none())
                    }
                    Self::Text(_) | Self::Made(_) => false,
                };
                if emptied && let Self::Map(below) | Self::List(below) = node {
                    let mut by: Marks = below.iter().flat_map(|child| child.by.iter().copied()).collect();
                    by.dedup();
                    child.by = by;
                    child.now = None;
                }
            }
            child.gone = child.now.is_none();
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.get().len(),
            Self::Made(_) => 64,
            Self::Map(children) | Self::List(children) => {
                children.iter().map(|child| child.key.len() + 4 + child.now.as_ref().map_or(0, Node::length)).sum()
            }
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.get().as_bytes()),
            Self::Made(value) => write::value(out, value),
            Self::Map(children) => {
                let mut object = write::Object::new(out);
                for (child, node) in live(children) {
                    node.write(object.escaped_key(&child.key));
                }
            }
            Self::List(children) => write::list(out, live(children), |out, (_, node)| node.write(out)),
        }
    }
}

/// The children that are there after the edits.
pub(super) fn live<'t, 'a>(children: &'t [Child<'a>]) -> impl Iterator<Item = (&'t Child<'a>, &'t Node<'a>)> {
    children.iter().filter_map(|child| Some((child, child.now.as_ref()?)))
}

impl Child<'_> {
    fn mark(&mut self, by: usize) {
        if !self.by.contains(&by) {
            self.by.push(by);
        }
    }

    fn remove(&mut self, by: usize) -> bool {
        self.mark(by);
        self.now.take().is_some()
    }

    fn set(&mut self, value: Value, by: usize) -> bool {
        let was_sent = self.was.is_some();
        let is_kept = match &self.now {
            // Another edit removed it.
            None => true,
            // Of two values the first is kept.
            Some(Node::Made(made)) => *made != value,
            Some(Node::Text(text)) => serde_json::from_str::<Value>(text.get()).is_ok_and(|now| now == value),
            Some(Node::Map(children) | Node::List(children)) => !was_sent && !children.is_empty(),
        };
        if is_kept {
            return false;
        }
        self.now = Some(Node::Made(value));
        self.mark(by);
        true
    }

    fn append(&mut self, value: Value, by: usize) -> bool {
        let is_new = self.is_null() || matches!(&self.now, Some(Node::Map(children)) if children.is_empty());
        if is_new {
            self.now = Some(Node::List(Vec::new()));
        }
        let Some(node) = &mut self.now else { return false };
        let Some(children) = node.open("", "") else { return false };
        let same = |child: &&mut Child<'_>| matches!(&child.now, Some(Node::Made(made)) if *made == value);
        if let Some(child) = children.iter_mut().find(same) {
            child.mark(by);
            return false;
        }
        let mut child = Child::added(Cow::Borrowed(""), Node::Made(value));
        child.mark(by);
        children.push(child);
        true
    }
}
