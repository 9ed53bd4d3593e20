//! The API server. No other module talks to it. A request needs it only for a fact that is unknown yet ([`fact_client`]).
//!
//! [`client`] connects, [`api_health`] knows whether the API server answers, [`fact_watches`] is the table of the watches
//! that fill [`crate::facts::Facts`], [`scan`] judges what exists, and [`certificates`] manages podreeve's own. While the
//! API server cannot be reached, the webhook goes on with what is in force.

mod api_error;
pub mod api_health;
mod arming;
pub mod certificates;
pub mod client;
mod copies;
mod deployed_mode;
pub mod deployment;
mod exemptions;
mod fact_caches;
mod fact_client;
mod fact_watches;
pub mod images;
pub mod item;
pub mod last_good;
mod lease;
mod node_reports;
mod nodes;
mod object_sink;
mod object_store;
pub mod once;
mod owner;
mod policies;
pub mod report_fields;
pub mod runtime;
pub mod scan;
pub mod served;
mod settings;
pub mod state;
mod status;
mod status_writer;
mod token_bucket;
pub mod unreachable;
mod watch;
pub mod webhooks;

pub use api_error::ApiError;
pub use api_health::ApiHealth;
pub use arming::{ArmingSettings, ArmingState, CaSource};
pub use client::Access;
pub use fact_client::FactClient;
pub use nodes::{DirectAccess, KubeletAccess};
pub use settings::ClusterSettings;
pub use state::{ClusterState, StateSender};

use crate::observe::metrics::nodes::NodeMetrics;
use crate::policy::Ceiling;
use certificates::{CertificateManager, PairSender};
use copies::Copies;
use fact_watches::{FactWatches, FactsReceiver};
use jiff::{Timestamp, civil::Date, tz::Offset};
use kube::Client;
use kube::runtime::watcher;
use lease::Leadership;
use nodes::NodesPoll;
use object_sink::ObjectSink;
use object_store::ObjectStore;
use served::ServedPolicies;
use std::time::Duration;
use watch::{WatchNames, watch};

/// The handles that the cluster's tasks share with the server.
pub struct Handles<'h> {
    pub api_health: &'h ApiHealth,
    pub fact_client: &'h FactClient,
    /// Where the tasks put what they read.
    pub state: StateSender,
    /// The kinds of facts that the policies in force need.
    pub needed: FactsReceiver,
    /// The policies from files and built-in ones.
    pub served: ServedPolicies,
    /// Where the certificate of podreeve's Secret goes.
    pub pair: PairSender,
    pub scan: scan::ScanContext<'h>,
    pub node_metrics: &'h NodeMetrics,
    /// Called with the state of the webhook configurations after each check.
    pub report_arming: &'h (dyn Fn(&ArmingState) + Send + Sync),
    /// The policy files that loaded last.
    pub good_files: last_good::GoodFiles,
}

/// Between two tries to connect.
const RETRY: Duration = Duration::from_secs(5);

/// Watches the cluster as long as podreeve serves.
pub async fn run(settings: ClusterSettings, handles: Handles<'_>) {
    let Handles { api_health, fact_client, state, needed, served, pair, scan, report_arming, good_files, node_metrics } =
        handles;
    let client = connect(&settings.access, api_health).await;
    fact_client.connected(client.clone());
    let (leader, leadership) = tokio::sync::watch::channel(false);
    let leases = kube::Api::namespaced(client.clone(), &settings.namespace);
    // Without settings of images a leader reads no layers, and its scan names no image as used; with a part of them it reads and names less.
    let is_able = || fact_client.images().is_none_or(|images| images.is_whole());
    let candidate = lease::Candidate { identity: &settings.identity, is_able: &is_able };
    let nodes = NodesPoll {
        client: &client,
        access: &settings.kubelets,
        has_reports: settings.node_reports,
        api_health,
        state: &state,
        needed: &needed,
    };
    let facts = FactWatches { client: &client, nodes, api_health, state: &state, needed: &needed };
    let objects = OwnObjects { client: &client, api_health, leadership: leadership.clone() };
    tokio::join!(
        lease::hold(leases, &settings.lease, candidate, api_health, leader),
        objects.policies(state.clone(), settings.ceiling, served, settings.configuration.as_deref()),
        objects.exemptions(state.clone(), &settings.exemption_namespaces),
        facts.run(),
        manage_certificates(&settings, &client, api_health, leadership.clone(), pair),
        own_configurations(&settings, &client, leadership.clone()),
        keep_armed(&settings, &client, leadership.clone(), report_arming),
        follow_mode(&settings, &client, api_health, state.clone()),
        know_images(&settings, &client, api_health, fact_client, leadership.clone(), state.clone()),
        keep_last_good(&settings, &client, leadership.clone(), good_files),
        scan_while_leader(&settings, &client, fact_client, leadership.clone(), scan),
        read_node_reports(&settings, &client, api_health, leadership.clone(), node_metrics, state.clone()),
    );
}

/// Tries until the API server answers. `api_health` logs the first error only.
async fn connect(access: &Access, api_health: &ApiHealth) -> Client {
    loop {
        match access.client().await {
            Ok(client) => match client.apiserver_version().await.map_err(ApiError::from) {
                Ok(version) => {
                    api_health.up();
                    tracing::info!(version = version.git_version, "the API server answers");
                    return client;
                }
                Err(error) => api_health.down(&error.to_string()),
            },
            Err(error) => api_health.down(&error.to_string()),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// The date in UTC.
fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}

/// Does nothing where the certificate comes from files.
async fn manage_certificates(
    settings: &ClusterSettings,
    client: &Client,
    api_health: &ApiHealth,
    leadership: Leadership,
    pair: PairSender,
) {
    let Some(managed) = &settings.certificates else { return };
    let namespace = &settings.namespace;
    CertificateManager { client: client.clone(), api_health, managed, namespace, leadership, pair }.run().await;
}

/// Does nothing where the webhook configurations have no name.
async fn own_configurations(settings: &ClusterSettings, client: &Client, leadership: Leadership) {
    let Some(name) = &settings.configuration else { return };
    owner::run(client, name, &settings.namespace, leadership).await;
}

/// Does nothing where the lists of webhooks come with the configurations.
async fn keep_armed(
    settings: &ClusterSettings,
    client: &Client,
    leadership: Leadership,
    report: &(dyn Fn(&ArmingState) + Send + Sync),
) {
    let Some(arming) = &settings.arming else { return };
    let (namespace, kept) = (settings.namespace.as_str(), arming::KeptCa::default());
    arming::Arming { client, namespace, settings: arming, leadership, kept }.run(report).await;
}

/// Does nothing where no Deployment is named.
async fn follow_mode(settings: &ClusterSettings, client: &Client, api_health: &ApiHealth, state: StateSender) {
    let deployment = settings.arming.as_ref().and_then(|arming| arming.deployment.as_ref());
    let Some(name) = deployment else { return };
    deployed_mode::run(client, &settings.namespace, name, api_health, state).await;
}

/// Does nothing where nothing is known of images.
async fn know_images(
    settings: &ClusterSettings,
    client: &Client,
    api_health: &ApiHealth,
    fact_client: &FactClient,
    leadership: Leadership,
    state: StateSender,
) {
    let Some(service) = fact_client.images() else { return };
    let (namespace, sharing) = (settings.namespace.as_str(), settings.image_sharing.as_ref());
    let installation = settings.configuration.as_deref();
    let tasks = images::ImageTasks { service, client, namespace, installation, sharing, api_health, leadership, state };
    Box::pin(images::run(tasks)).await;
}

/// Does nothing where what loaded last has no place in the cluster.
async fn keep_last_good(
    settings: &ClusterSettings,
    client: &Client,
    leadership: Leadership,
    files: last_good::GoodFiles,
) {
    let namespace = &settings.namespace;
    let policies = async {
        let Some(name) = &settings.last_good else { return };
        last_good::keep(client, namespace, name, &last_good::POLICIES, leadership.clone(), files).await;
    };
    let images = async {
        let Some(last_good::KeptImages { config_map, files }) = settings.kept_images.clone() else { return };
        last_good::keep(client, namespace, &config_map, &last_good::IMAGES, leadership.clone(), files).await;
    };
    tokio::join!(policies, images);
}

/// Does nothing where nothing is scanned.
async fn scan_while_leader(
    settings: &ClusterSettings,
    client: &Client,
    fact_client: &FactClient,
    leadership: Leadership,
    context: scan::ScanContext<'_>,
) {
    let Some(scan) = &settings.scan else { return };
    scan::leader::scan_while_leader(scan, &settings.identity, client, fact_client, leadership, context).await;
}

/// Does nothing where no agents run.
async fn read_node_reports(
    settings: &ClusterSettings,
    client: &Client,
    api_health: &ApiHealth,
    leadership: Leadership,
    metrics: &NodeMetrics,
    state: StateSender,
) {
    if settings.node_reports {
        node_reports::run(client, &settings.identity, api_health, leadership, metrics, state).await;
    }
}

/// The watches of podreeve's own kinds. Every replica reads the objects, and the leader writes their status.
struct OwnObjects<'o> {
    client: &'o Client,
    api_health: &'o ApiHealth,
    leadership: Leadership,
}

impl OwnObjects<'_> {
    /// Without a configuration, nothing would remove the copies of built-in policies, so none are written.
    async fn policies(
        &self,
        state: StateSender,
        ceiling: Ceiling,
        served: ServedPolicies,
        configuration: Option<&str>,
    ) {
        let store = policies::PolicyStore::new(state, served.clone()).under(ceiling).of(configuration);
        let found = store.found();
        let copies = async {
            let Some(configuration) = configuration else { return };
            Copies::new(self.client, configuration, self.leadership.clone(), served, found).run().await;
        };
        tokio::join!(self.watch("Policy", "policies", "policies.podreeve.dev", store), copies);
    }

    async fn exemptions(&self, state: StateSender, allowed_namespaces: &[String]) {
        let store = exemptions::ExemptionStore::new(allowed_namespaces, state);
        self.watch("Exemption", "exemptions", "exemptions.podreeve.dev", store).await;
    }

    async fn watch(&self, kind: &str, plural: &str, what: &'static str, store: impl ObjectStore) {
        let resource = item::resource("podreeve.dev", "v1alpha1", kind, plural);
        let names = WatchNames { what, without: "those that are in force stay in force" };
        let api = kube::Api::all_with(self.client.clone(), &resource);
        let (sender, updates) = tokio::sync::mpsc::unbounded_channel();
        let writer =
            status_writer::StatusWriter::new(self.client.clone(), resource.clone(), self.leadership.clone(), updates);
        let mut sink = ObjectSink::new(self.client.clone(), resource, store, sender);
        tokio::join!(watch(api, watcher::Config::default(), self.api_health, names, &mut sink), writer.run());
    }
}
