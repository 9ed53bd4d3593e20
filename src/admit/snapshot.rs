//! The policies, facts and circumstances by which a request is judged.

use super::repairs::Repairs;
use crate::facts::{FactKinds, FactQuery, Facts, Known, Labels};
use crate::policy::{Ceiling, PolicySet};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which webhook was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Hook {
    /// Makes repairs, and leaves all other violations to [`Hook::Validate`].
    Mutate,
    /// Judges what the mutating webhooks have left.
    Validate,
}

impl Hook {
    pub const ALL: [Self; 2] = [Self::Mutate, Self::Validate];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which clients may read the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audience {
    /// The API server and its users.
    #[default]
    ApiServer,
    /// Every client that reaches the port, so answers say nothing about the cluster.
    AnyClient,
}

/// The policies and facts in force. Replaced as a whole.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub policies: PolicySet,
    pub facts: Facts,
    pub audience: Audience,
    /// What the policies can do at most.
    pub ceiling: Ceiling,
    /// How many violations an outcome describes in full. All are counted.
    pub report_limit: usize,
    /// Whether an outcome has violations, too, that another one implies.
    pub reports_implied: bool,
}

impl Snapshot {
    /// A snapshot with these policies, in mode deny and without a cluster.
    #[must_use]
    pub fn new(policies: PolicySet, report_limit: usize) -> Self {
        let (facts, audience, ceiling) = (Facts::default(), Audience::default(), Ceiling::default());
        Self { policies, facts, audience, ceiling, report_limit, reports_implied: false }
    }

    /// The labels of a namespace, if a policy needs them.
    ///
    /// # Errors
    /// The fact that must be looked up first.
    pub(super) fn labels(&self, namespace: &str) -> Result<Known<&Labels>, FactQuery> {
        if !self.policies.facts().contains(FactKinds::NAMESPACES) {
            return Ok(Known::Absent);
        }
        let labels = self.facts.labels(namespace);
        let query = || FactQuery::Namespace(namespace.to_owned());
        if labels == Known::Unknown && self.facts.may_look_up(&query()) { Err(query()) } else { Ok(labels) }
    }
}

/// How one request is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions<'s> {
    pub hook: Hook,
    pub moment: Moment,
    pub repairs: Repairs,
    pub snapshot: &'s Snapshot,
    pub today: Date,
}

/// The moment at which the labels of a namespace judge a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// When the template arrives; its pods are judged when they arrive.
    Request,
    /// When its pods are created.
    PodCreation,
}

impl Moment {
    /// Whether a denial by the labels becomes a warning.
    pub fn only_warns(self, is_template: bool) -> bool {
        is_template && self == Self::Request
    }
}
