//! What keeps the objects of one of podreeve's own kinds.

use super::item::{Item, ObjectKey};
use super::status::DesiredStatus;
use std::collections::HashSet;

/// Keeps the objects of one kind, and decides which of them are in force.
pub trait ObjectStore: Send + Sync {
    /// Stores a new or changed object, and returns the status that it should have.
    fn apply(&mut self, item: &Item) -> DesiredStatus;
    fn remove(&mut self, key: &ObjectKey);
    /// Removes all objects but these.
    fn retain(&mut self, keys: &HashSet<ObjectKey>);
    /// Sends what is in force to the server.
    fn publish(&self);
}
