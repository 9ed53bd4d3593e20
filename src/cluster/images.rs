//! What is behind images: their configurations, signatures and layers, read from registries away from requests.
//!
//! Every replica answers questions ([`ImageService::ask`]): it reads a manifest, the configurations and what is attached, each
//! image once ([`resolve`]). The leader reads the layers ([`deep`]). What one replica reads, the others get by a sealed object of the
//! cluster ([`objects`]), which is also what a replica begins with. Raw signatures are kept and no verdicts ([`record`]), so new keys
//! need no registry. While a registry does not answer, what was known counts. What podreeve itself may not read, the pull secrets of a namespace
//! may show for its own pods ([`access`]).

mod access;
mod attached;
pub mod by_hand;
mod deep;
mod deflate;
mod documents;
mod hot;
mod judged;
mod key;
mod label;
mod namespaces;
pub mod object;
mod objects;
mod pace;
mod permits;
mod platforms;
mod pull_secrets;
mod record;
mod resolve;
mod running;
pub mod seal;
mod sealed_by_hand;
mod service;
mod setup;
mod store;
mod tag_memory;
mod tag_objects;
mod tenants;
mod unused;
mod vulnerability_reports;

pub use deep::run as read_layers;
pub use object::ImageFactsObject;
pub use record::TrustInForce;
pub use service::{Asker, ImageService};
pub use setup::Setup;

use super::api_health::ApiHealth;
use super::item::{Item, resource};
use super::lease::Leadership;
use super::state::StateSender;
use super::today;
use super::watch::{WatchNames, watch, watch_metadata};
use crate::image::known::{ImageSettings, OnUnavailable};
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher;
use kube::{Api, Client};
use std::sync::Arc;
use std::time::Duration;

/// Shortest time between two snapshots because of images.
const PUBLISH: Duration = Duration::from_millis(50);
/// What counts no more is removed at least this often.
const EXPIRE: Duration = Duration::from_secs(1);

/// Where the facts of images are shared.
#[derive(Debug, Clone)]
pub struct ImageSharing {
    /// The Secret with the key of their seals, in podreeve's own namespace.
    pub secret: String,
}

/// What the tasks of images need.
pub struct ImageTasks<'t> {
    pub service: &'t Arc<ImageService>,
    pub client: &'t Client,
    pub namespace: &'t str,
    /// The name of the webhook configurations.
    pub installation: Option<&'t str>,
    pub sharing: Option<&'t ImageSharing>,
    pub api_health: &'t ApiHealth,
    pub leadership: Leadership,
    pub state: StateSender,
}

/// Runs all tasks of images as long as podreeve serves.
pub async fn run(tasks: ImageTasks<'_>) {
    let follow_running = async {
        let names = WatchNames { what: "pods", without: "an image that runs already counts as new" };
        let matters = |setup: &Setup| needs_running(setup.unknown, !setup.trust.trust.is_empty());
        tasks.service.settings_are(|setup| setup.is_none_or(matters)).await;
        let api = Api::all_with(tasks.client.clone(), &resource("", "v1", "Pod", "pods"));
        let on_change = || tasks.service.update_running();
        let mut sink = running::RunningSink::new(&tasks.service.running, &on_change);
        watch(api, watcher::Config::default().page_size(100), tasks.api_health, names, &mut sink).await;
    };
    tasks.service.connected(tasks.client.clone());
    tokio::join!(
        publish(&tasks),
        share(&tasks),
        deep::run(tasks.service, tasks.leadership.clone()),
        follow_running,
        follow_nodes(&tasks),
        follow_namespaces(&tasks),
        vulnerability_reports::follow(&tasks),
    );
}

/// Learns which platforms the nodes have.
async fn follow_nodes(tasks: &ImageTasks<'_>) {
    let names = WatchNames { what: "nodes", without: "every platform of an image is judged" };
    let on_change = |platforms| tasks.service.set_platforms(platforms);
    let mut sink = platforms::NodeSink::new(&on_change);
    let nodes = resource("", "v1", "Node", "nodes");
    watch_metadata(tasks.client.clone(), &nodes, tasks.api_health, names, &mut sink).await;
}

/// Learns which namespaces were made again, where pull secrets of namespaces count.
async fn follow_namespaces(tasks: &ImageTasks<'_>) {
    let without = "a namespace that is made again is judged by what pull secrets showed to the former one";
    let names = WatchNames { what: "namespaces", without };
    tasks.service.settings_are(|setup| setup.is_some_and(|setup| setup.pull_secrets.is_some())).await;
    let mut sink = namespaces::NamespaceSink::new(tasks.service);
    let namespaces = resource("", "v1", "Namespace", "namespaces");
    watch_metadata(tasks.client.clone(), &namespaces, tasks.api_health, names, &mut sink).await;
}

/// Puts what is known into the snapshots by which requests are judged.
async fn publish(tasks: &ImageTasks<'_>) {
    let mut day = today();
    loop {
        let service = tasks.service;
        if std::mem::replace(&mut day, today()) != day {
            service.forget_judgements();
        }
        service.judge_due().await;
        let setup = service.setup.load_full();
        let (settings, must_be_signed) = setup::settings_of(setup.as_deref());
        let pull_secrets = setup.as_ref().and_then(|setup| setup.pull_secrets.as_ref());
        let now = service.now();
        let (images, counts) = {
            let mut known = service.known();
            known.hot.expire(now);
            (known.hot.publish(settings, must_be_signed, pull_secrets), known.store.counts(now))
        };
        if let Some(images) = images {
            tasks.state.send_modify(|state| state.facts.images = Some(Arc::new(images)));
        }
        service.report(counts);
        tokio::time::sleep(PUBLISH).await;
        let _ = tokio::time::timeout(EXPIRE, service.changed.notified()).await;
    }
}

/// Shares what is known with the other replicas. Without the key of the seals, each replica is on its own.
async fn share(tasks: &ImageTasks<'_>) {
    let Some(sharing) = tasks.sharing else { return std::future::pending().await };
    let secrets: Api<Secret> = Api::namespaced(tasks.client.clone(), tasks.namespace);
    let (sender, mut keys) = tokio::sync::watch::channel(None::<(Vec<u8>, seal::Sealer)>);
    let with_key = async {
        loop {
            let key = keys.borrow_and_update().clone();
            let sharing = async {
                let Some((_, sealer)) = &key else { return std::future::pending().await };
                let owner = object::Owner::new(sealer.clone(), tasks.installation);
                let api: Api<Item> = Api::all_with(tasks.client.clone(), &object::kind());
                objects::share(tasks.service, api, &owner, tasks.api_health, &tasks.leadership).await;
            };
            tokio::select! {
                () = sharing => {}
                changed = keys.changed() => if changed.is_err() { return },
            }
        }
    };
    tokio::join!(key::follow(&secrets, &sharing.secret, &tasks.leadership, &sender), with_key);
}

/// Whether it matters which images run already.
fn needs_running(settings: ImageSettings, has_trust: bool) -> bool {
    match settings.on_unavailable {
        Some(OnUnavailable::AllowRunning) => true,
        Some(OnUnavailable::Deny | OnUnavailable::Warn) => false,
        None => has_trust,
    }
}

impl ImageService {
    /// Waits until the settings are such.
    async fn settings_are(&self, such: impl Fn(Option<&Setup>) -> bool) {
        while !such(self.setup.load_full().as_deref()) {
            tokio::time::sleep(EXPIRE).await;
        }
    }

    fn report(&self, counts: store::Counts) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.known.set(number(counts.known));
        self.metrics.layers_known.set(number(counts.layers_known));
        self.metrics.unknown.set(number(counts.unknown));
        self.metrics.memory.set(number(counts.bytes));
        self.metrics.signatures_age.set(counts.signatures_age);
    }
}
