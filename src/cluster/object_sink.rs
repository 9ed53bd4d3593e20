//! The watch of one of podreeve's own kinds: a store puts the objects into force, and the status writer gets the status
//! that each should have.

use super::api_error::ApiError;
use super::item::{Item, ObjectKey, resource};
use super::object_store::ObjectStore;
use super::status::{DesiredStatus, StatusUpdate};
use super::watch::Sink;
use crate::observe::LogOnce;
use kube::core::ApiResource;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Longest time for one request for the CRD.
const REQUEST: Duration = Duration::from_secs(5);

/// Between two looks at what else the status of objects depends on: the date, and the policies of files.
const REFRESH: Duration = Duration::from_secs(5);

pub struct ObjectSink<S> {
    client: Client,
    resource: ApiResource,
    store: S,
    /// The objects of the list so far; none while no list is read.
    listed: Option<HashSet<ObjectKey>>,
    /// Deleted objects that are still in force: the deletion may be that of the CRD.
    deleted: Vec<ObjectKey>,
    /// For each object that cannot be used or needs attention, the text in the log.
    unusable: HashMap<ObjectKey, LogOnce>,
    updates: UnboundedSender<StatusUpdate>,
    changed: bool,
}

impl<S: ObjectStore> ObjectSink<S> {
    pub fn new(client: Client, resource: ApiResource, store: S, updates: UnboundedSender<StatusUpdate>) -> Self {
        Self {
            client,
            resource,
            store,
            listed: None,
            deleted: Vec::new(),
            unusable: HashMap::new(),
            updates,
            changed: false,
        }
    }

    fn report(&mut self, key: ObjectKey, status: DesiredStatus) {
        if self.store.is_of_another(&key) {
            self.unusable.remove(&key);
            return self.send(StatusUpdate::Deleted(key));
        }
        if status.ready && !status.notice {
            self.unusable.remove(&key);
        } else {
            let (namespace, name) = key.clone();
            if self.unusable.entry(key).or_default().failed(&status.message) {
                let (kind, message) = (&self.resource.kind, &status.message);
                if status.notice {
                    tracing::warn!(kind, namespace, name, message, "an object needs attention");
                } else {
                    tracing::error!(kind, namespace, name, error = message, "an object cannot be used");
                }
            }
        }
        self.send(StatusUpdate::Desired(Box::new(status)));
    }

    /// The receiver ends together with the watch, so an update is never lost while the watch runs.
    fn send(&self, update: StatusUpdate) {
        let _ = self.updates.send(update);
    }

    /// Whether the objects were deleted because their CRD is. Then no user meant to change what is in force.
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
        let crds = resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
        let crds: Api<Item> = Api::all_with(self.client.clone(), &crds);
        let name = self.crd();
        loop {
            let answer = tokio::time::timeout(REQUEST, crds.get_opt(&name)).await;
            match answer.map(|answer| answer.map_err(ApiError::from)) {
                Ok(Ok(Some(crd))) => {
                    return crd.read::<Crd>().is_some_and(|crd| crd.metadata.deletion_timestamp.is_some());
                }
                Ok(Ok(None)) => return true,
                Ok(Err(error)) if error.code() == Some(403) => return false,
                // While the API server does not answer, the watch has no events that would have to wait.
                Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    fn crd(&self) -> String {
        format!("{}.{}", self.resource.plural, self.resource.group)
    }

    async fn apply_deletes(&mut self) {
        if self.deleted.is_empty() {
            return;
        }
        let deleted = std::mem::take(&mut self.deleted);
        if self.crd_is_leaving().await {
            tracing::warn!(
                crd = self.crd(),
                "the CRD is being removed, and its objects with it; the last objects stay in force until the CRD is back"
            );
            return;
        }
        for key in deleted {
            self.store.remove(&key);
            self.unusable.remove(&key);
            self.send(StatusUpdate::Deleted(key));
        }
        self.changed = true;
    }
}

impl<S: ObjectStore> Sink for ObjectSink<S> {
    fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn apply(&mut self, item: &Item) {
        let key = item.key();
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        self.deleted.retain(|deleted| *deleted != key);
        let status = self.store.apply(item);
        self.report(key, status);
        self.changed = true;
    }

    fn delete(&mut self, item: &Item) {
        self.deleted.push(item.key());
    }

    fn list_ends(&mut self) {
        if let Some(listed) = self.listed.take() {
            self.store.retain(&listed);
        }
        self.changed = true;
    }

    /// The server is not to wait for objects that cannot be read.
    fn on_forbidden(&mut self) {
        self.store.publish();
    }

    fn flush_after(&self) -> Option<Duration> {
        Some(REFRESH)
    }

    async fn flush(&mut self) {
        if self.listed.is_some() {
            return;
        }
        self.apply_deletes().await;
        for (key, status) in self.store.refresh() {
            self.report(key, status);
            self.changed = true;
        }
        if std::mem::take(&mut self.changed) {
            self.store.publish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::policies::PolicyStore;
    use crate::cluster::served::ServedPolicies;
    use crate::cluster::state::StateSender;
    use http::{Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;

    #[tokio::test]
    async fn objects_that_cannot_be_read_are_not_awaited() {
        let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let (state, (sender, _updates)) = (StateSender::default(), tokio::sync::mpsc::unbounded_channel());
        let kind = resource("podreeve.dev", "v1alpha1", "Policy", "policies");
        let mut objects = ObjectSink::new(
            Client::new(service, "default"),
            kind,
            PolicyStore::new(state.clone(), ServedPolicies::none()),
            sender,
        );
        objects.list_begins();
        objects.flush().await;
        assert!(!state.borrow().listed.policies, "the list is not complete yet");
        objects.on_forbidden();
        assert!(state.borrow().listed.policies);
    }
}
