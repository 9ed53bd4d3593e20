//! Exemptions: they narrow, they never widen.

use super::rule_settings::unknown_rule;
use super::{Exemption, PolicyError, PolicyErrors};
use crate::rule::{Finding, Rule};
use crate::rules;
use crate::workload::{ContainerRef, Pod, image::ImageRef, volume::Image};
use jiff::civil::Date;
use std::cell::RefCell;

/// An exemption without errors.
#[derive(Debug)]
pub struct CompiledExemption {
    document: Exemption,
    images: Vec<ImageRef<'static>>,
}

impl CompiledExemption {
    /// # Errors
    /// All errors: for example an empty list, which would exempt everything, an unknown rule, or a missing reason.
    pub fn new(place: &[&str], exemption: &Exemption) -> Result<Self, PolicyErrors> {
        let errors = faults(exemption);
        if !errors.is_empty() {
            return Err(PolicyErrors(errors.into_iter().map(|error| error.below(place)).collect()));
        }
        let images = exemption.images.iter().map(|image| ImageRef::pattern(image).into_owned()).collect();
        Ok(Self { document: exemption.clone(), images })
    }

    /// The exemption as it was written.
    #[must_use]
    pub const fn document(&self) -> &Exemption {
        &self.document
    }

    /// The last day on which it holds; none when it has no end.
    #[must_use]
    pub const fn until(&self) -> Option<Date> {
        self.document.until
    }

    /// Whether it names the rule.
    #[must_use]
    pub fn names(&self, rule: &Rule) -> bool {
        self.document.rules.iter().any(|id| id == rule.id)
    }

    /// Whether it covers this finding today. `pod` belongs to the pod of the finding.
    #[must_use]
    pub fn covers(
        &self,
        rule: &Rule,
        finding: &Finding<'_>,
        namespace: &str,
        pod: &PodExemptions<'_>,
        today: Date,
    ) -> bool {
        let Exemption { rules: _, namespaces, containers, images, reason: _, until } = &self.document;
        let narrowed = !containers.is_empty() || !images.is_empty();
        self.names(rule)
            && namespaces.iter().any(|name| name == namespace)
            && until.is_none_or(|until| today <= until)
            && (!narrowed
                || match finding.container() {
                    Some(container) => self.reaches(container),
                    // A violation of the pod is a violation of each container.
                    None => {
                        pod.are_all_reached_by(self)
                            && pod
                                .mounted_image(finding)
                                .is_none_or(|image| self.reaches_image(image.reference.as_deref()))
                    }
                })
    }

    /// Whether it covers a violation of the image by itself, as a pod of this namespace would name it. An exemption of some containers
    /// covers no image, which has none.
    #[must_use]
    pub fn covers_image(&self, rule: &Rule, image: &str, namespace: &str, today: Date) -> bool {
        let Exemption { rules: _, namespaces, containers, images: _, reason: _, until } = &self.document;
        self.names(rule)
            && namespaces.iter().any(|name| name == namespace)
            && until.is_none_or(|until| today <= until)
            && containers.is_empty()
            && self.reaches_image(Some(image))
    }

    fn reaches(&self, container: ContainerRef<'_>) -> bool {
        let Exemption { containers, .. } = &self.document;
        (containers.is_empty() || containers.iter().any(|name| *name == *container.name))
            && self.reaches_image(container.image.as_deref())
    }

    fn reaches_image(&self, image: Option<&str>) -> bool {
        self.images.is_empty()
            || image.map(ImageRef::parse).is_some_and(|image| {
                // A malformed reference can look as if the pattern covers it.
                self.images.iter().any(|pattern| image.is_under(pattern)) && image.is_well_formed()
            })
    }
}

/// The errors of an exemption, by its keys.
fn faults(exemption: &Exemption) -> Vec<PolicyError> {
    let Exemption { rules, namespaces, images, reason, .. } = exemption;
    let mut errors = Vec::new();
    let mut error = |key: &str, index: Option<usize>, message: String| {
        let index = index.map(|index| index.to_string());
        let path: Vec<&str> = std::iter::once(key).chain(index.as_deref()).collect();
        errors.push(PolicyError::at(&path, message));
    };
    if rules.is_empty() {
        error("rules", None, "name at least one rule".to_owned());
    }
    for (position, id) in rules.iter().enumerate().filter(|(_, id)| rules::find(id).is_none()) {
        error("rules", Some(position), unknown_rule(id));
    }
    for (position, rule) in rules.iter().enumerate().filter_map(|(position, id)| Some((position, rules::find(id)?))) {
        if !rule.judges_requests() {
            let message = if rule.node().is_some() {
                "judges nodes and no pods, so no namespace exempts it; exempt nodes under `spec.nodeExemptions`"
            } else {
                "judges files and no pods, so no namespace exempts it; change its `params`, or leave it out with `check --baseline`"
            };
            error("rules", Some(position), format!("`{}` {message}", rule.id));
        }
    }
    if namespaces.is_empty() {
        error("namespaces", None, "name at least one namespace".to_owned());
    }
    for (position, name) in namespaces.iter().enumerate() {
        if name.is_empty() || name.contains(['*', '?', '[']) {
            let message = format!(
                "`{name}` is not a name; patterns are refused, because any user who may create namespaces could choose a name that fits"
            );
            error("namespaces", Some(position), message);
        }
    }
    for (position, image) in images.iter().enumerate() {
        if let Err(fault) = rules::image_pattern(image) {
            error("images", Some(position), format!("{fault}; `*` may only be its last segment"));
        }
    }
    if reason.trim().is_empty() {
        error("reason", None, "say why this is right".to_owned());
    }
    errors
}

/// A pod, and which exemptions reach all of its containers. This is computed once for each exemption, however many violations
/// the pod has.
pub struct PodExemptions<'p> {
    pod: &'p Pod<'p>,
    reached: RefCell<Vec<(*const CompiledExemption, bool)>>,
}

impl<'p> PodExemptions<'p> {
    #[must_use]
    pub const fn new(pod: &'p Pod<'p>) -> Self {
        Self { pod, reached: RefCell::new(Vec::new()) }
    }

    /// The image of the volume that violates, if the violation is about a volume.
    fn mounted_image(&self, finding: &Finding<'_>) -> Option<&Image<'p>> {
        let index = finding.at.list_index().filter(|_| finding.at.has_key("volumes"))?;
        self.pod.spec.volumes.get(index)?.image.as_ref()
    }

    fn are_all_reached_by(&self, exemption: &CompiledExemption) -> bool {
        let known =
            self.reached.borrow().iter().find(|(known, _)| std::ptr::eq(*known, exemption)).map(|(_, all)| *all);
        known.unwrap_or_else(|| {
            let all = self.pod.all_containers().all(|container| exemption.reaches(container));
            self.reached.borrow_mut().push((exemption, all));
            all
        })
    }
}
