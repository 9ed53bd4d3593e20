//! The cost of a pod grows no faster than its size. Each list and map of the pod, and unknown keys, are tried with 1,000
//! to 64,000 elements. The cost is counted in steps (`podreeve::effort`), not in time.
//!
//! The lists come from the API's schema, beginning at the types of `tests/podspec-fields.txt`, so that a field of a
//! new Kubernetes is measured as soon as that file has it.

use jiff::civil::date;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::effort::{End, steps};
use podreeve::facts::{FactKinds, Facts, Labels};
use podreeve::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet};
use podreeve::rules::RULES;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

const SIZES: [usize; 3] = [1_000, 8_000, 64_000];
/// Sizes with the same number of containers, each of which every rule judges.
const CROWDS: [usize; 2] = [250, 2_000];
/// The largest factor between the costs of two sizes. Eight times as many elements cost eight times as much, in a sorted map
/// half as much again. A quadratic cost would be 64 times as much.
const MOST: u64 = 16;
/// Of a larger size, only the creation is judged.
const EVERY_WAY: usize = 8_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    List,
    Map,
}

/// A path into the pod: keys, and the shape of the value at each.
type Path = Vec<(String, Shape)>;

/// What is repeated at the end of a path.
#[derive(Debug, Clone)]
enum What {
    /// Elements of a list: a type of the API, or a scalar.
    Elements(Option<String>),
    Entries,
    /// Keys of an object that the API does not know.
    Unknown,
}

struct Api(BTreeMap<String, Map<String, Value>>);

impl Api {
    fn read() -> Self {
        let mut types = BTreeMap::new();
        let generator = || SchemaGenerator::default();
        for (name, root) in [
            ("Pod", generator().into_root_schema_for::<Pod>()),
            ("PodSpec", generator().into_root_schema_for::<PodSpec>()),
        ] {
            let root = root.as_value();
            let definitions = root["$defs"].as_object().expect("the schema has definitions");
            let own = (name.to_owned(), root["properties"].as_object().expect("properties").clone());
            let others = definitions
                .iter()
                .filter_map(|(name, schema)| Some((short(name), schema["properties"].as_object()?.clone())));
            types.extend(others.chain([own]));
        }
        Self(types)
    }

    /// The shape of a field, and its type in the API, or the type of its elements.
    fn field(&self, schema: &Value) -> (Shape, Option<String>) {
        let known = |schema: &Value| reference(schema).filter(|name| self.0.contains_key(name));
        if schema["items"].is_object() {
            (Shape::List, known(&schema["items"]))
        } else if schema["additionalProperties"].is_object() {
            (Shape::Map, known(&schema["additionalProperties"]))
        } else {
            (Shape::One, known(schema))
        }
    }

    /// Everything that can be repeated at or below a type.
    fn walk(&self, name: &str, path: &mut Path, above: &mut Vec<String>, found: &mut Vec<(Path, What)>) {
        found.push((path.clone(), What::Unknown));
        above.push(name.to_owned());
        for (field, schema) in &self.0[name] {
            let (shape, inner) = self.field(schema);
            path.push((field.clone(), shape));
            match shape {
                Shape::List => found.push((path.clone(), What::Elements(inner.clone()))),
                Shape::Map => found.push((path.clone(), What::Entries)),
                Shape::One => {}
            }
            if let Some(inner) = inner.filter(|inner| shape != Shape::Map && !above.contains(inner)) {
                self.walk(&inner, path, above, found);
            }
            path.pop();
        }
        above.pop();
    }

    /// An element of a type that differs from the others. Each scalar is set, and one of the objects in it, in turn.
    fn element(&self, name: &str, number: usize) -> Value {
        let mut element = Map::new();
        let mut objects = Vec::new();
        for (field, schema) in &self.0[name] {
            let value = match (self.field(schema), schema["type"].as_str().or_else(|| schema["type"][0].as_str())) {
                ((Shape::One, Some(inner)), _) => {
                    objects.push((field.clone(), inner));
                    continue;
                }
                ((Shape::One, None), Some("string")) => json!(format!("x{number}")),
                ((Shape::One, None), Some("integer")) => json!(number % 60_000),
                ((Shape::One, None), Some("boolean")) => json!(number.is_multiple_of(2)),
                _ => continue,
            };
            element.insert(field.clone(), value);
        }
        if let Some((field, inner)) = objects.get(number % objects.len().max(1)) {
            element.insert(field.clone(), self.scalars(inner, number));
        }
        Value::Object(element)
    }

    fn scalars(&self, name: &str, number: usize) -> Value {
        let strings = self.0[name].iter().filter(|(_, schema)| {
            self.field(schema) == (Shape::One, None)
                && [&schema["type"], &schema["type"][0]].contains(&&json!("string"))
        });
        strings.map(|(field, _)| (field.clone(), json!(format!("/x{number}")))).collect::<Map<_, _>>().into()
    }
}

fn short(name: &str) -> String {
    name.rsplit(['.', '/']).next().unwrap_or(name).to_owned()
}

fn reference(schema: &Value) -> Option<String> {
    let inner = schema.get("allOf").or_else(|| schema.get("anyOf")).and_then(|all| all.get(0)).unwrap_or(schema);
    inner.get("$ref").and_then(Value::as_str).map(short)
}

/// A pod with `count` elements at the end of the path, and with `crowd` containers.
fn pod(api: &Api, path: &Path, what: &What, count: usize, crowd: usize) -> Value {
    let key = |number: usize| match path.last().map(|(key, _)| key.as_str()) {
        // Other annotations are skipped.
        Some("annotations") => format!("container.apparmor.security.beta.kubernetes.io/x{number}"),
        _ => format!("x{number}/y"),
    };
    let end: Value = match what {
        What::Elements(None) => (0..count).map(|number| json!(format!("x{number}"))).collect(),
        What::Elements(Some(name)) => (0..count).map(|number| api.element(name, number)).collect(),
        What::Entries => (0..count).map(|number| (key(number), json!("1"))).collect::<Map<_, _>>().into(),
        What::Unknown => (0..count).map(|number| (format!("x{number}"), json!({}))).collect::<Map<_, _>>().into(),
    };
    let end = if matches!(path.last(), Some((name, _)) if is_numbers(name)) { numbers(count) } else { end };
    let last = path.len().saturating_sub(1);
    let value = path.iter().enumerate().rev().fold(end, |value, (index, (key, shape))| {
        let whole = index == last && !matches!(what, What::Unknown);
        let value = if *shape == Shape::List && !whole { json!([value]) } else { value };
        json!({ key: value })
    });
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {}});
    json_patch::merge(&mut pod, &value);
    let containers = &mut pod["spec"]["containers"];
    if !containers.is_array() {
        *containers = json!([{}]);
    }
    let others = (0..crowd).map(|number| {
        let name = format!("x{number}");
        json!({
            "name": name, "image": name, "volumeMounts": [{"name": name, "mountPath": format!("/{name}")}],
            "env": [{"name": name, "value": name}], "ports": [{"containerPort": number % 60_000, "name": name}],
            "livenessProbe": {"httpGet": {"port": name}}, "securityContext": {"privileged": true},
        })
    });
    containers.as_array_mut().expect("a list").extend(others);
    pod
}

fn is_numbers(field: &str) -> bool {
    matches!(field, "supplementalGroups" | "values")
}

fn numbers(count: usize) -> Value {
    (0..count).map(|number| json!(number)).collect()
}

/// One with every rule, repairs and exemptions, and one with the Pod Security labels of a namespace.
fn snapshots() -> [Snapshot; 2] {
    let rules: Map<String, Value> = RULES
        .iter()
        .map(|rule| (rule.id.to_owned(), json!({"action": if rule.pod().fixes { "patch" } else { "deny" }})))
        .collect();
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    let exemptions = json!([{"rules": ids, "namespaces": ["default"], "containers": ["none"], "reason": "a test"}]);
    let every = policy(&json!({"rules": rules, "patchTemplates": true, "exemptions": exemptions}));
    let labels = policy(&json!({"rules": {}, "podSecurityLabels": true}));
    let level = [("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())];
    let restricted: Labels = level.into();
    let facts = Facts {
        cluster: true,
        namespaces: Arc::new([("default".to_owned(), Arc::new(restricted))].into()),
        complete: FactKinds::NETWORK_POLICIES,
        ..Facts::default()
    };
    [every, labels]
        .map(|policy| Snapshot { facts: facts.clone(), ..Snapshot::new(PolicySet::new(vec![policy], 1), 20) })
}

fn policy(spec: &Value) -> CompiledPolicy {
    let document =
        json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "all"}, "spec": spec});
    let document = PolicyDocument::from_json(&document.to_string()).expect("it loads");
    CompiledPolicy::compile(&document, Cluster::With).expect("it compiles")
}

fn review(operation: &str, object: &Value, old: &Value) -> Vec<u8> {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let request = json!({
        "uid": "u", "kind": kind, "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": "web",
        "namespace": "default", "operation": operation, "object": object, "oldObject": old,
    });
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string().into_bytes()
}

/// The steps of each way to judge the pod. `None` where the pod is refused as too large.
fn cost([every, labels]: &[Snapshot; 2], pod: &Value, count: usize) -> Vec<Option<u64>> {
    let created = review("CREATE", pod, &Value::Null);
    if count > EVERY_WAY {
        return vec![judged(every, &created, Hook::Validate)];
    }
    let mut old = pod.clone();
    old["metadata"]["name"] = json!("old");
    let updated = review("UPDATE", pod, &old);
    vec![
        judged(every, &created, Hook::Validate),
        judged(every, &created, Hook::Mutate),
        judged(every, &updated, Hook::Validate),
        judged(labels, &updated, Hook::Validate),
    ]
}

fn judged(snapshot: &Snapshot, body: &[u8], hook: Hook) -> Option<u64> {
    let outcome = admit(body, hook, snapshot, date(2026, 11, 27));
    assert_ne!(outcome.ended, Some(End::Stopped));
    outcome.ended.is_none().then(steps)
}

/// A way whose cost grows faster than the size.
fn steep(snapshots: &[Snapshot; 2], sizes: &[usize], make: impl Fn(usize) -> Value) -> Option<String> {
    let mut before = cost(snapshots, &make(sizes[0]), sizes[0]);
    for pair in sizes.windows(2) {
        let now = cost(snapshots, &make(pair[1]), pair[1]);
        for (way, (before, now)) in before.iter().zip(&now).enumerate() {
            if let (Some(before), Some(now)) = (before, now)
                && *now > before * MOST
            {
                return Some(format!("way {way}: {before} steps for {}, {now} for {}", pair[0], pair[1]));
            }
        }
        before = now;
    }
    None
}

fn everything(api: &Api) -> Vec<(Path, What)> {
    let mut found = Vec::new();
    api.walk("Pod", &mut Vec::new(), &mut Vec::new(), &mut found);
    found.retain(|(path, _)| path.first().is_none_or(|(key, _)| key != "status"));
    found
}

fn name(path: &Path, what: &What) -> String {
    let mut name = path.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(".");
    let _ = write!(name, " ({what:?})");
    name
}

#[test]
fn every_type_in_podspec_fields_is_walked() {
    let api = Api::read();
    let mut walked = BTreeSet::new();
    for (path, _) in everything(&api) {
        let mut at = "Pod".to_owned();
        for (key, _) in path {
            let (_, inner) = api.field(&api.0[&at][&key]);
            walked.insert(format!("{at}.{key}"));
            at = inner.unwrap_or_default();
        }
    }
    for line in include_str!("podspec-fields.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let field = line.split('\t').next().unwrap_or_default();
        let (of, key) = field.split_once('.').expect("Type.field");
        let Some(schema) = api.0.get(of).and_then(|fields| fields.get(key)) else { continue };
        let repeats = api.field(schema).0 != Shape::One;
        assert!(!repeats || walked.contains(field), "{field} is a list or a map, and this test does not measure it");
    }
}

/// Whether rules judge the value there. For everything else, and for the two lists that are read as `containers` is,
/// a small size is enough to see that it is skipped.
fn is_judged(api: &Api, path: &Path) -> bool {
    let mut at = "Pod".to_owned();
    path.iter().all(|(key, _)| {
        let judged = at == "Pod" || at == "ObjectMeta" && matches!(key.as_str(), "annotations" | "labels") || {
            let line = format!("\n{at}.{key}\tjudged:");
            include_str!("podspec-fields.txt").contains(&line)
                && !key.ends_with("itContainers")
                && key != "ephemeralContainers"
        };
        at = api.field(&api.0[&at][key]).1.unwrap_or_default();
        judged
    })
}

/// Measures one part of the paths. The parts run in parallel.
fn measured(part: usize) {
    const PARTS: usize = 4;
    let (api, snapshots) = (Api::read(), snapshots());
    let mine = everything(&api).into_iter().skip(part).step_by(PARTS);
    let mut faults = Vec::new();
    for (path, what) in mine {
        let judged = is_judged(&api, &path);
        let sizes = if judged { &SIZES[..] } else { &[250, 2_000] };
        let alone = steep(&snapshots, sizes, |count| pod(&api, &path, &what, count, 0));
        let is_crowd = judged && !matches!(what, What::Unknown);
        let crowded = is_crowd.then(|| steep(&snapshots, &CROWDS, |count| pod(&api, &path, &what, count, count)));
        let crowded = crowded.flatten();
        faults.extend(alone.into_iter().chain(crowded).map(|fault| format!("{}: {fault}", name(&path, &what))));
    }
    assert!(faults.is_empty(), "these grow faster than they should:\n  {}", faults.join("\n  "));
}

#[test]
fn cost_grows_with_size_1() {
    measured(0);
}

#[test]
fn cost_grows_with_size_2() {
    measured(1);
}

#[test]
fn cost_grows_with_size_3() {
    measured(2);
}

#[test]
fn cost_grows_with_size_4() {
    measured(3);
}
