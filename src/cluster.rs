//! The API server: the only place that talks to it. Nothing here is on the way of a request.
//!
//! [`client`] makes the connection, [`link`] tells how it is. The webhook serves without it: what is
//! in force stays in force until the API server can be asked again.

pub mod api_health;
mod bucket;
pub mod certificates;
pub mod client;
mod exemptions;
mod facts;
pub mod item;
mod lease;
mod lookup;
mod nodes;
mod objects;
pub mod once;
mod owner;
mod policies;
pub mod scan;
pub mod state;
mod status;
mod watch;
pub mod webhooks;
mod writer;

pub use api_health::ApiHealth;
pub use client::Access;
pub use lookup::FactClient;
pub use state::{ClusterState, StateSender};

use crate::authority::Pem;
use crate::facts::FactKinds;
use kube::Client;
use kube::core::ApiResource;
use kube::runtime::watcher;
use objects::Objects;
use std::time::Duration;
use watch::{Names, watch};

/// How podreeve stands in the cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterSettings {
    pub access: Access,
    /// The namespace that podreeve runs in.
    pub namespace: String,
    /// This replica: the name of its pod.
    pub identity: String,
    /// Where `Exemption` objects count.
    pub exemption_namespaces: Vec<String>,
    /// The Lease that one replica holds: the leader.
    pub lease: String,
    /// None where the certificate comes from files.
    pub certificates: Option<certificates::ManagedCertificates>,
    /// The name of both webhook configurations, which are to go with the namespace.
    pub configuration: Option<String>,
    /// None where nothing is scanned.
    pub scan: Option<scan::ScanSettings>,
}

/// Between two tries to connect.
const RETRY: Duration = Duration::from_secs(5);

/// Watches the cluster as long as podreeve serves.
pub async fn run(
    settings: ClusterSettings,
    link: &ApiHealth,
    lookup: &FactClient,
    parts: StateSender,
    needed: FactsReceiver,
    served: tokio::sync::watch::Sender<Option<Pem>>,
    scanned: scan::ScanContext<'_>,
) {
    let client = connect(&settings.access, link).await;
    lookup.connected(client.clone());
    let (lead, leads) = tokio::sync::watch::channel(false);
    let leases = kube::Api::namespaced(client.clone(), &settings.namespace);
    let core = |kind, plural| item::resource("", "v1", kind, plural);
    let networking = |kind, plural| item::resource("networking.k8s.io", "v1", kind, plural);
    let ask = "the API server is asked for each request";
    let fill = Filling { client: &client, link, parts: &parts, needed: &needed };
    tokio::join!(
        lease::hold(leases, &settings.lease, &settings.identity, link, lead),
        policies(client.clone(), link, parts.clone(), leads.clone()),
        exemptions(client.clone(), link, parts.clone(), &settings.exemption_namespaces, leads.clone()),
        fill.with(
            FactKinds::NAMESPACES,
            core("Namespace", "namespaces"),
            Names { what: "namespaces", without: ask },
            facts::Namespaces::default()
        ),
        fill.with(
            FactKinds::PODS,
            core("Pod", "pods"),
            Names { what: "pods", without: ask },
            crate::facts::pods::Pods::default()
        ),
        fill.with(
            FactKinds::NETWORK_POLICIES,
            networking("NetworkPolicy", "networkpolicies"),
            Names { what: "networkpolicies", without: ask },
            facts::NetworkPolicies::default(),
        ),
        fill.nodes(),
        keep_certificates(&settings, &client, link, leads.clone(), served),
        own_configurations(&settings, &client, leads.clone()),
        scan::leader::lead(&settings, &client, lookup, leads.clone(), scanned),
    );
}

/// Where podreeve makes its own certificates, the leader makes them and every replica serves them.
async fn keep_certificates(
    settings: &ClusterSettings,
    client: &Client,
    link: &ApiHealth,
    leads: Leadership,
    served: tokio::sync::watch::Sender<Option<Pem>>,
) {
    let Some(own) = &settings.certificates else { return };
    let namespace = &settings.namespace;
    certificates::CertificateManager { client: client.clone(), link, own, namespace, leads, served }.run().await;
}

/// Wherever the certificate comes from.
async fn own_configurations(settings: &ClusterSettings, client: &Client, leads: Leadership) {
    let Some(name) = &settings.configuration else { return };
    owner::keep(client, name, &settings.namespace, leads).await;
}

/// Whether this replica is the leader.
pub type Leadership = tokio::sync::watch::Receiver<bool>;

/// What the policies in force need to know.
pub type FactsReceiver = tokio::sync::watch::Receiver<FactKinds>;

/// Watches that begin when a policy asks for them.
struct Filling<'f> {
    client: &'f Client,
    link: &'f ApiHealth,
    parts: &'f StateSender,
    needed: &'f FactsReceiver,
}

impl Filling<'_> {
    async fn with(&self, kind: FactKinds, resource: ApiResource, names: Names, cache: impl facts::Cache) {
        if !self.is_needed(kind).await {
            return;
        }
        let api = kube::Api::all_with(self.client.clone(), &resource);
        let mut sink = facts::Publishing::new(cache, self.parts.clone());
        // Small pages: an object is dropped as soon as what counts of it is kept.
        watch(api, watcher::Config::default().page_size(100), self.link, names, &mut sink).await;
    }

    /// Waits until a policy needs it; false when podreeve ends first.
    async fn is_needed(&self, kind: FactKinds) -> bool {
        self.needed.clone().wait_for(|needed| needed.contains(kind)).await.is_ok()
    }

    async fn nodes(&self) {
        if self.is_needed(FactKinds::NODES).await {
            nodes::watch(self.client, self.link, self.parts).await;
        }
    }
}

async fn exemptions(client: Client, link: &ApiHealth, parts: StateSender, allowed: &[String], leads: Leadership) {
    let resource = item::resource("podreeve.dev", "v1alpha1", "Exemption", "exemptions");
    let names = Names { what: "exemptions.podreeve.dev", without: "those that are in force stay" };
    own_objects(client, link, resource, names, exemptions::Exemptions::new(allowed, parts), leads).await;
}

async fn policies(client: Client, link: &ApiHealth, parts: StateSender, leads: Leadership) {
    let resource = item::resource("podreeve.dev", "v1alpha1", "Policy", "policies");
    let names = Names { what: "policies.podreeve.dev", without: "those that are in force stay" };
    own_objects(client, link, resource, names, policies::Policies::new(parts), leads).await;
}

/// Every replica reads them, the leader writes their status.
async fn own_objects(
    client: Client,
    link: &ApiHealth,
    resource: ApiResource,
    names: Names,
    keep: impl objects::ObjectStore,
    leads: Leadership,
) {
    let api = kube::Api::all_with(client.clone(), &resource);
    let (say, said) = tokio::sync::mpsc::unbounded_channel();
    let writer = writer::Writer::new(client.clone(), resource.clone(), leads, said);
    let mut sink = Objects::new(client, resource, keep, say);
    tokio::join!(watch(api, watcher::Config::default(), link, names, &mut sink), writer.run());
}

/// Tries until the API server answers; the log tells once that it does not.
async fn connect(access: &Access, link: &ApiHealth) -> Client {
    loop {
        match access.client().await {
            Ok(client) => match client.apiserver_version().await {
                Ok(version) => {
                    link.up();
                    tracing::info!(version = version.git_version, "the API server answers");
                    return client;
                }
                Err(error) => link.down(&crate::text::with_causes(&error)),
            },
            Err(error) => link.down(&error),
        }
        tokio::time::sleep(RETRY).await;
    }
}
