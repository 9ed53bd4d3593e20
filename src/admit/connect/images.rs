//! The images of the containers that a connection reaches, where the image decides by which user they run.

use crate::facts::images::{MAX_ASKED, running};
use crate::facts::{FactQuery, Facts, ImageQuery, KeptPod};
use crate::workload::{Pod, PodImage, PodImages};
use jiff::civil::Date;

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
    let Some(settings) = facts.image_settings(namespace) else { return Ok(None) };
    let (digests, may_ask) = (kept.digests(), facts.may_ask_images());
    let reaches = |name: &str| pod.context.connect.as_ref().is_some_and(|connect| connect.reaches(name));
    let (mut images, mut missing) = (Vec::new(), Vec::new());
    for container in pod.all_containers() {
        let image = container.container.image.as_deref();
        let image = image.filter(|_| reaches(container.name) && pod.image_decides_user(container));
        let reference = image.and_then(|image| running(image, digests.get(container.name).map(String::as_str)));
        let found = reference.as_deref().and_then(|reference| facts.image(namespace, reference));
        images.push(found.map(PodImage::from));
        if let (None, Some(reference)) = (found, reference)
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
    // The pull secrets of the pod are not kept. What they showed before is known by its namespace.
    let (namespace, pull_secrets, accounts) = (namespace.to_owned(), Vec::new(), Vec::new());
    Err(FactQuery::Images(ImageQuery { namespace, pull_secrets, accounts, references: missing }))
}
