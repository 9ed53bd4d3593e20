//! Whether the API server answers. It is told once when it stops, and once when it is back.

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Shared by everything that asks the API server.
#[derive(Debug, Default)]
pub struct ApiHealth {
    trouble: ArcSwapOption<Trouble>,
    /// It has answered at least once.
    answered: std::sync::atomic::AtomicBool,
    election: watch::Sender<Election>,
}

/// Whether this replica stands for leader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Election {
    #[default]
    Away,
    Standing,
    Leaving,
}

/// So long is waited for the Lease to be given back.
const PARTING: Duration = Duration::from_secs(3);

/// Until it is dropped, whoever lets the replica leave waits.
pub struct Standing<'l> {
    election: &'l watch::Sender<Election>,
}

impl Standing<'_> {
    /// Done when the replica is to leave.
    pub async fn leaving(&self) {
        // Never closed: the sender is the link's.
        let _ = self.election.subscribe().wait_for(|election| *election == Election::Leaving).await;
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.election.send_replace(Election::Away);
    }
}

#[derive(Debug)]
struct Trouble {
    since: Timestamp,
    error: String,
}

impl ApiHealth {
    /// It answered.
    pub fn up(&self) {
        self.answered.store(true, std::sync::atomic::Ordering::Relaxed);
        // Looked at first: this is called for each event of each watch.
        if self.trouble.load().is_some()
            && let Some(trouble) = self.trouble.swap(None)
        {
            tracing::info!(since = %trouble.since, "the API server can be reached again");
        }
    }

    /// It did not answer.
    pub fn down(&self, error: &str) {
        if self.trouble.load().is_none() {
            let trouble = Trouble { since: Timestamp::now(), error: error.to_owned() };
            // Of several that notice at once, one tells.
            if self.trouble.compare_and_swap(&None::<Arc<Trouble>>, Some(Arc::new(trouble))).is_none() {
                tracing::error!(
                    error,
                    "the API server cannot be reached; what is in force stays, and it is tried again until it answers"
                );
            }
        }
    }

    /// This replica stands for leader as long as what is returned lives.
    pub fn join_election(&self) -> Standing<'_> {
        self.election.send_replace(Election::Standing);
        Standing { election: &self.election }
    }

    /// The replica drains: another one may lead at once. Waits until the Lease is given back, or for a few seconds.
    pub async fn resign(&self) {
        let stood = self.election.send_if_modified(|election| {
            let stands = *election == Election::Standing;
            if stands {
                *election = Election::Leaving;
            }
            stands
        });
        if stood {
            let mut away = self.election.subscribe();
            let away = away.wait_for(|election| *election == Election::Away);
            if tokio::time::timeout(PARTING, away).await.is_err() {
                tracing::warn!("the Lease could not be given back; another replica leads when it has run out");
            }
        }
    }

    /// Whether it did not answer when it was last asked.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.trouble.load().is_some()
    }

    /// For /readyz: the webhook serves either way.
    #[must_use]
    pub fn text(&self) -> String {
        match &*self.trouble.load() {
            Some(trouble) => format!("the API server has not answered since {}: {}", trouble.since, trouble.error),
            None if self.answered.load(std::sync::atomic::Ordering::Relaxed) => "the API server answers".to_owned(),
            None => "the API server has not been asked yet".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_stays_until_it_answers() {
        let link = ApiHealth::default();
        assert!(link.text().contains("not been asked"));
        link.down("refused");
        link.down("timed out");
        assert!(link.text().ends_with(": refused"), "{}", link.text());
        link.up();
        assert_eq!(link.text(), "the API server answers");
    }
}
