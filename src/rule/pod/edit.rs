//! One change of a pod that a rule offers.

use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// Who may make an edit without looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// Everybody: the pod means the same, and starts as before.
    Safe,
    /// A person who knows the program: a removed volume, a user, another port, an amount of memory.
    Suggested,
}

impl Applicability {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggested => "suggested",
        }
    }
}

/// What an edit does at its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Writes the field, and creates the parents that are missing.
    Set(Value),
    /// Appends to the list, and creates it if it is missing.
    Append(Value),
    /// Removes the field or the element. A list or an object that becomes empty by it goes with it.
    Remove,
}

/// A remark that belongs to an edit. The text is printed once, whatever number of edits has it.
pub type Remark = Cow<'static, str>;

/// A change of one place of the pod. All edits for one pod are merged into one.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where the text of its place is: a JSON pointer into the pod that was judged. `/..` leads to the Job around it.
    pub at: Range<usize>,
    pub op: Op,
    pub applicability: Applicability,
    pub remark: Option<Remark>,
    /// The pod passes without it, too: it is for the program.
    pub optional: bool,
}
