//! The containers of an object, by name and image.

use crate::workload::NamedImages;
use schemars::JsonSchema;
use serde::Serialize;

/// A container, as an exemption can name it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerReport {
    /// The list of the pod that has the container.
    #[schemars(extend("enum" = ["initContainers", "containers", "ephemeralContainers"]))]
    pub container_kind: &'static str,
    pub name: String,
    /// The image as it is written; null if there is none.
    pub image: Option<String>,
}

/// By list, then name.
pub fn containers(images: &NamedImages) -> Vec<ContainerReport> {
    let report = |container: &crate::workload::NamedImage| ContainerReport {
        container_kind: container.kind.field(),
        name: container.name.clone(),
        image: container.image.clone(),
    };
    images.containers.iter().map(report).collect()
}
