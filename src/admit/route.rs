//! The subject of a request, which decides which module judges it.

use super::snapshot::{Conditions, Hook};
use super::{connect, namespace, policy_objects};
use crate::outcome::About;
use crate::policy::PolicySet;
use crate::review::Request;
use crate::workload::Kind;
use std::borrow::Cow;

/// Sub-resources of pods whose object carries no pod.
const WITHOUT_POD: [&str; 7] = ["binding", "eviction", "exec", "attach", "portforward", "proxy", "log"];

/// The subject of a request.
pub(super) enum Route<'s> {
    /// A namespace whose labels may change.
    Namespace,
    /// A Policy or an Exemption.
    PolicyObject,
    /// A connection to a pod: exec, attach, port-forward or proxy.
    Connect,
    /// A pod, or an object that pods are made from.
    Pods(Cow<'s, Kind>),
    /// A request that podreeve does not judge.
    NoPod,
    /// A sub-resource that may carry a pod, with the reason for its denial.
    Unknown(String),
}

impl<'s> Route<'s> {
    pub fn of(request: &Request<'_>, conditions: &Conditions<'s>) -> Self {
        if conditions.hook == Hook::Validate {
            if namespace::is_namespace(request) && request.brings_object() {
                return Self::Namespace;
            }
            if policy_objects::is_policy_object(request) && request.brings_object() {
                return Self::PolicyObject;
            }
            if connect::is_connect(request) {
                return Self::Connect;
            }
        }
        Self::by_kind(request, &conditions.snapshot.policies)
    }

    fn by_kind(request: &Request<'_>, policies: &'s PolicySet) -> Self {
        if !request.brings_object() {
            return Self::NoPod;
        }
        if let Some(kind) = policies.kind(&request.kind.group, &request.kind.kind) {
            return Self::Pods(kind);
        }
        let sub_resource = request.sub_resource.as_deref().unwrap_or_default();
        let of_pods = request.resource.group.is_empty() && *request.resource.resource == *"pods";
        if !of_pods || WITHOUT_POD.contains(&sub_resource) {
            return Self::NoPod;
        }
        let (sub_resource, kind) = (crate::text::clean(sub_resource, 60), crate::text::clean(&request.kind.kind, 60));
        Self::Unknown(format!("pods/{sub_resource} with a {kind} is not known to podreeve"))
    }
}

pub(super) fn about(request: &Request<'_>, kind: Option<&Kind>) -> About {
    About {
        uid: request.uid.to_string(),
        operation: request.operation(),
        kind: request.kind.kind.to_string(),
        sub_resource: request.sub_resource.as_deref().unwrap_or_default().to_owned(),
        namespace: request.namespace.to_string(),
        name: request.name.to_string(),
        user: request.user_info.username.to_string(),
        dry_run: request.dry_run.unwrap_or_default(),
        class: kind.map(|kind| kind.class).unwrap_or_default(),
    }
}
