//! Cosign's older format: a payload of the form "simple signing", with its signature in an annotation.

use crate::reference::ImageRef;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Debug, Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    critical: Critical<'a>,
}

#[derive(Debug, Deserialize)]
struct Critical<'a> {
    #[serde(borrow)]
    identity: Identity<'a>,
    #[serde(borrow)]
    image: Image<'a>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity<'a> {
    #[serde(borrow)]
    docker_reference: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image<'a> {
    #[serde(borrow)]
    docker_manifest_digest: Cow<'a, str>,
}

const COSIGN: &str = "cosign container image signature";

/// Checks that a payload is about this image: its digest, and the repository that it had when it was signed.
///
/// # Errors
/// What the payload is about instead.
pub fn check(payload: &[u8], digest: &str, repository: &ImageRef<'_>, is_former: bool) -> Result<(), String> {
    let payload: Payload<'_> = serde_json::from_slice(payload).map_err(|_| "its payload is no cosign payload")?;
    let critical = payload.critical;
    if critical.kind != COSIGN {
        return Err(format!("its payload is a `{}`, not a `{COSIGN}`", crate::text::clean(&critical.kind, 60)));
    }
    if critical.image.docker_manifest_digest != digest {
        return Err(format!("it is for {}", crate::text::clean(&critical.image.docker_manifest_digest, 80)));
    }
    let signed = ImageRef::parse(&critical.identity.docker_reference);
    let same = signed.has_repository_of(repository);
    // A signature may name a tag as well. Then it is not for another tag.
    let tag = signed.tag.is_none() || repository.tag.is_none() || signed.tag == repository.tag;
    if same && tag && signed.is_well_formed() {
        Ok(())
    } else {
        let name = crate::text::clean(&critical.identity.docker_reference, 120);
        let this = format!("{}/{}", repository.registry, repository.repository);
        Err(if is_former {
            format!("it was made for {name}, and by `signedAs`, which replaces the prefix alone, this image was {this}")
        } else {
            format!(
                "it was made for {name}, and this is {this}; if it was copied from there, name that prefix in `signedAs`"
            )
        })
    }
}
