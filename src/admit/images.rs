//! What is known of the images of an object, for each of its pods. All that is missing goes into one question.

use super::Hook;
use crate::effort;
use crate::facts::images::MAX_ASKED;
use crate::facts::{FactKinds, FactQuery, Facts, ImageQuery};
use crate::image::known::ImageAnswer;
use crate::policy::CompiledPolicy;
use crate::workload::{Placed, PodImage, PodImages};
use jiff::civil::Date;

/// How one request judges images.
pub(super) struct ImageContext<'c> {
    pub facts: &'c Facts,
    pub policies: &'c [&'c CompiledPolicy],
    pub hook: Hook,
    pub namespace: &'c str,
    pub today: Date,
}

impl ImageContext<'_> {
    /// Whether a policy that applies needs to know images.
    fn is_needed(&self) -> bool {
        let needs = |policy: &&CompiledPolicy| match self.hook {
            Hook::Mutate => policy.repairs_by_images,
            Hook::Validate => policy.facts.contains(FactKinds::IMAGES),
        };
        // What a file says costs no question.
        let images = self.facts.images.as_deref();
        images.is_some_and(|images| images.closed || self.policies.iter().any(needs))
    }

    /// Adds what is known to the pods.
    ///
    /// # Errors
    /// The images that must be looked up first.
    pub fn add(&self, pods: &mut [Placed<'_>]) -> Result<(), FactQuery> {
        let Some(settings) = self.facts.image_settings().filter(|_| self.is_needed()) else { return Ok(()) };
        let (mut missing, may_ask): (Vec<String>, _) = (Vec::new(), self.facts.may_ask_images());
        let mut pull_secrets: Vec<String> = Vec::new();
        for placed in pods {
            let mut images = Vec::with_capacity(placed.pod.spec.lengths().into_iter().sum());
            if !effort::hold(images.capacity().saturating_mul(size_of::<Option<PodImage>>())) {
                return Ok(());
            }
            for reference in placed.pod.references() {
                let answer = reference.and_then(|reference| self.facts.image(reference));
                if let (None, Some(reference)) = (answer, reference)
                    && may_ask
                    && missing.len() < MAX_ASKED
                    && !missing.iter().any(|asked| asked == reference)
                {
                    missing.push(reference.to_owned());
                }
                images.push(answer.map(|answer| for_pod(answer, self.namespace)));
            }
            if !missing.is_empty() {
                for name in placed.pod.spec.pull_secrets() {
                    if !pull_secrets.contains(&name) {
                        pull_secrets.push(name);
                    }
                }
                pull_secrets.truncate(MAX_ASKED);
            }
            placed.pod.context.images = Some(Box::new(PodImages::new(self.today, settings, images)));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let namespace = self.namespace.to_owned();
        Err(FactQuery::Images(ImageQuery { namespace, pull_secrets, references: missing }))
    }
}

/// What is known of an image, for a pod of this namespace.
pub(super) fn for_pod(answer: &ImageAnswer, namespace: &str) -> PodImage {
    let foreign = match answer {
        ImageAnswer::Known(image) => !image.reader.serves(namespace),
        ImageAnswer::Unknown(_) => false,
    };
    PodImage { answer: answer.clone(), foreign }
}
