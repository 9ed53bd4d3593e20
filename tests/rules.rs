//! The harness: replays every example of every rule in all container lists and workload kinds.
//! `RULE=host-ports` runs one rule, `RULE=host-ports,host-pid` two.

mod common;

use common::{TODAY, policies, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::{Effect, Note, findings};
use podreeve::facts::ingress::IngressPolicy;
use podreeve::facts::pods::Texts;
use podreeve::facts::{FactAnswer, FactKinds, FactQuery, Facts};
use podreeve::json::Raw;
use podreeve::outcome::{Outcome, Verdict};
use podreeve::patch::absolute;
use podreeve::policy::{Action, CompiledPolicy, CompiledRule, PolicyDocument};
use podreeve::rule::{Example, Judges, Kinds, Rule};
use podreeve::rules::RULES;
use podreeve::text::dotted;
use podreeve::workload::kinds::{KINDS, Kind};
use podreeve::workload::pod::ContainerKind;
use podreeve::workload::{Connect, Ingress, PodContext, PodFeatures};
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn chosen() -> Vec<&'static Rule> {
    let wanted = std::env::var("RULE").unwrap_or_default();
    let rules: Vec<_> =
        RULES.iter().copied().filter(|r| wanted.is_empty() || wanted.split(',').any(|id| id == r.id)).collect();
    assert!(!rules.is_empty(), "there is no rule `{wanted}`");
    rules
}

fn with_action(rule: &Rule, example: &Example, action: &str) -> Snapshot {
    let mut snapshot = snapshot(json!({rule.id: {"action": action, "params": example.params_value()}}));
    snapshot.facts = facts(example);
    snapshot
}

/// The cluster of the example: none, unless it says so.
fn facts(example: &Example) -> Facts {
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

/// The pod with the example's container second in `list`, beside a good one.
fn pod_with(example: &Example, list: ContainerKind) -> Value {
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

/// The example's own fields and hardly any other.
fn bare_with(example: &Example, list: ContainerKind) -> Value {
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

/// The kinds that the example is about.
fn kinds(example: &Example) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| match example.kinds {
        Kinds::All | Kinds::Written => true,
        Kinds::Job(_) => kind.is_job(),
        Kinds::NotJob => !kind.is_job(),
        Kinds::Entered => false,
    })
}

/// An object of this kind that holds the pod.
fn wrap(kind: &Kind, pod: &Value, example: &Example) -> Value {
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

fn run(object: &Value, old: Option<&Value>, hook: Hook, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let outcome = admit(review(operation, object, old).to_string().as_bytes(), hook, snapshot, TODAY);
    assert_eq!(outcome.problem, None, "{object:#}");
    outcome
}

fn expected(example: &Example, list: ContainerKind, kind: &Kind) -> Vec<String> {
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
fn each(mut test: impl FnMut(&'static Rule, &'static Example, ContainerKind)) {
    for rule in chosen() {
        let pod = match &rule.judges {
            Judges::Pod(pod) => pod,
            Judges::Exec(exec) => &exec.pod,
        };
        for example in pod.examples {
            for list in pod.lists_of(example) {
                test(rule, example, *list);
            }
        }
    }
}

#[test]
fn every_example_is_judged_in_every_list_and_kind() {
    each(|rule, example, list| {
        let snapshot = with_action(rule, example, "deny");
        for kind in kinds(example) {
            let object = wrap(kind, &pod_with(example, list), example);
            let outcome = run(&object, None, Hook::Validate, &snapshot);
            let case = format!("{} / {} / {} / {}", rule.id, example.name, list.field(), kind.kind);
            let fields: Vec<String> = outcome.violations.iter().map(|v| dotted(&v.field)).collect();
            assert_eq!(fields, expected(example, list, kind), "{case}");
            assert_eq!(outcome.verdict == Verdict::Deny, example.is_bad(), "{case}");
            for violation in &outcome.violations {
                let pointer = &violation.pointer;
                assert!(object.pointer(pointer).is_some(), "{case}: {pointer} does not resolve");
                assert!(violation.field.starts_with(pointer), "{case}");
                let there = object.pointer(&violation.field).is_some_and(|value| !value.is_null());
                assert_eq!(there, violation.field == *pointer, "{case}: {} is there or not", violation.field);
                assert!(!violation.found.is_empty() && !violation.wanted.is_empty(), "{case}: found and wanted");
                assert_ne!(violation.found, violation.wanted, "{case}");
            }
        }
    });
}

/// What [`Check::requires`] leaves out would have found nothing.
#[test]
fn a_rule_finds_nothing_in_a_pod_without_what_it_needs() {
    let mut rules = Vec::new();
    for (order, rule) in RULES.iter().enumerate() {
        let mut params: Vec<Value> = rule.examples().map(Example::params_value).collect();
        params.dedup();
        for params in params {
            let check = (rule.pod().compile)(params).expect("params of an example");
            rules.push(CompiledRule::new(rule, order, Action::Deny, check));
        }
    }
    let context = [
        PodContext::default(),
        PodContext { ingress: Some(Ingress::Open), ..PodContext::default() },
        PodContext { connect: Some(Connect::default()), ..PodContext::default() },
    ];
    let (mut without, mut with) = (0, 0);
    each(|rule, example, list| {
        for kind in kinds(example).filter(|kind| matches!(&*kind.kind, "Pod" | "Job")) {
            let pods = [pod_with(example, list), bare_with(example, list)];
            let texts = pods.map(|pod| wrap(kind, &pod, example).to_string());
            for (text, context) in texts.iter().flat_map(|text| context.iter().map(move |context| (text, context))) {
                let mut pod = kind.pod(Raw::new(text)).expect("it is read").expect("it holds a pod");
                pod.context = context.clone();
                let parts = PodFeatures::of(&pod);
                for compiled in &rules {
                    if parts.intersects(compiled.requires) {
                        with += 1;
                        continue;
                    }
                    without += 1;
                    let found = findings(compiled, &pod);
                    let case = format!("{} / {} ({})", rule.id, example.name, list.field());
                    assert!(found.is_empty(), "{} finds {found:?} in {parts:?} of {case}", compiled.rule.id);
                }
            }
        }
    });
    assert!(without > 0 && with > without / 10, "{without} and {with}");
}

/// Every example of a connection.
fn each_entered(mut test: impl FnMut(&'static Rule, &'static Example)) {
    for rule in chosen() {
        match &rule.judges {
            Judges::Exec(exec) => exec.entered.iter().for_each(|entered| test(rule, entered.example())),
            Judges::Pod(_) => {}
        }
    }
}

/// The pod exists, and somebody enters the container.
#[test]
fn every_example_of_a_connection_is_judged_in_every_list() {
    each_entered(|rule, example| {
        for list in ContainerKind::ALL {
            let case = format!("{} / {} / {}", rule.id, example.name, list.field());
            let pod = pod_with(example, list);
            let connect = |sub_resource: &str, container: &str, snapshot: &Snapshot| {
                let review = connection(sub_resource, container);
                admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
            };
            let mut snapshot = with_action(rule, example, "deny");
            snapshot.facts.cluster = true;
            let wanted = connect("exec", "varied", &snapshot).missing_fact;
            assert_eq!(
                wanted,
                Some(FactQuery::Pod { namespace: "default".to_owned(), name: "web".to_owned() }),
                "{case}"
            );

            let raw = serde_json::value::to_raw_value(&pod).expect("it is JSON");
            let kept = Texts::default().keep(&raw);
            snapshot.facts.answers =
                vec![FactAnswer::Pod { namespace: "default".to_owned(), name: "web".to_owned(), pod: kept }];
            for sub_resource in ["exec", "attach"] {
                let outcome = connect(sub_resource, "varied", &snapshot);
                assert_eq!(outcome.problem, None, "{case}");
                let fields: Vec<String> = outcome.violations.iter().map(|v| dotted(&v.field)).collect();
                assert_eq!(fields, example.fields_in(&format!("spec.{}[1]", list.field())), "{case}");
                assert_eq!(outcome.verdict == Verdict::Deny, example.is_bad(), "{case}");
                let alone = connect(sub_resource, "neighbour", &snapshot);
                assert_eq!(alone.verdict, Verdict::Allow, "{case}: the other container");
            }
            // These name no container and reach them all, whatever their options say.
            for sub_resource in ["portforward", "proxy"] {
                let outcome = connect(sub_resource, "neighbour", &snapshot);
                assert_eq!(outcome.verdict == Verdict::Deny, example.is_bad(), "{case}: {sub_resource}");
            }
        }
    });
}

fn connection(sub_resource: &str, container: &str) -> Value {
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u", "operation": "CONNECT", "namespace": "default", "name": "web", "subResource": sub_resource,
            "kind": {"group": "", "version": "v1", "kind": "PodExecOptions"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "somebody"},
            "object": {"kind": "PodExecOptions", "apiVersion": "v1", "container": container, "command": ["sh"]},
        },
    })
}

#[test]
fn repairs_apply_leave_nothing_and_are_idempotent() {
    each(|rule, example, list| {
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        if !rule.pod().fixes || matches!(example.kinds, Kinds::Job(_)) {
            return;
        }
        let (patching, denying) = (with_action(rule, example, "patch"), with_action(rule, example, "deny"));
        let mut object = pod_with(example, list);
        let outcome = run(&object, None, Hook::Mutate, &patching);
        assert_eq!(!outcome.patch.is_empty(), example.is_bad() && !example.no_repair, "{case}: is it repaired?");
        let before = object.clone();
        json_patch::patch(&mut object, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
        if outcome.patch.is_empty() {
            assert_eq!(outcome.verdict, Verdict::Allow, "{case}");
            return;
        }
        assert_eq!(outcome.verdict, Verdict::Patch, "{case}");
        assert_ne!(object, before, "{case}: the patch changes something");
        assert_eq!(object["spec"]["fieldOfTheFuture"], json!({"kept": true}), "{case}");
        let again = run(&object, None, Hook::Mutate, &patching);
        assert!(again.patch.is_empty(), "{case}: patched twice: {:?}", again.patch);
        let judged = run(&object, None, Hook::Validate, &denying);
        assert_eq!(judged.violations.len(), 0, "{case}: {:?}", judged.violations);
        // What the rule says is the repair of each single violation repairs it too.
        let denied = run(&before, None, Hook::Validate, &denying);
        assert!(denied.violations.iter().all(|v| !v.repair.is_empty()), "{case}");
    });
}

#[test]
fn what_will_be_patched_is_no_warning_at_a_template() {
    each(|rule, example, list| {
        if !rule.pod().fixes || !example.is_bad() {
            return;
        }
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        let spec = json!({"rules": {rule.id: {"action": "patch", "params": example.params_value()}}});
        let mut patched = spec.clone();
        patched["patchTemplates"] = json!(true);
        let (pods, templates) = (policies(&[spec]), policies(&[patched]));
        for kind in kinds(example).filter(|kind| !kind.template.is_empty()) {
            let object = wrap(kind, &pod_with(example, list), example);
            let outcome = run(&object, None, Hook::Validate, &pods);
            let wanted = if example.no_repair { Verdict::Deny } else { Verdict::Allow };
            assert_eq!(outcome.verdict, wanted, "{case} / {}", kind.kind);
            let notes = outcome.violations.iter().filter(|v| v.effect == Effect::Audit).map(|v| v.note);
            assert!(notes.clone().all(|note| note == Some(Note::WillBePatched)), "{case}");
            assert_eq!(notes.count() > 0, !example.no_repair, "{case} / {}: reports have it", kind.kind);
            assert!(run(&object, None, Hook::Mutate, &pods).patch.is_empty(), "{case}");
            let outcome = run(&object, None, Hook::Mutate, &templates);
            let mut repaired = object.clone();
            json_patch::patch(&mut repaired, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
            let left = run(&repaired, None, Hook::Validate, &templates);
            let wanted = if example.no_repair { Verdict::Deny } else { Verdict::Allow };
            assert_eq!(left.verdict, wanted, "{case} / {}", kind.kind);
            // Neither it nor the pods that are made of it are patched once more.
            let mut pod = repaired.pointer(&kind.prefix()).expect("the template").clone();
            json_patch::merge(&mut pod, &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}));
            for again in [&repaired, &pod] {
                let again = run(again, None, Hook::Mutate, &templates).patch;
                assert!(again.is_empty(), "{case} / {}: patched twice: {again:?}", kind.kind);
            }
            // An owned object is its controller's to change.
            let mut owned = object;
            owned["metadata"]["ownerReferences"] = json!([{"controller": true, "kind": "Rollout"}]);
            assert!(run(&owned, None, Hook::Mutate, &templates).patch.is_empty(), "{case}");
        }
    });
}

#[test]
fn an_update_denies_only_what_it_brings() {
    each(|rule, example, list| {
        if !example.is_bad() {
            return;
        }
        let case = format!("{} / {} / {}", rule.id, example.name, list.field());
        let snapshot = with_action(rule, example, "deny");
        for kind in kinds(example) {
            let old = wrap(kind, &pod_with(example, list), example);
            let mut new = old.clone();
            new["metadata"]["labels"] = json!({"a": "b"});
            let outcome = run(&new, Some(&old), Hook::Validate, &snapshot);
            assert_eq!(outcome.verdict, Verdict::Warn, "{case} / {}: a label change passes", kind.kind);
            assert_eq!(outcome.violations.len(), expected(example, list, kind).len(), "{case}");
            let good: Value = serde_json::from_str(podreeve::rule::GOOD_POD).expect("the good pod is JSON");
            if !kind.template.is_empty() {
                // Its template was good before, or at least another one.
                let mut before = pod_with(example, list);
                before["spec"] = good["spec"].clone();
                let outcome = run(&old, Some(&wrap(kind, &before, example)), Hook::Validate, &snapshot);
                assert_eq!(outcome.verdict, Verdict::Deny, "{case} / {}: a new violation", kind.kind);
            } else if example.is_container() {
                // The same container was good before, and nothing but its fields changes.
                let mut before = old.clone();
                let bad = &mut before["spec"][list.field()][1];
                let mut container = good["spec"]["containers"][0].clone();
                (container["name"], container["image"]) = (bad["name"].take(), bad["image"].take());
                *bad = container;
                let found = |pod: &Value| -> Vec<_> {
                    let violations = run(pod, None, Hook::Validate, &snapshot).violations;
                    violations.into_iter().map(|v| (v.subject, v.field, v.found)).collect()
                };
                let was_there = found(&before);
                let is_new = found(&old).iter().any(|found| !was_there.contains(found));
                let outcome = run(&old, Some(&before), Hook::Validate, &snapshot);
                assert_eq!(outcome.verdict == Verdict::Deny, is_new, "{case}: a new violation");
            }
        }
    });
}

#[test]
fn a_debug_container_is_repaired_without_touching_the_pod() {
    each(|rule, example, list| {
        if !rule.pod().fixes || !example.is_bad() || list != ContainerKind::Ephemeral {
            return;
        }
        let case = format!("{} / {}", rule.id, example.name);
        let new = pod_with(example, list);
        let mut old = new.clone();
        old["spec"]["ephemeralContainers"] = json!([]);
        let snapshot = with_action(rule, example, "patch");
        let outcome = run(&new, Some(&old), Hook::Mutate, &snapshot);
        for operation in &outcome.patch {
            assert!(operation.path().as_str().starts_with("/spec/ephemeralContainers/1/"), "{case}: {operation}");
        }
        let mut repaired = new.clone();
        json_patch::patch(&mut repaired, &outcome.patch).unwrap_or_else(|e| panic!("{case}: {e}"));
        let left = run(&repaired, Some(&old), Hook::Validate, &snapshot);
        assert_eq!(left.verdict == Verdict::Deny, outcome.patch.is_empty(), "{case}: {:?}", left.violations);
    });
}

#[test]
fn the_table_is_whole() {
    let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    for rule in RULES {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        assert!(rule.owasp.iter().all(|item| (1..=93).contains(item)) && !rule.owasp.is_empty(), "{}", rule.id);
        assert!(rule.docs.len() > 80 && rule.title.len() < 80 && !rule.why.ends_with('.'), "{}", rule.id);
        assert!(rule.examples().any(Example::is_bad), "{}: no bad example", rule.id);
        assert!(rule.examples().any(|e| !e.is_bad()), "{}: no good example", rule.id);
        let mut names: Vec<_> = rule.examples().map(|e| e.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rule.examples().count(), "{}: two examples of one name", rule.id);
        for example in rule.examples() {
            let job = if let Kinds::Job(job) = example.kinds { job } else { "" };
            for json in
                [example.params, example.spec, example.annotations, job, example.container, example.network_policies]
            {
                assert!(json.is_empty() || serde_json::from_str::<Value>(json).is_ok(), "{}: {json}", rule.id);
            }
        }
    }
    let folders = ["pod", "exec"].map(|subject| format!("{}/src/rules/{subject}", env!("CARGO_MANIFEST_DIR")));
    let files: Vec<String> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder for each subject"))
        .filter_map(|entry| {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let stem = path.file_stem()?.to_str()?.replace('_', "-");
            text.contains("pub static RULE: Rule").then_some(stem)
        })
        .collect();
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    files.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, files, "the table and the folder differ");
}

#[test]
fn unknown_parameters_are_refused() {
    for rule in chosen() {
        let document = json!({
            "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
            "spec": {"rules": {rule.id: {"action": "warn", "params": {"noSuchKey": 1}}}},
        });
        let document = PolicyDocument::from_json(&document.to_string()).expect("the document is well-formed");
        let error = CompiledPolicy::new(&document).expect_err(rule.id).0.remove(0);
        assert!(error.key.starts_with(&format!("spec.rules.{}.params", rule.id)), "{error}");
        assert!(error.message.contains("noSuchKey"), "{error}");
    }
}
