//! The report of `podreeve owasp`: the list, filled in with what was judged. Its JSON schema, `docs/owasp-report.schema.json`, is generated
//! from these types. Fields are added but never changed.
//!
//! A report never says that an item passes while a part of it was not judged.

mod collect;
pub mod html;
pub mod read;
mod subject;
pub mod text;

pub use collect::Collector;
pub use subject::{Found, Place, Subject};

use schemars::JsonSchema;
use serde::Serialize;

/// What `podreeve owasp -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve owasp report")]
pub struct OwaspReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "OwaspReport"))]
    pub kind: &'static str,
    /// The version of podreeve.
    pub version: &'static str,
    /// The day on which it was made, in UTC.
    pub date: String,
    /// What was judged: the API server, or the files.
    pub source: String,
    /// The policies by which pods were judged.
    pub policies: Vec<String>,
    pub judged: JudgedCounts,
    /// All 93 items, in the order of the list.
    pub items: Vec<ItemReport>,
    /// What could not be read.
    pub errors: Vec<String>,
    pub summary: OwaspSummary,
}

/// How many subjects were judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JudgedCounts {
    /// Objects with pods: those that a judged owner created are not counted.
    pub workloads: usize,
    pub dockerfiles: usize,
    pub images: usize,
    pub nodes: usize,
}

/// An item of the list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemReport {
    pub item: u8,
    pub title: &'static str,
    pub verdict: ItemVerdict,
    /// How many subjects pass.
    pub passes: usize,
    /// How many violate it.
    pub failures: usize,
    /// Of how many it is not known.
    pub unknowns: usize,
    /// How many violate it, and are exempt.
    pub exemptions: usize,
    /// For how many it means nothing, such as docker's files where there is no docker.
    pub not_applicable: usize,
    /// The rules that judged it.
    pub rules: Vec<&'static str>,
    /// The subjects that do not pass, the worst first.
    pub findings: Vec<ItemFinding>,
    /// What was not judged, and how it would be.
    pub not_judged: Vec<String>,
    /// What podreeve does for it apart from judging.
    pub operation: Option<&'static str>,
    /// What no rule sees of it.
    pub limit: &'static str,
}

/// What is known of an item as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemVerdict {
    /// It means nothing here.
    NotApplicable,
    /// All was judged, and passes.
    Pass,
    /// All was judged; what violates it is exempt.
    Exempt,
    /// A part of it was not judged, or could not be.
    Unknown,
    /// Something violates it.
    Fail,
}

/// One subject that does not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemFinding {
    /// `fail`, `unknown` or `exempt`.
    pub verdict: ItemVerdict,
    /// The workload, the Dockerfile, the image, or the node.
    pub subject: String,
    /// Empty for a subject that could not be judged.
    pub rule: String,
    /// The field, the file or the daemon.
    pub place: String,
    pub found: String,
    pub wanted: String,
    /// Why it is exempt or unknown, or the command that repairs it.
    pub note: Option<String>,
}

/// How many items have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwaspSummary {
    pub pass: usize,
    pub fail: usize,
    pub unknown: usize,
    pub exempt: usize,
    pub not_applicable: usize,
}

impl ItemVerdict {
    pub const ALL: [Self; 5] = [Self::Fail, Self::Unknown, Self::Exempt, Self::Pass, Self::NotApplicable];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Pass => "pass",
            Self::Exempt => "exempt",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl OwaspSummary {
    pub const fn add(&mut self, verdict: ItemVerdict) {
        match verdict {
            ItemVerdict::Pass => self.pass += 1,
            ItemVerdict::Fail => self.fail += 1,
            ItemVerdict::Unknown => self.unknown += 1,
            ItemVerdict::Exempt => self.exempt += 1,
            ItemVerdict::NotApplicable => self.not_applicable += 1,
        }
    }

    #[must_use]
    pub const fn of(&self, verdict: ItemVerdict) -> usize {
        match verdict {
            ItemVerdict::Pass => self.pass,
            ItemVerdict::Fail => self.fail,
            ItemVerdict::Unknown => self.unknown,
            ItemVerdict::Exempt => self.exempt,
            ItemVerdict::NotApplicable => self.not_applicable,
        }
    }
}
