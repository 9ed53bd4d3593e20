//! `--reports API`.

use crate::cluster::scan::ReportApi;

/// The API in which reports are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Reports {
    #[default]
    None,
    /// openreports.io/v1alpha1
    Openreports,
    /// wgpolicyk8s.io/v1alpha2
    Wgpolicy,
}

impl Reports {
    pub const fn api(self) -> Option<ReportApi> {
        match self {
            Self::None => None,
            Self::Openreports => Some(ReportApi::OpenReports),
            Self::Wgpolicy => Some(ReportApi::WgPolicy),
        }
    }
}
