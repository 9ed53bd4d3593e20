//! The two APIs for reports, and what podreeve's reports have in common.

use crate::cluster::item::Item;
use kube::api::{DeleteParams, Preconditions};

/// The name of each report.
pub const NAME: &str = "podreeve";
/// The label of all reports.
pub const MANAGED: (&str, &str) = ("app.kubernetes.io/managed-by", "podreeve");
/// The annotation with the hash of a report's content.
pub const CONTENT: &str = "podreeve.dev/content";

/// Which reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportApi {
    /// openreports.io/v1alpha1
    OpenReports,
    /// wgpolicyk8s.io/v1alpha2
    WgPolicy,
}

impl ReportApi {
    /// Group, version and kind.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::OpenReports => ("openreports.io", "v1alpha1", "Report"),
            Self::WgPolicy => ("wgpolicyk8s.io", "v1alpha2", "PolicyReport"),
        }
    }

    /// The name of the resource for kubectl. It is fixed, so messages have it when the API server does not answer.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::OpenReports => "reports",
            Self::WgPolicy => "policyreports",
        }
    }
}

/// The selector of all reports.
pub fn selector() -> String {
    format!("{}={}", MANAGED.0, MANAGED.1)
}

/// Deletes this report and not another one of the same name.
pub fn delete_only(report: &Item) -> DeleteParams {
    let preconditions = Preconditions { uid: report.metadata.uid.clone(), resource_version: None };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}
