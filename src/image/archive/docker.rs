//! `manifest.json` of `docker save`. It names files; this makes a manifest of them, as a registry would have it.

use crate::image::config::Config;
use crate::image::{Descriptor, Digest, ImageError, Manifest, limits, media, paths};
use serde::Deserialize;
use std::collections::BTreeMap;

/// An image of the archive.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SavedImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// The same in the words of a registry.
pub struct Converted {
    pub names: Vec<String>,
    pub root: Descriptor,
    /// The manifest and the configuration.
    pub documents: Vec<(Digest, Vec<u8>)>,
    /// The path of each layer, by the digest of its archive.
    pub layers: BTreeMap<Digest, String>,
}

impl SavedImage {
    pub fn list(json: &[u8]) -> Result<Vec<Self>, ImageError> {
        let images: Vec<Self> =
            serde_json::from_slice(json).map_err(|error| ImageError::malformed("manifest.json", error.to_string()))?;
        if images.len() > limits::MANIFESTS {
            return Err(ImageError::too_large("manifest.json", format!("{} images", limits::MANIFESTS)));
        }
        Ok(images)
    }

    /// `file` is the content of a small file, `size` the size of any.
    pub fn convert<'f>(
        self,
        file: impl Fn(&str) -> Option<&'f [u8]>,
        size: impl Fn(&str) -> Option<u64>,
    ) -> Result<Converted, ImageError> {
        let missing = |path: &str| ImageError::Missing { what: format!("the file {}", crate::text::clean(path, 200)) };
        let path = paths::clean(&self.config);
        let config = file(&path).ok_or_else(|| missing(&path))?;
        let digest = Digest::sha256(config);
        let diff_ids = Config::parse(config)?.rootfs.diff_ids;
        if diff_ids.len() != self.layers.len() {
            let why = format!("it has {} layers, and the configuration names {}", self.layers.len(), diff_ids.len());
            return Err(ImageError::malformed("manifest.json", why));
        }
        let (mut layers, mut descriptors) = (BTreeMap::new(), Vec::new());
        for (layer, diff_id) in self.layers.iter().zip(diff_ids) {
            let path = paths::clean(layer);
            size(&path).ok_or_else(|| missing(&path))?;
            // What is stored may be compressed, so its size is not that of the archive.
            descriptors.push(Descriptor::new(media::TAR, diff_id.clone(), 0));
            layers.insert(diff_id, path);
        }
        let manifest = Manifest {
            media_type: media::OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config: Descriptor::new("application/vnd.oci.image.config.v1+json", digest.clone(), config.len() as u64),
            layers: descriptors,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let json =
            serde_json::to_vec(&manifest).map_err(|error| ImageError::malformed("manifest.json", error.to_string()))?;
        let manifest_digest = Digest::sha256(&json);
        let root = Descriptor::new(media::OCI_MANIFEST, manifest_digest.clone(), json.len() as u64);
        let documents = vec![(manifest_digest, json), (digest, config.to_vec())];
        Ok(Converted { names: self.repo_tags.unwrap_or_default(), root, documents, layers })
    }
}
