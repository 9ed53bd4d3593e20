//! The leader writes a copy of each built-in policy that podreeve serves, as a Policy object, and undoes changes to it.
//!
//! The validating webhook configuration owns the copies, so the garbage collector removes them with the release.

use super::api_error::ApiError;
use super::item::{Item, resource};
use super::lease::Leadership;
use super::served::ServedPolicies;
use super::webhooks::configurations;
use crate::observe::LogOnce;
use crate::policy::document::API_VERSION;
use crate::policy::{BUILTINS, CompiledPolicy, copy};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::sync::watch;

/// Between two tries.
const RETRY: Duration = Duration::from_secs(10);

/// A Policy object with the name of a built-in policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPolicy {
    /// The installation that wrote the copy; none for a Policy of a user.
    pub copy_of: Option<String>,
    pub generation: i64,
    pub resource_version: String,
}

/// The Policy objects with the names of built-in policies; none until the first list is complete.
pub type FoundPolicies = Option<BTreeMap<String, FoundPolicy>>;

/// Whether a built-in policy has this name.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    BUILTINS.iter().any(|(known, _)| *known == name)
}

pub struct Copies<'c> {
    client: &'c Client,
    /// The name of the webhook configurations, which marks the copies of this installation.
    configuration: &'c str,
    leadership: Leadership,
    served: ServedPolicies,
    found: watch::Receiver<FoundPolicies>,
    /// What this leader wrote last, with the generation that this made.
    written: HashMap<&'static str, (i64, Value)>,
    log: LogOnce,
    /// Whether something is left to write.
    again: bool,
}

impl<'c> Copies<'c> {
    pub fn new(
        client: &'c Client,
        configuration: &'c str,
        leadership: Leadership,
        served: ServedPolicies,
        found: watch::Receiver<FoundPolicies>,
    ) -> Self {
        let (written, log) = (HashMap::new(), LogOnce::default());
        Self { client, configuration, leadership, served, found, written, log, again: false }
    }

    /// Writes as long as this replica is the leader.
    pub async fn run(mut self) {
        loop {
            self.again = false;
            let is_leader = *self.leadership.borrow_and_update();
            let found = self.found.borrow_and_update().clone();
            if let Some(found) = found.filter(|_| is_leader) {
                match self.write_all(&found).await.map_err(|error| error.to_string()) {
                    Ok(()) => _ = self.log.recovered(),
                    Err(error) => {
                        self.again = true;
                        if self.log.failed(&error) {
                            tracing::warn!(
                                error,
                                "the built-in policies cannot be shown as Policy objects; they are in force all the same"
                            );
                        }
                    }
                }
            }
            tokio::select! {
                changed = self.leadership.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Another leader may have written since.
                    self.written.clear();
                }
                changed = self.found.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = self.served.changed() => {}
                () = tokio::time::sleep(RETRY), if self.again => {}
            }
        }
    }

    async fn write_all(&mut self, found: &BTreeMap<String, FoundPolicy>) -> Result<(), ApiError> {
        for (name, _) in BUILTINS {
            let served = self.served.find(name);
            match (served, found.get(*name)) {
                (Some(policy), None) => self.create(name, &policy).await?,
                (Some(policy), Some(copy)) if self.is_own(copy) => self.restore(name, &policy, copy).await?,
                (None, Some(copy)) if self.is_own(copy) => self.remove(name).await?,
                // A Policy of a user, or the copy of another installation.
                (Some(_), Some(_)) | (None, _) => {}
            }
        }
        Ok(())
    }

    fn is_own(&self, copy: &FoundPolicy) -> bool {
        copy.copy_of.as_deref() == Some(self.configuration)
    }

    async fn create(&mut self, name: &'static str, policy: &CompiledPolicy) -> Result<(), ApiError> {
        let Some(body) = self.body(name, policy).await? else { return Ok(()) };
        let parameters = PatchParams::apply(copy::WRITER).force();
        // Applied, and not posted: the right to create can only then be held to names.
        let item = self.api().patch(name, &parameters, &Patch::Apply(&body)).await?;
        self.wrote(name, &item, policy);
        Ok(())
    }

    /// Writes the copy again if its content is not what this leader has written.
    async fn restore(
        &mut self,
        name: &'static str,
        policy: &CompiledPolicy,
        copy: &FoundPolicy,
    ) -> Result<(), ApiError> {
        let is_written =
            |(generation, spec): &(i64, Value)| *generation == copy.generation && *spec == json!(*policy.spec);
        if self.written.get(name).is_some_and(is_written) {
            return Ok(());
        }
        let Some(mut body) = self.body(name, policy).await? else { return Ok(()) };
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), json!(copy.resource_version));
        }
        let parameters = PostParams { field_manager: Some(copy::WRITER.to_owned()), ..PostParams::default() };
        // Replaced as a whole, so that no key that a user added stays.
        match self.api().replace(name, &parameters, &Item::of(body.to_string())).await.map_err(ApiError::from) {
            Ok(item) => {
                self.wrote(name, &item, policy);
                Ok(())
            }
            // The watch brings the newer version, or that it is gone.
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn remove(&mut self, name: &'static str) -> Result<(), ApiError> {
        self.written.remove(name);
        match self.api().delete(name, &DeleteParams::default()).await.map_err(ApiError::from) {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn wrote(&mut self, name: &'static str, item: &Item, policy: &CompiledPolicy) {
        let generation = item.metadata.generation.unwrap_or_default();
        self.written.insert(name, (generation, json!(*policy.spec)));
    }

    /// None while there is no webhook configuration, without which nothing would remove the copy.
    async fn body(&mut self, name: &str, policy: &CompiledPolicy) -> Result<Option<Value>, ApiError> {
        let [validating, _] = configurations(self.client);
        let found = validating.get_metadata_opt(self.configuration).await?;
        let Some(uid) = found.and_then(|found| found.metadata.uid) else {
            self.again = true;
            return Ok(None);
        };
        let owner = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "name": self.configuration, "uid": uid,
        });
        let labels = json!({copy::LABEL: self.configuration, "app.kubernetes.io/managed-by": "podreeve"});
        let metadata = json!({"name": name, "labels": labels, "ownerReferences": [owner]});
        Ok(Some(json!({"apiVersion": API_VERSION, "kind": "Policy", "metadata": metadata, "spec": *policy.spec})))
    }

    fn api(&self) -> Api<Item> {
        Api::all_with(self.client.clone(), &resource("podreeve.dev", "v1alpha1", "Policy", "policies"))
    }
}
