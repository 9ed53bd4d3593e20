//! Writes the report of the node, when its content changes; otherwise only the times of the audit.

use super::report::{Audited, CONTENT, ClusterReport, FirstSeen, seen_key};
use crate::cluster::ApiError;
use crate::cluster::item::{Item, resource};
use crate::cluster::report_fields::Time;
use crate::facts::reported_nodes::{NAME_PREFIX, ReportedNode};
use crate::report::node::NodeReport;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write;

/// The report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(
        "openreports.io/v1alpha1 ClusterReport is not installed; install the CRDs of openreports, or switch nodes.enabled off"
    )]
    NotInstalled,
    #[error("{name}: {error}")]
    Refused {
        name: String,
        #[source]
        error: ApiError,
    },
}

/// Where the report goes.
pub struct Publisher<'p> {
    pub client: &'p Client,
    pub node: &'p str,
    pub uid: &'p str,
    pub audited: Audited,
}

/// What the agent reads of its last report.
#[derive(Default, Deserialize)]
struct Existing {
    #[serde(default)]
    metadata: Annotated,
    #[serde(default)]
    results: Vec<Known>,
}

#[derive(Default, Deserialize)]
struct Annotated {
    #[serde(default)]
    annotations: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Known {
    timestamp: Option<Time>,
    #[serde(default)]
    properties: HashMap<String, String>,
}

/// How often the report is read and written again, when another agent has written it meanwhile: one that ends, after an upgrade.
const TRIES: u32 = 3;

impl Publisher<'_> {
    /// Returns whether the content was new.
    pub async fn publish(&self, report: &NodeReport, facts: &ReportedNode) -> Result<bool, PublishError> {
        let mut tries = 1;
        loop {
            match self.write(report, facts).await {
                Err(PublishError::Refused { error, .. }) if error.is_conflict() && tries < TRIES => tries += 1,
                written => return written,
            }
        }
    }

    async fn write(&self, report: &NodeReport, facts: &ReportedNode) -> Result<bool, PublishError> {
        let api: Api<Item> = Api::all_with(
            self.client.clone(),
            &resource("openreports.io", "v1alpha1", "ClusterReport", "clusterreports"),
        );
        let name = format!("{NAME_PREFIX}{}", self.node);
        let refused = |error: ApiError| match error {
            // Without the CRD, a POST is not found either.
            error if error.is_not_found() => PublishError::NotInstalled,
            error => PublishError::Refused { name: name.clone(), error },
        };
        let found = api.get_opt(&name).await.map_err(|error| refused(error.into()))?;
        let existing: Existing = found.as_ref().and_then(Item::read).unwrap_or_default();
        let now = Timestamp::now();
        let new = ClusterReport::new(report, facts, self.uid, &first_seen(&existing), now);
        let content = hash(&new.content());
        let Some(old) = found else {
            let object = new.written(content, None, self.audited);
            api.create(&PostParams::default(), &object).await.map_err(|error| refused(error.into()))?;
            return Ok(true);
        };
        if existing.metadata.annotations.get(CONTENT) == Some(&content) {
            let annotations: HashMap<&str, String> = self.audited.annotations().into();
            let checked = json!({"metadata": {"annotations": annotations}});
            let patch = Patch::Merge(checked);
            api.patch(&name, &PatchParams::default(), &patch).await.map_err(|error| refused(error.into()))?;
            return Ok(false);
        }
        let object = new.written(content, old.metadata.resource_version, self.audited);
        api.replace(&name, &PostParams::default(), &object).await.map_err(|error| refused(error.into()))?;
        Ok(true)
    }
}

fn first_seen(existing: &Existing) -> FirstSeen {
    let known = existing.results.iter().filter_map(|result| {
        let (verdict, fingerprint) = (result.properties.get("verdict")?, result.properties.get("fingerprint")?);
        Some((seen_key(verdict, fingerprint), result.timestamp?))
    });
    known.collect()
}

fn hash(content: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    digest.as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
