//! Manifests and indexes, of OCI and of Docker.

use super::media::{self, Kind};
use super::{Digest, ImageError, Platform, keys, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names content by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    #[serde(default)]
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        let (platform, artifact_type, annotations) = (None, None, BTreeMap::new());
        Self { media_type: media_type.to_owned(), digest, size, platform, artifact_type, annotations }
    }

    /// Whether it names a manifest or an index. What has no media type is what a reference leads to, so it does.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        matches!(media::kind(&self.media_type), Kind::Index | Kind::Manifest | Kind::Unnamed)
    }

    /// Whether a builder added it to describe the image, such as provenance: no node runs it. Annotations do not count, because a
    /// runtime does not look at them.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(Platform::is_unknown)
    }
}

/// The manifest of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    #[serde(default)]
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A list of images for several platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    #[serde(default)]
    pub media_type: String,
    #[serde(default, deserialize_with = "or_default")]
    pub manifests: Vec<Descriptor>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A null is as good as nothing.
fn or_default<'de, T: Deserialize<'de> + Default, D: serde::Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// What a digest of an image leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

/// The keys that decide which kind of document it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    #[serde(default)]
    media_type: String,
    schema_version: Option<u64>,
    manifests: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a manifest or an index. `media_type` is what the descriptor or the registry calls it, empty if it says nothing.
    ///
    /// # Errors
    /// No such document, or one that two programs can read in two ways.
    pub fn parse(json: &[u8], media_type: &str) -> Result<Self, ImageError> {
        let fail = |why: String| ImageError::malformed("the manifest", why);
        let json = &*keys::MANIFEST.spelled(json).map_err(|error| fail(error.to_string()))?;
        let keys: Keys = serde_json::from_slice(json).map_err(|error| fail(error.to_string()))?;
        let has_manifests = keys.manifests.is_some();
        if has_manifests && (keys.layers.is_some() || keys.config.is_some()) {
            return Err(fail("it has `manifests` and `layers`, so that programs read it as two images".to_owned()));
        }
        if keys.schema_version == Some(1) {
            let why = "it has the old format, schema 1, without digests of its layers; push the image again".to_owned();
            return Err(ImageError::Unsupported { what: "the manifest".to_owned(), why });
        }
        for named in [media_type, keys.media_type.as_str()] {
            let fits = match media::kind(named) {
                Kind::Index => has_manifests,
                Kind::Manifest => !has_manifests,
                Kind::Unnamed => true,
                Kind::Other => {
                    return Err(fail(format!("its media type `{named}` is no manifest and no index")));
                }
            };
            if !fits {
                return Err(fail(format!("its media type is `{named}`, and its content is another kind of document")));
            }
        }
        let document = if has_manifests {
            serde_json::from_slice(json).map(Self::Index)
        } else {
            serde_json::from_slice(json).map(|manifest| Self::Manifest(Box::new(manifest)))
        };
        let document = document.map_err(|error| fail(error.to_string()))?;
        document.within_limits()?;
        Ok(document)
    }

    fn within_limits(&self) -> Result<(), ImageError> {
        match self {
            Self::Manifest(manifest) if manifest.layers.len() > limits::LAYERS => {
                Err(ImageError::too_large("the manifest", format!("{} layers", limits::LAYERS)))
            }
            Self::Index(index) if index.manifests.len() > limits::MANIFESTS => {
                Err(ImageError::too_large("the index", format!("{} manifests", limits::MANIFESTS)))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parse(json: &str, media_type: &str) -> Result<Document, String> {
        Document::parse(json.replace("DIGEST", DIGEST).as_bytes(), media_type).map_err(|error| error.to_string())
    }

    #[test]
    fn manifests_and_indexes_of_both_families_are_read() {
        let manifest = r#"{"schemaVersion":2,"config":{"digest":"DIGEST","size":3},"layers":[{"digest":"DIGEST","size":4,"annotations":null}]}"#;
        for media_type in ["", media::OCI_MANIFEST, media::DOCKER_MANIFEST] {
            let Ok(Document::Manifest(read)) = parse(manifest, media_type) else { panic!("{media_type}") };
            assert_eq!((read.config.size, read.layers[0].size), (3, 4));
        }
        let index =
            r#"{"schemaVersion":2,"manifests":[{"digest":"DIGEST","platform":{"os":"linux","architecture":"amd64"}}]}"#;
        for media_type in ["", media::OCI_INDEX, media::DOCKER_INDEX] {
            assert!(matches!(parse(index, media_type), Ok(Document::Index(_))), "{media_type}");
        }
    }

    #[test]
    fn a_document_that_can_be_read_in_two_ways_is_refused() {
        let both = r#"{"manifests":[],"config":{"digest":"DIGEST"},"layers":[]}"#;
        assert!(parse(both, "").unwrap_err().contains("two images"));
        let index = r#"{"manifests":[]}"#;
        assert!(parse(index, media::OCI_MANIFEST).unwrap_err().contains("another kind"));
        let lies = format!(r#"{{"mediaType":"{}","config":{{"digest":"DIGEST"}}}}"#, media::OCI_INDEX);
        assert!(parse(&lies, "").unwrap_err().contains("another kind"));
        assert!(parse(r#"{"schemaVersion":1,"fsLayers":[]}"#, "").unwrap_err().contains("schema 1"));
        assert!(parse("{}", "text/html").unwrap_err().contains("no manifest"));
        assert!(parse("<html>", "").is_err());
        let many = format!(r#"{{"manifests":[{}]}}"#, vec![r#"{"digest":"DIGEST"}"#; 1001].join(","));
        assert!(parse(&many, "").unwrap_err().contains("over the limit of 1000 manifests"));
    }

    #[test]
    fn what_describes_an_image_is_no_image() {
        let mut descriptor = Descriptor::new("", Digest::sha256(b""), 0);
        descriptor.annotations.insert("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned());
        assert!(!descriptor.is_attestation());
        descriptor.platform = Some("unknown/unknown".parse().unwrap());
        assert!(descriptor.is_attestation());
    }
}
