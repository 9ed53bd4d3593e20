//! Writes what the status of objects should say. The leader does; who leads next writes what its predecessor did not.

use super::item::Item;
use super::objects::Name;
use super::status::DesiredStatus;
use crate::text::with_causes;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Longest time for one write.
const REQUEST: Duration = Duration::from_secs(5);
/// Between two tries to write what could not be written.
const AGAIN: Duration = Duration::from_secs(5);

/// What a watch tells of an object.
pub enum StatusUpdate {
    DesiredStatus(DesiredStatus),
    Gone(Name),
}

pub struct Writer {
    client: Client,
    resource: ApiResource,
    leads: watch::Receiver<bool>,
    said: mpsc::UnboundedReceiver<StatusUpdate>,
    /// What is not written yet.
    left: BTreeMap<Name, DesiredStatus>,
    /// What this leader wrote last: two podreeves that disagree write once each, not for ever.
    wrote: HashMap<Name, DesiredStatus>,
    /// Why the last write failed.
    trouble: Option<String>,
}

impl Writer {
    pub fn new(
        client: Client,
        resource: ApiResource,
        leads: watch::Receiver<bool>,
        said: mpsc::UnboundedReceiver<StatusUpdate>,
    ) -> Self {
        Self { client, resource, leads, said, left: BTreeMap::new(), wrote: HashMap::new(), trouble: None }
    }

    /// Writes as long as somebody tells.
    pub async fn run(mut self) {
        loop {
            let retries = !self.left.is_empty() && *self.leads.borrow();
            tokio::select! {
                said = self.said.recv() => match said {
                    Some(said) => self.handle(said),
                    None => return,
                },
                changed = self.leads.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Another may have written since.
                    self.wrote.clear();
                }
                () = tokio::time::sleep(AGAIN), if retries => {}
            }
            while let Ok(said) = self.said.try_recv() {
                self.handle(said);
            }
            self.write().await;
        }
    }

    fn handle(&mut self, said: StatusUpdate) {
        match said {
            StatusUpdate::DesiredStatus(report) => {
                let name = report.object();
                if report.is_written() || self.wrote.get(&name).is_some_and(|before| before.says_as(&report)) {
                    self.left.remove(&name);
                } else {
                    self.left.insert(name, report);
                }
            }
            StatusUpdate::Gone(name) => {
                self.left.remove(&name);
                self.wrote.remove(&name);
            }
        }
    }

    /// Writes what is left, as long as this replica leads.
    async fn write(&mut self) {
        let names: Vec<Name> = self.left.keys().cloned().collect();
        for name in names {
            if !*self.leads.borrow() {
                return;
            }
            let Some(report) = self.left.get(&name) else { continue };
            match self.patch(report).await {
                Ok(()) => {
                    self.trouble = None;
                    let report = self.left.remove(&name);
                    self.wrote.extend(report.map(|report| (name, report)));
                }
                Err(error) => {
                    if self.trouble.as_ref() != Some(&error) {
                        let kind = &self.resource.kind;
                        tracing::warn!(error, kind, "a status cannot be written; it is tried again");
                        self.trouble = Some(error);
                    }
                }
            }
        }
    }

    async fn patch(&self, report: &DesiredStatus) -> Result<(), String> {
        let api: Api<Item> = if report.namespace.is_empty() {
            Api::all_with(self.client.clone(), &self.resource)
        } else {
            Api::namespaced_with(self.client.clone(), &report.namespace, &self.resource)
        };
        let patch = Patch::Merge(report.patch(Timestamp::now()));
        let params = PatchParams { field_manager: Some("podreeve".to_owned()), ..PatchParams::default() };
        match tokio::time::timeout(REQUEST, api.patch_status(&report.name, &params, &patch)).await {
            // What is gone needs no status.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(()),
            Ok(Err(error)) => Err(with_causes(&error)),
            Err(_) => Err("the API server did not answer in time".to_owned()),
            Ok(Ok(_)) => Ok(()),
        }
    }
}
