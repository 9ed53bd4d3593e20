//! What was judged, and what was found in it.

use super::ItemVerdict;

/// What kind a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Workload,
    Dockerfile,
    /// Whether its signatures were verified.
    Image {
        trust: bool,
    },
    Node,
}

/// Something that was judged.
#[derive(Debug, Clone)]
pub struct Subject {
    pub place: Place,
    pub name: String,
    /// Why it could not be judged: then nothing is known of it.
    pub problem: Option<String>,
    pub found: Vec<Found>,
}

/// What one rule says about a subject.
#[derive(Debug, Clone)]
pub struct Found {
    pub rule: String,
    pub items: Vec<u8>,
    pub verdict: ItemVerdict,
    pub place: String,
    pub found: String,
    pub wanted: String,
    pub note: Option<String>,
}
