//! What is known of the images of an object, for each of its pods. All that is missing goes into one question.

use super::Hook;
use crate::effort;
use crate::facts::images::FoundImage;
use crate::facts::images::MAX_ASKED;
use crate::facts::{FactKinds, FactQuery, Facts, ImageQuery, Known, Labels};
use crate::image::known::ImageAnswer;
use crate::policy::CompiledPolicy;
use crate::workload::{Placed, Pod, PodImage, PodImages};
use jiff::civil::Date;
use std::sync::Arc;

/// How one request judges images.
pub(super) struct ImageContext<'c> {
    pub facts: &'c Facts,
    pub policies: &'c [&'c CompiledPolicy],
    /// All that are in force. Others than those of a template may apply to its pods.
    pub in_force: &'c [Arc<CompiledPolicy>],
    pub hook: Hook,
    pub namespace: &'c str,
    pub labels: Known<&'c Labels>,
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

    /// Whether a policy writes the digests into the pods of a template.
    fn pods_get_digests(&self) -> bool {
        let writes = |policy: &Arc<CompiledPolicy>| {
            policy.writes_digests && policy.matcher.applies_to_pods(self.namespace, self.labels)
        };
        self.in_force.iter().any(writes)
    }

    /// Adds what is known to the pods.
    ///
    /// # Errors
    /// The images that must be looked up first.
    pub fn add(&self, pods: &mut [Placed<'_>]) -> Result<(), FactQuery> {
        let Some(settings) = self.facts.image_settings(self.namespace).filter(|_| self.is_needed()) else {
            return Ok(());
        };
        let (mut missing, may_ask) = (Missing::default(), self.facts.may_ask_images());
        let pods_get_digests = self.pods_get_digests();
        for placed in pods {
            let mut images = Vec::with_capacity(placed.pod.spec.lengths().into_iter().sum());
            if !effort::hold(images.capacity().saturating_mul(size_of::<Option<PodImage>>())) {
                return Ok(());
            }
            let before = missing.references.len();
            for reference in placed.pod.references() {
                let found = reference.and_then(|reference| self.facts.image(self.namespace, reference));
                let is_missing = || found.is_none_or(|found| self.may_try_secrets(&placed.pod, found.answer));
                if let Some(reference) = reference.filter(|_| may_ask && is_missing()) {
                    add(&mut missing.references, reference);
                }
                images.push(found.map(PodImage::from));
            }
            if missing.references.len() > before {
                missing.add_secrets(&placed.pod);
            }
            let known = PodImages::new(self.today, settings, images).with_digests(pods_get_digests);
            placed.pod.context.images = Some(Box::new(known.with_scans(self.facts.scans.of_pods_in(self.namespace))));
        }
        if missing.references.is_empty() { Ok(()) } else { Err(missing.query(self.namespace)) }
    }

    /// Whether secrets of the pod may show an image that podreeve itself may not read.
    fn may_try_secrets(&self, pod: &Pod<'_>, answer: &ImageAnswer) -> bool {
        self.facts.may_try_secrets(self.namespace, answer)
            && (has_account_secrets(pod) || !pod.spec.pull_secrets().is_empty())
    }
}

/// Whether the pods may get the secrets of their ServiceAccount: the API server has given them to a pod already.
fn has_account_secrets(pod: &Pod<'_>) -> bool {
    pod.kind != "Pod"
}

/// The images of an object of which nothing is known yet, or which its pull secrets may show.
#[derive(Default)]
struct Missing {
    references: Vec<String>,
    pull_secrets: Vec<String>,
    accounts: Vec<String>,
}

impl Missing {
    /// The secrets that the pod names, or else those of its ServiceAccount.
    fn add_secrets(&mut self, pod: &Pod<'_>) {
        let names = pod.spec.pull_secrets();
        if names.is_empty() && has_account_secrets(pod) {
            add(&mut self.accounts, pod.spec.account());
        }
        for name in &names {
            add(&mut self.pull_secrets, name);
        }
    }

    fn query(self, namespace: &str) -> FactQuery {
        let Self { references, pull_secrets, accounts } = self;
        FactQuery::Images(ImageQuery { namespace: namespace.to_owned(), pull_secrets, accounts, references })
    }
}

/// The longest reference or name that podreeve looks up. A longer one is of no image.
const LONGEST: usize = 1000;

/// Adds a name once, and no more than one question may have.
fn add(names: &mut Vec<String>, name: &str) {
    if names.len() < MAX_ASKED && name.len() <= LONGEST && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

impl From<FoundImage<'_>> for PodImage {
    fn from(found: FoundImage<'_>) -> Self {
        Self { answer: found.answer.clone(), foreign: found.foreign.cloned() }
    }
}
