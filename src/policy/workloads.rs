//! Kinds that a policy adds to those of Kubernetes.

use super::{PolicyError, PolicyErrors, all_errors, document::WorkloadKind};
use crate::workload::{Kind, KindClass, TemplatePath, kinds};
use std::borrow::Cow;

/// Compiles the kinds. A kind that is named several times has several paths.
///
/// # Errors
/// A kind that is known already, or a path that leads nowhere.
pub(super) fn compile(workloads: &[WorkloadKind]) -> Result<Vec<Kind>, PolicyErrors> {
    let (mut kinds, mut errors) = (Vec::<Kind>::new(), Vec::new());
    for (index, workload) in workloads.iter().enumerate() {
        let Some(kind) = all_errors::keep(&mut errors, kind(index, workload)) else { continue };
        match kinds.iter_mut().find(|known| known.group == kind.group && known.kind == kind.kind) {
            Some(known) => add(known, &kind),
            None => kinds.push(kind),
        }
    }
    if errors.is_empty() { Ok(kinds) } else { Err(PolicyErrors(errors)) }
}

/// Adds the paths that are not known yet: a pod that two policies name is judged once.
fn add(known: &mut Kind, other: &Kind) {
    for path in other.paths.iter() {
        if !known.paths.contains(path) {
            known.paths.to_mut().push(path.clone());
        }
    }
}

/// One kind with the paths of all of these; none when there are none.
pub(super) fn merged<'k>(mut same: impl Iterator<Item = &'k Kind>) -> Option<Cow<'k, Kind>> {
    let first = Cow::Borrowed(same.next()?);
    Some(same.fold(first, |mut kind, other| {
        if other.paths.iter().any(|path| !kind.paths.contains(path)) {
            add(kind.to_mut(), other);
        }
        kind
    }))
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
    let path = TemplatePath::parse(path).map_err(|message| error("path", message))?;
    Ok(Kind {
        group: Cow::Owned(group.to_owned()),
        version: Cow::Owned(version.to_owned()),
        kind: Cow::Owned(kind.clone()),
        class: KindClass::Template,
        template: Cow::Borrowed(&[]),
        paths: Cow::Owned(vec![path]),
    })
}
