//! What the watches keep for [`Facts`]: of each object only the fields that rules judge.

use super::item::{Item, ObjectKey};
use super::state::StateSender;
use super::watch::Sink;
use crate::facts::ingress::{IngressByName, IngressPolicy};
use crate::facts::{FactKinds, Facts, Labels, pods};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is kept of the objects of one kind.
pub trait Cache: Send {
    /// Shortest time between two calls of [`Self::publish`], which copies the cache.
    fn interval(&self) -> Duration {
        Duration::from_millis(10)
    }

    /// Stores an object; true if a field that is kept has changed.
    fn apply(&mut self, item: &Item) -> bool;
    fn remove(&mut self, namespace: &str, name: &str) -> bool;
    /// Removes all objects but these.
    fn retain(&mut self, names: &HashSet<ObjectKey>);
    /// Copies the cache into the facts of the next snapshot.
    fn publish(&self, facts: &mut Facts);
    /// Marks the facts as incomplete: the watch may have missed changes.
    fn mark_incomplete(&self, _: &mut Facts) {}
}

/// Publishes a cache after each change, but not more often than [`Cache::interval`] allows.
pub struct FactSink {
    cache: Box<dyn Cache>,
    state: StateSender,
    /// The objects of the list so far; none while no list is read.
    listed: Option<HashSet<ObjectKey>>,
    changed: bool,
    /// An event could not be read. Only a new list has the change.
    lost: bool,
    published: Option<Instant>,
}

impl FactSink {
    pub const fn new(cache: Box<dyn Cache>, state: StateSender) -> Self {
        Self { cache, state, listed: None, changed: false, lost: false, published: None }
    }
}

impl Sink for FactSink {
    fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        if let Some(listed) = &mut self.listed {
            listed.insert(item.key());
        }
        self.changed |= self.cache.apply(item);
    }

    fn delete(&mut self, item: &Item) {
        self.changed |= self.cache.remove(item.namespace(), item.name());
    }

    fn list_ends(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.cache.retain(&listed);
            self.lost = false;
        }
        // The facts are complete now, which the snapshot has to know.
        self.changed = true;
    }

    async fn flush(&mut self) {
        let due = self.published.is_none_or(|at| at.elapsed() >= self.cache.interval());
        if self.changed && due && self.listed.is_none() {
            self.changed = false;
            self.published = Some(Instant::now());
            self.state.send_modify(|state| {
                self.cache.publish(&mut state.facts);
                if self.lost {
                    self.cache.mark_incomplete(&mut state.facts);
                }
            });
        }
    }

    fn interrupted(&mut self, lost: bool) {
        self.lost |= lost;
        self.changed = true;
        self.state.send_modify(|state| self.cache.mark_incomplete(&mut state.facts));
    }

    fn flush_after(&self) -> Option<Duration> {
        (self.changed && self.listed.is_none()).then(|| self.cache.interval())
    }
}

/// The labels of each namespace.
#[derive(Debug, Default)]
pub struct Namespaces(HashMap<String, Arc<Labels>>);

impl Cache for Namespaces {
    fn apply(&mut self, item: &Item) -> bool {
        let labels = item.metadata.labels.clone().unwrap_or_default();
        if self.0.get(item.name()).is_some_and(|known| **known == labels) {
            return false;
        }
        self.0.insert(item.name().to_owned(), Arc::new(labels));
        true
    }

    fn remove(&mut self, _: &str, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    fn retain(&mut self, names: &HashSet<ObjectKey>) {
        self.0.retain(|name, _| names.contains(&(String::new(), name.clone())));
    }

    fn publish(&self, facts: &mut Facts) {
        facts.namespaces = Arc::new(self.0.clone());
    }
}

impl Cache for pods::Pods {
    /// Longer than for other kinds: clusters have many pods, and these change all the time.
    fn interval(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn apply(&mut self, item: &Item) -> bool {
        Self::apply(self, item.namespace(), item.name(), &item.raw)
    }

    fn remove(&mut self, namespace: &str, name: &str) -> bool {
        Self::remove(self, namespace, name)
    }

    fn retain(&mut self, names: &HashSet<ObjectKey>) {
        Self::retain(self, names);
    }

    fn publish(&self, facts: &mut Facts) {
        facts.pods = self.snapshot();
        facts.complete |= FactKinds::PODS;
    }

    fn mark_incomplete(&self, facts: &mut Facts) {
        facts.complete -= FactKinds::PODS;
    }
}

/// The ingress rules of each namespace's network policies.
#[derive(Debug, Default)]
pub struct NetworkPolicies(HashMap<String, Arc<IngressByName>>);

impl Cache for NetworkPolicies {
    fn apply(&mut self, item: &Item) -> bool {
        let Some(policy) = IngressPolicy::read(item.raw.get()) else {
            return self.remove(item.namespace(), item.name());
        };
        let policies = self.0.entry(item.namespace().to_owned()).or_default();
        if policies.get(item.name()) == Some(&policy) {
            return false;
        }
        Arc::make_mut(policies).insert(item.name().to_owned(), policy);
        true
    }

    fn remove(&mut self, namespace: &str, name: &str) -> bool {
        self.0.get_mut(namespace).is_some_and(|policies| Arc::make_mut(policies).remove(name).is_some())
    }

    fn retain(&mut self, names: &HashSet<ObjectKey>) {
        for (namespace, policies) in &mut self.0 {
            Arc::make_mut(policies).retain(|name, _| names.contains(&(namespace.clone(), name.clone())));
        }
        self.0.retain(|_, policies| !policies.is_empty());
    }

    fn publish(&self, facts: &mut Facts) {
        facts.ingress = Arc::new(self.0.clone());
        facts.complete |= FactKinds::NETWORK_POLICIES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterState;
    use serde_json::json;

    fn pod(name: &str) -> Item {
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": name}, "spec": {"containers": [{"name": "app"}]},
        }))
        .unwrap()
    }

    /// Whether the pods are complete after an event, published at once.
    async fn complete(sink: &mut FactSink, event: impl FnOnce(&mut FactSink)) -> bool {
        event(sink);
        sink.published = None;
        sink.flush().await;
        sink.state.borrow().facts.is_complete(FactKinds::PODS)
    }

    #[tokio::test]
    async fn facts_of_a_broken_watch_are_incomplete_until_it_continues() {
        let mut sink = FactSink::new(Box::<pods::Pods>::default(), StateSender::new(ClusterState::default()));
        assert!(!complete(&mut sink, Sink::list_begins).await);
        assert!(!complete(&mut sink, |sink| sink.apply(&pod("a"))).await);
        assert!(complete(&mut sink, Sink::list_ends).await);
        // Incomplete at once, without another event.
        sink.interrupted(false);
        assert!(!sink.state.borrow().facts.is_complete(FactKinds::PODS));
        // The pods themselves are still there. The next event shows that the watch continues.
        assert_eq!(sink.state.borrow().facts.pods["shop"].len(), 1);
        assert!(complete(&mut sink, |sink| sink.apply(&pod("a"))).await);
        // Only a new list has a change that was lost.
        sink.interrupted(true);
        assert!(!complete(&mut sink, |sink| sink.apply(&pod("b"))).await);
        assert!(!complete(&mut sink, Sink::list_begins).await);
        assert!(complete(&mut sink, Sink::list_ends).await);
    }
}
