//! Exemptions for what a check or a scan found: as few as cover it, and none that covers more.

mod grant;
mod object_name;
mod propose;
mod ratchet;
mod workload;

pub use grant::Grant;
pub use object_name::object_name;
pub use propose::propose;
pub use ratchet::{Existing, Ratcheted, ratchet};
pub use workload::{Container, Denied, Workload};
