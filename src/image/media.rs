//! Media types of manifests.

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// A layer without compression, as archives of `docker save` have it.
pub const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// What a media type names.
pub enum Kind {
    Manifest,
    Index,
    /// Nothing is named.
    Unnamed,
    Other,
}

pub fn kind(media_type: &str) -> Kind {
    match media_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" | "application/octet-stream" => Kind::Unnamed,
        OCI_MANIFEST | DOCKER_MANIFEST => Kind::Manifest,
        OCI_INDEX | DOCKER_INDEX => Kind::Index,
        _ => Kind::Other,
    }
}

/// Whether a layer of this type is surely no part of a file system: a chart, a signature, a policy.
pub fn is_no_layer(media_type: &str) -> bool {
    let is_of_image = ["application/vnd.oci.image.layer.", "application/vnd.docker."]
        .iter()
        .any(|family| media_type.starts_with(family));
    !is_of_image && (media_type.starts_with("application/vnd.") || media_type.ends_with("json"))
}
