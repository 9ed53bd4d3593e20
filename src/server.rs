//! The HTTPS server and the admin port.
//!
//! [`accept`](self::accept) takes connections, [`connection`] speaks TLS and HTTP on each, over a socket that [`read_ahead`] reads.
//! [`routes`] and [`body`] turn a request into bytes within limits, and [`judge`] decides with [`crate::admit`]. Meanwhile [`certs`] and [`policies`] watch
//! files and the cluster, and [`admin`] answers probes. At the end, [`handover`] leads the API server to other replicas.

mod accept;
mod activity;
mod admin;
pub mod body;
pub mod certs;
mod config;
mod connection;
pub mod duration;
mod ends;
mod eviction;
mod handover;
pub mod health;
mod images;
mod judge;
mod limits;
mod listen;
pub mod policies;
mod read_ahead;
mod routes;
mod state;

pub use config::{Config, DRAIN_DELAY_MAX, EXIT_WITHIN, LoadImages, LoadedImages};
pub use limits::Limits;

use crate::admit::{Audience, Snapshot};
use crate::cluster::scan::ScanContext;
use crate::cluster::{self, ApiHealth, ArmingState, ClusterState, FactClient};
use crate::observe::{Caller, Decisions, Metrics, Observer};
use crate::policy::Ceiling;
use arc_swap::ArcSwap;
use body::Budget;
use handover::Handover;
use health::{CheckStatus, Health};
use images::ImageSettingsWatch;
use policies::{LoadError, Policies};
use state::ServerState;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Policies(#[from] LoadError),
    #[error("cannot listen on {address}: {error}; name another address with {option} ADDRESS:PORT")]
    Listen {
        address: SocketAddr,
        option: &'static str,
        #[source]
        error: std::io::Error,
    },
}

/// A server that listens and does not serve yet.
pub struct Server {
    config: Config,
    policies: Policies,
    images: Option<ImageSettingsWatch>,
    state: Arc<ServerState>,
    listener: TcpListener,
    admin: TcpListener,
}

impl Server {
    /// Listens on both addresses.
    ///
    /// # Errors
    /// When policies do not load, or an address cannot be used.
    pub fn bind(mut config: Config, mut policies: Policies, log: Option<Decisions>) -> Result<Self, StartError> {
        let metrics = Metrics::new()?;
        let health = Health::new(config.cluster.as_ref().map(|_| Arc::new(ApiHealth::default())));
        let authenticated = config.certificates.verifies_clients();
        policies.audience =
            if authenticated || config.full_answers { Audience::ApiServer } else { Audience::AnyClient };
        let caller = if authenticated { Caller::Authenticated } else { Caller::Unauthenticated };
        policies.ceiling = config.ceiling;
        let images = config.images.take();
        let images = images.map(|load| ImageSettingsWatch::new(load, Arc::clone(&metrics.images), &health));
        policies.knows_images = images.is_some();
        policies.own_namespace = config.cluster.as_ref().map(|settings| settings.namespace.as_str().into());
        let snapshot = policies.first(&health, &metrics, config.cluster.is_some())?;
        config.certificates.report(&health, &metrics);
        let listener = listen(config.listen, "--listen")?;
        let admin = listen(config.admin_listen, "--admin-listen")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let fact_client = || if authenticated { FactClient::default() } else { FactClient::for_unauthenticated() };
        let image_service = images.as_ref().map(ImageSettingsWatch::service);
        let state = Arc::new(ServerState {
            snapshot: ArcSwap::from_pointee(snapshot),
            observer: Observer { metrics, decisions: log.map(|log| log.with_caller(caller)) },
            health,
            budget: Arc::new(Budget::new(config.limits.memory)),
            limits: config.limits.clone(),
            large_bodies: Arc::new(Semaphore::new(cores)),
            draining: AtomicBool::new(false),
            handover: Handover::default(),
            saturated: AtomicBool::new(false),
            fact_client: config.cluster.as_ref().map(|_| fact_client().with_images(image_service)),
        });
        Ok(Self { config, policies, images, state, listener, admin })
    }

    /// The address for reviews.
    ///
    /// # Errors
    /// When the system does not know it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The address of /livez, /readyz and /metrics.
    ///
    /// # Errors
    /// When the system does not know it.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves until `stop` is done, then drains, all within [`Config::exit_within`]. For the delay it is not ready any more, hands over what
    /// comes on connections that it had before, and still answers what comes on new ones. Then it closes connections.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { config, policies, images, state, listener, admin } = self;
        let certificates = config.certificates;
        let (in_use, pair) = (certificates.in_use(), certificates.pair_sender());
        let (needed, served, good_files) = (policies.needed(), policies.served(), policies.good_files());
        let (sender, cluster_state) = watch::channel(ClusterState::default());
        let mut tasks = vec![
            tokio::spawn(admin::serve(admin, Arc::clone(&state))),
            tokio::spawn(certificates.rotate(config.poll, Arc::clone(&state))),
            tokio::spawn(policies.watch(config.poll, Arc::clone(&state), cluster_state)),
        ];
        tasks.extend(images.map(|images| tokio::spawn(images.run(config.poll, Arc::clone(&state)))));
        if let Some(settings) = config.cluster {
            let state = Arc::clone(&state);
            tasks.push(tokio::spawn(async move {
                let (Some(api_health), Some(fact_client)) = (&state.health.api, &state.fact_client) else {
                    return;
                };
                let snapshot = || full_snapshot(&state);
                let scan = ScanContext { snapshot: &snapshot, metrics: &state.observer.metrics.scan };
                let report_arming = |arming: &ArmingState| {
                    state.health.set_webhooks(CheckStatus::ready(arming.text()));
                    state.observer.metrics.webhooks.set(*arming == ArmingState::Armed);
                };
                let report_arming = &report_arming;
                let handles = cluster::Handles {
                    api_health,
                    fact_client,
                    state: sender,
                    needed,
                    served,
                    pair,
                    scan,
                    node_metrics: &state.observer.metrics.nodes,
                    report_arming,
                    good_files,
                };
                Box::pin(cluster::run(settings, handles)).await;
            }));
        }
        let acceptor = accept::Acceptor::start(listener, in_use, Arc::clone(&state));
        stop.await;
        let end = tokio::time::Instant::now() + config.exit_within;
        tracing::info!(delay = ?config.drain_delay, "draining: not ready any more, still serving");
        state.draining.store(true, Ordering::Relaxed);
        acceptor.drain();
        let resign = async {
            if let Some(api_health) = &state.health.api {
                api_health.resign().await;
            }
        };
        let drain = async {
            tokio::time::sleep(config.drain_delay.min(DRAIN_DELAY_MAX)).await;
            acceptor.close(end).await;
        };
        tokio::join!(resign, drain);
        for task in tasks {
            task.abort();
        }
    }
}

/// The snapshot for scans. Their results never go to a client of the webhook, so nothing is left out. They say what mode deny would
/// do: operators look at them before they switch to it.
fn full_snapshot(state: &ServerState) -> Arc<Snapshot> {
    let mut snapshot = (**state.snapshot.load()).clone();
    if !state.health.knows_image_settings() {
        // The scan would report each image, for a fault of podreeve's own.
        snapshot.facts.images = None;
    }
    Arc::new(Snapshot { audience: Audience::ApiServer, ceiling: Ceiling::default(), ..snapshot })
}

fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, StartError> {
    listen::listen(address).map_err(|error| StartError::Listen { address, option, error })
}
