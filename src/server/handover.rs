//! Requests that a replica hands over to another one while it shuts down.
//!
//! The API server keeps its connections, also when the Service has no endpoint here any more. Over them it would call this replica until
//! the end, and the policies here may be those from before an upgrade. A connection of HTTP/1 has no message that ends it, and closing
//! it may lose a request that is on its way. So the first request on it gets the answer to try again at once, and the connection closes
//! with this answer. The API server then opens a new one, and the Service leads that to a replica that stays.

use crate::review::request::uid;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How often one review is handed over here; then it is judged. The API server tries ten times again, it may have several connections to
/// this replica, and others may shut down at the same time.
const MOST: u8 = 3;

/// How often each review was handed over, by its uid. A connection closes with the first one, so there are no more than connections.
#[derive(Debug, Default)]
pub struct Handover(Mutex<HashMap<String, u8>>);

impl Handover {
    /// Whether another replica is to judge this review.
    pub fn hands_over(&self, body: &[u8]) -> bool {
        // Without a uid it is no request of the API server.
        let Some(uid) = uid(body) else { return false };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(uid).or_default();
        *count = count.saturating_add(1);
        *count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_handed_over_a_few_times_and_then_judged() {
        let handover = Handover::default();
        let review = |uid: &str| format!(r#"{{"request":{{"uid":"{uid}"}}}}"#).into_bytes();
        let tries: Vec<bool> = (0..5).map(|_| handover.hands_over(&review("a"))).collect();
        assert_eq!(tries, [true, true, true, false, false]);
        assert!(handover.hands_over(&review("b")));
        assert!(!handover.hands_over(b"{}"));
    }
}
