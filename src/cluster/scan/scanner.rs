//! One scan. The lists of all kinds are in the order of namespaces, so they are merged: a namespace is done when no list
//! has another object of it.

use super::kinds;
use super::order;
use super::pages::{ListError, Listing, Pages};
use super::rate_limiter::RateLimiter;
use crate::admit::{Lookup, Snapshot, judge_with_lookups};
use crate::cluster::fact_client::FactClient;
use crate::cluster::item::Item;
use crate::facts::{FactAnswer, FactQuery};
use crate::scan::{Judgement, NamespaceFindings, NamespaceScan, Object, Owner, judge};
use crate::workload::Kind;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use kube::Client;
use kube::core::ApiResource;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What to scan.
#[derive(Debug, Clone)]
pub struct Scope {
    /// None for all.
    pub namespace: Option<String>,
    /// A label selector for the objects; none for all.
    pub selector: Option<String>,
    /// Objects in a page.
    pub page: u32,
    /// Most findings of a namespace that are reported in full. The others are counted.
    pub findings: usize,
    /// Whether to report the names and images of containers.
    pub images: bool,
    /// The resource and the labels of reports to read as well. The observer gets those of each namespace.
    pub existing_reports: Option<(ApiResource, String)>,
}

/// What a scan needs.
pub struct Scanner<'s> {
    pub client: &'s Client,
    pub fact_client: &'s FactClient,
    pub limiter: &'s RateLimiter,
    /// Returns the policies and facts in force now.
    pub snapshot: &'s (dyn Fn() -> Arc<Snapshot> + Sync),
}

/// Gets what a scan finds.
pub trait ScanObserver: Send {
    /// A namespace is done. `existing_reports` has the metadata of its reports, if [`Scope::existing_reports`] names them.
    fn found(&mut self, found: NamespaceFindings, existing_reports: &[Item]) -> impl Future<Output = ()> + Send;
    /// The rest of the objects of a kind cannot be read.
    fn unread(&mut self, what: &str, why: &str);
    /// So many objects are judged, and about so many are left.
    fn progress(&mut self, _done: usize, _left: usize) {}
}

/// Longest time for one fact. No request waits for a scan.
const FACT: Duration = Duration::from_secs(10);

/// The lists that are merged.
struct Lists<'l> {
    /// Templates first, pods last.
    kinds: Vec<(Kind, Pages<'l>)>,
    existing_reports: Option<Pages<'l>>,
}

impl Scanner<'_> {
    /// Runs one scan.
    pub async fn run(&self, scope: &Scope, observer: &mut impl ScanObserver) {
        let mut lists = self.lists(scope, observer).await;
        let (mut done, mut before): (usize, Option<String>) = (0, None);
        while let Some(name) = lists.next(observer).await {
            if before.as_deref().is_some_and(|before| order::namespaces(&name, before).is_le()) {
                // A bug: `Pages` checks the order of each list.
                return observer.unread("namespaces", "the API server lists them out of order");
            }
            let mut snapshot = (*(self.snapshot)()).clone();
            let namespace = NamespaceScan::new(&name, scope.findings);
            let mut namespace = if scope.images { namespace.with_images() } else { namespace };
            for index in 0..lists.kinds.len() {
                let Some((kind, pages)) = lists.kinds.get_mut(index) else { break };
                while let Some(item) = next_in(kind, pages, &name, observer).await {
                    self.object(kind, &item, &mut namespace, &mut snapshot).await;
                    done += 1;
                    // Requests of the webhook come first.
                    tokio::task::yield_now().await;
                }
                observer.progress(done, lists.left());
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
                Err(ListError::NotInstalled) => {}
                Err(error @ ListError::Failed(_)) => observer.unread(&kind.kind, &error.to_string()),
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
        let judged = judge_with_lookups(PendingObject { scanner: self, object: &object, snapshot, today }).await;
        // The other objects of the namespace use the answers, too; but a single pod concerns this object alone.
        snapshot.facts.answers.retain(|answer| !matches!(answer, FactAnswer::Pod { .. }));
        namespace.add(&object, judged);
    }
}

/// An object that is judged by the facts of its namespace.
struct PendingObject<'o> {
    scanner: &'o Scanner<'o>,
    object: &'o Object<'o>,
    snapshot: &'o mut Snapshot,
    today: Date,
}

impl Lookup for PendingObject<'_> {
    type Result = Judgement;

    /// By the answers in the snapshot, to which [`Self::look_up`] adds.
    async fn judge(&mut self, _: &[FactAnswer]) -> Judgement {
        guarded(|| judge(self.object, self.snapshot, self.today))
    }

    async fn look_up(&mut self, query: FactQuery) -> FactAnswer {
        self.scanner.limiter.wait().await;
        let answer = self.scanner.fact_client.ask_until(query, Instant::now() + FACT).await;
        self.snapshot.facts.answers.push(answer.clone());
        answer
    }
}

/// A panic in a rule is a finding of this object, and the scan goes on.
fn guarded(judge: impl FnOnce() -> Judgement) -> Judgement {
    let judged = catch_unwind(AssertUnwindSafe(judge));
    judged.unwrap_or_else(|_| Judgement::Problem("podreeve failed while judging it; its log says where".to_owned()))
}

impl Lists<'_> {
    /// The next namespace that has an object in any list.
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

    fn left(&self) -> usize {
        self.kinds.iter().map(|(_, pages)| pages.left()).sum()
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
        Err(ListError::NotInstalled) => None,
        Err(error @ ListError::Failed(_)) => {
            observer.unread(what, &error.to_string());
            None
        }
    }
}
