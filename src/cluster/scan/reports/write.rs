//! Writes the reports.

use super::api::{CONTENT, NAME, ReportApi, delete_only, selector};
use super::body::Body;
use crate::cluster::api_error::ApiError;
use crate::cluster::item::Item;
use crate::cluster::scan::kinds::resource_of_names;
use crate::cluster::scan::pages::ListError;
use crate::cluster::scan::rate_limiter::RateLimiter;
use crate::observe::LogOnce;
use crate::scan::NamespaceFindings;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use kube::core::ApiResource;
use serde::Deserialize;
use std::collections::HashMap;

/// What became of the report of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportWrite {
    Unchanged,
    /// The report was created, replaced or deleted.
    Written,
    /// The error is in the log.
    Failed,
}

/// Writes the reports of one API.
pub struct Reports<'r> {
    client: &'r Client,
    api: ReportApi,
    log: LogOnce,
}

impl<'r> Reports<'r> {
    pub fn new(client: &'r Client, api: ReportApi) -> Self {
        Self { client, api, log: LogOnce::default() }
    }

    /// The resource and the labels of the reports; none while the CRD is not installed.
    pub async fn installed(&mut self) -> Option<(ApiResource, String)> {
        let (group, version, kind) = self.api.names();
        match resource_of_names(self.client, group, version, kind).await {
            Ok(resource) => return Some((resource, selector())),
            Err(ListError::NotInstalled) => {
                let why = format!("{group}/{version} {kind} is not installed");
                self.log_error(&why, "install its CRD, or leave out --reports; each scan looks for it again");
            }
            Err(ListError::Failed(why)) => self.log_error(&why, "the next scan tries again"),
        }
        None
    }

    /// Writes or deletes the report of a namespace, unless its content is unchanged. An `incomplete` scan deletes nothing,
    /// because it may have missed findings.
    pub async fn write(
        &mut self,
        resource: &ApiResource,
        found: &NamespaceFindings,
        existing_reports: &[Item],
        incomplete: bool,
        limiter: &RateLimiter,
    ) -> ReportWrite {
        let api: Api<Item> = Api::namespaced_with(self.client.clone(), &found.namespace, resource);
        let existing = existing_reports.iter().find(|item| item.name() == NAME);
        let body = Body::new(self.api, found);
        let done = match existing {
            None if found.counts.all() == 0 => return ReportWrite::Unchanged,
            None => {
                limiter.wait().await;
                api.create(&PostParams::default(), &body.written(None, Timestamp::now())).await.map(|_| ())
            }
            Some(_) if incomplete && found.counts.all() == 0 => return ReportWrite::Unchanged,
            Some(report) if found.counts.all() == 0 => {
                limiter.wait().await;
                api.delete(NAME, &delete_only(report)).await.map(|_| ())
            }
            Some(report) if content(report).as_deref() == body.content() => return ReportWrite::Unchanged,
            Some(report) => {
                let version = report.metadata.resource_version.clone();
                limiter.wait().await;
                api.replace(NAME, &PostParams::default(), &body.written(version, Timestamp::now())).await.map(|_| ())
            }
        };
        match done.map_err(ApiError::from) {
            Ok(()) => ReportWrite::Written,
            // The report is gone, or another client wrote it. The next scan compares it again.
            Err(error) if error.is_conflict() && existing.is_some() => ReportWrite::Unchanged,
            Err(error) if error.is_not_found() || error.is_namespace_terminating() => ReportWrite::Unchanged,
            Err(error) => {
                let remedy = "grant podreeve's role create, update and delete on reports; what is written stays";
                self.log_error(&format!("{}/{NAME}: {error}", found.namespace), remedy);
                ReportWrite::Failed
            }
        }
    }

    /// Logs the first error only: the errors of thousands of namespaces are alike.
    fn log_error(&mut self, error: &str, remedy: &str) {
        if self.log.began_to_fail(error) {
            tracing::warn!(error, "reports cannot be written: {remedy}");
        }
    }

    /// All reports of a scan could be written.
    pub fn recovered(&mut self) {
        if self.log.recovered() {
            tracing::info!("reports can be written again");
        }
    }
}

/// The hash of a report's content.
fn content(report: &Item) -> Option<String> {
    #[derive(Deserialize)]
    struct Report {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        annotations: HashMap<String, String>,
    }
    report.read::<Report>()?.metadata.annotations.remove(CONTENT)
}
