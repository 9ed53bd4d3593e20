//! Judges everything that exists, namespace by namespace, in pages and without hurry.
//!
//! Each kind is listed over the whole cluster, in pages. All lists are in the order of namespaces, so they are
//! merged: a namespace is done when no list has more of it. One page of each kind is held, however large the
//! cluster is, and of one namespace its owners, hashes of its findings and the worst of them.

mod events;
mod kinds;
pub mod leader;
pub mod order;
mod pages;
mod rate_limiter;
mod reports;

pub use leader::{Served, Settings};
pub use rate_limiter::RateLimiter;
pub use reports::Api as ReportApi;
pub use reports::remove::remove as remove_reports;

use super::Lookup;
use super::item::Item;
use crate::admit::Snapshot;
use crate::facts::FactAnswer;
use crate::scan::{Judgement, NamespaceFindings, NamespaceScan, Object, Owner, judge};
use crate::workload::Kind;
use jiff::Timestamp;
use jiff::tz::Offset;
use kube::Client;
use kube::core::ApiResource;
use pages::{Failure, Listing, Pages};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is scanned, and how.
#[derive(Debug, Clone)]
pub struct Scope {
    /// None for all.
    pub namespace: Option<String>,
    /// Labels that objects must have.
    pub selector: Option<String>,
    /// Objects in a page.
    pub page: u32,
    /// Findings of a namespace that are told in full.
    pub findings: usize,
    /// Objects that are told beside the findings of their namespace: those of a resource with these labels.
    pub existing_reports: Option<(ApiResource, String)>,
}

/// What a scan needs.
pub struct Scanning<'s> {
    pub client: &'s Client,
    pub lookup: &'s Lookup,
    pub limiter: &'s RateLimiter,
    /// What is in force now.
    pub snapshot: &'s (dyn Fn() -> Arc<Snapshot> + Sync),
}

/// Hears what a scan finds.
pub trait ScanObserver: Send {
    /// A namespace is done; `beside` is the metadata of what [`Scope::beside`] has there.
    fn found(&mut self, found: NamespaceFindings, existing_reports: &[Item]) -> impl Future<Output = ()> + Send;
    /// The objects of a kind are not all known, from here on.
    fn unread(&mut self, what: &str, why: &str);
    /// Objects that were looked at, and about how many are to come.
    fn progress(&mut self, _done: usize, _coming: usize) {}
}

/// A fact may take as long: nobody waits.
const FACT: Duration = Duration::from_secs(10);
/// As many facts can one object need.
const FACTS: usize = 3;

/// The lists that are merged.
struct Lists<'l> {
    /// Templates first, pods last.
    kinds: Vec<(Kind, Pages<'l>)>,
    existing_reports: Option<Pages<'l>>,
}

impl Scanning<'_> {
    /// Scans once.
    pub async fn run(&self, scope: &Scope, observer: &mut impl ScanObserver) {
        let mut lists = self.lists(scope, observer).await;
        let (mut done, mut before): (usize, Option<String>) = (0, None);
        while let Some(name) = lists.next(observer).await {
            if before.as_deref().is_some_and(|before| order::namespaces(&name, before).is_le()) {
                // Guarded by each list's own order.
                return observer.unread("namespaces", "they came out of order");
            }
            let mut snapshot = (*(self.snapshot)()).clone();
            let mut namespace = NamespaceScan::new(&name, scope.findings);
            for index in 0..lists.kinds.len() {
                let Some((kind, pages)) = lists.kinds.get_mut(index) else { break };
                while let Some(item) = next_in(kind, pages, &name, observer).await {
                    self.object(kind, &item, &mut namespace, &mut snapshot).await;
                    done += 1;
                    // Requests come first.
                    tokio::task::yield_now().await;
                }
                observer.progress(done, lists.coming());
            }
            let existing_reports = lists.existing_reports(&name, observer).await;
            observer.found(namespace.finish(), &existing_reports).await;
            before = Some(name);
        }
        observer.progress(done, 0);
    }

    async fn lists(&self, scope: &Scope, observer: &mut impl ScanObserver) -> Lists<'_> {
        let listing = |resource, selector: Option<&String>, metadata| Listing {
            resource,
            namespace: scope.namespace.clone(),
            selector: selector.cloned(),
            limit: scope.page,
            metadata,
        };
        let pages = |listing| Pages::new(self.client, self.limiter, listing);
        let mut found = Vec::new();
        for kind in kinds::listed(&(self.snapshot)().policies) {
            match kinds::resource_of(self.client, &kind).await {
                Ok(resource) => found.push((kind, pages(listing(resource, scope.selector.as_ref(), false)))),
                Err(Failure::Missing) => {}
                Err(Failure::Told(why)) => observer.unread(&kind.kind, &why),
            }
        }
        let existing_reports = scope.existing_reports.clone();
        Lists {
            kinds: found,
            existing_reports: existing_reports.map(|(resource, labels)| pages(listing(resource, Some(&labels), true))),
        }
    }

    async fn object(&self, kind: &Kind, item: &Item, namespace: &mut NamespaceScan, snapshot: &mut Snapshot) {
        let controller = item.metadata.owner_references.iter().flatten().next().map(|owner| Owner {
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
        });
        let object = Object {
            kind,
            namespace: item.namespace(),
            name: item.name(),
            uid: item.metadata.uid.as_deref().unwrap_or_default(),
            controller: controller.as_ref(),
            raw: &item.raw,
        };
        if !namespace.must_judge(&object) {
            return;
        }
        let today = Offset::UTC.to_datetime(Timestamp::now()).date();
        let mut judged = guarded(|| judge(&object, snapshot, today));
        for _ in 0..FACTS {
            let Judgement::NeedsFact(wanted) = judged else { break };
            self.limiter.run().await;
            let asked = self.lookup.ask_until(wanted, Instant::now() + FACT).await;
            // For the rest of the namespace, too.
            snapshot.facts.answers.push(asked);
            judged = guarded(|| judge(&object, snapshot, today));
        }
        // One pod is of no use to the next.
        snapshot.facts.answers.retain(|asked| !matches!(asked, FactAnswer::Pod { .. }));
        namespace.add(&object, judged);
    }
}

/// A panic in a rule is a finding of this object, and ends nothing else.
fn guarded(judge: impl FnOnce() -> Judgement) -> Judgement {
    let judged = catch_unwind(AssertUnwindSafe(judge));
    judged.unwrap_or_else(|_| Judgement::Problem("podreeve failed while judging it; its log tells where".to_owned()))
}

impl Lists<'_> {
    /// The next namespace of which any list has something.
    async fn next(&mut self, observer: &mut impl ScanObserver) -> Option<String> {
        let mut least: Option<String> = None;
        let kinds = self.kinds.iter_mut().map(|(kind, pages)| (&*kind.kind, pages));
        for (what, pages) in kinds.chain(self.existing_reports.as_mut().map(|pages| ("reports", pages))) {
            if let Some(item) = peek(what, pages, observer).await
                && least.as_deref().is_none_or(|least| order::namespaces(item.namespace(), least).is_lt())
            {
                least = Some(item.namespace().to_owned());
            }
        }
        least
    }

    async fn existing_reports(&mut self, namespace: &str, observer: &mut impl ScanObserver) -> Vec<Item> {
        let mut found = Vec::new();
        if let Some(pages) = &mut self.existing_reports {
            while peek("reports", pages, observer).await.is_some_and(|item| item.namespace() == namespace) {
                found.extend(pages.take());
            }
        }
        found
    }

    fn coming(&self) -> usize {
        self.kinds.iter().map(|(_, pages)| pages.coming()).sum()
    }
}

async fn next_in(
    kind: &Kind,
    pages: &mut Pages<'_>,
    namespace: &str,
    observer: &mut impl ScanObserver,
) -> Option<Item> {
    let item = peek(&kind.kind, pages, observer).await?;
    if item.namespace() == namespace { pages.take() } else { None }
}

async fn peek<'p>(what: &str, pages: &'p mut Pages<'_>, observer: &mut impl ScanObserver) -> Option<&'p Item> {
    match pages.peek().await {
        Ok(item) => item,
        Err(Failure::Missing) => None,
        Err(Failure::Told(why)) => {
            observer.unread(what, &why);
            None
        }
    }
}
