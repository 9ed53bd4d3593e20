//! The watches that fill [`Facts`](crate::facts::Facts), as a table. Each begins when a policy needs its facts.

use super::api_health::ApiHealth;
use super::fact_caches::{Cache, FactSink, Namespaces, NetworkPolicies};
use super::item::resource;
use super::nodes::NodesPoll;
use super::state::StateSender;
use super::watch::{WatchNames, watch};
use crate::facts::{FactKinds, pods::Pods};
use futures_util::future::join_all;
use kube::Client;
use kube::core::ApiResource;
use kube::runtime::watcher;

/// The kinds of facts that the policies in force need.
pub type FactsReceiver = tokio::sync::watch::Receiver<FactKinds>;

/// A kind of facts, the resource that has them, and what is kept of each object.
struct FactWatch {
    kind: FactKinds,
    resource: ApiResource,
    cache: Box<dyn Cache>,
}

/// All kinds of facts but those of nodes, which have to be polled ([`super::nodes`]).
fn table() -> Vec<FactWatch> {
    let core = |kind, plural| resource("", "v1", kind, plural);
    let networking = |kind, plural| resource("networking.k8s.io", "v1", kind, plural);
    vec![
        FactWatch {
            kind: FactKinds::NAMESPACES,
            resource: core("Namespace", "namespaces"),
            cache: Box::<Namespaces>::default(),
        },
        FactWatch { kind: FactKinds::PODS, resource: core("Pod", "pods"), cache: Box::<Pods>::default() },
        FactWatch {
            kind: FactKinds::NETWORK_POLICIES,
            resource: networking("NetworkPolicy", "networkpolicies"),
            cache: Box::<NetworkPolicies>::default(),
        },
    ]
}

pub struct FactWatches<'w> {
    pub client: &'w Client,
    pub nodes: NodesPoll<'w>,
    pub api_health: &'w ApiHealth,
    pub state: &'w StateSender,
    pub needed: &'w FactsReceiver,
}

impl FactWatches<'_> {
    /// Runs all watches, and never ends.
    pub async fn run(&self) {
        tokio::join!(join_all(table().into_iter().map(|watch| self.watch(watch))), self.nodes.run());
    }

    async fn watch(&self, FactWatch { kind, resource, cache }: FactWatch) {
        if !self.is_needed(kind).await {
            return;
        }
        let names = WatchNames { what: &resource.plural, without: "each request that needs one looks it up" };
        let api = kube::Api::all_with(self.client.clone(), &resource);
        let mut sink = FactSink::new(cache, self.state.clone());
        // Small pages, because of each object only a part is kept.
        watch(api, watcher::Config::default().page_size(100), self.api_health, names, &mut sink).await;
    }

    /// Waits until a policy needs these facts; false when podreeve ends first.
    async fn is_needed(&self, kind: FactKinds) -> bool {
        self.needed.clone().wait_for(|needed| needed.contains(kind)).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_facts_is_watched_or_polled() {
        let watched = table().iter().fold(FactKinds::empty(), |kinds, watch| kinds | watch.kind);
        // Nodes are polled, and images are fetched.
        assert_eq!(watched, FactKinds::all() - FactKinds::OF_NODES - FactKinds::IMAGES);
    }
}
