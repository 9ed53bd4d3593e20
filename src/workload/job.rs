//! The Job around a pod template.

use super::pod::{Job, Pod};
use serde::Deserialize;

/// A `JobSpec`, read in one pass.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobSpec<'a> {
    backoff_limit: Option<i64>,
    backoff_limit_per_index: Option<i64>,
    #[serde(borrow)]
    template: Option<Box<Pod<'a>>>,
}

impl<'a> JobSpec<'a> {
    /// The pod of the template, with the fields of its Job.
    pub fn into_pod(self) -> Option<Box<Pod<'a>>> {
        let Self { backoff_limit, backoff_limit_per_index, template } = self;
        let mut pod = template?;
        pod.job = Some(Job { backoff_limit, backoff_limit_per_index });
        Some(pod)
    }
}
