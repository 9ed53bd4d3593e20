//! Taking connections, not more than the limit, and letting them go.

use super::body::Lease;
use super::certs::Certificates;
use super::connection::Connections;
use super::guests::Guests;
use super::watched::Activity;
use super::{ServerState, routes};
use crate::observe::Shed;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// For others to be closed: when all permits are taken, or file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Acceptor {
    task: JoinHandle<()>,
    closing: watch::Sender<bool>,
    permits: Arc<Semaphore>,
    all: u32,
}

impl Acceptor {
    pub fn start(listener: TcpListener, certificates: Certificates, shared: Arc<ServerState>) -> Self {
        let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX).max(1);
        let permits = Arc::new(Semaphore::new(all as usize));
        let (closing, closes) = watch::channel(false);
        let router = routes::router(Arc::clone(&shared));
        let connections = Connections { shared, router, closing: closes };
        let task = tokio::spawn(accept(listener, certificates, connections, Arc::clone(&permits)));
        Self { task, closing, permits, all }
    }

    /// Takes no more, lets requests end, and waits for that no longer than `end`.
    pub async fn close(self, end: Instant) {
        self.task.abort();
        self.closing.send_replace(true);
        if timeout_at(end, self.permits.acquire_many(self.all)).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
    }
}

async fn accept(listener: TcpListener, certificates: Certificates, connections: Connections, permits: Arc<Semaphore>) {
    let shared = Arc::clone(&connections.shared);
    let mut guests = Guests::new(shared.limits.connections, shared.limits.grace);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Some(permit) = permit(&permits, &shared, &mut guests).await else { return };
                let activity = Activity::new(Lease::new(Arc::clone(&shared.budget)));
                let serve = connections.clone().serve(stream, certificates.current(), Arc::clone(&activity));
                let task = tokio::spawn(run_with_permit(permit, serve, Arc::clone(&shared)));
                guests.add(activity, task.abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// One newcomer at a time waits for a permit, the others in the system's queue. Connections on which nothing arrives are
/// ended for it.
async fn permit(permits: &Arc<Semaphore>, shared: &ServerState, guests: &mut Guests) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Some(permit);
    }
    shared.observer.metrics.shed(Shed::Connections);
    shared.saturated.store(true, Ordering::Relaxed);
    let permit = loop {
        guests.evict();
        if let Ok(permit) = timeout(PAUSE, Arc::clone(permits).acquire_owned()).await {
            break permit.ok();
        }
    };
    shared.saturated.store(false, Ordering::Relaxed);
    permit
}

/// Whatever ends it: the permit and the count go with the task.
async fn run_with_permit(permit: OwnedSemaphorePermit, serve: impl Future<Output = ()>, shared: Arc<ServerState>) {
    struct Counted(Arc<ServerState>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.observer.metrics.connections.dec();
        }
    }
    shared.observer.metrics.connections.inc();
    let _occupied = (Counted(shared), permit);
    serve.await;
}
