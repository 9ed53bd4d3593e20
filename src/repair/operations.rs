//! The edits of a tree as one JSON Patch of the object that was sent.

use super::by::By;
use super::tree::{Child, Node, Tree};
use crate::patch::escape;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, jsonptr::PointerBuf};
use serde_json::Value;

/// The operations, which apply one after another. No operation has a value that was removed. Each leads to a place of the object
/// as it was sent, because elements are removed from the last one on and added at the end. Each has the offers that it is for.
#[must_use]
pub fn operations(tree: &Tree<'_>) -> Vec<(PatchOperation, Vec<usize>)> {
    let mut found = Vec::new();
    below(&tree.root, &mut String::new(), &mut found);
    found
}

type Found = Vec<(PatchOperation, Vec<usize>)>;

fn below(node: &Node<'_>, at: &mut String, found: &mut Found) {
    let length = at.len();
    match node {
        Node::Text(_) | Node::Made(_) => {}
        Node::Map(children) => {
            for child in children {
                at.push('/');
                at.push_str(&escape(&child.key));
                change(child, at, false, found);
                at.truncate(length);
            }
        }
        Node::List(children) => {
            let sent = children.iter().take_while(|child| child.was.is_some());
            for (index, child) in sent.clone().enumerate().filter(|(_, child)| child.now.is_some()) {
                at.push_str(&format!("/{index}"));
                change(child, at, true, found);
                at.truncate(length);
            }
            let removed: Vec<(usize, &Child<'_>)> = sent.enumerate().filter(|(_, child)| child.now.is_none()).collect();
            // From the last, so that the other indexes stay what they are.
            for (index, child) in removed.into_iter().rev() {
                let path = PointerBuf::parse(format!("{at}/{index}")).ok();
                found.extend(path.map(|path| (PatchOperation::Remove(RemoveOperation { path }), child.by.to_vec())));
            }
            for child in children.iter().filter(|child| child.was.is_none()) {
                let path = PointerBuf::parse(format!("{at}/-")).ok();
                let value = child.now.as_ref().map(value);
                let add = |(path, value)| (PatchOperation::Add(AddOperation { path, value }), all_marks(child));
                found.extend(path.zip(value).map(add));
            }
        }
    }
}

fn change(child: &Child<'_>, at: &mut String, in_list: bool, found: &mut Found) {
    let path = || PointerBuf::parse(at.clone()).ok();
    match (&child.was, &child.now) {
        (None, None) | (Some(_), Some(Node::Text(_))) => {}
        (Some(_), None) => {
            found.extend(path().map(|path| (PatchOperation::Remove(RemoveOperation { path }), child.by.to_vec())));
        }
        (Some(was), Some(node @ (Node::Map(_) | Node::List(_)))) if was.get() != "null" => below(node, at, found),
        (Some(_), Some(node)) if in_list => {
            let replace = |path| PatchOperation::Replace(ReplaceOperation { path, value: value(node) });
            found.extend(path().map(|path| (replace(path), all_marks(child))));
        }
        // `add` replaces a member that exists.
        (_, Some(node)) => {
            let add = |path| PatchOperation::Add(AddOperation { path, value: value(node) });
            found.extend(path().map(|path| (add(path), all_marks(child))));
        }
    }
}

fn value(node: &Node<'_>) -> Value {
    let mut json = Vec::new();
    node.write(&mut json);
    serde_json::from_slice(&json).unwrap_or_default()
}

/// The offers that changed the child or anything below it.
fn all_marks(child: &Child<'_>) -> Vec<usize> {
    let mut marks = Vec::new();
    By::All(child).push(&mut marks, 0);
    marks
}
