//! What is attached to an image: by the referrers API, by its fallback tag, and by the tags of older cosign.
//!
//! Fields of a list are not trusted: some registries leave out or change `artifactType`. The manifest of each referrer decides.

use super::client::{Client, whole};
use super::error::RegistryError;
use super::manifest::{Contents, Descriptor, Manifest};
use super::place::Place;
use crate::image::Digest;
use futures_util::stream::{self, StreamExt};
use http::header;
use serde::Deserialize;
use std::collections::BTreeMap;

/// All that is attached to one digest.
#[derive(Debug, Default)]
pub struct Referrers {
    pub attached: Vec<Attached>,
    /// Objects that cannot be read, with the reason. They are no signatures, but a message must name them.
    pub unread: Vec<(String, RegistryError)>,
    /// Whether there are more than are read.
    pub more: bool,
}

/// A blob that is attached to a digest.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The digest of the manifest that holds it.
    pub manifest: Digest,
    /// The artifact type of that manifest; without one, the media type of its config.
    pub artifact_type: String,
    /// The tag that led to it, where it is one of cosign's: `sha256-….sig`.
    pub tag: Option<String>,
    pub media_type: String,
    pub digest: Digest,
    /// Annotations of the blob's descriptor over those of its manifest.
    pub annotations: BTreeMap<String, String>,
    pub bytes: Vec<u8>,
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Pages of the referrers API that are read.
const PAGES: usize = 8;

/// Requests at one time.
const AT_ONCE: usize = 4;

/// Tags with which older versions of cosign attach signatures and attestations.
const COSIGN_TAGS: [&str; 2] = [".sig", ".att"];

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// A referrer to read: a digest in a list, or a tag.
enum Source {
    Listed(Digest),
    Tag(String),
}

pub async fn read(
    client: &Client,
    place: &Place<'_>,
    subject: &Digest,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Referrers, RegistryError> {
    let mut result = Referrers::default();
    // A registry that learned the API later may still have lists under the tag only.
    let listed = match from_api(client, place, subject).await? {
        Some(listed) if !listed.is_empty() => listed,
        _ => from_tag(client, place, subject).await?,
    };
    let limits = client.limits();
    result.more = listed.len() > limits.referrers;
    let digests = listed.iter().take(limits.referrers).filter_map(|descriptor| Digest::parse(&descriptor.digest));
    let tags = COSIGN_TAGS.iter().map(|suffix| Source::Tag(format!("{}{suffix}", subject.fallback_tag())));
    let sources: Vec<Source> = digests.map(Source::Listed).chain(tags).collect();
    let mut reading = stream::iter(sources)
        .map(|source| async move {
            let name = match &source {
                Source::Listed(digest) => digest.to_string(),
                Source::Tag(tag) => tag.clone(),
            };
            (name, one(client, place, subject, source, wanted).await)
        })
        .buffered(AT_ONCE);
    // Together they hold no more than four of the largest. Millions of small ones end with the count of referrers.
    let mut left = limits.attachment.saturating_mul(4);
    while let Some((name, read)) = reading.next().await {
        match read {
            Ok(found) => {
                for attached in found {
                    let size = attached.bytes.len() as u64;
                    result.more |= size > left;
                    if size <= left {
                        left -= size;
                        result.attached.push(attached);
                    }
                }
            }
            Err(error) => result.unread.push((name, error)),
        }
    }
    Ok(result)
}

/// `None` where the registry has no such API.
async fn from_api(
    client: &Client,
    place: &Place<'_>,
    subject: &Digest,
) -> Result<Option<Vec<Descriptor>>, RegistryError> {
    let what = format!("the referrers of {subject} in {}", place.name);
    let mut listed = Vec::new();
    let mut path = format!("referrers/{subject}");
    for _ in 0..PAGES {
        let response = match client.get(place, path, INDEX, &what).await {
            Ok(response) => response,
            Err(RegistryError::NotFound { .. } | RegistryError::Status { status: 400 | 405 | 406 | 501, .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_none_or(|text| !text.starts_with(INDEX)) {
            // A page of a proxy or a portal with status 200.
            return Ok(None);
        }
        let next = next_page(response.headers(), place);
        let body = whole(response.into_body(), client.limits(), &place.host, &what).await?;
        listed.extend(index(&body, &what)?);
        match next {
            Some(next) if listed.len() <= client.limits().referrers => path = next,
            _ => break,
        }
    }
    Ok(Some(listed))
}

async fn from_tag(client: &Client, place: &Place<'_>, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
    match client.manifest_at(place, &subject.fallback_tag(), None).await {
        Ok(manifest) => index(&manifest.bytes, &format!("the referrers of {subject} in {}", place.name)),
        Err(RegistryError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn index(bytes: &[u8], what: &str) -> Result<Vec<Descriptor>, RegistryError> {
    let index: Index = serde_json::from_slice(bytes)
        .map_err(|error| RegistryError::Malformed { what: what.to_owned(), why: error.to_string() })?;
    Ok(index.manifests)
}

/// The `Link` to the next page, if it leads to the same list: only its query is taken.
fn next_page(headers: &http::HeaderMap, place: &Place<'_>) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let (target, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    if !rest.contains("rel=\"next\"") && !rest.contains("rel=next") {
        return None;
    }
    let (_, after) = target.split_once(&format!("/v2/{}/", place.repository))?;
    after.starts_with("referrers/").then(|| after.to_owned())
}

async fn one(
    client: &Client,
    place: &Place<'_>,
    subject: &Digest,
    source: Source,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Attached>, RegistryError> {
    let (manifest, tag) = match source {
        Source::Listed(digest) => (client.manifest_at(place, digest.as_str(), Some(&digest)).await?, None),
        Source::Tag(tag) => match client.manifest_at(place, &tag, None).await {
            Ok(manifest) => (manifest, Some(tag)),
            Err(RegistryError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        },
    };
    let contents = contents(&manifest)?;
    // A list may name anything. A referrer names its subject itself.
    if tag.is_none() && contents.subject.as_ref().is_none_or(|named| named.digest != subject.as_str()) {
        return Ok(Vec::new());
    }
    let artifact_type = contents.artifact_type.filter(|text| !text.is_empty());
    let artifact_type = artifact_type.or(contents.config.map(|config| config.media_type)).unwrap_or_default();
    let mut found = Vec::new();
    let limits = client.limits();
    for layer in contents.layers.unwrap_or_default().into_iter().take(limits.referrers) {
        if !wanted(&layer.media_type) {
            continue;
        }
        let what = || format!("the blob {} of {}", layer.digest.chars().take(80).collect::<String>(), place.name);
        if layer.size > limits.attachment {
            return Err(RegistryError::TooBig { what: what(), limit: limits.attachment });
        }
        let digest = Digest::parse(&layer.digest)
            .ok_or_else(|| RegistryError::Malformed { what: what(), why: "its digest is malformed".to_owned() })?;
        let bytes = client.small_blob(place, &digest, limits.attachment).await?;
        let mut annotations = contents.annotations.clone().unwrap_or_default();
        annotations.extend(layer.annotations.unwrap_or_default());
        let (manifest, artifact_type) = (manifest.digest.clone(), artifact_type.clone());
        found.push(Attached {
            manifest,
            artifact_type,
            tag: tag.clone(),
            media_type: layer.media_type,
            digest,
            annotations,
            bytes,
        });
    }
    Ok(found)
}

fn contents(manifest: &Manifest) -> Result<Contents, RegistryError> {
    manifest.contents().map_err(|error| RegistryError::Malformed {
        what: format!("the manifest {}", manifest.digest),
        why: error.to_string(),
    })
}
