//! The object that shares what is known of one image with all replicas: `ImageFacts`, cluster-scoped, named by the digest and by the key of
//! the seal. So each installation has objects of its own. What a person seals has an object for each name of the image.

use super::deflate;
use super::record::Record;
use super::seal::Sealer;
use crate::cluster::item::{Item, resource};
use crate::image::Digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::CustomResource;
use kube::core::ApiResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What podreeve knows of one image. podreeve alone writes it, and the seal shows whether it did.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "podreeve.dev",
    version = "v1alpha1",
    kind = "ImageFacts",
    root = "ImageFactsObject",
    plural = "imagefacts",
    singular = "imagefacts",
    doc = "What podreeve knows of one image, by its digest. podreeve writes it and seals it; it ignores objects without its seal.",
    printcolumn = r#"{"name": "Image", "type": "string", "jsonPath": ".spec.image"}"#,
    printcolumn = r#"{"name": "Platforms", "type": "string", "jsonPath": ".metadata.annotations.podreeve\\.dev/platforms"}"#,
    printcolumn = r#"{"name": "Layers", "type": "boolean", "jsonPath": ".spec.layersRead"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageFactsSpec {
    /// A name by which the image is pulled, for people.
    #[schemars(length(max = 512))]
    pub image: String,
    /// The digest of its index, or of its only manifest.
    #[schemars(length(max = 200))]
    pub digest: String,
    /// Its platforms, for people.
    #[schemars(length(max = 100))]
    pub platforms: Vec<String>,
    /// Whether its layers are read, too.
    pub layers_read: bool,
    /// The facts: JSON, deflated, in base64.
    #[schemars(length(max = 1_400_000))]
    pub data: String,
    /// The seal of the name and of the data.
    #[schemars(length(max = 64))]
    pub seal: String,
}

/// The most bytes of packed facts in one object: etcd takes 1.5 MiB.
pub const MAX_DATA: usize = 1_000_000;

/// Why an object is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    #[error("its `spec` cannot be read")]
    Spec,
    #[error("it has not the seal of this podreeve: another client wrote it, or the key was changed")]
    Seal,
    #[error("{why}")]
    Record { why: String, by_hand: bool },
}

#[must_use]
pub fn kind() -> ApiResource {
    resource("podreeve.dev", "v1alpha1", "ImageFacts", "imagefacts")
}

/// The label of an object. Its value is the name of the webhook configurations, by which `podreeve uninstall` finds what is its own.
pub const LABEL: &str = "podreeve.dev/installation";

/// The annotation with the platforms as a text: kubectl shows a list of the `spec` as JSON. Replicas of an earlier version read the object, too,
/// so it is no key of the `spec`.
const PLATFORMS: &str = "podreeve.dev/platforms";

/// Longest value of a label.
const LABEL_LENGTH: usize = 63;

/// Whose objects are read and written: those with this seal.
#[derive(Debug, Clone)]
pub struct Owner {
    pub sealer: Sealer,
    /// What [`LABEL`] says; none where the webhook configurations have no name.
    pub installation: Option<String>,
}

impl Owner {
    #[must_use]
    pub fn new(sealer: Sealer, installation: Option<&str>) -> Self {
        let installation = installation.filter(|name| name.len() <= LABEL_LENGTH).map(str::to_owned);
        Self { sealer, installation }
    }

    /// `sha256-`, the digits, and the key: a name of an object has no colon.
    #[must_use]
    pub fn name_of(&self, digest: &Digest) -> String {
        format!("{}-{}.{}", digest.algorithm(), digest.hex(), self.sealer.id())
    }

    /// The same for what a person seals: a digest may be in several repositories, and none of these objects replaces another one.
    fn name_by_hand(&self, digest: &Digest, image: &str) -> String {
        let of_image = Digest::sha256(image.as_bytes());
        format!("{}.{}", self.name_of(digest), of_image.hex().get(..16).unwrap_or_default())
    }

    /// The name of the object with the memory of tags. No digest has such a name.
    #[must_use]
    pub fn tags(&self) -> String {
        format!("{TAGS}.{}", self.sealer.id())
    }

    /// Whether the object has the label of this installation.
    #[must_use]
    pub fn has_label_on(&self, item: &Item) -> bool {
        self.installation.is_some() && label(item) == self.installation.as_deref()
    }

    /// Whether the object names this key.
    #[must_use]
    pub fn is_named_in(&self, item: &Item) -> bool {
        split(item.name()).1 == Some(self.sealer.id())
    }

    /// Whether it says that it is of another installation, which has another key.
    #[must_use]
    pub fn is_of_another(&self, item: &Item) -> bool {
        !self.is_named_in(item) && label(item).is_some() && !self.has_label_on(item)
    }
}

/// The installation that the label names.
#[must_use]
pub fn label(item: &Item) -> Option<&str> {
    item.metadata.labels.as_ref()?.get(LABEL).map(String::as_str)
}

/// The digest of which an object has the name, whatever key it names. Objects of earlier versions name none.
#[must_use]
pub fn digest_of(name: &str) -> Option<Digest> {
    let (algorithm, hex) = split(name).0.split_once('-')?;
    Digest::parse(&format!("{algorithm}:{hex}"))
}

/// Whether an object has the name of the memory of tags, whatever key it names.
#[must_use]
pub fn is_tags(name: &str) -> bool {
    split(name).0 == TAGS
}

/// What an object is about, and the key that it names.
fn split(name: &str) -> (&str, Option<&str>) {
    let mut parts = name.split('.');
    (parts.next().unwrap_or_default(), parts.next())
}

/// The object with this record, as text. None if it is too large to be shared.
#[must_use]
pub fn to_object(record: &Record, owner: &Owner) -> Option<String> {
    let packed = record.pack();
    if packed.len() > MAX_DATA {
        return None;
    }
    let tagged = record.tags.iter().max_by_key(|(_, at)| **at).map(|(tag, _)| tag.clone());
    let of_tenants = record.tenants.values().flat_map(|seen| seen.repositories.keys());
    let mut repositories = record.repositories.keys().chain(of_tenants);
    let mut named = || repositories.next().map(|name| format!("{name}@{}", record.digest));
    let image = tagged.or_else(&mut named).unwrap_or_default();
    let name = if record.by_hand { owner.name_by_hand(&record.digest, &image) } else { owner.name_of(&record.digest) };
    let spec = ImageFactsSpec {
        image,
        digest: record.digest.to_string(),
        platforms: record.platforms.iter().take(100).map(|facts| facts.platform.to_string()).collect(),
        layers_read: record.has_content(),
        data: STANDARD.encode(&packed),
        seal: owner.sealer.seal(&name, &packed),
    };
    Some(text(&name, &spec, owner))
}

fn text(name: &str, spec: &ImageFactsSpec, owner: &Owner) -> String {
    let kind = kind();
    let mut metadata = serde_json::Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(installation) = &owner.installation {
        metadata.insert("labels".to_owned(), json!({LABEL: installation}));
    }
    if !spec.platforms.is_empty() {
        metadata.insert("annotations".to_owned(), json!({PLATFORMS: spec.platforms.join(", ")}));
    }
    json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}).to_string()
}

/// What the name of the object with the memory of tags begins with. No digest has such a name.
const TAGS: &str = "tags";

/// The object with the memory of tags, as text. None if it is too large to be shared.
#[must_use]
pub fn to_tags(packed: &[u8], owner: &Owner) -> Option<String> {
    (packed.len() <= MAX_DATA).then(|| {
        let name = owner.tags();
        let spec = ImageFactsSpec {
            image: String::new(),
            digest: String::new(),
            platforms: Vec::new(),
            layers_read: false,
            data: STANDARD.encode(packed),
            seal: owner.sealer.seal(&name, packed),
        };
        text(&name, &spec, owner)
    })
}

/// What is sealed in an object.
///
/// # Errors
/// This podreeve did not seal it under this name.
pub fn sealed(item: &Item, sealer: &Sealer) -> Result<Vec<u8>, ObjectError> {
    let spec = spec(item)?;
    let packed = STANDARD.decode(&spec.data).map_err(|_| ObjectError::Seal)?;
    if sealer.is_sealed(item.name(), &packed, &spec.seal) { Ok(packed) } else { Err(ObjectError::Seal) }
}

/// The record of an object, if this podreeve sealed it, and as it is packed.
///
/// # Errors
/// It is not from this podreeve, or of another version.
pub fn from_object(item: &Item, sealer: &Sealer) -> Result<(Record, Vec<u8>), ObjectError> {
    let packed = sealed(item, sealer)?;
    let by_hand = || deflate::unpack(&packed).map_or(true, |json| is_by_hand(&json));
    let record = Record::unpack(&packed).map_err(|why| ObjectError::Record { why, by_hand: by_hand() })?;
    if digest_of(item.name()).as_ref() == Some(&record.digest) { Ok((record, packed)) } else { Err(ObjectError::Seal) }
}

fn spec(item: &Item) -> Result<ImageFactsSpec, ObjectError> {
    let spec = item.spec().ok_or(ObjectError::Spec)?;
    serde_json::from_str(spec.get()).map_err(|_| ObjectError::Spec)
}

/// Whether an object without a seal that counts says that a person wrote it.
#[must_use]
pub fn claims_by_hand(item: &Item) -> bool {
    let packed = spec(item).ok().and_then(|spec| STANDARD.decode(spec.data).ok());
    packed.and_then(|packed| deflate::unpack(&packed).ok()).is_some_and(|json| is_by_hand(&json))
}

/// Whether a person wrote what is packed, or may have, whichever version it has.
fn is_by_hand(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Any {
        #[serde(default)]
        by_hand: bool,
    }
    serde_json::from_slice::<Any>(json).map_or(true, |any| any.by_hand)
}

#[cfg(test)]
mod tests;
