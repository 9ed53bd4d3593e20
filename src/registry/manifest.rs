//! Manifests and indexes as they are stored: their bytes, and what says how to read them.

use crate::image::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A manifest or an index. Its bytes have its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub digest: Digest,
    /// As the registry says; the field `mediaType` in the bytes decides where it is set.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// What a registry may send for a reference.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A descriptor, of which the fields that lead to an object are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: String,
    #[serde(default)]
    pub size: u64,
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// What is read of a manifest that refers to another one.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Contents {
    pub artifact_type: Option<String>,
    pub config: Option<Descriptor>,
    pub layers: Option<Vec<Descriptor>>,
    pub manifests: Option<Vec<Descriptor>>,
    pub subject: Option<Descriptor>,
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    /// Reads the fields that lead on.
    pub(super) fn contents(&self) -> Result<Contents, serde_json::Error> {
        serde_json::from_slice(&self.bytes)
    }
}
