//! What existing objects look like to the policies in force: judged one by one as if they were created now, and
//! told by owner, one namespace after the other. Pure: whoever calls it lists the objects.

mod finding;
mod judge;
mod namespace;
mod object;

pub use finding::{Counts, Finding, FindingKind, ScanResult};
pub use judge::{Judged, USER, judge};
pub use namespace::{Found, Namespace, OwnerVerdict};
pub use object::{Object, Owner};
