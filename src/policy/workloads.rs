//! Kinds that a policy adds to those of Kubernetes.

use super::{PolicyError, PolicyErrors, document::WorkloadKind, every};
use crate::workload::{Kind, KindClass, kinds};
use std::borrow::Cow;

/// # Errors
/// A kind that is known already, or a path that leads nowhere.
pub(super) fn compile(workloads: &[WorkloadKind]) -> Result<Vec<Kind>, PolicyErrors> {
    let mut errors = Vec::new();
    let kinds = workloads.iter().enumerate();
    let kinds = kinds.filter_map(|(index, workload)| every::keep(&mut errors, kind(index, workload))).collect();
    if errors.is_empty() { Ok(kinds) } else { Err(PolicyErrors(errors)) }
}

fn kind(index: usize, workload: &WorkloadKind) -> Result<Kind, PolicyError> {
    let index = index.to_string();
    let error = |key: &str, message: String| PolicyError::at(&["spec", "workloads", &index, key], message);
    let WorkloadKind { api_version, kind, path } = workload;
    let Some((group, version)) = api_version.split_once('/').filter(|(g, v)| !g.is_empty() && !v.is_empty()) else {
        return Err(error("apiVersion", format!("`{api_version}` is not group/version, as in argoproj.io/v1alpha1")));
    };
    if kind.is_empty() {
        return Err(error("kind", "name the kind, as in Rollout".to_owned()));
    }
    if kinds::find(group, kind).is_some() {
        return Err(error("kind", format!("{api_version} {kind} is known already; its template cannot be moved")));
    }
    let keys: Vec<Cow<'static, str>> =
        path.trim_start_matches('.').split('.').map(|key| Cow::Owned(key.to_owned())).collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(error("path", format!("`{path}` is not a path to a pod template, as in spec.template")));
    }
    Ok(Kind {
        group: Cow::Owned(group.to_owned()),
        version: Cow::Owned(version.to_owned()),
        kind: Cow::Owned(kind.clone()),
        class: KindClass::Template,
        template: Cow::Owned(keys),
    })
}
