//! The object as podreeve sees it: a borrowed subset of the Kubernetes types.
//!
//! Nothing here knows about rules. Fields that no rule asks for are skipped while reading,
//! at any depth, so `managedFields` costs a scan and no memory.

pub mod annotations;
pub mod around;
pub mod fields;
pub mod handler;
pub mod image;
pub mod job;
pub mod kinds;
pub mod parts;
pub mod path;
pub mod pod;
pub mod quantity;
pub mod resources;
pub mod text;
pub mod volume;

pub use around::{Around, Connect, Ingress, UnknownPod};
pub use kinds::{Kind, KindClass};
pub use parts::Parts;
pub use pod::{Container, ContainerKind, ContainerRef, Pod};
pub use text::Text;
