//! Every field of the pod API is judged by a rule or called harmless, and no list of containers is forgotten
//! (CVE-2023-2727). A field that a new Kubernetes brings fails here until it is decided about.
//!
//! The decisions are in `tests/podspec-fields.txt`, which `e2e/fields_test.go` reads too. Which rules judge a field comes
//! from their examples: a rule judges a field when it finds something else in one of its examples without the field.

pub mod list;

use super::api::Api;
use super::finding::{found, pod};
use list::{Decision, lines};
use podreeve::rule::{Example, Rule};
use podreeve::rules::{self, RULES};
use podreeve::workload::{ContainerKind, Pod};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The pod that `tests/house/fast_path.rs` reads.
const EVERY_KEY: &str = include_str!("../every-key.json");

/// Types whose every field is decided about, whatever refers to them.
const ALWAYS: [&str; 5] = ["PodSpec", "Container", "EphemeralContainer", "SecurityContext", "PodSecurityContext"];

static API: LazyLock<Api> = LazyLock::new(Api::read);

#[test]
fn every_field_of_the_api_is_decided() {
    let lines = lines();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    let mut undecided = Vec::new();
    while let Some(name) = next.pop() {
        assert!(
            API.has_type(&name),
            "the API has no type {name} any more. Remove it from ALWAYS in tests/house/fields.rs."
        );
        if !reached.insert(name.clone()) {
            continue;
        }
        for (field, schema) in API.fields(&name) {
            match lines.get(format!("{name}.{field}").as_str()).map(|line| line.decision) {
                // Where a rule looks into a field, each field in it is decided about too.
                Some(Decision::Judged) => next.extend(API.field(schema).1),
                Some(Decision::Presence | Decision::Harmless) => {}
                None => undecided.push(format!("{name}.{field}")),
            }
        }
    }
    undecided.sort();
    assert!(
        undecided.is_empty(),
        "tests/podspec-fields.txt has no line for these fields of the API:\n  {}\n\
         Add a line for each: `judged`, with the field in src/workload/pod.rs and an example in the rule that judges \
         it, or `harmless:<why nothing in it can hurt the node or other pods>`.",
        undecided.join("\n  ")
    );
    for (field, line) in &lines {
        assert!(
            API.has(field) || line.is_removed,
            "tests/podspec-fields.txt:{}: the API has no field {field}. Delete the line, or add the third column \
             until:v1.NN while an older API that is supported has the field.",
            line.number
        );
        let name = field.split('.').next().unwrap_or_default();
        assert!(
            reached.contains(name),
            "tests/podspec-fields.txt:{}: no judged field leads to the type {name}. Delete the line.",
            line.number
        );
    }
}

/// Each field and the rules that judge it: without the field they find something else in one of their examples.
static JUDGED: LazyLock<BTreeMap<String, BTreeSet<&'static str>>> = LazyLock::new(|| {
    let mut judged: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for rule in RULES {
        // In debug containers too: the API refuses some fields there, and rules judge them nevertheless.
        let lists = ContainerKind::ALL;
        for (example, list) in rule.examples().flat_map(|example| lists.map(move |list| (example, list))) {
            let with = pod(example, list);
            let mut fields = BTreeSet::new();
            API.fields_of("PodSpec", &with["spec"], &mut fields);
            fields.retain(|field| !judged.get(field).is_some_and(|rules| rules.contains(rule.id)));
            let found_with = found(rule, example, &with);
            for field in fields {
                let mut without = with.clone();
                API.remove("PodSpec", &mut without["spec"], &field);
                if found(rule, example, &without) != found_with {
                    judged.entry(field).or_default().insert(rule.id);
                }
            }
        }
    }
    judged
});

/// Each example of the rule, in each list in which it can be.
fn lists_of_examples(rule: &'static Rule) -> impl Iterator<Item = (&'static Example, ContainerKind)> {
    let lists = |example| rule.pod().map_or(&[][..], |pod| pod.lists_of(example)).iter().copied();
    rule.examples().flat_map(move |example| lists(example).map(move |list| (example, list)))
}

/// The list of rules for each field is generated, so a new rule changes no file by hand, and a rule that no longer
/// judges a field is seen in the difference.
#[test]
fn each_field_has_the_rules_that_judge_it() {
    let lines = JUDGED.iter().map(|(field, rules)| {
        let rules: Vec<&str> = rules.iter().copied().collect();
        format!("{field}: {}\n", rules.join(", "))
    });
    let description = "`make gen` writes this file. Read the difference: a rule \
                       that is gone from a field has lost its example, or no longer judges the field.";
    insta::with_settings!({ description => description }, {
        insta::assert_snapshot!(lines.collect::<String>());
    });
}

#[test]
fn a_judged_field_has_a_rule_with_an_example_that_needs_it() {
    let idle: Vec<&str> = lines()
        .into_iter()
        // Fields of another version are not in this schema.
        .filter(|(field, line)| line.decision == Decision::Judged && API.has(field) && !JUDGED.contains_key(*field))
        .map(|(field, _)| field)
        .collect();
    assert!(
        idle.is_empty(),
        "tests/podspec-fields.txt calls these fields judged, and no example of a rule is judged otherwise without \
         them:\n  {}\nAdd an example to the rule that judges the field, or write `harmless:<why>` in its line.",
        idle.join("\n  ")
    );
}

#[test]
fn a_field_that_a_rule_judges_is_listed_as_judged() {
    let lines = lines();
    let is_judged = |field: &str| lines.get(field).is_some_and(|line| line.decision != Decision::Harmless);
    let mut wrong = BTreeSet::new();
    for rule in RULES {
        for (example, list) in lists_of_examples(rule) {
            for (pointer, ..) in found(rule, example, &pod(example, list)) {
                let fields = API.fields_to(&pointer);
                let by_this_rule =
                    |field: &String| is_judged(field) && JUDGED.get(field).is_none_or(|ids| ids.contains(rule.id));
                if !fields.is_empty() && !fields.iter().any(by_this_rule) {
                    wrong.extend(fields.last().map(|field| format!("{field} by {}", rule.id)));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these rules find something in a field that tests/podspec-fields.txt does not call judged:\n  {}\n\
         Write `judged` in the field's line. Where the line says so already, add an example to the rule that is judged \
         otherwise without the field.",
        wrong.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

#[test]
fn every_judged_field_is_in_the_pod_of_every_key() {
    let pod: Value = serde_json::from_str(EVERY_KEY).expect("it is JSON");
    let mut fields = BTreeSet::new();
    API.fields_of("PodSpec", &pod["spec"], &mut fields);
    // Of the volumes whose presence is judged one is enough: one list of names reads all of them.
    let missing: Vec<&str> = lines()
        .into_iter()
        .filter(|(field, line)| line.decision == Decision::Judged && API.has(field) && !fields.contains(*field))
        .map(|(field, _)| field)
        .collect();
    assert!(
        missing.is_empty(),
        "tests/every-key.json has none of these fields, which rules judge:\n  {}\n\
         Add each with a value that no other field has; tests/house/fast_path.rs then checks that it is read.",
        missing.join("\n  ")
    );
}

#[test]
fn a_volume_whose_presence_is_judged_is_found_or_allowed() {
    // By the Pod Security Standards.
    const ALLOWED: [&str; 8] =
        ["configMap", "csi", "downwardAPI", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];
    let rule = rules::find("volume-types").expect("the rule");
    let example = rule.examples().next().expect("an example");
    let fields: Vec<&str> =
        lines().into_iter().filter(|(_, line)| line.decision == Decision::Presence).map(|(field, _)| field).collect();
    assert!(
        fields.len() > ALLOWED.len(),
        "tests/podspec-fields.txt calls only {fields:?} `presence`. Write `presence` for each kind of volume that is \
         judged by its name alone."
    );
    for field in fields {
        let key = field.strip_prefix("Volume.").unwrap_or_else(|| {
            panic!(
                "tests/podspec-fields.txt: {field} is `presence`, which only fields of Volume can be. Write `judged`."
            )
        });
        let mut pod = pod(example, ContainerKind::Container);
        pod["spec"]["volumes"] = json!([{"name": "v", key: {}}]);
        let found: Vec<String> = found(rule, example, &pod).into_iter().map(|(field, ..)| field).collect();
        let expected = if ALLOWED.contains(&key) { vec![] } else { vec![format!("/spec/volumes/0/{key}")] };
        assert_eq!(
            found, expected,
            "volume-types and tests/house/fields.rs disagree about {field}. Add the volume to the rule's list of names, \
             or to ALLOWED here if the Pod Security Standards allow it."
        );
    }
}

#[test]
fn every_container_of_the_api_is_reached() {
    let lists = API.container_lists("PodSpec");
    assert!(lists.len() >= 3, "the schema of k8s-openapi has only these lists of containers: {lists:?}");
    // A pod with two containers in every such field, the second named after the field.
    let mut spec = json!({});
    for path in &lists {
        let containers = json!([{"name": "first"}, {"name": path.join(".")}]);
        let value = path.iter().rev().fold(containers, |value, key| json!({ key: value }));
        json_patch::merge(&mut spec, &value);
    }
    let text = json!({"metadata": {}, "spec": spec}).to_string();
    let pod: Pod = serde_json::from_str(&text).expect("a pod");
    let reached: Vec<&str> = pod.all_containers().map(|c| c.name).collect();
    for path in &lists {
        let name = path.join(".");
        assert!(
            reached.contains(&name.as_str()),
            "spec.{name} holds containers, and Pod::all_containers does not reach them. Add the list to \
             ContainerKind::ALL in src/workload/."
        );
    }
    assert_eq!(reached.len(), 2 * lists.len(), "Pod::all_containers reaches some container twice or not: {reached:?}");
}
