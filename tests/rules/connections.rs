//! A user who enters a container is judged by the container.

use super::cases::{chosen, pod_with, with_action};
use super::common::TODAY;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::pods::Texts;
use podreeve::facts::{FactAnswer, FactQuery};
use podreeve::outcome::Verdict;
use podreeve::rule::{Example, Judges, Rule};
use podreeve::text::dotted;
use podreeve::workload::pod::ContainerKind;
use serde_json::{Value, json};

/// Every example of a connection.
fn each_entered(mut test: impl FnMut(&'static Rule, &'static Example)) {
    for rule in chosen() {
        match &rule.judges {
            Judges::Exec(exec) => exec.entered.iter().for_each(|entered| test(rule, entered.example())),
            Judges::Pod(_) | Judges::Dockerfile(_) | Judges::Image(_) | Judges::Node(_) => {}
        }
    }
}

/// The pod exists, and a user enters the container.
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
            // These sub-resources name no container and reach all of them, whatever their options.
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
