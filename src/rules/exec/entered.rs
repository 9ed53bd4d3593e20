//! Who reaches into a pod: what the rules about it share.

use crate::rule::{Finding, Location};
use crate::workload::Connect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of who connects to a pod of which nothing is known: the rule counts as violated, or the caller gets in
/// with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OnUnknown {
    Deny,
    Warn,
}

/// The violation of a pod that nobody could look at; none where it is known.
pub fn unknown<'p>(connect: &Connect<'_>, why: &'static str) -> Option<Finding<'p>> {
    let unknown = connect.unknown?;
    let finding = Finding::new(Location::spec(), unknown.why(), "a pod that is known; try again in a moment");
    Some(finding.why(why))
}
