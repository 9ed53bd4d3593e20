//! The watch of a kind of podreeve's own objects: what each says comes into force, and its status tells.

use super::client::told;
use super::item::Item;
use super::status::Report;
use super::watch::Sink;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What keeps the objects of one kind.
pub trait Keep: Send + Sync {
    /// Takes a new or changed object in, and tells what its status should say.
    fn apply(&mut self, item: &Item) -> Report;
    fn remove(&mut self, name: &Name);
    /// Forgets all but these.
    fn retain(&mut self, names: &HashSet<Name>);
    /// Hands out what is in force.
    fn publish(&self);
}

/// Namespace and name.
pub type Name = (String, String);

/// Longest time for one request beside the watch.
const REQUEST: Duration = Duration::from_secs(5);

/// Between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_secs(5);

pub struct Objects<K> {
    client: Client,
    resource: ApiResource,
    keep: K,
    /// Told since the list began; none while nothing is listed.
    listed: Option<HashSet<Name>>,
    /// Told to be gone, which may mean that the CRD is.
    deleted: Vec<Name>,
    reports: Vec<Report>,
    /// What this replica wrote last: two replicas that disagree write once each, not for ever.
    wrote: HashMap<Name, Report>,
    changed: bool,
}

impl<K: Keep> Objects<K> {
    pub fn new(client: Client, resource: ApiResource, keep: K) -> Self {
        Self {
            client,
            resource,
            keep,
            listed: None,
            deleted: Vec::new(),
            reports: Vec::new(),
            wrote: HashMap::new(),
            changed: false,
        }
    }

    /// Whether the objects went because their CRD does. Then nobody meant to change what is in force.
    async fn crd_is_leaving(&self) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            deletion_timestamp: Option<String>,
        }
        #[derive(Deserialize)]
        struct Crd {
            metadata: Metadata,
        }
        let crds = super::item::resource(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        );
        let crds: Api<Item> = Api::all_with(self.client.clone(), &crds);
        let name = format!("{}.{}", self.resource.plural, self.resource.group);
        loop {
            match tokio::time::timeout(REQUEST, crds.get_opt(&name)).await {
                Ok(Ok(Some(crd))) => {
                    return crd.read::<Crd>().is_some_and(|crd| crd.metadata.deletion_timestamp.is_some());
                }
                Ok(Ok(None)) => return true,
                Ok(Err(kube::Error::Api(status))) if status.code == 403 => return false,
                // Without an answer there are no further events either.
                Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    async fn bury(&mut self) {
        if self.deleted.is_empty() {
            return;
        }
        let deleted = std::mem::take(&mut self.deleted);
        if self.crd_is_leaving().await {
            tracing::warn!(
                crd = format!("{}.{}", self.resource.plural, self.resource.group),
                "the CRD is being removed, and its objects with it; what they said stays in force until it is back"
            );
            return;
        }
        for name in deleted {
            self.keep.remove(&name);
            self.wrote.remove(&name);
        }
        self.changed = true;
    }

    async fn write(&mut self, report: Report) {
        let name = (report.namespace.clone(), report.name.clone());
        if report.is_written() || self.wrote.get(&name).is_some_and(|before| before.says_as(&report)) {
            return;
        }
        if !report.ready {
            let (namespace, name) = &name;
            tracing::error!(
                kind = self.resource.kind,
                namespace,
                name,
                error = report.message,
                "an object cannot be used"
            );
        }
        let api: Api<Item> = if report.namespace.is_empty() {
            Api::all_with(self.client.clone(), &self.resource)
        } else {
            Api::namespaced_with(self.client.clone(), &report.namespace, &self.resource)
        };
        let patch = Patch::Merge(report.patch(Timestamp::now()));
        let params = PatchParams { field_manager: Some("podreeve".to_owned()), ..PatchParams::default() };
        match tokio::time::timeout(REQUEST, api.patch_status(&report.name, &params, &patch)).await {
            Ok(Err(error)) if !is_gone(&error) => {
                tracing::debug!(error = told(&error), "a status cannot be written; it is tried again");
                self.reports.push(report);
            }
            Err(_) => self.reports.push(report),
            Ok(_) => drop(self.wrote.insert(name, report)),
        }
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

impl<K: Keep> Sink for Objects<K> {
    fn begin(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        let name: Name = (item.namespace().to_owned(), item.name().to_owned());
        if let Some(listed) = &mut self.listed {
            listed.insert(name.clone());
        }
        self.deleted.retain(|deleted| *deleted != name);
        let report = self.keep.apply(item);
        self.reports.retain(|known| (&known.namespace, &known.name) != (&name.0, &name.1));
        self.reports.push(report);
        self.changed = true;
    }

    fn delete(&mut self, item: &Item) {
        self.deleted.push((item.namespace().to_owned(), item.name().to_owned()));
    }

    fn done(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.keep.retain(&listed);
        }
        self.changed = true;
    }

    async fn settled(&mut self) {
        if self.listed.is_some() {
            return;
        }
        self.bury().await;
        if std::mem::take(&mut self.changed) {
            self.keep.publish();
        }
        for report in std::mem::take(&mut self.reports) {
            self.write(report).await;
        }
    }

    fn again(&self) -> Option<Duration> {
        (!self.reports.is_empty()).then_some(AGAIN)
    }
}
