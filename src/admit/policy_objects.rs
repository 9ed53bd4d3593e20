//! Policies and Exemptions: one that does not compile is refused when it is written, with the same error as in a file. So is one
//! that takes the name of a policy from a file, and a change to a copy of a built-in policy.

use super::about;
use crate::json::Raw;
use crate::outcome::{Operation, Outcome};
use crate::policy::document::next_to_spec;
use crate::policy::{Cluster, CompiledPolicy, ObjectExemption, PolicyErrors, PolicySet, copy};
use crate::review::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) fn is_policy_object(request: &Request<'_>) -> bool {
    *request.kind.group == *"podreeve.dev"
        && matches!(&*request.kind.kind.0, "Policy" | "Exemption")
        && request.sub_resource.as_deref().unwrap_or_default().is_empty()
}

pub(super) fn judge(request: &Request<'_>, policies: &PolicySet) -> Outcome {
    let about = about(request, None);
    let Some(object) = request.object() else { return Outcome::allow(about) };
    let old = request.old_object.filter(|_| request.operation() == Operation::Update);
    let (new, previous) = (PolicyObject::read(object), old.map(PolicyObject::read));
    let is_policy = *request.kind.kind.0 == *"Policy";
    if let Some(fault) = is_policy.then(|| name_fault(request, &new, previous.as_ref(), policies)).flatten() {
        return Outcome::invalid(about, vec![fault]);
    }
    let mut errors = next_to_spec(object.get());
    // As good or as bad as before, so the update of a finalizer, for one, is allowed.
    let is_unchanged = old.is_some_and(|old| next_to_spec(old.get()) == errors)
        && new.spec.is_some()
        && previous.as_ref().is_some_and(|previous| previous.spec() == new.spec());
    if is_unchanged {
        return Outcome::allow(about);
    }
    let compiled = if is_policy {
        CompiledPolicy::from_object(new.name(request), new.spec(), Cluster::With).map(|_| ())
    } else {
        ObjectExemption::new(&request.namespace, new.name(request), new.spec()).map(|_| ())
    };
    if let Err(PolicyErrors(more)) = compiled {
        errors.extend(more);
    }
    if errors.is_empty() {
        return Outcome::allow(about);
    }
    Outcome::invalid(about, errors.into_iter().map(|error| (error.key, error.message)).collect())
}

/// The field and the fault of a Policy whose name or label is taken by a policy that podreeve serves from a file.
fn name_fault(
    request: &Request<'_>,
    new: &PolicyObject<'_>,
    previous: Option<&PolicyObject<'_>>,
    policies: &PolicySet,
) -> Option<(String, String)> {
    let was_copy = previous.is_some_and(PolicyObject::is_copy);
    if new.is_copy() || was_copy {
        let is_same = previous.is_some_and(|old| old.is_copy() == new.is_copy() && old.spec() == new.spec());
        let label = format!("metadata.labels[\"{}\"]", copy::LABEL);
        return (!is_same && !is_written_by_podreeve(request)).then(|| (label, copy::INSTEAD.to_owned()));
    }
    let name = new.name(request);
    if request.operation() != Operation::Create || !policies.has_file(name) {
        return None;
    }
    let message = format!(
        "`{name}` is the name of a policy that podreeve serves from --policy (chart values `policies`, `policyFiles`), and both would \
         apply; choose another name, or change that policy (a built-in one by the chart value `policyOverrides`)"
    );
    Some(("metadata.name".to_owned(), message))
}

/// Whether the leader writes, by its field manager. A user who pretends to be the leader changes a copy, and nothing is judged by a copy.
fn is_written_by_podreeve(request: &Request<'_>) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Options<'a> {
        #[serde(borrow)]
        field_manager: Option<Cow<'a, str>>,
    }
    let options = request.options.and_then(|options| serde_json::from_str::<Options<'_>>(options.get()).ok());
    options.and_then(|options| options.field_manager).is_some_and(|manager| manager == copy::WRITER)
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
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    generate_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    labels: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
}

impl<'a> PolicyObject<'a> {
    fn read(object: Raw<'a>) -> Self {
        serde_json::from_str(object.get()).unwrap_or_default()
    }

    fn spec(&self) -> Option<&'a str> {
        self.spec.map(RawValue::get)
    }

    fn is_copy(&self) -> bool {
        self.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(copy::LABEL))
    }

    /// The name, or the `generateName` of which the API server makes a name later.
    fn name<'s>(&'s self, request: &'s Request<'_>) -> &'s str {
        let Metadata { name, generate_name, .. } = &self.metadata;
        let own = name.as_deref().filter(|name| !name.is_empty()).or(generate_name.as_deref());
        own.unwrap_or(&request.name)
    }
}
