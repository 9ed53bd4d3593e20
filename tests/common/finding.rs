//! The findings of a rule in the pod of an example, without a policy.
#![allow(dead_code, reason = "each test binary uses its own part")]

use podreeve::decide::findings;
use podreeve::json::Raw;
use podreeve::policy::{Action, CompiledRule};
use podreeve::rule::{Example, Finding, Fix, Kinds, Rule, Scope};
use podreeve::workload::kinds::KINDS;
use podreeve::workload::{Connect, ContainerKind, Ingress, Pod, PodContext, Written};
use serde_json::{Value, json};

/// The example's pod, with its container in this list.
pub fn pod(example: &Example, list: ContainerKind) -> Value {
    if !example.is_container() {
        return example.pod_with_good_container();
    }
    let mut pod = example.pod();
    let spec = pod["spec"].as_object_mut().expect("a spec");
    let containers = spec.remove("containers").expect("containers");
    spec.insert(list.field().to_owned(), containers);
    pod
}

/// Each finding: its field, the value there, and the repair.
pub fn found(rule: &'static Rule, example: &Example, pod: &Value) -> Vec<(String, String, Value)> {
    found_with(rule, example.params_value(), example, pod)
}

/// The same with other parameters.
pub fn found_with(rule: &'static Rule, params: Value, example: &Example, pod: &Value) -> Vec<(String, String, Value)> {
    with_pod(rule, params, example, pod, |compiled, pod| {
        let told = |finding: &Finding<'_>| {
            let mut fix = Fix::new(Scope::Pod);
            compiled.check.repair(pod, finding, &mut fix);
            (finding.at.field(), finding.found.to_string(), json!(fix.into_patch().finish("")))
        };
        findings(compiled, pod).iter().map(told).collect()
    })
}

/// Calls `then` with the compiled rule and with the pod as the rule sees it.
pub fn with_pod<T>(
    rule: &'static Rule,
    params: Value,
    example: &Example,
    pod: &Value,
    then: impl FnOnce(&CompiledRule, &Pod<'_>) -> T,
) -> T {
    let judges = rule.pod().expect("a rule about pods");
    let check = (judges.compile)(params.clone()).unwrap_or_else(|error| panic!("{}: {params}: {error:?}", rule.id));
    let compiled = CompiledRule::new(rule, 0, Action::Deny, check);
    let (mut kind, mut object) = ("Pod", pod.clone());
    if let Kinds::Job(job) = example.kinds {
        object = json!({"spec": {"template": object}});
        json_patch::merge(&mut object["spec"], &serde_json::from_str::<Value>(job).expect("JSON"));
        kind = "Job";
    }
    let kind = KINDS.iter().find(|known| known.kind == kind).expect("the kind");
    let text = object.to_string();
    let mut pod = kind.pod(Raw::new(&text)).expect("it is read").expect("it holds a pod");
    pod.context = PodContext {
        ingress: (!example.network_policies.is_empty()).then_some(Ingress::Open),
        connect: (example.kinds == Kinds::Entered).then(Connect::default),
        written: (example.kinds == Kinds::Written).then_some(Written::default()),
        ..PodContext::default()
    };
    then(&compiled, &pod)
}
