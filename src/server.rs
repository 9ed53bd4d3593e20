//! The HTTPS server and the admin port.
//!
//! [`accept`](self::accept) takes connections, [`connection`] speaks TLS and HTTP on each of them, [`routes`] and
//! [`body`] turn a request into bytes within limits, [`judge`] has [`crate::admit`] decide. Beside
//! them [`certs`] and [`policies`] watch files, and [`admin`] tells how it all is.

mod accept;
mod admin;
pub mod body;
pub mod certs;
mod connection;
pub mod duration;
mod guests;
pub mod health;
mod judge;
pub mod policies;
mod routes;
pub mod self_signed;
mod watched;

use crate::admit::{Audience, Snapshot};
use crate::cluster::{self, ApiHealth, Lookup};
use crate::observe::{Caller, Decisions, Metrics, Observer};
use arc_swap::ArcSwap;
use body::Budget;
use certs::Certificates;
use health::Health;
use policies::Policies;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Bounds on what clients can ask of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    pub connections: usize,
    /// Largest body, in bytes. The API server sends up to 19 MB.
    pub body: usize,
    /// All bodies that are held at one time, in bytes.
    pub memory: usize,
    /// Bodies larger than this are judged off the runtime's threads.
    pub inline: usize,
    pub handshake: Duration,
    /// For a connection without a request; above the 90 s for which the API server keeps one.
    pub idle: Duration,
    /// From the first byte of a request to the end of its headers. When newcomers wait for a permit,
    /// connections are idle no longer than this either.
    pub headers: Duration,
    /// For a body whose request names no `?timeout=`.
    pub request: Duration,
    pub http2_streams: u32,
    pub http2_ping: Duration,
    /// While others wait for permits or memory: for what is sent, whatever `?timeout=` says.
    pub patience: Duration,
    /// As long a connection keeps its permit when all are taken, though no request has arrived on it.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            body: 32 << 20,
            memory: 128 << 20,
            inline: 256 << 10,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            headers: Duration::from_secs(10),
            request: Duration::from_secs(10),
            http2_streams: 256,
            http2_ping: Duration::from_secs(30),
            patience: Duration::from_secs(2),
            grace: Duration::from_millis(500),
        }
    }
}

/// How to serve.
pub struct Config {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub certificates: Certificates,
    pub limits: Limits,
    /// How long requests are still served after the first signal: the API server goes on sending.
    pub drain_delay: Duration,
    /// From the signal to the end, whatever happens.
    pub exit_within: Duration,
    /// Between two looks at files.
    pub poll: Duration,
    /// None without a cluster to read from.
    pub cluster: Option<cluster::Settings>,
    /// Answers say what stands in the cluster though callers show no certificate: nobody else reaches the port.
    pub full_answers: bool,
}

/// The longest `drain_delay`: what is left of [`EXIT_WITHIN`] is for requests that are on their way.
pub const DRAIN_DELAY_MAX: Duration = Duration::from_secs(35);
/// The usual [`Config::exit_within`]: the API server waits 30 s for an answer, and that is added to the delay.
pub const EXIT_WITHIN: Duration = Duration::from_secs(44);

/// Why the server cannot start.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl From<String> for StartError {
    fn from(message: String) -> Self {
        Self(message)
    }
}

/// What every request sees.
#[derive(Debug)]
pub(crate) struct Shared {
    snapshot: ArcSwap<Snapshot>,
    observer: Observer,
    health: Health,
    limits: Limits,
    budget: Arc<Budget>,
    /// How many large bodies are judged at one time.
    heavy: Arc<Semaphore>,
    /// Set by the first signal.
    draining: AtomicBool,
    /// Set while newcomers wait for a permit.
    saturated: AtomicBool,
    /// None without a cluster.
    lookup: Option<Lookup>,
}

impl Shared {
    /// Whether newcomers wait for permits, or little memory is left.
    fn is_crowded(&self) -> bool {
        self.saturated.load(Ordering::Relaxed) || self.budget.is_tight()
    }

    fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// A server that listens and does not serve yet.
pub struct Server {
    config: Config,
    policies: Policies,
    shared: Arc<Shared>,
    listener: TcpListener,
    admin: TcpListener,
}

impl Server {
    /// Listens on both addresses.
    ///
    /// # Errors
    /// What could not be had, and what to do about it.
    pub async fn bind(config: Config, mut policies: Policies, log: Option<Decisions>) -> Result<Self, StartError> {
        let metrics = Metrics::new().map_err(|error| format!("metrics: {error}"))?;
        let health = Health::new(config.cluster.as_ref().map(|_| Arc::new(ApiHealth::default())));
        let authenticated = config.certificates.verifies_clients();
        policies.audience =
            if authenticated || config.full_answers { Audience::ApiServer } else { Audience::AnyClient };
        let log = log.map(|log| log.of(if authenticated { Caller::Authenticated } else { Caller::Unauthenticated }));
        let snapshot = policies.first(&health, &metrics, config.cluster.is_some())?;
        config.certificates.tell(&health, &metrics);
        let listener = listen(config.listen, "--listen").await?;
        let admin = listen(config.admin_listen, "--admin-listen").await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            observer: Observer { metrics, decisions: log },
            health,
            budget: Arc::new(Budget::new(config.limits.memory)),
            limits: config.limits.clone(),
            heavy: Arc::new(Semaphore::new(cores)),
            draining: AtomicBool::new(false),
            saturated: AtomicBool::new(false),
            lookup: config
                .cluster
                .as_ref()
                .map(|_| if authenticated { Lookup::default() } else { Lookup::for_strangers() }),
        });
        Ok(Self { config, policies, shared, listener, admin })
    }

    /// Where reviews are answered.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where /livez, /readyz and /metrics are.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves until `stop` is done, then drains: readiness goes, requests are served for the delay with
    /// `Connection: close`, connections end, all within [`Config::exit_within`].
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { config, policies, shared, listener, admin } = self;
        let needed = policies.needed();
        let (parts, heard) = tokio::sync::watch::channel(cluster::ClusterState::default());
        let mut watchers = vec![
            tokio::spawn(admin::serve(admin, Arc::clone(&shared))),
            tokio::spawn(config.certificates.clone().watch(config.poll, Arc::clone(&shared))),
            tokio::spawn(policies.watch(config.poll, Arc::clone(&shared), heard)),
        ];
        if let Some(settings) = config.cluster {
            let (served, serve) = tokio::sync::watch::channel(None);
            watchers.push(tokio::spawn(config.certificates.clone().follow(serve, Arc::clone(&shared))));
            let shared = Arc::clone(&shared);
            watchers.push(tokio::spawn(async move {
                if let (Some(link), Some(lookup)) = (&shared.health.link, &shared.lookup) {
                    // A scan answers nobody.
                    let snapshot = || {
                        let snapshot = shared.snapshot.load();
                        Arc::new(Snapshot { audience: Audience::ApiServer, ..(**snapshot).clone() })
                    };
                    let scanned = cluster::scan::Served { snapshot: &snapshot, metrics: &shared.observer.metrics.scan };
                    Box::pin(cluster::run(settings, link, lookup, parts, needed, served, scanned)).await;
                }
            }));
        }
        let accepting = accept::Acceptor::start(listener, config.certificates, Arc::clone(&shared));
        stop.await;
        let end = tokio::time::Instant::now() + config.exit_within;
        tracing::info!(delay = ?config.drain_delay, "draining: not ready any more, still serving");
        shared.draining.store(true, Ordering::Relaxed);
        let leave = async {
            if let Some(link) = &shared.health.link {
                link.resign().await;
            }
        };
        let drain = async {
            tokio::time::sleep(config.drain_delay.min(DRAIN_DELAY_MAX)).await;
            accepting.close(end).await;
        };
        tokio::join!(leave, drain);
        for watcher in watchers {
            watcher.abort();
        }
    }
}

async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        StartError(format!("cannot listen on {address}: {error}; name another address with {option} ADDRESS:PORT"))
    })
}
