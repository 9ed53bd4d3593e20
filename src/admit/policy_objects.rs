//! Policies and Exemptions: one that does not compile is refused when it is written, with the same error as in a file.

use super::about;
use crate::json::Raw;
use crate::outcome::{Operation, Outcome};
use crate::policy::{Cluster, CompiledPolicy, ObjectExemption, PolicyErrors};
use crate::review::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) fn is_policy_object(request: &Request<'_>) -> bool {
    *request.kind.group == *"podreeve.dev"
        && matches!(&*request.kind.kind.0, "Policy" | "Exemption")
        && request.sub_resource.as_deref().unwrap_or_default().is_empty()
}

pub(super) fn judge(request: &Request<'_>) -> Outcome {
    let about = about(request, None);
    let Some(object) = request.object().map(PolicyObject::read) else { return Outcome::allow(about) };
    let old = request.old_object.filter(|_| request.operation() == Operation::Update);
    let previous = old.map(PolicyObject::read).unwrap_or_default();
    // The spec is as good or as bad as before, so the update of a finalizer, for one, is allowed.
    if object.spec.is_some() && object.spec.map(RawValue::get) == previous.spec.map(RawValue::get) {
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

/// The fields that are judged. An object of another shape has none; its CRD refuses it.
#[derive(Default, Deserialize)]
struct PolicyObject<'a> {
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

impl<'a> PolicyObject<'a> {
    fn read(object: Raw<'a>) -> Self {
        serde_json::from_str(object.get()).unwrap_or_default()
    }

    /// The name, or the `generateName` of which the API server makes a name later.
    fn name<'s>(&'s self, request: &'s Request<'_>) -> &'s str {
        let Metadata { name, generate_name } = &self.metadata;
        let own = name.as_deref().filter(|name| !name.is_empty()).or(generate_name.as_deref());
        own.unwrap_or(&request.name)
    }
}
