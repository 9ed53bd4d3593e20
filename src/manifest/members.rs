//! The members of a map while it is read: each key once, and merges.

use super::{Content, ManifestError, Member, Node};
use std::collections::HashMap;

/// Below this number of keys, a search of the list is faster than a map.
const SMALL: usize = 16;

/// The members of a map so far.
#[derive(Default)]
pub struct Members {
    pub list: Vec<Member>,
    index: HashMap<String, usize>,
}

impl Members {
    fn find(&mut self, key: &str) -> Option<usize> {
        if self.list.len() < SMALL {
            return self.list.iter().position(|member| member.key == key);
        }
        if self.index.is_empty() {
            self.index = self.list.iter().enumerate().map(|(index, member)| (member.key.clone(), index)).collect();
        }
        self.index.get(key).copied()
    }

    pub fn add(&mut self, member: Member) -> Result<(), ManifestError> {
        match self.find(&member.key).and_then(|index| self.list.get_mut(index)) {
            Some(first) if first.merged || member.merged => {
                let merged = first.merged && member.merged;
                *first = Member { merged, ..member };
            }
            Some(first) => {
                let key = crate::text::clean(&member.key, 100);
                let message = format!(
                    "the key `{key}` is here twice, first on line {}; keep one, kubectl would take the last",
                    first.at.line
                );
                return Err(ManifestError::new(member.at, message));
            }
            None => {
                if !self.index.is_empty() {
                    self.index.insert(member.key.clone(), self.list.len());
                }
                self.list.push(member);
            }
        }
        Ok(())
    }

    /// Merges `<<: *defaults`, or a list of such objects, of which an earlier one wins. As in kubectl, a merge replaces
    /// the keys above it.
    pub fn merge(&mut self, value: Node) -> Result<(), ManifestError> {
        match value.content {
            Content::Map(members) => {
                for member in members {
                    self.add(Member { merged: true, ..member })?;
                }
                Ok(())
            }
            Content::List(items) if items.iter().all(|item| matches!(item.content, Content::Map(_))) => {
                items.into_iter().rev().try_for_each(|item| self.merge(item))
            }
            _ => Err(ManifestError::new(value.at, "`<<` takes an object or a list of objects")),
        }
    }
}
