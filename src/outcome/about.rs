//! What a request is about.

use crate::text::clean;
use crate::workload::KindClass;
use std::fmt;

/// The request that was judged. The texts are as they were sent; clean them before printing.
#[derive(Debug, Clone, Default)]
pub struct About {
    pub uid: String,
    pub operation: Operation,
    pub kind: String,
    pub sub_resource: String,
    pub namespace: String,
    pub name: String,
    pub user: String,
    /// Nothing of it is stored.
    pub dry_run: bool,
    pub class: KindClass,
}

impl About {
    /// How many characters of the uid a reader needs to find the decision in the log.
    const ID_LEN: usize = 8;

    /// The id of the decision: the beginning of the request's uid, safe to print. Empty without a uid.
    #[must_use]
    pub fn id(&self) -> String {
        let end = self.uid.char_indices().nth(Self::ID_LEN).map_or(self.uid.len(), |(end, _)| end);
        clean(self.uid.get(..end).unwrap_or_default(), Self::ID_LEN)
    }
}

/// What a request does with its object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
    /// An operation that podreeve does not know, as it was sent. Its object is judged as if it were created.
    Other(String),
}

impl Operation {
    /// The names of the operations that podreeve knows, in the order of the variants.
    pub const NAMES: [&'static str; 4] = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Other(name) => name,
        }
    }

    /// The place of its name in [`Self::NAMES`], and one behind them for any other operation.
    #[must_use]
    pub const fn ordinal(&self) -> usize {
        match self {
            Self::Create => 0,
            Self::Update => 1,
            Self::Delete => 2,
            Self::Connect => 3,
            Self::Other(_) => 4,
        }
    }
}

impl Default for Operation {
    /// A request whose operation could not be read.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<&str> for Operation {
    fn from(name: &str) -> Self {
        match name {
            "CREATE" => Self::Create,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_beginning_of_the_uid_and_safe() {
        for (uid, id) in
            [("705ab4f5-6393-11e8", "705ab4f5"), ("u-1", "u-1"), ("", ""), ("é\u{1b}123456789", "é\\u{1b}123456")]
        {
            assert_eq!(About { uid: uid.to_owned(), ..About::default() }.id(), id);
        }
    }

    #[test]
    fn names_are_in_the_order_of_the_variants() {
        for (place, name) in Operation::NAMES.into_iter().enumerate() {
            let operation = Operation::from(name);
            assert_eq!((operation.ordinal(), operation.as_str()), (place, name));
        }
        let other = Operation::from("create");
        assert_eq!((other.ordinal(), other.as_str()), (Operation::NAMES.len(), "create"));
    }
}
