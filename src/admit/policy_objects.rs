//! Policies and Exemptions themselves: one that does not compile is refused when it is written, with the error that a
//! file would get.

use super::about;
use crate::json::Raw;
use crate::outcome::Outcome;
use crate::policy::{Cluster, CompiledPolicy, ObjectExemption, PolicyErrors};
use crate::review::{Operation, Request};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) fn is_one(request: &Request<'_>) -> bool {
    *request.kind.group == *"podreeve.dev"
        && matches!(&*request.kind.kind.0, "Policy" | "Exemption")
        && request.sub_resource.as_deref().unwrap_or_default().is_empty()
}

pub(super) fn judge(request: &Request<'_>) -> Outcome {
    let about = about(request, None);
    let Some(object) = request.object().map(Written::read) else { return Outcome::allow(about) };
    let old = request.old_object.filter(|_| request.operation() == Operation::Update);
    let before = old.map(Written::read).unwrap_or_default();
    // Whatever else changes, such as a finalizer: it is no worse than it was.
    if object.spec.is_some() && object.spec.map(RawValue::get) == before.spec.map(RawValue::get) {
        return Outcome::allow(about);
    }
    let spec = object.spec.map(RawValue::get);
    let compiled = match &*request.kind.kind.0 {
        "Policy" => CompiledPolicy::from_object(object.name(request), spec, Cluster::With).map(|_| ()),
        _ => ObjectExemption::new(&request.namespace, object.name(request), spec).map(|_| ()),
    };
    match compiled {
        Ok(()) => Outcome::allow(about),
        Err(PolicyErrors(errors)) => {
            Outcome::invalid(about, errors.into_iter().map(|error| (error.key, error.message)).collect())
        }
    }
}

/// What counts of it; nothing where it has another shape, which its definition does not let in.
#[derive(Default, Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    generate_name: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Written<'a> {
    fn read(object: Raw<'a>) -> Self {
        serde_json::from_str(object.get()).unwrap_or_default()
    }

    /// The API server makes a name of `generateName` only later.
    fn name<'s>(&'s self, request: &'s Request<'_>) -> &'s str {
        let Metadata { name, generate_name } = &self.metadata;
        let own = name.as_deref().filter(|name| !name.is_empty()).or(generate_name.as_deref());
        own.unwrap_or(&request.name)
    }
}
