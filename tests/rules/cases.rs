//! Objects made from the examples of the rules.

use super::common::{TODAY, review_text, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::ingress::IngressPolicy;
use podreeve::facts::{FactKinds, Facts};
use podreeve::outcome::Outcome;
use podreeve::patch::absolute;
use podreeve::rule::{Example, Judges, Kinds, Rule};
use podreeve::rules::RULES;
use podreeve::text::dotted;
use podreeve::workload::kinds::{KINDS, Kind};
use podreeve::workload::pod::ContainerKind;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub fn chosen() -> Vec<&'static Rule> {
    let wanted = std::env::var("RULE").unwrap_or_default();
    let rules: Vec<_> =
        RULES.iter().copied().filter(|r| wanted.is_empty() || wanted.split(',').any(|id| id == r.id)).collect();
    assert!(!rules.is_empty(), "RULE={wanted}: there is no such rule. `podreeve rules` lists them.");
    rules
}

pub fn with_action(rule: &Rule, example: &Example, action: &str) -> Snapshot {
    let mut snapshot = snapshot(json!({rule.id: {"action": action, "params": example.params_value()}}));
    snapshot.facts = facts(example);
    snapshot
}

/// The facts of the example. Without network policies there is no cluster.
pub fn facts(example: &Example) -> Facts {
    let Ok(specs) = serde_json::from_str::<Vec<Value>>(example.network_policies) else {
        let written = (example.kinds == Kinds::Written).then(Arc::default);
        return Facts { manifest_accounts: written, ..Facts::default() };
    };
    let read =
        |(n, spec): (usize, &Value)| Some((n.to_string(), IngressPolicy::read(&json!({"spec": spec}).to_string())?));
    let policies = Arc::new(specs.iter().enumerate().filter_map(read).collect());
    Facts {
        cluster: true,
        ingress: Arc::new([("default".to_owned(), policies)].into()),
        complete: FactKinds::NETWORK_POLICIES,
        ..Facts::default()
    }
}

/// The pod with the example's container as the second in `list`, after a good one.
pub fn pod_with(example: &Example, list: ContainerKind) -> Value {
    let mut pod = example.pod_with_good_container();
    if example.is_container() {
        let good = pod["spec"]["containers"][0].clone();
        let mut bad = example.container_value();
        bad["name"] = json!("varied");
        let mut neighbour = good;
        neighbour["name"] = json!("neighbour");
        pod["spec"][list.field()] = json!([neighbour, bad]);
    }
    pod["spec"]["fieldOfTheFuture"] = json!({"kept": true});
    pod
}

/// The fields of the example, and few others.
pub fn bare_with(example: &Example, list: ContainerKind) -> Value {
    let read = |patch: &str| serde_json::from_str::<Value>(patch).unwrap_or_else(|_| json!({}));
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "annotations": read(example.annotations)},
        "spec": {"containers": [{"name": "app"}]}});
    json_patch::merge(&mut pod["spec"], &read(example.spec));
    if example.is_container() {
        let mut container = json!({"name": "varied"});
        json_patch::merge(&mut container, &read(example.container));
        pod["spec"][list.field()] = json!([container]);
    }
    pod
}

/// The kinds in which the example is judged.
pub fn kinds(example: &Example) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| match example.kinds {
        Kinds::All | Kinds::Written => true,
        Kinds::Job(_) => kind.is_job(),
        Kinds::NotJob => !kind.is_job(),
        Kinds::Entered => false,
    })
}

/// An object of this kind that holds the pod.
pub fn wrap(kind: &Kind, pod: &Value, example: &Example) -> Value {
    if kind.template.is_empty() {
        return pod.clone();
    }
    let mut pod = pod.clone();
    if kind.is_job() && pod["spec"]["restartPolicy"].is_null() {
        pod["spec"]["restartPolicy"] = json!("Never");
    }
    let template = json!({"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]});
    let inner = kind
        .template
        .iter()
        .rev()
        .fold(template, |value, key| Value::Object(Map::from_iter([(key.to_string(), value)])));
    let mut object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": "example", "namespace": "default"},
    });
    json_patch::merge(&mut object, &inner);
    if let Some(job) = object.pointer_mut(&absolute(&kind.prefix(), "/..")).filter(|_| kind.is_job()) {
        job["backoffLimit"] = json!(3);
        if let Kinds::Job(patch) = example.kinds {
            json_patch::merge(job, &serde_json::from_str(patch).expect("the Job's patch is JSON"));
        }
    }
    object
}

pub fn run(object: &Value, old: Option<&Value>, hook: Hook, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let outcome = admit(review_text(operation, object, old).as_bytes(), hook, snapshot, TODAY);
    assert_eq!(outcome.problem, None, "{object:#}");
    outcome
}

pub fn expected(example: &Example, list: ContainerKind, kind: &Kind) -> Vec<String> {
    let prefix = dotted(&kind.prefix());
    let dot = if prefix.is_empty() { "" } else { "." };
    let fields = example.fields_in(&format!("spec.{}[1]", list.field()));
    let above = dotted(&absolute(&kind.prefix(), "/.."));
    let field = |f: &String| match f.strip_prefix("job.") {
        Some(field) => format!("{above}.{field}"),
        None => format!("{prefix}{dot}{f}"),
    };
    fields.iter().map(field).collect()
}

/// Every example of a pod, in each list. Examples of another subject need a harness of their own.
pub fn each(mut test: impl FnMut(&'static Rule, &'static Example, ContainerKind)) {
    for rule in chosen() {
        let pod = match &rule.judges {
            Judges::Pod(pod) => pod,
            Judges::Exec(exec) => &exec.pod,
            Judges::Dockerfile(_) | Judges::Image(_) | Judges::Node(_) => continue,
        };
        for example in pod.examples {
            for list in pod.lists_of(example) {
                test(rule, example, *list);
            }
        }
    }
}
