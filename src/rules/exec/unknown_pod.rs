//! What the rules about connections share: what to do if the pod is unknown.

use crate::rule::{Finding, Location};
use crate::workload::Connect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a connection to an unknown pod: it counts as a violation, or it is admitted with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OnUnknown {
    Deny,
    Warn,
}

/// The violation of a pod that could not be looked up; none for a known pod.
pub fn unknown<'p>(connect: &Connect<'_>, why: &'static str) -> Option<Finding<'p>> {
    let unknown = connect.unknown?;
    let finding = Finding::new(Location::spec(), unknown.why(), "a pod that is known; try again in a moment");
    Some(finding.why(why))
}
