//! Takes away what was written, before podreeve goes.

use super::{Api, Calls, MANAGED, NAME, only};
use crate::cluster::item::Item;
use crate::cluster::scan::RateLimiter;
use crate::cluster::scan::kinds::resource_of_names;
use crate::cluster::scan::pages::{Failure, Listing, Pages};
use crate::text::with_causes;
use kube::Client;
use std::time::Duration;
use tokio::time::timeout;

/// Reports in a page.
const PAGE: u32 = 500;
/// It ends by then, whatever is left: the chart's uninstall waits for it.
const LONGEST: Duration = Duration::from_secs(60);

/// What became of the reports.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    /// What was done.
    pub done: String,
    /// What is left, why, and the command that removes it.
    pub left: Option<String>,
}

/// Removes the reports that podreeve has written in this API, in all namespaces.
pub async fn remove(client: &Client, api: Api) -> Removed {
    let (group, _, _) = api.names();
    let name = format!("{}.{group}", api.plural());
    let mut count = 0;
    let why = match timeout(LONGEST, each(client, api, &mut count)).await {
        Ok(Ok(())) => None,
        Ok(Err(Failure::Missing)) => return Removed { done: format!("{name}: not installed"), left: None },
        Ok(Err(Failure::Told(why))) => Some(why),
        Err(_) => Some(format!("not done after {} seconds", LONGEST.as_secs())),
    };
    let (label, value) = MANAGED;
    let left = why.map(|why| {
        format!("{name} are left: {why}; `kubectl delete {name} --all-namespaces -l {label}={value}` removes them")
    });
    Removed { done: format!("{name}: {count} removed"), left }
}

/// One after another, so that the API server has others to serve too; what refuses is passed over, and told at the end.
async fn each(client: &Client, api: Api, count: &mut usize) -> Result<(), Failure> {
    let (group, version, kind) = api.names();
    let resource = resource_of_names(client, group, version, kind).await?;
    let listing = Listing {
        resource: resource.clone(),
        namespace: None,
        selector: Some(format!("{}={}", MANAGED.0, MANAGED.1)),
        limit: PAGE,
        metadata: true,
    };
    let limiter = RateLimiter::new(None);
    let mut pages = Pages::new(client, &limiter, listing);
    let (mut refused, mut first) = (0, None);
    while pages.peek().await?.is_some() {
        let Some(report) = pages.take().filter(|report| report.name() == NAME) else { continue };
        let calls: Calls<Item> = Calls::namespaced_with(client.clone(), report.namespace(), &resource);
        match calls.delete(NAME, &only(&report)).await {
            Ok(_) => *count += 1,
            // It has gone, or stands there anew from another hand.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => {
                refused += 1;
                first.get_or_insert_with(|| with_causes(&error));
            }
        }
    }
    first.map_or(Ok(()), |first| Err(Failure::Told(format!("{refused} could not be deleted: {first}"))))
}
