//! The watches that fill [`Facts`]: of each object only what is judged is kept.

use super::item::Item;
use super::state::StateSender;
use super::watch::Sink;
use crate::facts::ingress::{IngressByName, IngressPolicy};
use crate::facts::{FactKinds, Facts, Labels, pods};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a watch knows of the objects of one kind.
pub trait Cache: Send {
    /// Publishing copies, so it is not done more often.
    const EVERY: Duration = Duration::from_millis(10);

    /// Whether anything that counts has changed.
    fn apply(&mut self, item: &Item) -> bool;
    fn remove(&mut self, namespace: &str, name: &str) -> bool;
    /// Forgets all but these.
    fn retain(&mut self, names: &HashSet<(String, String)>);
    /// Puts what is known where requests see it.
    fn publish(&self, facts: &mut Facts);
    /// What was published may be old: changes may be missing.
    fn doubt(&self, _: &mut Facts) {}
}

/// Hands out what a cache knows, not more often than [`Cache::EVERY`].
pub struct Publishing<C> {
    cache: C,
    parts: StateSender,
    listed: Option<HashSet<(String, String)>>,
    changed: bool,
    /// A change was lost, which only a new list brings back.
    lost: bool,
    published: Option<Instant>,
}

impl<C: Cache> Publishing<C> {
    pub const fn new(cache: C, parts: StateSender) -> Self {
        Self { cache, parts, listed: None, changed: false, lost: false, published: None }
    }
}

impl<C: Cache> Sink for Publishing<C> {
    fn begin(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        if let Some(listed) = &mut self.listed {
            listed.insert((item.namespace().to_owned(), item.name().to_owned()));
        }
        self.changed |= self.cache.apply(item);
    }

    fn delete(&mut self, item: &Item) {
        self.changed |= self.cache.remove(item.namespace(), item.name());
    }

    fn done(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.cache.retain(&listed);
            self.lost = false;
        }
        // That it is complete is news, too.
        self.changed = true;
    }

    async fn settled(&mut self) {
        let due = self.published.is_none_or(|at| at.elapsed() >= C::EVERY);
        if self.changed && due && self.listed.is_none() {
            self.changed = false;
            self.published = Some(Instant::now());
            self.parts.send_modify(|parts| {
                self.cache.publish(&mut parts.facts);
                if self.lost {
                    self.cache.doubt(&mut parts.facts);
                }
            });
        }
    }

    fn interrupted(&mut self, lost: bool) {
        self.lost |= lost;
        self.changed = true;
        self.parts.send_modify(|parts| self.cache.doubt(&mut parts.facts));
    }

    fn again(&self) -> Option<Duration> {
        (self.changed && self.listed.is_none()).then_some(C::EVERY)
    }
}

/// Labels by namespace.
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

    fn retain(&mut self, names: &HashSet<(String, String)>) {
        self.0.retain(|name, _| names.contains(&(String::new(), name.clone())));
    }

    fn publish(&self, facts: &mut Facts) {
        facts.namespaces = Arc::new(self.0.clone());
    }
}

impl Cache for pods::Pods {
    /// Pods come and go all the time, and there are many.
    const EVERY: Duration = Duration::from_millis(100);

    fn apply(&mut self, item: &Item) -> bool {
        Self::apply(self, item.namespace(), item.name(), &item.raw)
    }

    fn remove(&mut self, namespace: &str, name: &str) -> bool {
        Self::remove(self, namespace, name)
    }

    fn retain(&mut self, names: &HashSet<(String, String)>) {
        Self::retain(self, names);
    }

    fn publish(&self, facts: &mut Facts) {
        facts.pods = self.snapshot();
        facts.complete |= FactKinds::PODS;
    }

    fn doubt(&self, facts: &mut Facts) {
        facts.complete -= FactKinds::PODS;
    }
}

/// Network policies by namespace.
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

    fn retain(&mut self, names: &HashSet<(String, String)>) {
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

    /// What is known after these, handed out at once.
    async fn complete(sink: &mut Publishing<pods::Pods>, then: impl FnOnce(&mut Publishing<pods::Pods>)) -> bool {
        then(sink);
        sink.published = None;
        sink.settled().await;
        sink.parts.borrow().facts.is_complete(FactKinds::PODS)
    }

    #[tokio::test]
    async fn what_a_broken_watch_knew_is_in_doubt_until_it_goes_on() {
        let mut sink = Publishing::new(pods::Pods::default(), StateSender::new(ClusterState::default()));
        assert!(!complete(&mut sink, Sink::begin).await);
        assert!(!complete(&mut sink, |sink| sink.apply(&pod("a"))).await);
        assert!(complete(&mut sink, Sink::done).await);
        // At once, though nothing has been handed out since.
        sink.interrupted(false);
        assert!(!sink.parts.borrow().facts.is_complete(FactKinds::PODS));
        // What was known is still there, for whoever counts it; the next change shows that the watch goes on.
        assert_eq!(sink.parts.borrow().facts.pods["shop"].len(), 1);
        assert!(complete(&mut sink, |sink| sink.apply(&pod("a"))).await);
        // A change that was lost comes back only with a new list.
        sink.interrupted(true);
        assert!(!complete(&mut sink, |sink| sink.apply(&pod("b"))).await);
        assert!(!complete(&mut sink, Sink::begin).await);
        assert!(complete(&mut sink, Sink::done).await);
    }
}
