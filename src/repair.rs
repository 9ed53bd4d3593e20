//! One repair of one object: the edits that rules offer, merged into one, as a diff and as a JSON Patch.
//!
//! [`Tree`] holds the object and the edits. [`crate::admit`] judges the result before a denial shows it.

mod by;
mod flow;
mod lines;
mod operations;
mod tree;

use crate::rule::{Applicability, Remark, Rule, Severity};
pub use lines::{Diff, Line, Sign};
pub use operations::operations;
use std::borrow::Cow;
pub use tree::Tree;

/// A violation for which a rule offers edits.
#[derive(Debug, Clone)]
pub struct Offer {
    pub rule: &'static Rule,
    pub severity: Severity,
    /// Why, if the violation has a reason of its own.
    pub why: Option<Cow<'static, str>>,
    pub applicability: Applicability,
    pub remark: Option<Remark>,
    /// The object passes without these edits.
    pub optional: bool,
}

/// The lines of the smallest part of the object that holds all changes and that `towards` leads to, and its pointer.
#[must_use]
pub fn diff(tree: &Tree<'_>, towards: &str) -> (Diff, String) {
    let (mut node, mut at) = (&tree.root, String::new());
    for key in towards.split('/').skip(1) {
        let tree::Node::Map(children) = node else { break };
        let mut changed = children.iter().filter(|child| child.is_changed());
        match (changed.next(), changed.next()) {
            (Some(only), None) if only.key == key && only.was.is_some() => match &only.now {
                Some(below @ tree::Node::Map(_)) => {
                    node = below;
                    at.push('/');
                    at.push_str(key);
                }
                _ => break,
            },
            _ => break,
        }
    }
    (Diff::of(node), at)
}
