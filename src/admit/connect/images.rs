//! The images of the containers that a connection reaches, where the image decides by which user they run.

use crate::admit::images::for_pod;
use crate::facts::images::{MAX_ASKED, pinned};
use crate::facts::{FactQuery, Facts, ImageQuery, KeptPod};
use crate::image::Digest;
use crate::reference::is_pinned;
use crate::workload::{ContainerRef, Pod, PodImages};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What is known of the images that run, which no tag says: it may lead to another image by now. None where image facts are switched
/// off.
///
/// # Errors
/// The images that must be looked up first.
pub(super) fn known(
    pod: &Pod<'_>,
    kept: &KeptPod,
    facts: &Facts,
    namespace: &str,
    today: Date,
) -> Result<Option<Box<PodImages>>, FactQuery> {
    let Some(settings) = facts.image_settings() else { return Ok(None) };
    let (digests, may_ask) = (kept.digests(), facts.may_ask_images());
    let reaches = |name: &str| pod.context.connect.as_ref().is_some_and(|connect| connect.reaches(name));
    let (mut images, mut missing) = (Vec::new(), Vec::new());
    for container in pod.all_containers() {
        let reference = if reaches(container.name) && pod.image_decides_user(container) {
            running(container, &digests)
        } else {
            None
        };
        let answer = reference.as_deref().and_then(|reference| facts.image(reference));
        images.push(answer.map(|answer| for_pod(answer, namespace)));
        if let (None, Some(reference)) = (answer, reference)
            && may_ask
            && missing.len() < MAX_ASKED
            && !missing.contains(&reference)
        {
            missing.push(reference);
        }
    }
    if missing.is_empty() {
        return Ok(Some(Box::new(PodImages::new(today, settings, images))));
    }
    let (namespace, pull_secrets) = (namespace.to_owned(), Vec::new());
    Err(FactQuery::Images(ImageQuery { namespace, pull_secrets, references: missing }))
}

/// The image with its digest: the one that the node reports, or the one in the pod.
fn running(container: ContainerRef<'_>, digests: &BTreeMap<String, String>) -> Option<String> {
    let image = container.container.image.as_deref()?;
    match digests.get(container.name).and_then(|digest| Digest::parse(digest)) {
        Some(digest) => Some(pinned(image, &digest)),
        None => is_pinned(image).then(|| image.to_owned()),
    }
}
