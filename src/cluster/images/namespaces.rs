//! When each namespace was made. What pull secrets of a namespace showed counts for no later namespace of its name, which may belong to
//! another user.

use super::record::Repository;
use super::service::{ImageService, lock};
use crate::cluster::item::Item;
use crate::cluster::watch::Sink;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// By name.
pub type MadeAt = Mutex<HashMap<String, Timestamp>>;

impl ImageService {
    /// Whether what a namespace sees was shown to the namespace that has this name now; podreeve's own view is of no namespace.
    pub(super) fn is_of_today(&self, tenant: Option<&str>, seen: &Repository) -> bool {
        let Some((tenant, proved_at)) = tenant.zip(seen.proved_at()) else { return true };
        lock(&self.namespaces).get(tenant).is_none_or(|made_at| proved_at >= *made_at)
    }

    fn namespace_is_made(self: &Arc<Self>, name: &str, made_at: Timestamp) {
        let before = lock(&self.namespaces).insert(name.to_owned(), made_at);
        if before != Some(made_at) {
            self.judge_namespace_again(name);
        }
    }
}

/// What the watch of namespaces fills.
pub struct NamespaceSink<'s> {
    service: &'s Arc<ImageService>,
    /// The namespaces of the list so far; none while no list is read.
    listed: Option<HashSet<String>>,
}

impl<'s> NamespaceSink<'s> {
    pub const fn new(service: &'s Arc<ImageService>) -> Self {
        Self { service, listed: None }
    }
}

impl Sink for NamespaceSink<'_> {
    fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        if let Some(listed) = &mut self.listed {
            listed.insert(item.name().to_owned());
        }
        if let Some(made_at) = &item.metadata.creation_timestamp {
            self.service.namespace_is_made(item.name(), made_at.0);
        }
    }

    fn delete(&mut self, item: &Item) {
        lock(&self.service.namespaces).remove(item.name());
    }

    fn list_ends(&mut self) {
        if let Some(listed) = self.listed.take() {
            lock(&self.service.namespaces).retain(|name, _| listed.contains(name));
        }
    }

    async fn flush(&mut self) {}
}

#[cfg(test)]
mod tests;
