//! Removes what podreeve wrote, before it is uninstalled: reports, and what it learnt of images.

use super::api::{MANAGED, NAME, ReportApi, delete_only};
use crate::cluster::api_error::ApiError;
use crate::cluster::images::object::LABEL as INSTALLATION;
use crate::cluster::item::Item;
use crate::cluster::scan::kinds::resource_of_names;
use crate::cluster::scan::pages::{ListError, Listing, Pages};
use crate::cluster::scan::rate_limiter::RateLimiter;
use crate::facts::reported_nodes::{LABEL, NAME_PREFIX};
use kube::Client;
use kube::api::Api;
use std::time::Duration;
use tokio::time::timeout;

/// Reports in a page.
const PAGE: u32 = 500;
/// Longest time for all reports: the chart's uninstall waits for it.
const LONGEST: Duration = Duration::from_secs(60);

/// Of objects that may be those of another installation.
const UNLABELLED: &str = "imagefacts.podreeve.dev of an earlier version of podreeve are left; if no other installation has images.enabled, \
     `kubectl delete imagefacts.podreeve.dev -l '!podreeve.dev/installation'` removes them";

/// What became of the objects.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// What was done.
    pub done: String,
    /// What is left, the reason, and the command that removes it.
    pub left: Option<String>,
}

/// Whose objects to remove.
#[derive(Debug, Clone, Copy)]
pub enum Writer<'w> {
    /// The scan, in all namespaces.
    Scan(ReportApi),
    /// The agents on nodes, in no namespace.
    Agents,
    /// The replicas of this installation, of each image. The key that seals them goes with the release, so those that a person made are of no
    /// more use, too.
    Images { installation: &'w str },
}

impl Writer<'_> {
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Scan(api) => api.names(),
            Self::Agents => ("openreports.io", "v1alpha1", "ClusterReport"),
            Self::Images { .. } => ("podreeve.dev", "v1alpha1", "ImageFacts"),
        }
    }

    /// The labels of its objects.
    fn selector(self) -> String {
        let (label, value) = match self {
            Self::Scan(_) => MANAGED,
            Self::Agents => LABEL,
            Self::Images { installation } => (INSTALLATION, installation),
        };
        format!("{label}={value}")
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Scan(api) => api.plural(),
            Self::Agents => "clusterreports",
            Self::Images { .. } => "imagefacts",
        }
    }

    fn wrote(self, name: &str) -> bool {
        match self {
            Self::Scan(_) => name == NAME,
            Self::Agents => name.starts_with(NAME_PREFIX),
            Self::Images { .. } => true,
        }
    }
}

/// Removes the objects that podreeve has written.
pub async fn remove(client: &Client, writer: Writer<'_>) -> Removed {
    let (group, _, _) = writer.names();
    let name = format!("{}.{group}", writer.plural());
    let mut count = 0;
    let why = match timeout(LONGEST, each(client, writer, &mut count)).await {
        Ok(Ok(())) => {
            let is_rest = matches!(writer, Writer::Images { .. }) && has_unlabelled_images(client).await;
            return Removed { done: format!("{name}: {count} removed"), left: is_rest.then(|| UNLABELLED.to_owned()) };
        }
        Ok(Err(ListError::NotInstalled)) => return Removed { done: format!("{name}: not installed"), left: None },
        Ok(Err(ListError::Failed(why))) => why,
        Err(_) => format!("not done after {} seconds", LONGEST.as_secs()),
    };
    let everywhere = if matches!(writer, Writer::Scan(_)) { " --all-namespaces" } else { "" };
    let which = writer.selector();
    let left = format!("{name} are left: {why}; `kubectl delete {name}{everywhere} -l {which}` removes them");
    Removed { done: format!("{name}: {count} removed"), left: Some(left) }
}

/// What earlier versions learnt of images says not whose it is. The leader replaces it within an hour.
async fn has_unlabelled_images(client: &Client) -> bool {
    let selector = Some(format!("!{INSTALLATION}"));
    let resource = crate::cluster::images::object::kind();
    let listing = Listing { resource, namespace: None, selector, limit: 1, metadata: true };
    let limiter = RateLimiter::new(None);
    let mut pages = Pages::new(client, &limiter, listing);
    matches!(timeout(LONGEST, pages.peek()).await, Ok(Ok(Some(_))))
}

/// Deletes one object after another, so that other clients of the API server do not wait. Objects that cannot be deleted
/// are skipped, and the error at the end counts them.
async fn each(client: &Client, writer: Writer<'_>, count: &mut usize) -> Result<(), ListError> {
    let (group, version, kind) = writer.names();
    let resource = resource_of_names(client, group, version, kind).await?;
    let listing = Listing {
        resource: resource.clone(),
        namespace: None,
        selector: Some(writer.selector()),
        limit: PAGE,
        metadata: true,
    };
    let limiter = RateLimiter::new(None);
    let mut pages = Pages::new(client, &limiter, listing);
    let (mut refused, mut first) = (0, None);
    while pages.peek().await?.is_some() {
        let Some(report) = pages.take().filter(|report| writer.wrote(report.name())) else { continue };
        let reports: Api<Item> = match writer {
            Writer::Scan(_) => Api::namespaced_with(client.clone(), report.namespace(), &resource),
            Writer::Agents | Writer::Images { .. } => Api::all_with(client.clone(), &resource),
        };
        match reports.delete(report.name(), &delete_only(&report)).await.map_err(ApiError::from) {
            Ok(_) => *count += 1,
            // The report is gone, or another client has created it again.
            Err(error) if error.is_not_found() || error.is_conflict() => {}
            Err(error) => {
                refused += 1;
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(()), |first| Err(ListError::Failed(format!("{refused} could not be deleted: {first}"))))
}
