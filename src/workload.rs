//! The object as podreeve sees it: a borrowed subset of the Kubernetes types.
//!
//! Nothing here knows about rules. Fields that no rule judges are skipped while reading,
//! at any depth, so `managedFields` costs a scan and no memory.

pub mod annotations;
pub mod context;
pub mod env;
pub mod features;
pub mod fields;
pub mod handler;
pub use crate::reference as image;
pub mod images;
pub mod job;
pub mod kinds;
pub mod list;
pub mod named_images;
pub mod os;
pub mod path;
pub mod pod;
pub mod quantity;
pub mod read;
pub mod resources;
pub mod template_path;
pub mod templates;
pub mod text;
pub mod volume;

pub use context::{Connect, Ingress, OnNodes, PodContext, UnknownPod, Written};
pub use features::PodFeatures;
pub use images::{PodImage, PodImages, PodScans};
pub use kinds::{Kind, KindClass};
pub use list::List;
pub use named_images::{NamedImage, NamedImages};
pub use pod::{Container, ContainerKind, ContainerRef, Pod};
pub use template_path::TemplatePath;
pub use templates::{Placed, Templates, Unmet};
pub use text::Text;
