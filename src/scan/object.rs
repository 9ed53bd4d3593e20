//! An object of the cluster, and its owner.

use crate::workload::{Kind, KindClass};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The object that a person edits: a Deployment, and not its ReplicaSets and pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// An object that is a pod or holds a pod template, as the API server stores it.
#[derive(Debug, Clone, Copy)]
pub struct Object<'o> {
    pub kind: &'o Kind,
    pub namespace: &'o str,
    pub name: &'o str,
    pub uid: &'o str,
    /// The owner that controls it.
    pub controller: Option<&'o Owner>,
    pub raw: &'o RawValue,
}

impl Object<'_> {
    #[must_use]
    pub fn is_pod(&self) -> bool {
        self.kind.class == KindClass::Pod
    }

    /// Whether a controller makes it again with each change: its owner has the template that counts.
    #[must_use]
    pub fn is_made(&self) -> bool {
        let made = matches!((&*self.kind.group, &*self.kind.kind), ("apps", "ReplicaSet") | ("batch", "Job"));
        made && self.controller.is_some()
    }

    /// Whether it is a pod that will not run again.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        #[derive(Deserialize)]
        struct Pod {
            status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            phase: String,
        }
        let phase = || serde_json::from_str::<Pod>(self.raw.get()).map(|pod| pod.status.phase);
        self.is_pod() && phase().is_ok_and(|phase| matches!(&*phase, "Succeeded" | "Failed"))
    }

    /// The object as its own owner.
    #[must_use]
    pub fn as_owner(&self) -> Owner {
        Owner {
            api_version: self.kind.api_version(),
            kind: self.kind.kind.to_string(),
            name: self.name.to_owned(),
            uid: self.uid.to_owned(),
        }
    }
}
