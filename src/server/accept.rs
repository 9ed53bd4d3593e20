//! Taking connections, not more than the limit, and letting them go.

use super::certs::Certificates;
use super::connection::Connections;
use super::{Shared, routes};
use crate::observe::Shed;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// When the process is out of file descriptors: for others to be closed.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Acceptor {
    task: JoinHandle<()>,
    closing: watch::Sender<bool>,
    places: Arc<Semaphore>,
    all: u32,
}

impl Acceptor {
    pub fn start(listener: TcpListener, certificates: Certificates, shared: Arc<Shared>) -> Self {
        let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX).max(1);
        let places = Arc::new(Semaphore::new(all as usize));
        let (closing, closes) = watch::channel(false);
        let router = routes::router(Arc::clone(&shared));
        let connections = Connections { shared, router, closing: closes };
        let task = tokio::spawn(accept(listener, certificates, connections, Arc::clone(&places)));
        Self { task, closing, places, all }
    }

    /// Takes no more, lets requests end, and waits for that no longer than `end`.
    pub async fn close(self, end: Instant) {
        self.task.abort();
        self.closing.send_replace(true);
        if timeout_at(end, self.places.acquire_many(self.all)).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
    }
}

async fn accept(listener: TcpListener, certificates: Certificates, connections: Connections, places: Arc<Semaphore>) {
    loop {
        let Some(place) = place(&places, &connections.shared).await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serve = connections.clone().serve(stream, certificates.current());
                tokio::spawn(occupy(place, serve, Arc::clone(&connections.shared)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Newcomers wait in the system's queue, and idle connections are ended earlier for them.
async fn place(places: &Arc<Semaphore>, shared: &Shared) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    shared.observer.metrics.shed(Shed::Connections);
    shared.crowded.store(true, Ordering::Relaxed);
    let place = Arc::clone(places).acquire_owned().await.ok();
    shared.crowded.store(false, Ordering::Relaxed);
    place
}

async fn occupy(place: OwnedSemaphorePermit, serve: impl Future<Output = ()>, shared: Arc<Shared>) {
    shared.observer.metrics.connections.inc();
    serve.await;
    shared.observer.metrics.connections.dec();
    drop(place);
}
