//! The offers that a line of a diff belongs to.

use super::tree::{Child, Node};

/// The offers that a line belongs to.
#[derive(Clone, Copy)]
pub(super) enum By<'c, 'a> {
    Own(&'c [usize]),
    /// The child and what is below it.
    All(&'c Child<'a>),
    Below(&'c [Child<'a>]),
}

impl By<'_, '_> {
    /// Appends each offer that is not there since `start`.
    pub fn push(self, marks: &mut Vec<usize>, start: usize) {
        match self {
            Self::Own(by) => {
                for mark in by {
                    if !marks.get(start..).is_some_and(|own| own.contains(mark)) {
                        marks.push(*mark);
                    }
                }
            }
            Self::All(child) => {
                Self::Own(&child.by).push(marks, start);
                if let Some(Node::Map(below) | Node::List(below)) = &child.now {
                    Self::Below(below).push(marks, start);
                }
            }
            Self::Below(children) => children.iter().for_each(|child| By::All(child).push(marks, start)),
        }
    }
}
