//! Judges one case as the webhooks would: mutates the object, then validates it.

use super::circumstances::Circumstances;
use super::document::{Case, Operation};
use super::objects::Files;
use super::read::json_patch_of;
use crate::admit::{Hook, Snapshot, admit};
use crate::decide::Effect;
use crate::json::Raw;
use crate::outcome::{Outcome, Verdict, Violation, hints};
use crate::review::request::{API_VERSION, KIND};
use crate::rules;
use crate::text::dotted;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Sub-resources that are connections to a pod, and the kind of the options that the API server sends for them.
const CONNECTIONS: [(&str, &str); 4] = [
    ("exec", "PodExecOptions"),
    ("attach", "PodAttachOptions"),
    ("portforward", "PodPortForwardOptions"),
    ("proxy", "PodProxyOptions"),
];

/// Kinds without a pod that podreeve judges as well.
const JUDGED: [(&str, &str); 3] = [("", "Namespace"), ("podreeve.dev", "Policy"), ("podreeve.dev", "Exemption")];

/// What happened in a case.
#[derive(Debug)]
pub struct Found {
    pub verdict: Verdict,
    /// What the mutating webhook repaired, and what the validating one found after it.
    pub violations: Vec<Violation>,
    /// The message of the denial, and the warnings.
    pub messages: Vec<String>,
    /// Why the object could not be judged.
    pub problem: Option<String>,
    /// Keys of the object that have no meaning at their place.
    pub hints: Vec<String>,
    /// The object before and after the mutating webhook.
    pub before: Value,
    pub after: Value,
}

impl Found {
    /// The rules that have a violation with this effect, in the order of the table.
    #[must_use]
    pub fn rules(&self, effect: Effect) -> Vec<&'static str> {
        let of_effect = self.violations.iter().filter(|violation| violation.effect == effect);
        let found: BTreeSet<(usize, &'static str)> =
            of_effect.map(|violation| (rules::order(violation.rule.id), violation.rule.id)).collect();
        found.into_iter().map(|(_, id)| id).collect()
    }
}

/// What is sent in a case, and by what it is judged.
struct Request {
    operation: Operation,
    kind: Value,
    resource: Value,
    sub_resource: Option<String>,
    namespace: String,
    name: String,
    user: Value,
    old: Option<Value>,
}

/// # Errors
/// The case cannot be judged: a file is missing, or a patch does not apply.
pub fn judge(
    case: &Case,
    circumstances: &Circumstances<'_>,
    files: &mut Files,
    policies: &Snapshot,
    today: Date,
) -> Result<Found, String> {
    let mut sent = files.one(&case.object).map_err(|message| format!("object: {message}"))?;
    if let Some(patch) = &case.patch {
        let patch = json_patch_of(patch)?;
        json_patch::patch(&mut sent.json, &patch).map_err(|error| format!("patch: it does not apply: {error}"))?;
    }
    let old = case.old_object.as_ref().map(|old| files.one(old)).transpose();
    let old = old.map_err(|message| format!("oldObject: {message}"))?;
    let connection = CONNECTIONS.iter().find(|(name, _)| case.sub_resource.as_deref() == Some(*name));
    let operation = operation(case, connection.is_some())?;
    if operation == Operation::Connect && (&*sent.group, &*sent.kind) != ("", "Pod") {
        return Err(format!("object: a connection enters a Pod, and this is {}", sent.title()));
    }
    let namespace = sent.metadata("namespace").unwrap_or(circumstances.namespace());
    let kind = policies.policies.kind(&sent.group, &sent.kind);
    // Anything is let through where nothing is judged, and then a test that passes means nothing.
    if kind.is_none() && operation != Operation::Delete && !JUDGED.contains(&(&sent.group, &sent.kind)) {
        let title = sent.title();
        return Err(format!(
            "object: {title} has no pod and no pod template, so no policy judges it; see its kind and apiVersion"
        ));
    }
    let text = sent.json.to_string();
    let hints = kind.map(|kind| hints(Raw::new(&text), &kind)).unwrap_or_default();
    let is_namespace = (&*sent.group, &*sent.kind) == ("", "Namespace");
    let name = sent.metadata("name").unwrap_or_default();
    let entered = (operation == Operation::Connect).then_some(&sent);
    let snapshot = circumstances.snapshot(policies, files, namespace, entered)?;
    let options = connection.filter(|_| operation == Operation::Connect).map(|(_, options)| *options);
    let request = Request {
        operation,
        kind: json!({"group": sent.group, "version": sent.version, "kind": options.unwrap_or(&sent.kind)}),
        resource: json!({"group": sent.group, "version": sent.version, "resource": sent.kind.to_lowercase() + "s"}),
        sub_resource: case.sub_resource.clone(),
        // As the API server does.
        namespace: if is_namespace { name } else { namespace }.to_owned(),
        name: name.to_owned(),
        user: circumstances.user(),
        old: old.map(|old| old.json),
    };
    let object = match options {
        Some(options) => json!({"apiVersion": "v1", "kind": options, "container": case.container}),
        None => sent.json,
    };
    let hints = hints.into_iter().map(|hint| format!("{}: {}", dotted(&hint.pointer), hint.message)).collect();
    Ok(Found { hints, ..request.judged(object, &snapshot, circumstances.date(today)) })
}

fn operation(case: &Case, is_connection: bool) -> Result<Operation, String> {
    let has_old = case.old_object.is_some();
    let usual = match (is_connection, has_old) {
        (true, _) => Operation::Connect,
        (false, true) => Operation::Update,
        (false, false) => Operation::Create,
    };
    let operation = case.operation.unwrap_or(usual);
    match operation {
        Operation::Connect if !is_connection => {
            let names: Vec<&str> = CONNECTIONS.iter().map(|(name, _)| *name).collect();
            Err(format!("operation: CONNECT needs one of the sub-resources {}", names.join(", ")))
        }
        Operation::Update if !has_old => Err("operation: UPDATE needs the `oldObject`".to_owned()),
        Operation::Create | Operation::Connect | Operation::Delete if has_old => {
            Err(format!("oldObject: {} has none", operation.as_str()))
        }
        operation => Ok(operation),
    }
}

impl Request {
    fn judged(&self, object: Value, snapshot: &Snapshot, date: Date) -> Found {
        let brings_object = matches!(self.operation, Operation::Create | Operation::Update);
        let mutated = brings_object.then(|| admit(&self.body(&object), Hook::Mutate, snapshot, date));
        let mut after = object.clone();
        let mut problem = None;
        let mut violations = Vec::new();
        if let Some(mutated) = mutated.filter(|mutated| !mutated.patch.is_empty()) {
            match json_patch::patch(&mut after, &mutated.patch) {
                Ok(()) => violations = mutated.violations,
                Err(error) => problem = Some(format!("its repair does not apply: {error}")),
            }
        }
        violations.retain(|violation| violation.effect == Effect::Patch);
        let outcome = admit(&self.body(&after), Hook::Validate, snapshot, date);
        let messages = messages(&outcome);
        let Outcome { verdict, violations: left, problem: refused, invalid, .. } = outcome;
        let refused = refused.or_else(|| invalid.first().map(|(field, fault)| format!("{field}: {fault}")));
        let verdict = if violations.is_empty() { verdict } else { verdict.max(Verdict::Patch) };
        violations.extend(left);
        Found { verdict, violations, messages, problem: problem.or(refused), hints: Vec::new(), before: object, after }
    }

    fn body(&self, object: &Value) -> Vec<u8> {
        let Self { operation, kind, resource, sub_resource, namespace, name, user, old } = self;
        let (object, old) = match operation {
            Operation::Delete => (None, Some(object)),
            _ => (Some(object), old.as_ref()),
        };
        let review = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "request": {
                "uid": "podreeve-test",
                "kind": kind,
                "resource": resource,
                "subResource": sub_resource,
                "namespace": namespace,
                "name": name,
                "operation": operation.as_str(),
                "userInfo": user,
                "object": object,
                "oldObject": old,
            },
        });
        review.to_string().into_bytes()
    }
}

fn messages(outcome: &Outcome) -> Vec<String> {
    let reply: Value = serde_json::from_slice(&outcome.reply).unwrap_or_default();
    let message = reply.pointer("/response/status/message").and_then(Value::as_str);
    let warnings = reply.pointer("/response/warnings").and_then(Value::as_array);
    let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
    message.into_iter().chain(warnings).map(str::to_owned).collect()
}
