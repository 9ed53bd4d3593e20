//! The Job that a pod template stands in.

use super::pod::Pod;
use crate::json::fill;
use serde::Deserialize;

/// What rules judge of a Job beside its pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct Job {
    pub backoff_limit: Option<i64>,
    pub backoff_limit_per_index: Option<i64>,
}

/// A `JobSpec`, read in one pass.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobSpec<'a> {
    backoff_limit: Option<i64>,
    backoff_limit_per_index: Option<i64>,
    #[serde(borrow)]
    template: Option<Pod<'a>>,
}

fill!(JobSpec<'d> {
    "backoffLimit" => backoff_limit,
    "backoffLimitPerIndex" => backoff_limit_per_index,
    "template" => template,
});

impl<'a> JobSpec<'a> {
    /// The pod, which knows its Job.
    pub fn into_pod(self) -> Option<Pod<'a>> {
        let Self { backoff_limit, backoff_limit_per_index, template } = self;
        Some(Pod { job: Some(Job { backoff_limit, backoff_limit_per_index }), ..template? })
    }
}
