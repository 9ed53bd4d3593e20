//! Whether the API server answers, and whether this replica is a candidate for the Lease. One log line when the API server
//! stops answering, and one when it answers again.

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Shared by all tasks that call the API server.
#[derive(Debug, Default)]
pub struct ApiHealth {
    outage: ArcSwapOption<Outage>,
    /// Set by the first answer.
    answered: AtomicBool,
    election: watch::Sender<Election>,
}

/// The part of this replica in the election of the leader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Election {
    #[default]
    None,
    Candidate,
    Resigning,
}

/// Longest wait for the Lease to be released.
const RELEASE: Duration = Duration::from_secs(3);

/// A replica is a candidate until this is dropped. [`ApiHealth::resign`] waits for that.
pub struct Candidacy<'h> {
    election: &'h watch::Sender<Election>,
}

impl Candidacy<'_> {
    /// Waits until the replica is to resign.
    pub async fn ends(&self) {
        // Never closed: `ApiHealth` holds the sender.
        let _ = self.election.subscribe().wait_for(|election| *election == Election::Resigning).await;
    }
}

impl Drop for Candidacy<'_> {
    fn drop(&mut self) {
        self.election.send_replace(Election::None);
    }
}

#[derive(Debug)]
struct Outage {
    since: Timestamp,
    error: String,
}

impl ApiHealth {
    /// Records that the API server answered.
    pub fn up(&self) {
        self.answered.store(true, Ordering::Relaxed);
        // Loaded first, because this runs for each event of each watch.
        if self.outage.load().is_some()
            && let Some(outage) = self.outage.swap(None)
        {
            tracing::info!(since = %outage.since, "the API server can be reached again");
        }
    }

    /// Records that the API server did not answer.
    pub fn down(&self, error: &str) {
        if self.outage.load().is_none() {
            let outage = Outage { since: Timestamp::now(), error: error.to_owned() };
            // If several tasks fail at once, one of them logs.
            if self.outage.compare_and_swap(&None::<Arc<Outage>>, Some(Arc::new(outage))).is_none() {
                tracing::error!(
                    error,
                    "the API server cannot be reached; what is in force stays in force, and podreeve tries again until the API server answers"
                );
            }
        }
    }

    /// This replica is a candidate for the Lease until the result is dropped.
    pub fn join_election(&self) -> Candidacy<'_> {
        self.election.send_replace(Election::Candidate);
        Candidacy { election: &self.election }
    }

    /// Ends the candidacy of this replica, which drains, so that another one can lead at once. Waits a few seconds at most
    /// until the Lease is released.
    pub async fn resign(&self) {
        let was_candidate = self.election.send_if_modified(|election| {
            let is_candidate = *election == Election::Candidate;
            if is_candidate {
                *election = Election::Resigning;
            }
            is_candidate
        });
        if was_candidate {
            let mut election = self.election.subscribe();
            let released = election.wait_for(|election| *election == Election::None);
            if tokio::time::timeout(RELEASE, released).await.is_err() {
                tracing::warn!("the Lease could not be released; another replica leads when it has expired");
            }
        }
    }

    /// Whether the API server did not answer the last call.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.outage.load().is_some()
    }

    /// For /readyz. The webhook serves either way.
    #[must_use]
    pub fn text(&self) -> String {
        match &*self.outage.load() {
            Some(outage) => format!("the API server has not answered since {}: {}", outage.since, outage.error),
            None if self.answered.load(Ordering::Relaxed) => "the API server answers".to_owned(),
            None => "the API server has not been asked yet".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_stays_until_it_answers() {
        let api_health = ApiHealth::default();
        assert!(api_health.text().contains("not been asked"));
        api_health.down("refused");
        api_health.down("timed out");
        assert!(api_health.text().ends_with(": refused"), "{}", api_health.text());
        api_health.up();
        assert_eq!(api_health.text(), "the API server answers");
    }
}
