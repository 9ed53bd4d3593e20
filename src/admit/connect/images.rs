//! The images of the containers that a connection reaches, where the image decides by which user they run.

use crate::admit::images::for_pod;
use crate::facts::images::{MAX_ASKED, running};
use crate::facts::{FactQuery, Facts, ImageQuery, KeptPod};
use crate::workload::{Pod, PodImages};
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
    let Some(settings) = facts.image_settings() else { return Ok(None) };
    let (digests, may_ask) = (kept.digests(), facts.may_ask_images());
    let reaches = |name: &str| pod.context.connect.as_ref().is_some_and(|connect| connect.reaches(name));
    let (mut images, mut missing) = (Vec::new(), Vec::new());
    for container in pod.all_containers() {
        let image = container.container.image.as_deref();
        let image = image.filter(|_| reaches(container.name) && pod.image_decides_user(container));
        let reference = image.and_then(|image| running(image, digests.get(container.name).map(String::as_str)));
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
