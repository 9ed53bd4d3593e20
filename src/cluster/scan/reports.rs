//! Reports: one in each namespace that has findings, written when it says something else than before.

mod body;
pub mod remove;

use super::RateLimiter;
use super::kinds::resource_of_names;
use super::pages::Failure;
use crate::cluster::item::Item;
use crate::scan::NamespaceFindings;
use crate::text::with_causes;
use body::Body;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api as Calls, DeleteParams, PostParams, Preconditions};
use kube::core::ApiResource;
use serde::Deserialize;
use std::collections::HashMap;

/// The name of each report.
const NAME: &str = "podreeve";
/// The label that all of them have.
const MANAGED: (&str, &str) = ("app.kubernetes.io/managed-by", "podreeve");
/// The annotation with the hash of what a report says.
const CONTENT: &str = "podreeve.dev/content";

/// Which reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// openreports.io/v1alpha1
    OpenReports,
    /// wgpolicyk8s.io/v1alpha2
    WgPolicy,
}

impl Api {
    /// Group, version and kind.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::OpenReports => ("openreports.io", "v1alpha1", "Report"),
            Self::WgPolicy => ("wgpolicyk8s.io", "v1alpha2", "PolicyReport"),
        }
    }

    /// The name that kubectl takes, even when the API server does not answer.
    const fn plural(self) -> &'static str {
        match self {
            Self::OpenReports => "reports",
            Self::WgPolicy => "policyreports",
        }
    }
}

/// Writes reports of one kind, and tells trouble once.
pub struct Reports<'r> {
    client: &'r Client,
    api: Api,
    last_error: Option<String>,
}

impl<'r> Reports<'r> {
    pub const fn new(client: &'r Client, api: Api) -> Self {
        Self { client, api, last_error: None }
    }

    /// The resource and the labels of what was written; none while the CRD is not installed.
    pub async fn installed(&mut self) -> Option<(ApiResource, String)> {
        let (group, version, kind) = self.api.names();
        match resource_of_names(self.client, group, version, kind).await {
            Ok(resource) => return Some((resource, format!("{}={}", MANAGED.0, MANAGED.1))),
            Err(Failure::Missing) => {
                let why = format!("{group}/{version} {kind} is not installed");
                self.last_error(why, "install its CRD, or leave out --reports; each scan looks for it again");
            }
            Err(Failure::Told(why)) => self.last_error(why, "the next scan tries again"),
        }
        None
    }

    /// Writes what a namespace looks like, unless its report says so already. `partly` when not everything could be
    /// read: then nothing is taken for repaired. Tells whether it wrote.
    ///
    /// # Errors
    /// When it could not be written; that was told.
    pub async fn write(
        &mut self,
        resource: &ApiResource,
        found: &NamespaceFindings,
        existing_reports: &[Item],
        partly: bool,
        limiter: &RateLimiter,
    ) -> Result<bool, ()> {
        let calls: Calls<Item> = Calls::namespaced_with(self.client.clone(), &found.namespace, resource);
        let there = existing_reports.iter().find(|item| item.name() == NAME);
        let body = Body::new(self.api, found);
        let done = match there {
            None if found.counts.all() == 0 => return Ok(false),
            None => {
                limiter.run().await;
                calls.create(&PostParams::default(), &body.written(None, Timestamp::now())).await.map(|_| ())
            }
            Some(_) if partly && found.counts.all() == 0 => return Ok(false),
            Some(report) if found.counts.all() == 0 => {
                limiter.run().await;
                calls.delete(NAME, &only(report)).await.map(|_| ())
            }
            Some(report) if content(report).as_deref() == body.content() => return Ok(false),
            Some(report) => {
                let version = report.metadata.resource_version.clone();
                limiter.run().await;
                calls.replace(NAME, &PostParams::default(), &body.written(version, Timestamp::now())).await.map(|_| ())
            }
        };
        match done {
            Ok(()) => Ok(true),
            // The namespace or the report is gone, or somebody else wrote it; the next scan sees to it.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) && there.is_some() => Ok(false),
            Err(kube::Error::Api(status)) if status.code == 404 || is_going(&status) => Ok(false),
            Err(error) => {
                let remedy = "grant podreeve's role create, update and delete on reports; what is written stays";
                self.last_error(format!("{}/{NAME}: {}", found.namespace, with_causes(&error)), remedy);
                Err(())
            }
        }
    }

    /// Once for each kind of last_error: not for each namespace.
    fn last_error(&mut self, error: String, remedy: &str) {
        if self.last_error.is_none() {
            tracing::warn!(error, "reports cannot be written: {remedy}");
        }
        self.last_error = Some(error);
    }

    /// All went well.
    pub fn well(&mut self) {
        if self.last_error.take().is_some() {
            tracing::info!("reports can be written again");
        }
    }
}

/// Whether the namespace is being deleted.
fn is_going(status: &kube::core::Status) -> bool {
    status.message.contains("being terminated")
}

/// Not a report that somebody put in its place.
fn only(report: &Item) -> DeleteParams {
    let preconditions = Preconditions { uid: report.metadata.uid.clone(), resource_version: None };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// The hash of what a report says.
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
