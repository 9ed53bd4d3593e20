//! The status that an object should have, and whether it has to be written.

use super::item::{Item, ObjectKey};
use crate::policy::status::{Columns, Condition};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The one condition that objects have.
const READY: &str = "Ready";
/// Longest message, in characters.
const MESSAGE_MAX: usize = 2000;

/// A message from the watch to the status writer.
pub enum StatusUpdate {
    Desired(Box<DesiredStatus>),
    /// The object is gone, or another installation writes its status.
    Deleted(ObjectKey),
}

/// The status that an object should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredStatus {
    pub namespace: String,
    pub name: String,
    uid: String,
    pub generation: i64,
    pub ready: bool,
    pub reason: &'static str,
    pub message: String,
    /// The log warns of it: the object is in force, but an operator has to do something, or it has come to its end.
    pub notice: bool,
    /// For a Policy that compiles.
    columns: Option<Columns>,
    current: CurrentStatus,
}

/// The status that an object has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CurrentStatus {
    mode: Option<String>,
    rules: Option<u32>,
    #[serde(rename = "match")]
    matching: Option<String>,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct HasStatus {
    #[serde(default)]
    status: Option<CurrentStatus>,
}

impl DesiredStatus {
    #[must_use]
    pub fn new(item: &Item, ready: bool, reason: &'static str, message: &str) -> Self {
        Self {
            namespace: item.namespace().to_owned(),
            name: item.name().to_owned(),
            uid: item.metadata.uid.clone().unwrap_or_default(),
            generation: item.metadata.generation.unwrap_or_default(),
            ready,
            reason,
            message: crate::text::clean(message, MESSAGE_MAX),
            notice: false,
            columns: None,
            current: item.read::<HasStatus>().and_then(|item| item.status).unwrap_or_default(),
        }
    }

    #[must_use]
    pub fn columns(self, columns: Option<Columns>) -> Self {
        Self { columns, ..self }
    }

    #[must_use]
    pub fn notice(self) -> Self {
        Self { notice: true, ..self }
    }

    #[must_use]
    pub fn key(&self) -> ObjectKey {
        (self.namespace.clone(), self.name.clone())
    }

    const fn status(&self) -> &'static str {
        if self.ready { "True" } else { "False" }
    }

    fn condition(&self) -> Option<&Condition> {
        self.current.conditions.iter().find(|condition| condition.kind == READY)
    }

    /// Whether both write the same status to the same object.
    #[must_use]
    pub fn writes_same_as(&self, other: &Self) -> bool {
        let content =
            |status: &Self| (status.uid.clone(), status.generation, status.message.clone(), status.columns.clone());
        content(self) == content(other)
    }

    /// Whether the object has this status already.
    #[must_use]
    pub fn is_written(&self) -> bool {
        let CurrentStatus { mode, rules, matching, .. } = &self.current;
        let columns = self.columns.as_ref();
        *mode == columns.map(|columns| columns.mode.clone())
            && *rules == columns.map(|columns| columns.rules)
            && *matching == columns.map(|columns| columns.matching.clone())
            && self.condition().is_some_and(|current| {
                current.observed_generation == self.generation
                    && current.status == self.status()
                    && current.reason == self.reason
                    && current.message == self.message
            })
    }

    /// The merge patch of the object's `status`.
    #[must_use]
    pub fn patch(&self, now: Timestamp) -> Value {
        let unchanged = self.condition().filter(|current| current.status == self.status());
        let since = unchanged
            .map_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), |c| c.last_transition_time.clone());
        let condition = Condition {
            kind: READY.to_owned(),
            status: self.status().to_owned(),
            observed_generation: self.generation,
            last_transition_time: since,
            reason: self.reason.to_owned(),
            message: self.message.clone(),
        };
        // A merge patch replaces the whole list, so it repeats the conditions of other writers.
        let others = self.current.conditions.iter().filter(|condition| condition.kind != READY).cloned();
        let conditions: Vec<Condition> = std::iter::once(condition).chain(others).collect();
        let Some(Columns { mode, rules, matching }) = &self.columns else {
            return json!({"status": {"mode": null, "rules": null, "match": null, "conditions": conditions}});
        };
        json!({"status": {"mode": mode, "rules": rules, "match": matching, "conditions": conditions}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(status: Value) -> Item {
        let object = json!({"metadata": {"name": "a", "generation": 3}, "status": status});
        serde_json::from_str(&object.to_string()).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_status_is_written_once() {
        let columns = |mode: &str| Some(Columns { mode: mode.to_owned(), rules: 1, matching: "all".to_owned() });
        let ready = |item: &Item| DesiredStatus::new(item, true, "Compiled", "is in force").columns(columns("deny"));
        let first = ready(&item(Value::Null));
        assert!(!first.is_written());
        let patch = first.patch(at(0));
        assert_eq!(patch["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(patch["status"]["conditions"][0]["observedGeneration"], 3);

        let written = item(patch["status"].clone());
        assert!(ready(&written).is_written());
        assert!(!ready(&written).columns(columns("warn")).is_written());
        let wrong = DesiredStatus::new(&written, false, "Invalid", "is wrong");
        assert!(!wrong.is_written());
        assert_eq!(wrong.patch(at(9))["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:09Z");
        let other = DesiredStatus::new(&written, true, "Compiled", "other words");
        assert_eq!(other.patch(at(9))["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn conditions_of_other_writers_stay() {
        let other = json!({"type": "Seen", "status": "True", "lastTransitionTime": "x", "reason": "r", "message": "m"});
        let patch = DesiredStatus::new(&item(json!({"conditions": [other]})), true, "Compiled", "").patch(at(0));
        let kinds: Vec<_> = patch["status"]["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
        assert_eq!(kinds, ["Ready", "Seen"]);
    }
}
