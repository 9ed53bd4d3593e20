//! `Exemption` objects. Each counts in its own namespace, if `--exemption-namespaces` names that namespace. One that does
//! not compile exempts nothing.

use super::item::{Item, ObjectKey};
use super::object_store::ObjectStore;
use super::state::{ClusterState, Listed, StateSender};
use super::status::DesiredStatus;
use super::today;
use crate::policy::document::next_to_spec;
use crate::policy::ends::End;
use crate::policy::{ObjectExemption, PolicyErrors};
use jiff::civil::Date;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The exemptions of the cluster, by namespace and name.
#[derive(Debug)]
pub struct ExemptionStore {
    allowed_namespaces: HashSet<String>,
    by_name: BTreeMap<ObjectKey, StoredExemption>,
    state: StateSender,
    /// The day of the last statuses.
    day: Date,
}

#[derive(Debug)]
struct StoredExemption {
    /// The newest version.
    item: Item,
    /// What it exempts from, with its generation, or why it exempts from nothing.
    loaded: Result<(i64, Arc<ObjectExemption>), NotUsed>,
}

/// Why an object exempts from nothing.
#[derive(Debug)]
enum NotUsed {
    NamespaceNotAllowed,
    Invalid(String),
}

impl ExemptionStore {
    #[must_use]
    pub fn new(allowed_namespaces: &[String], state: StateSender) -> Self {
        let allowed_namespaces = allowed_namespaces.iter().cloned().collect();
        Self { allowed_namespaces, by_name: BTreeMap::new(), state, day: today() }
    }

    fn load(&self, item: &Item, known: Option<StoredExemption>) -> Result<(i64, Arc<ObjectExemption>), NotUsed> {
        if !self.allowed_namespaces.contains(item.namespace()) {
            return Err(NotUsed::NamespaceNotAllowed);
        }
        let generation = item.metadata.generation.unwrap_or_default();
        let exemption = compile(item).map_err(|errors| NotUsed::Invalid(errors.to_string()))?;
        match known.and_then(|known| known.loaded.ok()) {
            // A change of the status leaves the generation as it is.
            Some((good, exemption)) if good == generation => Ok((good, exemption)),
            Some(_) | None => Ok((generation, Arc::new(exemption))),
        }
    }

    fn status(&self, StoredExemption { item, loaded }: &StoredExemption) -> DesiredStatus {
        let status = |ready, reason, message: &str| DesiredStatus::new(item, ready, reason, message);
        let exemption = match loaded {
            Ok((_, object)) => &object.exemption,
            Err(NotUsed::NamespaceNotAllowed) => {
                let message = format!(
                    "exemptions in the namespace {} do not count; podreeve's option --exemption-namespaces (chart value \
                     `exemptionNamespaces`) names those where they do",
                    item.namespace()
                );
                return status(false, "NamespaceNotAllowed", &message);
            }
            Err(NotUsed::Invalid(error)) => {
                return status(false, "Invalid", &format!("{error}; this object exempts nothing"));
            }
        };
        match End::of(exemption, self.day) {
            End::Far => status(true, "Compiled", "it counts in this namespace, up to the last day that it names"),
            End::Soon(until) => {
                let message = format!(
                    "it counts in this namespace up to {until}; repair what it exempts, or give it a later `until`"
                );
                status(true, "EndsSoon", &message).notice()
            }
            End::Over(until) => {
                let message = format!(
                    "its last day was {until}, so it exempts nothing any more; delete it, or give it a later `until`"
                );
                status(false, "Expired", &message).notice()
            }
        }
    }
}

impl ObjectStore for ExemptionStore {
    fn apply(&mut self, item: &Item) -> DesiredStatus {
        let known = self.by_name.remove(&item.key());
        let stored = StoredExemption { item: item.clone(), loaded: self.load(item, known) };
        let status = self.status(&stored);
        self.by_name.insert(item.key(), stored);
        status
    }

    fn remove(&mut self, key: &ObjectKey) {
        self.by_name.remove(key);
    }

    fn retain(&mut self, keys: &HashSet<ObjectKey>) {
        self.by_name.retain(|key, _| keys.contains(key));
    }

    fn refresh(&mut self) -> Vec<(ObjectKey, DesiredStatus)> {
        let now = today();
        if std::mem::replace(&mut self.day, now) == now {
            return Vec::new();
        }
        self.by_name.iter().map(|(key, stored)| (key.clone(), self.status(stored))).collect()
    }

    fn publish(&self) {
        let loaded = self.by_name.values().filter_map(|stored| stored.loaded.as_ref().ok());
        let exemptions: Vec<_> = loaded.map(|(_, exemption)| Arc::clone(exemption)).collect();
        self.state.send_if_modified(|state| {
            let listed = Listed { exemptions: true, ..state.listed };
            let before = std::mem::replace(state, ClusterState { exemptions, listed, ..state.clone() });
            !state.has_same_policies(&before) || before.listed != listed
        });
    }
}

fn compile(item: &Item) -> Result<ObjectExemption, PolicyErrors> {
    let mut errors = next_to_spec(item.raw.get());
    match ObjectExemption::new(item.namespace(), item.name(), item.spec().as_deref().map(RawValue::get)) {
        Ok(exemption) if errors.is_empty() => return Ok(exemption),
        Ok(_) => {}
        Err(PolicyErrors(more)) => errors.extend(more),
    }
    Err(PolicyErrors(errors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn item(namespace: &str, generation: i64, rule: &str) -> Item {
        let spec: Value = json!({"rules": [rule], "reason": "a test"});
        let metadata = json!({"name": "a", "namespace": namespace, "generation": generation});
        serde_json::from_str(&json!({"metadata": metadata, "spec": spec}).to_string()).unwrap()
    }

    fn in_force(exemptions: &ExemptionStore) -> Vec<String> {
        exemptions.publish();
        exemptions.state.borrow().exemptions.iter().map(|e| e.name.clone()).collect()
    }

    #[test]
    fn only_allowed_namespaces_count() {
        let mut exemptions = ExemptionStore::new(&["shop".to_owned()], StateSender::default());
        assert!(exemptions.apply(&item("shop", 1, "privileged")).ready);
        let status = exemptions.apply(&item("shop-2", 1, "privileged"));
        assert_eq!((status.ready, status.reason), (false, "NamespaceNotAllowed"));
        assert_eq!(in_force(&exemptions), ["shop/a"]);
        exemptions.retain(&HashSet::new());
        assert!(in_force(&exemptions).is_empty());
    }

    #[test]
    fn one_that_no_longer_compiles_exempts_nothing() {
        let mut exemptions = ExemptionStore::new(&["shop".to_owned()], StateSender::default());
        exemptions.apply(&item("shop", 1, "privileged"));
        let status = exemptions.apply(&item("shop", 2, "privilegd"));
        assert!(status.message.contains("did you mean `privileged`"), "{}", status.message);
        assert!(in_force(&exemptions).is_empty());
    }

    #[test]
    fn the_end_of_an_exemption_is_in_its_condition() {
        let mut exemptions = ExemptionStore::new(&["shop".to_owned()], StateSender::default());
        exemptions.day = jiff::civil::date(2020, 3, 1);
        let mut generation = 0;
        let mut status = |until: &str| {
            generation += 1;
            let spec = json!({"rules": ["privileged"], "reason": "a test", "until": until});
            let object =
                json!({"metadata": {"name": "a", "namespace": "shop", "generation": generation}, "spec": spec});
            exemptions.apply(&serde_json::from_str(&object.to_string()).unwrap())
        };
        for (until, ready, reason, says) in [
            ("2021-03-01", true, "Compiled", "up to the last day"),
            ("2020-03-05", true, "EndsSoon", "up to 2020-03-05"),
            ("2020-02-29", false, "Expired", "its last day was 2020-02-29, so it exempts nothing any more"),
        ] {
            let status = status(until);
            assert_eq!((status.ready, status.reason), (ready, reason), "{until}");
            assert!(status.message.contains(says), "{}", status.message);
        }
        // The next day comes without an event.
        assert_eq!(exemptions.refresh().len(), 1);
    }
}
