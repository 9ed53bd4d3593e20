//! Exemptions for what a check or a scan found: as few as cover it, and none that covers more.

mod grant;
mod propose;
mod ratchet;
mod workload;

pub use grant::Grant;
pub use propose::propose;
pub use ratchet::{Existing, Ratcheted, ratchet};
pub use workload::{Container, Denied, Workload};
