//! Events on owners with objects that would be denied: one Event for each owner and rule. A scan writes it when the denial is
//! new or has changed. A new leader counts on the Event of the leader before it.

mod event;

use super::rate_limiter::RateLimiter;
use crate::cluster::api_error::ApiError;
use crate::observe::LogOnce;
use crate::scan::{NamespaceFindings, ScanFinding, ScanResult};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Most events of one scan. The next scans send the others.
const MAX_EVENTS: usize = 1000;
/// Most owners and rules that are remembered, with 8 bytes each.
const REMEMBERED: usize = 200_000;

pub struct Events {
    client: Client,
    /// This replica.
    instance: String,
    /// The last scan: a hash of each owner and rule with the denials.
    before: HashSet<u64>,
    /// The same of this scan.
    now: HashSet<u64>,
    /// Events of this scan.
    sent: usize,
    log: LogOnce,
}

impl Events {
    pub fn new(client: &Client, identity: &str) -> Self {
        Self {
            client: client.clone(),
            instance: identity.to_owned(),
            before: HashSet::new(),
            now: HashSet::new(),
            sent: 0,
            log: LogOnce::default(),
        }
    }

    /// Sends an event for each owner and rule of the namespace with a new denial. The result is how many events failed.
    pub async fn record(&mut self, found: &NamespaceFindings, limiter: &RateLimiter) -> u64 {
        let mut failed = 0;
        for findings in by_owner_and_rule(found) {
            let hash = hash(&findings, &found.namespace);
            if self.now.len() >= REMEMBERED {
                break;
            }
            if !self.before.contains(&hash) {
                if self.sent >= MAX_EVENTS {
                    continue;
                }
                self.sent += 1;
                failed += u64::from(!self.publish(&findings, &found.namespace, limiter).await);
            }
            self.now.insert(hash);
        }
        failed
    }

    /// False if the event could not be written.
    async fn publish(&mut self, findings: &[&ScanFinding], namespace: &str, limiter: &RateLimiter) -> bool {
        let Some(event) = event::event(findings, namespace, &self.instance, Time(Timestamp::now())) else {
            return true;
        };
        match self.write(&event, namespace, limiter).await {
            Ok(()) => {
                self.log.recovered();
                true
            }
            // The namespace is being deleted, and its objects with it.
            Err(error) if error.is_not_found() || error.is_namespace_terminating() => true,
            Err(error) => {
                let error = error.to_string();
                if self.log.began_to_fail(&error) {
                    tracing::warn!(
                        error,
                        "events cannot be written: grant podreeve's role create, get and patch on events"
                    );
                }
                false
            }
        }
    }

    /// Creates the Event. If there is one of an earlier leader, or of an earlier state of the owner, it is counted on.
    async fn write(&self, event: &Event, namespace: &str, limiter: &RateLimiter) -> Result<(), ApiError> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        limiter.wait().await;
        match api.create(&PostParams::default(), event).await.map_err(ApiError::from) {
            Err(error) if error.is_conflict() => {}
            result => return result.map(|_| ()),
        }
        match self.count_on(&api, event, limiter).await {
            // The API server deletes an Event after an hour, and this one had just gone.
            Err(error) if error.is_not_found() => {
                limiter.wait().await;
                api.create(&PostParams::default(), event).await?;
                Ok(())
            }
            result => result,
        }
    }

    async fn count_on(&self, api: &Api<Event>, event: &Event, limiter: &RateLimiter) -> Result<(), ApiError> {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        limiter.wait().await;
        let count = api.get(name).await?.count.unwrap_or(1).saturating_add(1);
        let change = json!({
            "count": count,
            "lastTimestamp": event.last_timestamp,
            "message": event.message,
            "reportingInstance": event.reporting_instance,
        });
        limiter.wait().await;
        api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(())
    }

    /// Ends a scan, and returns the number of its events. Owners without a denial are forgotten, unless the scan was
    /// incomplete.
    pub fn done(&mut self, incomplete: bool) -> usize {
        let now = std::mem::take(&mut self.now);
        if incomplete && self.before.len() + now.len() <= REMEMBERED {
            self.before.extend(now);
        } else {
            self.before = now;
        }
        std::mem::take(&mut self.sent)
    }
}

/// What would be denied, by owner and rule, in the order of the findings.
fn by_owner_and_rule(found: &NamespaceFindings) -> Vec<Vec<&ScanFinding>> {
    let denied = |f: &&ScanFinding| matches!(f.result(), ScanResult::Fail | ScanResult::Error);
    let mut groups: Vec<Vec<&ScanFinding>> = Vec::new();
    let mut places = HashMap::new();
    for finding in found.findings.iter().filter(denied) {
        let place = *places.entry((Arc::as_ptr(&finding.owner), finding.rule())).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn hash(findings: &[&ScanFinding], namespace: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    namespace.hash(&mut hasher);
    for finding in findings {
        (&finding.owner.uid, &finding.owner.kind, &finding.owner.name).hash(&mut hasher);
        event::line(finding).hash(&mut hasher);
    }
    hasher.finish()
}
