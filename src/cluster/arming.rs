//! Arms the cluster: writes the lists of webhooks once podreeve answers, keeps them right, and empties them when podreeve goes.
//!
//! The chart renders both configurations empty. So an install whose image cannot be pulled denies no pod, and
//! neither an upgrade nor a GitOps tool owns the lists.

mod kept_ca;
mod lists;
mod probe;

use super::api_error::ApiError;
use super::certificates;
use super::deployment;
use super::lease::Leadership;
use super::webhooks::{CONFIGURATIONS, configurations};
use crate::observe::LogOnce;
use k8s_openapi::api::core::v1::Secret;
pub use kept_ca::KeptCa;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use lists::{WebhookLists, ca_of, is_there, to_write};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// While this annotation is on one of the configurations, both stay empty.
pub const BREAK_GLASS: &str = "podreeve.dev/break-glass";
const FIELD_MANAGER: &str = "podreeve";
/// Between two checks.
const INTERVAL: Duration = Duration::from_secs(5);
/// The same while this replica shuts down: it may be the last one, and its token may not count for long.
const LAST_INTERVAL: Duration = Duration::from_secs(1);

/// What to arm with.
#[derive(Debug, Clone)]
pub struct ArmingSettings {
    /// The name of both configurations.
    pub configuration: String,
    /// The file with both lists.
    pub file: PathBuf,
    /// podreeve's own Deployment: when that is deleted the lists are emptied.
    pub deployment: Option<String>,
    /// Where the CA is that the API server is to trust.
    pub ca: CaSource,
}

#[derive(Debug, Clone)]
pub enum CaSource {
    /// `ca.crt` of this Secret.
    Secret(String),
    /// A file, which may be missing: then the lists name the CA, or it is a public one. Others renew the CA in the configurations.
    File(PathBuf),
    /// The same, and the leader keeps the CA in the configurations as it is in the file.
    KeptFile(PathBuf),
}

/// How the lists are, for the log, /readyz and the metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArmingState {
    /// Both configurations hold what the file says.
    Armed,
    /// They are empty until the annotation is removed.
    BreakGlass,
    /// They are empty, because podreeve's Deployment or its namespace is being deleted.
    Uninstalling,
    /// They are not as the file says, for this reason.
    Unarmed(String),
}

impl ArmingState {
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Armed => "the API server calls podreeve".to_owned(),
            Self::BreakGlass => format!(
                "the API server does not call podreeve, because a webhook configuration has the annotation {BREAK_GLASS}; \
                 remove it, and the leader arms both again"
            ),
            Self::Uninstalling => {
                "the API server does not call podreeve, because podreeve's Deployment is being deleted".to_owned()
            }
            Self::Unarmed(why) => format!("the API server does not call podreeve as the chart says: {why}"),
        }
    }
}

/// Why the lists are not as the file says.
#[derive(Debug, thiserror::Error)]
enum ArmingError {
    #[error("the {0} {1} is missing; install the chart again")]
    Missing(&'static str, String),
    #[error("the {0} cannot be read: {1}")]
    Unread(String, ApiError),
    #[error("the webhook configuration {0} cannot be written: {1}")]
    Unwritten(String, ApiError),
    #[error("{0}: {1}")]
    File(String, String),
    #[error("the Secret {0} has no CA yet")]
    NoCa(String),
    #[error("the leader has not written them yet")]
    NotYet,
    #[error(transparent)]
    Probe(#[from] probe::ProbeError),
}

/// Keeps both lists.
pub struct Arming<'a> {
    pub client: &'a Client,
    pub namespace: &'a str,
    pub settings: &'a ArmingSettings,
    pub leadership: Leadership,
    pub kept: KeptCa,
}

impl Arming<'_> {
    /// Runs as long as podreeve serves, and reports the result of each check.
    ///
    /// The leader writes. The other replicas only check, but each of them empties the lists when the Deployment is being
    /// deleted, since the leader may be gone by then. For the same reason a replica that shuts down checks to its end.
    pub async fn run(mut self, report: impl Fn(&ArmingState)) {
        let (mut log, mut is_first) = (LogOnce::default(), true);
        loop {
            let is_leader = *self.leadership.borrow_and_update();
            // The election is over for this replica.
            let is_ending = self.leadership.has_changed().is_err();
            let state =
                self.check(is_leader, is_ending).await.unwrap_or_else(|error| ArmingState::Unarmed(error.to_string()));
            report(&state);
            let text = state.text();
            match state {
                ArmingState::Armed if log.recovered() || is_first => tracing::info!("{text}"),
                ArmingState::Armed => {}
                _ if log.failed(&text) => tracing::warn!("{text}"),
                _ => {}
            }
            is_first = false;
            if is_ending {
                tokio::time::sleep(LAST_INTERVAL).await;
            } else {
                // A new leader begins at once.
                let _ = tokio::time::timeout(INTERVAL, self.leadership.changed()).await;
            }
        }
    }

    async fn check(&mut self, is_leader: bool, is_ending: bool) -> Result<ArmingState, ArmingError> {
        let live = self.live().await?;
        let is_going = self.is_going(is_ending).await;
        if matches!(is_going, Ok(true)) {
            self.write(&live, [&[], &[]], None).await?;
            return Ok(ArmingState::Uninstalling);
        }
        let is_broken =
            |found: &DynamicObject| found.metadata.annotations.iter().flatten().any(|(key, _)| key == BREAK_GLASS);
        if live.iter().flatten().any(is_broken) {
            if is_leader {
                self.write(&live, [&[], &[]], None).await?;
            }
            return Ok(ArmingState::BreakGlass);
        }
        is_going?;
        let mut lists = self.lists().await?;
        if is_leader && let Some(bundle) = self.kept_bundle(&live).await? {
            lists.trust(&bundle);
        }
        let wanted = lists.both().map(Vec::as_slice);
        let is_right = |found: &DynamicObject, wanted| is_there(wanted, &webhooks(found));
        if !live.iter().zip(wanted).all(|(found, wanted)| found.as_ref().is_none_or(|found| is_right(found, wanted))) {
            if !is_leader {
                return Err(ArmingError::NotYet);
            }
            let bundle = match lists.ca_bundle() {
                Some(bundle) => Some(bundle),
                None => self.bundle().await?,
            };
            probe::probe(self.client, lists.service(), bundle.as_deref()).await?;
            self.write(&live, wanted, bundle.as_deref()).await?;
            tracing::info!(name = self.settings.configuration, "the webhook configurations are written");
        }
        // The other one is emptied or kept right all the same.
        match live.iter().zip(CONFIGURATIONS).find(|(found, _)| found.is_none()) {
            Some((_, (kind, _))) => Err(ArmingError::Missing(kind, self.settings.configuration.clone())),
            None => Ok(ArmingState::Armed),
        }
    }

    async fn lists(&self) -> Result<WebhookLists, ArmingError> {
        let file = &self.settings.file;
        let error = |error: String| ArmingError::File(file.display().to_string(), error);
        let text = tokio::fs::read_to_string(file).await.map_err(|io| error(io.to_string()))?;
        WebhookLists::read(&text).map_err(error)
    }

    /// The configurations that there are.
    async fn live(&self) -> Result<[Option<DynamicObject>; 2], ArmingError> {
        let name = &self.settings.configuration;
        let [validating, mutating] = configurations(self.client);
        let read = async |api: Api<DynamicObject>| {
            api.get_opt(name).await.map_err(|error| unread("webhook configuration", name, error))
        };
        Ok([read(validating).await?, read(mutating).await?])
    }

    /// Whether podreeve's Deployment is being deleted, or its namespace. From then on none of its pods answers for long.
    async fn is_going(&self, is_ending: bool) -> Result<bool, ArmingError> {
        let Some(name) = &self.settings.deployment else { return Ok(false) };
        let state = match deployment::state(self.client, self.namespace, name).await {
            Ok(deployment::State::There) if is_ending => Ok(false),
            Ok(state) => return Ok(state != deployment::State::There),
            Err(error) => Err(ArmingError::Unread(format!("Deployment {name}"), error)),
        };
        // With a namespace its pods and roles may go before the Deployment, and the namespace can stay for long.
        match deployment::is_namespace_ending(self.client, self.namespace).await {
            Ok(true) => Ok(true),
            _ => state,
        }
    }

    /// The CA of the serving certificate, PEM; none where a public CA has signed it.
    async fn bundle(&self) -> Result<Option<String>, ArmingError> {
        match &self.settings.ca {
            CaSource::Secret(name) => {
                let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.namespace);
                let found = secrets.get(name).await.map_err(|error| unread("Secret", name, error))?;
                let bundle = certificates::read_secret(&found).bundle;
                if bundle.is_empty() { Err(ArmingError::NoCa(name.clone())) } else { Ok(Some(bundle)) }
            }
            CaSource::File(path) | CaSource::KeptFile(path) => read_ca(path).await,
        }
    }

    /// The CA that the leader keeps in the configurations; none where others do.
    async fn kept_bundle(&mut self, live: &[Option<DynamicObject>; 2]) -> Result<Option<String>, ArmingError> {
        let CaSource::KeptFile(path) = &self.settings.ca else { return Ok(None) };
        let Some(file) = read_ca(path).await? else { return Ok(None) };
        let trusted: Vec<String> = live.iter().flatten().flat_map(webhooks).filter_map(|hook| ca_of(&hook)).collect();
        let bundle = self.kept.bundle(&file, &trusted, Instant::now());
        bundle.map(Some).ok_or_else(|| ArmingError::File(path.display().to_string(), "no certificate in it".to_owned()))
    }

    /// Writes the lists that differ from these. If another client has changed a configuration since it was read, this fails, and
    /// the next check tries again.
    async fn write(
        &self,
        live: &[Option<DynamicObject>; 2],
        wanted: [&[Value]; 2],
        bundle: Option<&str>,
    ) -> Result<(), ArmingError> {
        let name = &self.settings.configuration;
        let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        for ((api, found), wanted) in configurations(self.client).into_iter().zip(live).zip(wanted) {
            let Some(found) = found else { continue };
            let there = webhooks(found);
            if is_there(wanted, &there) {
                continue;
            }
            let version = &found.metadata.resource_version;
            let list = to_write(wanted, &there, bundle);
            let patch = Patch::Merge(json!({"metadata": {"resourceVersion": version}, "webhooks": list}));
            let written = api.patch(name, &parameters, &patch).await;
            written.map_err(|error| ArmingError::Unwritten(name.clone(), error.into()))?;
        }
        Ok(())
    }
}

/// None if there is no such file, or nothing in it.
async fn read_ca(path: &Path) -> Result<Option<String>, ArmingError> {
    match tokio::fs::read_to_string(path).await {
        Ok(ca) => Ok(Some(ca).filter(|ca| !ca.trim().is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ArmingError::File(path.display().to_string(), error.to_string())),
    }
}

fn unread(kind: &str, name: &str, error: kube::Error) -> ArmingError {
    ArmingError::Unread(format!("{kind} {name}"), error.into())
}

fn webhooks(found: &DynamicObject) -> Vec<Value> {
    found.data.get("webhooks").and_then(Value::as_array).cloned().unwrap_or_default()
}
