//! What a case is judged by: the policies, the mode, the day, and what exists in the cluster.

use super::document::Given;
use super::objects::{Files, Sent};
use crate::admit::Snapshot;
use crate::facts::accounts::Accounts;
use crate::facts::ingress::IngressPolicy;
use crate::facts::pods::Texts;
use crate::facts::{FactKinds, Facts, IngressByName, Labels, PodsByName};
use crate::policy::document::API_VERSION;
use crate::policy::{Ceiling, ObjectExemption};
use crate::rule::Severity;
use jiff::civil::Date;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The label that the API server gives each namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The kinds that `given.cluster` can have.
const KINDS: [&str; 5] = ["Namespace", "Pod", "NetworkPolicy", "ServiceAccount", "Exemption"];

/// The circumstances of a case: its own, and those of all cases for what it does not say.
pub struct Circumstances<'g> {
    of_all: &'g Given,
    own: &'g Given,
}

impl<'g> Circumstances<'g> {
    pub const fn new(of_all: &'g Given, own: &'g Given) -> Self {
        Self { of_all, own }
    }

    fn of<T>(&self, field: impl Fn(&'g Given) -> Option<T>) -> Option<T> {
        field(self.own).or_else(|| field(self.of_all))
    }

    pub fn namespace(&self) -> &'g str {
        self.of(|given| given.namespace.as_deref()).unwrap_or("default")
    }

    pub fn user(&self) -> Value {
        let groups = self.of(|given| given.groups.clone());
        json!({
            "username": self.of(|given| given.user.as_deref()).unwrap_or("podreeve-test"),
            "groups": groups.unwrap_or_else(|| vec!["system:authenticated".to_owned()]),
        })
    }

    pub fn date(&self, today: Date) -> Date {
        self.of(|given| given.date).unwrap_or(today)
    }

    /// The policies with the mode and the cluster of the case. The namespace is that of the request, and `entered` the pod that a
    /// connection enters, which exists already.
    ///
    /// # Errors
    /// An object of the cluster that cannot be read, or that has no effect.
    pub fn snapshot(
        &self,
        policies: &Snapshot,
        files: &mut Files,
        namespace: &str,
        entered: Option<&Sent>,
    ) -> Result<Snapshot, String> {
        let mut snapshot = policies.clone();
        let mode = self.of(|given| given.mode).unwrap_or_default();
        // Another mode of the case replaces what softens the mode of all.
        let softened = |given: &Given| given.mode.is_none_or(|mode| mode == crate::policy::Mode::Deny);
        let (deny_from, deny_after) = if softened(self.own) {
            (self.of(|given| given.deny_from), self.of(|given| given.deny_after))
        } else {
            (None, None)
        };
        snapshot.ceiling = Ceiling { mode, deny_from: deny_from.unwrap_or(Severity::Low), deny_after };
        let mut cluster = Cluster::default();
        for source in self.of_all.cluster.iter().chain(&self.own.cluster) {
            for object in files.all(source)? {
                cluster.add(&object, self)?;
            }
        }
        if let Some(pod) = entered {
            cluster.add(pod, self)?;
        }
        let labels = self.of(|given| given.namespace_labels.clone());
        if labels.is_some() || !cluster.namespaces.contains_key(namespace) {
            cluster.namespace(namespace, labels.unwrap_or_default());
        }
        snapshot.policies.exemptions = std::mem::take(&mut cluster.exemptions);
        snapshot.facts = cluster.facts();
        Ok(snapshot)
    }
}

/// What exists in the cluster of a case.
#[derive(Default)]
struct Cluster {
    namespaces: HashMap<String, Arc<Labels>>,
    pods: HashMap<String, PodsByName>,
    ingress: HashMap<String, IngressByName>,
    accounts: Accounts,
    exemptions: Vec<Arc<ObjectExemption>>,
    texts: Texts,
}

impl Cluster {
    fn namespace(&mut self, name: &str, mut labels: Labels) {
        labels.entry(NAME_LABEL.to_owned()).or_insert_with(|| name.to_owned());
        self.namespaces.insert(name.to_owned(), Arc::new(labels));
    }

    fn add(&mut self, object: &Sent, circumstances: &Circumstances<'_>) -> Result<(), String> {
        let namespace = object.metadata("namespace").unwrap_or(circumstances.namespace()).to_owned();
        let name = object.metadata("name").unwrap_or_default().to_owned();
        let raw = || RawValue::from_string(object.json.to_string()).map_err(|error| error.to_string());
        match (object.group.as_str(), object.kind.as_str()) {
            ("", "Namespace") => {
                let labels = object.json.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
                let labels = serde_json::from_value::<Labels>(labels)
                    .map_err(|_| format!("the labels of the Namespace {name} are no strings"))?;
                self.namespace(&name, labels);
            }
            ("", "Pod") => {
                let pod = self.texts.keep_any(&raw()?);
                self.pods.entry(namespace).or_default().insert(name, pod);
            }
            ("networking.k8s.io", "NetworkPolicy") => {
                let policies = self.ingress.entry(namespace).or_default();
                // One that is not for incoming traffic protects no pod.
                policies.extend(IngressPolicy::read(&object.json.to_string()).map(|policy| (name, policy)));
            }
            ("", "ServiceAccount") => {
                if let Some(automounts) = object.json.get("automountServiceAccountToken").and_then(Value::as_bool) {
                    self.accounts.add(&namespace, &name, automounts);
                }
            }
            ("podreeve.dev", "Exemption") => self.exemption(object, &namespace, &name, circumstances)?,
            _ => {
                let title = object.title();
                return Err(format!(
                    "{title}: no policy reads objects of this kind from a cluster; the kinds are {}",
                    KINDS.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn exemption(
        &mut self,
        object: &Sent,
        namespace: &str,
        name: &str,
        circumstances: &Circumstances<'_>,
    ) -> Result<(), String> {
        let of = format!("Exemption {namespace}/{name}");
        if object.version != "v1alpha1" {
            return Err(format!("{of}: this podreeve reads {API_VERSION}"));
        }
        let allowed = circumstances.of(|given| given.exemption_namespaces.as_ref());
        if !allowed.is_some_and(|allowed| allowed.iter().any(|allowed| allowed == namespace)) {
            return Err(format!(
                "{of} does not count; add {namespace} to `given.exemptionNamespaces`, if the chart names it, too"
            ));
        }
        let spec = object.json.get("spec").map(Value::to_string);
        let exemption =
            ObjectExemption::new(namespace, name, spec.as_deref()).map_err(|faults| format!("{of}: {faults}"))?;
        self.exemptions.push(Arc::new(exemption));
        Ok(())
    }

    fn facts(self) -> Facts {
        let shared =
            |pods: HashMap<String, PodsByName>| pods.into_iter().map(|(name, pods)| (name, Arc::new(pods))).collect();
        Facts {
            cluster: true,
            namespaces: Arc::new(self.namespaces),
            pods: Arc::new(shared(self.pods)),
            ingress: Arc::new(self.ingress.into_iter().map(|(name, policies)| (name, Arc::new(policies))).collect()),
            complete: FactKinds::NAMESPACES | FactKinds::PODS | FactKinds::NETWORK_POLICIES,
            manifest_accounts: Some(Arc::new(self.accounts)),
            ..Facts::default()
        }
    }
}
