//! Rules about images: how one judges, what it finds, and its examples.

use super::finding::{AtMost, Finding};
use super::params::{self, BadParams};
use crate::image::trust::{Problem, Reported, Verdict};
use crate::image::{ImageFacts, Parts, Place};
use crate::workload::{ContainerRef, Pod};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How a rule judges an image.
pub struct ImageRule {
    /// Reads the parameters of a policy into the type that checks: [`compile_image`].
    pub compile: fn(Value) -> Result<Box<dyn ImageCheck>, BadParams>,
    /// What to do about a violation, as a clause of a sentence.
    pub instead: &'static str,
    /// The only fixtures: tests and help replay them.
    pub examples: &'static [ImageExample],
}

/// What a rule finds in an image.
pub type ImageFindings<'i> = Vec<Finding<'i, Place<'i>>>;

/// The parameters of a rule, ready to judge images.
pub trait ImageCheck: Send + Sync {
    /// Adds a finding for every place of the image that violates the rule. What the facts do not say is no violation.
    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>);

    /// Whether the rule judges reports of scanners in the cluster, too.
    fn judges_reports(&self) -> bool {
        false
    }

    /// What is wrong by the reports of scanners in the cluster: of the manifests of one image, each with its digest.
    fn check_reports(&self, _reports: &[(&str, &Reported)], _trust: Option<&Verdict>, _now: Timestamp) -> Vec<Problem> {
        Vec::new()
    }

    /// What a finding means in this container: the pod may keep the image's fault from mattering.
    fn in_container(&self, _pod: &Pod<'_>, _container: ContainerRef<'_>) -> InContainer {
        InContainer::Counts
    }

    /// Whether the rule judges by a trust document, so that it says nothing of an image that no entry covers.
    fn needs_trust(&self) -> bool {
        false
    }

    /// Whether the rule judges the user as whom a container starts. A volume starts none, and Windows has no such users.
    fn judges_user(&self) -> bool {
        false
    }

    /// The parts of the facts that it judges. Where one of them is not known as a whole, it may pass over a violation.
    fn parts(&self) -> Parts {
        Parts::NONE
    }

    /// The most that its findings do, unless the pod makes them worse.
    fn most(&self) -> Option<AtMost> {
        None
    }

    /// Whether the digest of the image must stand in the pod: what was verified must be what runs.
    fn needs_digest(&self) -> bool {
        false
    }
}

/// What a finding in an image means in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InContainer {
    /// As much as anywhere.
    Counts,
    /// The pod lets it do its worst, so the rule's action holds, even where the finding itself is held back.
    Worse,
    /// The pod makes it harmless, so only reports have it.
    Harmless,
    /// The pod decides what the image left open.
    Overridden,
}

/// The facts of an image that passes all rules. Examples vary it.
const GOOD_IMAGE: &str = include_str!("image/good_image.json");

/// Facts of an image, and what the rule must find in them.
#[derive(Debug)]
pub struct ImageExample {
    /// A phrase that names the case, unique in its rule.
    pub name: &'static str,
    /// Parameters as JSON; empty for the defaults.
    pub params: &'static str,
    /// JSON merge patch (RFC 7386) of the facts of a good image.
    pub facts: &'static str,
    /// The place of each finding, in order; none for an example that passes.
    pub places: &'static [&'static str],
}

impl ImageExample {
    /// The day on which examples are judged.
    pub const TODAY: Date = Date::constant(2026, 11, 22);

    /// An image that passes.
    #[must_use]
    pub const fn good(name: &'static str, facts: &'static str) -> Self {
        Self::bad(name, facts, &[])
    }

    /// An image that violates the rule at these places.
    #[must_use]
    pub const fn bad(name: &'static str, facts: &'static str, places: &'static [&'static str]) -> Self {
        Self { name, params: "", facts, places }
    }

    /// The same with parameters.
    #[must_use]
    pub const fn params(mut self, params: &'static str) -> Self {
        self.params = params;
        self
    }

    #[must_use]
    pub const fn is_bad(&self) -> bool {
        !self.places.is_empty()
    }

    /// The parameters as a value; null for the defaults.
    #[must_use]
    pub fn params_value(&self) -> Value {
        serde_json::from_str(self.params).unwrap_or_default()
    }

    /// The facts.
    ///
    /// # Errors
    /// The example has a key or a value that facts cannot have.
    pub fn image(&self) -> serde_json::Result<ImageFacts> {
        let mut facts: Value = serde_json::from_str(GOOD_IMAGE)?;
        json_patch::merge(&mut facts, &serde_json::from_str(self.facts)?);
        // From bytes as in a cluster, so that the program has one reader of facts.
        serde_json::from_slice(&serde_json::to_vec(&facts)?)
    }
}

/// For [`ImageRule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile_image<P: ImageCheck + DeserializeOwned + 'static>(
    params: Value,
) -> Result<Box<dyn ImageCheck>, BadParams> {
    params::read::<P>(params).map(|check| Box::new(check) as Box<dyn ImageCheck>)
}
