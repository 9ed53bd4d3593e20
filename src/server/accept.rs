//! Accepts connections up to the limit, and closes them at the end.

use super::activity::Activity;
use super::body::Lease;
use super::certs::InUse;
use super::connection::{ConnectionHandler, Phase};
use super::eviction::EvictionQueue;
use super::state::ServerState;
use crate::observe::Shed;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long to wait for another connection to close when all permits are taken, or the process has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Acceptor {
    task: JoinHandle<()>,
    phase: watch::Sender<Phase>,
    permits: Arc<Semaphore>,
    all_permits: u32,
}

impl Acceptor {
    pub fn start(listener: TcpListener, certificate: InUse, state: Arc<ServerState>) -> Self {
        let all_permits = u32::try_from(state.limits.connections).unwrap_or(u32::MAX).max(1);
        let permits = Arc::new(Semaphore::new(all_permits as usize));
        let (sender, phase) = watch::channel(Phase::Serving);
        let handler = ConnectionHandler { state, phase };
        let task = tokio::spawn(accept(listener, certificate, handler, Arc::clone(&permits)));
        Self { task, phase: sender, permits, all_permits }
    }

    /// Connections that can end without losing a request begin to.
    pub fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Accepts what clients have connected already, and no more. Then it waits until requests have ended, but not longer than `end`.
    pub async fn close(mut self, end: Instant) {
        self.phase.send_replace(Phase::Closing);
        let all_end = async {
            // The listener is closed when the task ends.
            let _ = (&mut self.task).await;
            let _ = self.permits.acquire_many(self.all_permits).await;
        };
        if timeout_at(end, all_end).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, certificate: InUse, handler: ConnectionHandler, permits: Arc<Semaphore>) {
    let state = Arc::clone(&handler.state);
    let mut queue = EvictionQueue::new(state.limits.connections, state.limits.grace);
    let mut phase = handler.phase.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            // A connection that the system has queued is one to its client, who may have sent a request.
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase == Phase::Closing) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let Some(permit) = permit(&permits, &state, &mut queue).await else { return };
                let activity = Activity::new(Lease::new(Arc::clone(&state.budget)));
                let serve = handler.clone().serve(stream, certificate.config(), Arc::clone(&activity));
                let task = tokio::spawn(run_with_permit(permit, serve, Arc::clone(&state)));
                queue.add(activity, task.abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// One new connection at a time waits for a permit, and the system queues the others. To free a permit, connections on
/// which nothing arrives are closed.
async fn permit(
    permits: &Arc<Semaphore>,
    state: &ServerState,
    queue: &mut EvictionQueue,
) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Some(permit);
    }
    state.observer.metrics.shed(Shed::Connections);
    state.saturated.store(true, Ordering::Relaxed);
    let permit = loop {
        queue.evict();
        if let Ok(permit) = timeout(PAUSE, Arc::clone(permits).acquire_owned()).await {
            break permit.ok();
        }
    };
    state.saturated.store(false, Ordering::Relaxed);
    permit
}

/// The permit and the count are given back when the task ends, however it ends.
async fn run_with_permit(permit: OwnedSemaphorePermit, serve: impl Future<Output = ()>, state: Arc<ServerState>) {
    struct Counted(Arc<ServerState>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.observer.metrics.connections.dec();
        }
    }
    state.observer.metrics.connections.inc();
    let _guards = (Counted(state), permit);
    serve.await;
}
