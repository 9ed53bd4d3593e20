//! A workload that would be denied, as far as an exemption can name it.

use crate::workload::image::ImageRef;

/// An object or an owner, with what denies it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    pub namespace: String,
    /// For the comment: `DaemonSet storage/csi`.
    pub title: String,
    /// The name of the object, for the name of the exemption.
    pub name: String,
    /// The containers of all its pods.
    pub containers: Vec<Container>,
    /// The images that its pods mount as volumes.
    pub image_volumes: Vec<String>,
    pub denied: Vec<Denied>,
}

/// A container of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub name: String,
    pub image: Option<String>,
}

/// A violation that denies the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    pub rule: String,
    /// None for a violation of the pod itself.
    pub container: Option<String>,
}

/// The pattern that covers all versions of an image: its registry and repository. None for a reference that no pattern covers.
pub(super) fn repository(image: &str) -> Option<String> {
    let parsed = ImageRef::parse(image);
    parsed.is_well_formed().then(|| format!("{}/{}", parsed.registry, parsed.repository))
}
