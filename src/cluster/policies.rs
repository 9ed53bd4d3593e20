//! `Policy` objects. If the newest version of one does not compile, the last version that did stays in force. A copy of a
//! built-in policy is never in force: the policy that it shows is.

use super::copies::{FoundPolicies, FoundPolicy, is_built_in};
use super::item::{Item, ObjectKey};
use super::object_store::ObjectStore;
use super::served::ServedPolicies;
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use super::today;
use crate::policy::document::next_to_spec;
use crate::policy::status::Columns;
use crate::policy::{Ceiling, Cluster, CompiledPolicy, Mode, PolicyErrors, copy, ends};
use jiff::civil::Date;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::watch;

/// The policies of the cluster, by name.
#[derive(Debug)]
pub struct PolicyStore {
    by_name: BTreeMap<String, StoredPolicy>,
    /// The name of the webhook configurations, with which this installation marks its copies.
    configuration: Option<String>,
    ceiling: Ceiling,
    state: StateSender,
    served: ServedPolicies,
    found: watch::Sender<FoundPolicies>,
    /// The day of the last statuses.
    day: Date,
}

#[derive(Debug)]
struct StoredPolicy {
    /// The newest version.
    item: Item,
    /// The last version that compiled, and its generation.
    good: Option<(i64, Arc<CompiledPolicy>)>,
    /// Why the newest version does not compile.
    error: Option<String>,
}

impl StoredPolicy {
    /// The installation whose copy it is.
    fn copy_of(&self) -> Option<&String> {
        self.item.metadata.labels.as_ref()?.get(copy::LABEL)
    }
}

impl PolicyStore {
    #[must_use]
    pub fn new(state: StateSender, served: ServedPolicies) -> Self {
        let (ceiling, found) = (Ceiling::default(), watch::Sender::default());
        Self { by_name: BTreeMap::new(), configuration: None, ceiling, state, served, found, day: today() }
    }

    /// The copies with this mark are those of this installation.
    #[must_use]
    pub fn of(self, configuration: Option<&str>) -> Self {
        Self { configuration: configuration.map(str::to_owned), ..self }
    }

    /// The policies are enforced under this ceiling.
    #[must_use]
    pub fn under(self, ceiling: Ceiling) -> Self {
        Self { ceiling, ..self }
    }

    /// For the condition of a policy that compiles.
    fn is_in_force(&self) -> String {
        match self.ceiling.mode {
            Mode::Deny => "this generation is in force".to_owned(),
            mode => {
                format!("this generation is in force; podreeve runs in mode {mode}, which denies and changes nothing")
            }
        }
    }

    /// The Policy objects that have the name of a built-in policy.
    #[must_use]
    pub fn found(&self) -> watch::Receiver<FoundPolicies> {
        self.found.subscribe()
    }

    /// The policies that the copies show.
    pub fn shown_by_copies(&self) -> impl Iterator<Item = CompiledPolicy> {
        self.by_name
            .values()
            .filter(|stored| stored.copy_of().is_some())
            .filter_map(|stored| compile(&stored.item).ok())
    }

    /// What is in force, by name.
    fn in_force(&self) -> Vec<Arc<CompiledPolicy>> {
        self.by_name.values().filter_map(|stored| stored.good.as_ref()).map(|(_, policy)| Arc::clone(policy)).collect()
    }

    /// One text for each policy whose newest version does not compile.
    fn errors(&self) -> Vec<String> {
        let error =
            |(name, stored): (&String, &StoredPolicy)| Some(format!("Policy {name}: {}", stored.error.as_ref()?));
        self.by_name.iter().filter_map(error).collect()
    }

    fn status(&self, stored: &StoredPolicy) -> DesiredStatus {
        let StoredPolicy { item, good, error } = stored;
        let served = self.served.find(item.name());
        if stored.copy_of().is_some() {
            return copy_status(item, served.as_deref());
        }
        let columns = good.as_ref().map(|(_, policy)| Columns::of(policy));
        if let Some(error) = error {
            let stays = match good {
                Some((good, _)) => format!("generation {good} of it stays in force"),
                None => "nothing of it is in force".to_owned(),
            };
            return DesiredStatus::new(item, false, "Invalid", &format!("{error}; {stays}")).columns(columns);
        }
        let in_force =
            |reason, more: &str| DesiredStatus::new(item, true, reason, &format!("{}{more}", self.is_in_force()));
        let exemptions = good.iter().find_map(|(_, policy)| ends::of_policy(&policy.exemptions, self.day));
        let status = match (served, exemptions) {
            (Some(_), _) => in_force("NameTaken", NAME_TAKEN).notice(),
            (None, Some((true, sentence))) => in_force("ExemptionExpired", &format!("; {sentence}")).notice(),
            (None, Some((false, sentence))) => in_force("ExemptionEndsSoon", &format!("; {sentence}")).notice(),
            (None, None) => in_force("Compiled", ""),
        };
        status.columns(columns)
    }
}

/// A Policy that was there before a policy of its name was served from a file.
const NAME_TAKEN: &str = ", and so is the policy of the same name that podreeve serves from --policy (chart values `policies`, \
     `policyFiles`): of both, the strictest action wins, and an exemption of one does not exempt from the other. Rename this \
     Policy, or take the other one away";

fn copy_status(item: &Item, served: Option<&CompiledPolicy>) -> DesiredStatus {
    let Some(policy) = served else {
        let message = "it is a copy of a built-in policy that podreeve does not serve, and nothing of it is in force; the leader removes it";
        return DesiredStatus::new(item, false, "NotServed", message).notice();
    };
    let message = format!("what it shows is in force; {}", copy::INSTEAD);
    DesiredStatus::new(item, true, "BuiltIn", &message).columns(Some(Columns::of(policy)))
}

impl ObjectStore for PolicyStore {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let generation = item.metadata.generation.unwrap_or_default();
        let known = self.by_name.remove(item.name());
        let mut stored = StoredPolicy { item: item.clone(), good: known.and_then(|known| known.good), error: None };
        if stored.copy_of().is_some() {
            stored.good = None;
        } else {
            match compile(item) {
                // A change of the status leaves the generation as it is.
                Ok(policy) if stored.good.as_ref().is_none_or(|(known, _)| *known != generation) => {
                    stored.good = Some((generation, Arc::new(policy)));
                }
                Ok(_) => {}
                Err(error) => stored.error = Some(error.to_string()),
            }
        }
        let status = self.status(&stored);
        self.by_name.insert(item.name().to_owned(), stored);
        status
    }

    fn remove(&mut self, (_, name): &ObjectKey) {
        self.by_name.remove(name);
    }

    fn retain(&mut self, keys: &HashSet<ObjectKey>) {
        self.by_name.retain(|name, _| keys.contains(&(String::new(), name.clone())));
    }

    /// Two installations may serve different built-in policies, and a copy is true for the one that wrote it.
    fn is_of_another(&self, (_, name): &ObjectKey) -> bool {
        let copy_of = self.by_name.get(name).and_then(StoredPolicy::copy_of);
        copy_of.is_some() && copy_of != self.configuration.as_ref()
    }

    fn refresh(&mut self) -> Vec<(ObjectKey, DesiredStatus)> {
        let (now, served) = (today(), self.served.take_change());
        if std::mem::replace(&mut self.day, now) == now && !served {
            return Vec::new();
        }
        self.by_name.values().map(|stored| (stored.item.key(), self.status(stored))).collect()
    }

    fn publish(&self) {
        let (policies, errors) = (self.in_force(), self.errors());
        self.state.send_if_modified(|state| {
            let listed = Listed { policies: true, ..state.listed };
            let before = std::mem::replace(state, ClusterState { policies, errors, listed, ..state.clone() });
            !state.has_same_policies(&before) || before.listed != listed
        });
        let found = |(name, stored): (&String, &StoredPolicy)| {
            let metadata = &stored.item.metadata;
            let found = FoundPolicy {
                copy_of: stored.copy_of().cloned(),
                generation: metadata.generation.unwrap_or_default(),
                resource_version: metadata.resource_version.clone().unwrap_or_default(),
            };
            is_built_in(name).then(|| (name.clone(), found))
        };
        let found = Some(self.by_name.iter().filter_map(found).collect());
        self.found.send_if_modified(|before| std::mem::replace(before, found.clone()) != found);
    }
}

fn compile(item: &Item) -> Result<CompiledPolicy, PolicyErrors> {
    let mut errors = next_to_spec(item.raw.get());
    match CompiledPolicy::from_object(item.name(), item.spec().as_deref().map(RawValue::get), Cluster::With) {
        Ok(policy) if errors.is_empty() => return Ok(policy),
        Ok(_) => {}
        Err(PolicyErrors(more)) => errors.extend(more),
    }
    Err(PolicyErrors(errors))
}

#[cfg(test)]
mod tests;
