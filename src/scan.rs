//! What the policies in force find in objects that exist. Each object is judged as if it were created now; findings are
//! reported by owner, one namespace after the other. This part is pure: the caller lists the objects.

mod finding;
mod judge;
mod namespace;
mod object;

pub use finding::{Counts, FindingKind, ScanFinding, ScanResult};
pub use judge::{Judgement, USER, judge};
pub use namespace::{NamespaceFindings, NamespaceScan, OwnerVerdict};
pub use object::{Object, Owner};
