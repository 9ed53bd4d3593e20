//! Compares the API's schema with the fields that rules judge. A field of a new Kubernetes fails here
//! until a decision about it is written down, and no list of containers can be forgotten (CVE-2023-2727).
//!
//! The decisions are in `tests/podspec-fields.txt`, which explains its format. The Go test in
//! `e2e/fields_test.go` reads the same file.

#[path = "common/finding.rs"]
mod finding;

use finding::{found, pod};
use k8s_openapi::api::core::v1::PodSpec;
use podreeve::rules;
use podreeve::workload::{ContainerKind, Pod};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = include_str!("podspec-fields.txt");

/// The pod that `tests/fast_path.rs` reads with the fast path and with serde_json.
const EVERY_KEY: &str = include_str!("every-key.json");

/// Types of which every field has a decision, whatever refers to them.
const ALWAYS: [&str; 5] = ["PodSpec", "Container", "EphemeralContainer", "SecurityContext", "PodSecurityContext"];

/// The rule that judges whether a field is set, whatever its value.
const PRESENCE: &str = "volume-types";

/// Ids of rules without code yet.
const RESERVED: &[&str] = &[];

/// The properties of every type under `PodSpec`, by the type's short name.
struct Api(BTreeMap<String, Map<String, Value>>);

impl Api {
    fn read() -> Self {
        let root = SchemaGenerator::default().into_root_schema_for::<PodSpec>();
        let definitions = root.get("$defs").and_then(Value::as_object).expect("the schema has definitions");
        let properties = |schema: &Value| schema["properties"].as_object().cloned();
        let mut types: BTreeMap<_, _> = definitions
            .iter()
            .filter_map(|(name, schema)| Some((short(name).to_owned(), properties(schema)?)))
            .collect();
        types.insert("PodSpec".to_owned(), properties(root.as_value()).expect("PodSpec has properties"));
        Self(types)
    }

    /// The struct types of a field, or of the elements of a list or map.
    fn types_of(&self, field: &Value) -> Vec<String> {
        let mut found = Vec::new();
        references(field, &mut found);
        found.retain(|name| self.0.contains_key(name));
        found
    }
}

fn short(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(|name| short(name).to_owned()));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// One line of the file.
struct Line {
    number: usize,
    /// `judged`, `pending` or `harmless`.
    verdict: &'static str,
    /// Rule ids, or the reason.
    text: String,
    /// `since:` or `until:` a version of the API: other versions need not have the field.
    version: Option<String>,
}

fn lines() -> BTreeMap<&'static str, Line> {
    let mut lines = BTreeMap::new();
    for (number, line) in FILE.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut columns = line.split('\t');
        let (field, decision) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""));
        let version = columns.next().map(str::to_owned);
        let (verdict, text) = decision.split_once(':').unwrap_or((decision, ""));
        let verdict = ["judged", "pending", "harmless"].into_iter().find(|v| *v == verdict);
        let verdict = verdict.unwrap_or_else(|| panic!("line {number}: judged:, pending: or harmless:, in `{line}`"));
        assert!(!text.is_empty(), "line {number}: {verdict} needs rule ids or a reason");
        assert!(
            version.as_deref().is_none_or(|v| v.starts_with("since:v1.") || v.starts_with("until:v1.")),
            "line {number}: the third column is since:v1.NN or until:v1.NN"
        );
        let line = Line { number, verdict, text: text.to_owned(), version };
        assert!(lines.insert(field, line).is_none(), "line {number}: {field} is there twice");
    }
    lines
}

#[test]
fn every_field_of_the_api_is_decided() {
    let api = Api::read();
    let lines = lines();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    let mut undecided = Vec::new();
    while let Some(name) = next.pop() {
        let Some(fields) = api.0.get(&name) else { panic!("the API has no type {name} any more") };
        if !wanted.insert(name.clone()) {
            continue;
        }
        for (field, schema) in fields {
            match lines.get(format!("{name}.{field}").as_str()) {
                // A rule judges parts of this object, so each of its fields needs a decision too.
                Some(line) if line.verdict != "harmless" && line.text != PRESENCE => next.extend(api.types_of(schema)),
                Some(_) => {}
                None => undecided.push(format!("{name}.{field}")),
            }
        }
    }
    undecided.sort();
    assert!(
        undecided.is_empty(),
        "these fields of the API have no decision:\n  {}\n\
         Add a line for each to tests/podspec-fields.txt: judged:<rules> with the field in src/workload/pod.rs and \
         an example in each rule, or harmless:<why nothing in it can hurt the node or other pods>.",
        undecided.join("\n  ")
    );
    for (field, line) in &lines {
        let (name, key) = field.split_once('.').unwrap_or((field, ""));
        let there = api.0.get(name).is_some_and(|fields| fields.contains_key(key));
        assert!(
            there || line.version.as_deref().is_some_and(|v| v.starts_with("until:")),
            "line {}: the API has no field {field}. Delete the line, or, while an older API that is supported has it, \
             add a third column until:v1.NN",
            line.number
        );
        assert!(wanted.contains(name), "line {}: nothing that is judged leads to the type {name}", line.number);
    }
}

#[test]
fn every_rule_in_the_file_exists() {
    for (field, line) in lines() {
        let number = line.number;
        for id in line.text.split(',').filter(|_| line.verdict != "harmless") {
            match (line.verdict, rules::find(id).is_some()) {
                ("judged", there) => assert!(there, "line {number}: {field} is judged by `{id}`, which is no rule"),
                (_, true) => panic!("line {number}: `{id}` is a rule by now: {field} is judged:{id}"),
                (_, false) => assert!(RESERVED.contains(&id), "line {number}: `{id}` is no id that is reserved"),
            }
        }
    }
}

/// Removes a field everywhere in a value of this type.
fn remove_field(api: &Api, name: &str, value: &mut Value, field: &str) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| remove_field(api, name, value, field)),
        Value::Object(map) => {
            if let Some(key) = field.strip_prefix(name).and_then(|key| key.strip_prefix('.')) {
                map.remove(key);
            }
            for (key, value) in map {
                for inner in api.0[name].get(key).map(|schema| api.types_of(schema)).unwrap_or_default() {
                    remove_field(api, &inner, value, field);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn a_rule_that_judges_a_field_has_an_example_that_depends_on_it() {
    let api = Api::read();
    let mut idle = Vec::new();
    for (field, line) in lines().into_iter().filter(|(_, line)| line.verdict == "judged") {
        let (name, key) = field.split_once('.').unwrap_or((field, ""));
        // The schema is of another version.
        if !api.0.get(name).is_some_and(|fields| fields.contains_key(key)) {
            continue;
        }
        // The presence of a volume needs no example: another test tries each volume.
        for id in line.text.split(',').filter(|id| *id != PRESENCE) {
            let rule = rules::find(id).expect("a rule");
            // Also in ephemeral containers: the API refuses some of their fields, but the rules read them.
            let depends = |example: &podreeve::rule::Example, list| {
                let with = pod(example, list);
                let mut without = with.clone();
                remove_field(&api, "PodSpec", &mut without["spec"], field);
                with != without && found(rule, example, &with) != found(rule, example, &without)
            };
            if !rule.examples().any(|example| ContainerKind::ALL.into_iter().any(|list| depends(example, list))) {
                idle.push(format!("line {}: {field} by {id}", line.number));
            }
        }
    }
    assert!(
        idle.is_empty(),
        "no example of these rules is judged otherwise without the field:\n  {}\n\
         Add an example, or take the rule out of tests/podspec-fields.txt.",
        idle.join("\n  ")
    );
}

/// The fields of the API along a pointer into a pod.
fn fields_to(api: &Api, pointer: &str) -> Vec<String> {
    let (mut name, mut fields) = ("PodSpec".to_owned(), Vec::new());
    for key in pointer.strip_prefix("/spec/").into_iter().flat_map(|path| path.split('/')) {
        // An index, or a key of a map, does not change the type.
        let Some(schema) = api.0.get(&name).and_then(|fields| fields.get(key)) else { continue };
        fields.push(format!("{name}.{key}"));
        let Some(inner) = api.types_of(schema).into_iter().next() else { break };
        name = inner;
    }
    fields
}

#[test]
fn the_file_names_a_rule_at_each_field_of_its_findings() {
    let api = Api::read();
    let lines = lines();
    let judged = |field: &String, rule: &podreeve::rule::Rule| {
        lines
            .get(field.as_str())
            .is_some_and(|line| line.verdict == "judged" && line.text.split(',').any(|id| id == rule.id))
    };
    let mut unnamed = BTreeSet::new();
    for rule in rules::RULES {
        for (example, list) in rule.examples().flat_map(|e| rule.pod().lists_of(e).iter().map(move |list| (e, *list))) {
            for (pointer, ..) in found(rule, example, &pod(example, list)) {
                let fields = fields_to(&api, &pointer);
                if !fields.is_empty() && !fields.iter().any(|field| judged(field, rule)) {
                    unnamed.extend(fields.last().map(|field| format!("{field} by {}", rule.id)));
                }
            }
        }
    }
    assert!(
        unnamed.is_empty(),
        "these rules find something in a field that tests/podspec-fields.txt does not say is judged by them:\n  {}\n\
         Add the rule to the field's line there: judged:RULE, or judged:OTHER,RULE.",
        unnamed.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

#[test]
fn every_judged_field_has_a_value_in_every_key_json() {
    let api = Api::read();
    let pod: Value = serde_json::from_str(EVERY_KEY).expect("it is JSON");
    let missing = |field: &str| {
        let mut without = pod["spec"].clone();
        remove_field(&api, "PodSpec", &mut without, field);
        without == pod["spec"]
    };
    // One volume is enough: all of them are read into one list of names.
    let judged = lines().into_iter().filter(|(_, line)| line.verdict == "judged" && line.text != PRESENCE);
    let of_this_version = |field: &str| {
        let (name, key) = field.split_once('.').unwrap_or((field, ""));
        api.0.get(name).is_some_and(|fields| fields.contains_key(key))
    };
    let missing: Vec<&str> =
        judged.map(|(field, _)| field).filter(|field| of_this_version(field) && missing(field)).collect();
    assert!(
        missing.is_empty(),
        "tests/every-key.json has none of these fields that rules judge:\n  {}\n\
         Add each with a value of its own; tests/fast_path.rs then compares the fast path with serde_json.",
        missing.join("\n  ")
    );
}

#[test]
fn a_volume_whose_presence_is_judged_is_found_or_allowed() {
    // By the Pod Security Standards.
    const ALLOWED: [&str; 8] =
        ["configMap", "csi", "downwardAPI", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];
    let rule = rules::find(PRESENCE).expect("the rule");
    let example = rule.examples().next().expect("an example");
    let fields: Vec<_> =
        lines().into_iter().filter(|(_, line)| line.text == PRESENCE).map(|(field, _)| field).collect();
    assert!(fields.len() > ALLOWED.len(), "{fields:?}");
    for field in fields {
        let key = field.strip_prefix("Volume.").expect("a volume's field");
        let mut pod = pod(example, ContainerKind::Container);
        pod["spec"]["volumes"] = json!([{"name": "v", key: {}}]);
        let found: Vec<String> = found(rule, example, &pod).into_iter().map(|(field, ..)| field).collect();
        let wanted = if ALLOWED.contains(&key) { vec![] } else { vec![format!("/spec/volumes/0/{key}")] };
        assert_eq!(found, wanted, "{field}");
    }
}

#[test]
fn every_container_of_the_api_is_reached() {
    let api = Api::read();
    let mut lists: Vec<Vec<String>> = Vec::new();
    find_containers(&api, "PodSpec", &mut Vec::new(), &mut Vec::new(), &mut lists);
    assert!(lists.len() >= 3, "{lists:?}");
    // A pod with a container in every such field, named after the field.
    let mut spec = json!({});
    for path in &lists {
        let containers = json!([{"name": "first"}, {"name": path.join(".")}]);
        let value = path.iter().rev().fold(containers, |value, key| json!({ key: value }));
        json_patch::merge(&mut spec, &value);
    }
    let text = json!({"metadata": {}, "spec": spec}).to_string();
    let pod: Pod = serde_json::from_str(&text).expect("a pod");
    let reached: Vec<&str> = pod.all_containers().map(|c| &*c.container.name.0).collect();
    for path in &lists {
        let name = path.join(".");
        assert!(
            reached.contains(&name.as_str()),
            "spec.{name} holds containers, and Pod::all_containers does not reach them"
        );
    }
    assert_eq!(reached.len(), 2 * lists.len(), "{reached:?}");
}

/// Collects the paths of all fields whose elements are containers, at any depth.
fn find_containers(
    api: &Api,
    name: &str,
    path: &mut Vec<String>,
    above: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    above.push(name.to_owned());
    for (field, schema) in &api.0[name] {
        path.push(field.clone());
        for inner in api.types_of(schema) {
            if inner.ends_with("Container") {
                found.push(path.clone());
            } else if !above.contains(&inner) {
                find_containers(api, &inner, path, above, found);
            }
        }
        path.pop();
    }
    above.pop();
}
