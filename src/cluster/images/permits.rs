//! How much is read at one time, from all registries and from one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Permits for all registries together, of which one registry can have some.
#[derive(Debug)]
pub struct Permits {
    all: Semaphore,
    of_one: usize,
    /// By host. Those without a holder are forgotten: a reference can name any host.
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// What one reading holds.
pub struct Permit<'p> {
    all: Option<SemaphorePermit<'p>>,
    host: Option<OwnedSemaphorePermit>,
    name: String,
    permits: &'p Permits,
}

impl Permits {
    pub fn new(all: usize, of_one: usize) -> Self {
        Self { all: Semaphore::new(all), of_one, hosts: Mutex::default() }
    }

    /// Waits for one of the host first, so that who waits for it holds none of all.
    pub async fn acquire(&self, host: &str) -> Permit<'_> {
        let of_host = {
            let mut hosts = super::service::lock(&self.hosts);
            let of_host = hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.of_one)));
            Arc::clone(of_host)
        };
        // From here on, so that a wait that ends early leaves nothing behind.
        let mut permit = Permit { all: None, host: None, name: host.to_owned(), permits: self };
        // Neither is ever closed.
        permit.host = of_host.acquire_owned().await.ok();
        permit.all = self.all.acquire().await.ok();
        permit
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        drop((self.all.take(), self.host.take()));
        let mut hosts = super::service::lock(&self.permits.hosts);
        // One reference is the table's own.
        if hosts.get(&self.name).is_some_and(|of_host| Arc::strong_count(of_host) == 1) {
            hosts.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_slow_host_leaves_permits_for_others_and_none_is_left_behind() {
        let permits = Permits::new(3, 2);
        let (one, two) = (permits.acquire("slow").await, permits.acquire("slow").await);
        let mut third = Box::pin(permits.acquire("slow"));
        assert!(third.as_mut().now_or_never().is_none());
        let other = permits.acquire("other").now_or_never().unwrap();
        assert!(permits.acquire("third").now_or_never().is_none());
        drop(one);
        assert!(third.as_mut().now_or_never().is_some());
        drop((two, third, other));
        assert!(permits.hosts.lock().unwrap().is_empty());
    }
}
