//! What scanners in the cluster report of images: by namespace, and for the cluster.

use crate::image::trust::ReportedByDigest;
use crate::workload::PodScans;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// The reports in force. A clone copies the names of the namespaces.
#[derive(Debug, Clone, Default)]
pub struct ReportedScans {
    /// Those that belong to no namespace.
    pub of_cluster: Option<Arc<ReportedByDigest>>,
    pub of_namespaces: HashMap<Box<str>, Arc<ReportedByDigest>>,
    /// How late it is, by the last look at them: what was fresh becomes old without a change.
    pub at: Option<Timestamp>,
}

impl ReportedScans {
    /// What counts for the pods of a namespace.
    #[must_use]
    pub fn of_pods_in(&self, namespace: &str) -> PodScans {
        let of_namespace =
            if self.of_namespaces.is_empty() { None } else { self.of_namespaces.get(namespace).cloned() };
        PodScans { of_cluster: self.of_cluster.clone(), of_namespace, at: self.at }
    }

    /// Puts the reports of a namespace into force; those of the cluster if it has no name. None may be left.
    pub fn set(&mut self, namespace: &str, reports: ReportedByDigest) {
        let reports = (!reports.is_empty()).then(|| Arc::new(reports));
        match (namespace, reports) {
            ("", reports) => self.of_cluster = reports,
            (_, Some(reports)) => drop(self.of_namespaces.insert(namespace.into(), reports)),
            (_, None) => drop(self.of_namespaces.remove(namespace)),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_cluster.is_none() && self.of_namespaces.is_empty()
    }
}
