//! What `check --waivers` reports of an exemption.

use schemars::JsonSchema;
use serde::Serialize;

/// An exemption that is unused, ends soon, or has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaiverReport {
    /// The policy that has the exemption; null for an Exemption object.
    pub policy: Option<String>,
    /// The Exemption object, as `namespace/name`; null for an exemption of a policy.
    pub exemption: Option<String>,
    /// The file, line and column of the exemption, from 1.
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Its index in the policy's `exemptions`, from 0; null for an Exemption object.
    pub index: Option<usize>,
    /// Why it is listed: it has ended, ends within 14 days, let nothing in the checked files through,
    /// or did so for some of its rules or namespaces only.
    pub states: Vec<WaiverState>,
    pub rules: Vec<String>,
    pub namespaces: Vec<String>,
    pub containers: Vec<String>,
    pub images: Vec<String>,
    pub reason: String,
    /// The last day on which it holds, as YYYY-MM-DD; null when it has no end.
    pub until: Option<String>,
    /// Those of `rules` that it let nothing through for; empty once it has ended.
    pub unused_rules: Vec<String>,
    /// Those of `namespaces` that it let nothing through in; empty once it has ended.
    pub unused_namespaces: Vec<String>,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    Expired,
    Expiring,
    Unused,
    PartlyUnused,
}
