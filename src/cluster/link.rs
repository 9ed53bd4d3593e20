//! Whether the API server answers. It is told once when it stops, and once when it is back.

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use std::sync::Arc;

/// Shared by everything that asks the API server.
#[derive(Debug, Default)]
pub struct Link {
    trouble: ArcSwapOption<Trouble>,
    /// It has answered at least once.
    answered: std::sync::atomic::AtomicBool,
}

#[derive(Debug)]
struct Trouble {
    since: Timestamp,
    error: String,
}

impl Link {
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
        let link = Link::default();
        assert!(link.text().contains("not been asked"));
        link.down("refused");
        link.down("timed out");
        assert!(link.text().ends_with(": refused"), "{}", link.text());
        link.up();
        assert_eq!(link.text(), "the API server answers");
    }
}
