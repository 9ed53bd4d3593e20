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
    /// Whether another installation writes the status of this object.
    fn is_of_another(&self, _: &ObjectKey) -> bool {
        false
    }
    /// What the status of each object should be now, if it depends on more than the objects and that has changed since the last call.
    fn refresh(&mut self) -> Vec<(ObjectKey, DesiredStatus)> {
        Vec::new()
    }
    /// Sends what is in force to the server.
    fn publish(&self);
}
