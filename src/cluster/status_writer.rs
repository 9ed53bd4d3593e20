//! Writes the status of objects. Only the leader does. A new leader writes what its predecessor did not.

use super::api_error::ApiError;
use super::item::{Item, ObjectKey};
use super::lease::Leadership;
use super::status::{DesiredStatus, StatusUpdate};
use crate::observe::LogOnce;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::sync::mpsc;

/// Longest time for one write.
const REQUEST: Duration = Duration::from_secs(5);
/// Between two tries to write a status.
const RETRY: Duration = Duration::from_secs(5);

pub struct StatusWriter {
    client: Client,
    resource: ApiResource,
    leadership: Leadership,
    updates: mpsc::UnboundedReceiver<StatusUpdate>,
    /// What has to be written.
    pending: BTreeMap<ObjectKey, DesiredStatus>,
    /// What this leader has written. Two installations that disagree write once each, and not in a loop.
    written: HashMap<ObjectKey, DesiredStatus>,
    log: LogOnce,
}

impl StatusWriter {
    pub fn new(
        client: Client,
        resource: ApiResource,
        leadership: Leadership,
        updates: mpsc::UnboundedReceiver<StatusUpdate>,
    ) -> Self {
        let (pending, written, log) = (BTreeMap::new(), HashMap::new(), LogOnce::default());
        Self { client, resource, leadership, updates, pending, written, log }
    }

    /// Writes until the sender of updates is gone.
    pub async fn run(mut self) {
        loop {
            let retries = !self.pending.is_empty() && *self.leadership.borrow();
            tokio::select! {
                update = self.updates.recv() => match update {
                    Some(update) => self.handle(update),
                    None => return,
                },
                changed = self.leadership.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Another leader may have written since.
                    self.written.clear();
                }
                () = tokio::time::sleep(RETRY), if retries => {}
            }
            while let Ok(update) = self.updates.try_recv() {
                self.handle(update);
            }
            self.write().await;
        }
    }

    fn handle(&mut self, update: StatusUpdate) {
        match update {
            StatusUpdate::Desired(status) => {
                let key = status.key();
                let was_written = self.written.get(&key).is_some_and(|written| written.writes_same_as(&status));
                if status.is_written() || was_written {
                    self.pending.remove(&key);
                } else {
                    self.pending.insert(key, *status);
                }
            }
            StatusUpdate::Deleted(key) => {
                self.pending.remove(&key);
                self.written.remove(&key);
            }
        }
    }

    /// Writes what is pending, as long as this replica is the leader.
    async fn write(&mut self) {
        let keys: Vec<ObjectKey> = self.pending.keys().cloned().collect();
        for key in keys {
            if !*self.leadership.borrow() {
                return;
            }
            let Some(status) = self.pending.get(&key) else { continue };
            match self.patch(status).await {
                Ok(()) => {
                    self.log.recovered();
                    let status = self.pending.remove(&key);
                    self.written.extend(status.map(|status| (key, status)));
                }
                Err(error) => {
                    let error = error.to_string();
                    if self.log.failed(&error) {
                        let kind = &self.resource.kind;
                        tracing::warn!(error, kind, "a status cannot be written; the leader tries again");
                    }
                }
            }
        }
    }

    async fn patch(&self, status: &DesiredStatus) -> Result<(), ApiError> {
        let api: Api<Item> = if status.namespace.is_empty() {
            Api::all_with(self.client.clone(), &self.resource)
        } else {
            Api::namespaced_with(self.client.clone(), &status.namespace, &self.resource)
        };
        let patch = Patch::Merge(status.patch(Timestamp::now()));
        let params = PatchParams { field_manager: Some("podreeve".to_owned()), ..PatchParams::default() };
        let answer = tokio::time::timeout(REQUEST, api.patch_status(&status.name, &params, &patch)).await;
        match answer.map_err(|_| ApiError::Timeout)?.map_err(ApiError::from) {
            // The object is gone, and needs no status.
            Err(error) if error.is_not_found() => Ok(()),
            result => result.map(|_| ()),
        }
    }
}
