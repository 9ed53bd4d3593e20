//! The watch of a kind of podreeve's own objects: what each says comes into force, and [`super::writer`] hears of it.

use super::item::Item;
use super::status::DesiredStatus;
use super::watch::Sink;
use super::writer::StatusUpdate;
use kube::core::ApiResource;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// What keeps the objects of one kind.
pub trait ObjectStore: Send + Sync {
    /// Takes a new or changed object in, and tells what its status should say.
    fn apply(&mut self, item: &Item) -> DesiredStatus;
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

pub struct Objects<K> {
    client: Client,
    resource: ApiResource,
    keep: K,
    /// Told since the list began; none while nothing is listed.
    listed: Option<HashSet<Name>>,
    /// Told to be gone, which may mean that the CRD is.
    deleted: Vec<Name>,
    /// Those that cannot be used, with the reason: each is logged once.
    bad: HashMap<Name, String>,
    said: UnboundedSender<StatusUpdate>,
    changed: bool,
}

impl<K: ObjectStore> Objects<K> {
    pub fn new(client: Client, resource: ApiResource, keep: K, said: UnboundedSender<StatusUpdate>) -> Self {
        Self { client, resource, keep, listed: None, deleted: Vec::new(), bad: HashMap::new(), said, changed: false }
    }

    fn report(&mut self, name: Name, report: DesiredStatus) {
        if report.ready {
            self.bad.remove(&name);
        } else if self.bad.get(&name) != Some(&report.message) {
            let (namespace, name_of) = &name;
            let kind = &self.resource.kind;
            tracing::error!(kind, namespace, name = name_of, error = report.message, "an object cannot be used");
            self.bad.insert(name, report.message.clone());
        }
        self.say(StatusUpdate::DesiredStatus(report));
    }

    /// Whoever writes ends with the watch, not before it.
    fn say(&self, said: StatusUpdate) {
        let _ = self.said.send(said);
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

    async fn apply_deletes(&mut self) {
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
            self.bad.remove(&name);
            self.say(StatusUpdate::Gone(name));
        }
        self.changed = true;
    }
}

impl<K: ObjectStore> Sink for Objects<K> {
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
        self.report(name, report);
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

    /// Nobody has to wait for them any more.
    fn on_forbidden(&mut self) {
        self.keep.publish();
    }

    async fn settled(&mut self) {
        if self.listed.is_some() {
            return;
        }
        self.apply_deletes().await;
        if std::mem::take(&mut self.changed) {
            self.keep.publish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::item::resource;
    use crate::cluster::policies::Policies;
    use crate::cluster::state::StateSender;
    use http::{Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;

    #[tokio::test]
    async fn what_cannot_be_read_is_not_waited_for() {
        let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let (parts, (say, _said)) = (StateSender::default(), tokio::sync::mpsc::unbounded_channel());
        let kind = resource("podreeve.dev", "v1alpha1", "Policy", "policies");
        let mut objects = Objects::new(Client::new(service, "default"), kind, Policies::new(parts.clone()), say);
        objects.begin();
        objects.settled().await;
        assert!(!parts.borrow().listed.policies, "the list is still to come");
        objects.on_forbidden();
        assert!(parts.borrow().listed.policies);
    }
}
