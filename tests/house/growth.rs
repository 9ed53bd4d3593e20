//! The cost of a pod grows no faster than its size. Each list and map of the pod, and unknown keys, are tried with 1,000
//! to 64,000 elements. The cost is counted in steps (`podreeve::effort`), not in time.
//!
//! The lists come from the API's own schema, so a list that a new Kubernetes brings is measured at once.

mod pods;

use crate::api::{Api, Path, Repeated, Shape};
use crate::fields::list::{Decision, Line, lines};
use jiff::civil::date;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::effort::{End, steps};
use podreeve::facts::{FactKinds, Facts, Labels};
use podreeve::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet};
use podreeve::rules::{RULES, of_requests};
use pods::Frame;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// So many elements of a list that rules judge.
const LISTS: [usize; 3] = [1_000, 8_000, 64_000];
/// So many entries of a map, and keys that nothing reads: the same reader serves all of them.
const KEYS: [usize; 2] = [1_000, 8_000];
/// So many elements of what no rule judges.
const UNJUDGED: [usize; 2] = [250, 2_000];
/// So many elements, and as many containers, each of which every rule judges.
const CROWDS: [usize; 2] = [250, 2_000];
/// The largest factor between the costs of two sizes. Eight times as many elements cost eight times as much, in a sorted map
/// half as much again. A quadratic cost would be 64 times as much.
const MOST: u64 = 16;
/// Of a larger size, only the creation is judged.
const EVERY_WAY: usize = 8_000;

/// One with every rule, repairs and exemptions, and one with the Pod Security labels of a namespace.
fn snapshots() -> [Snapshot; 2] {
    let rules: Map<String, Value> = RULES
        .iter()
        .map(|rule| {
            let action = if rule.fixes() { "patch" } else { "deny" };
            let params = if rule.id == "image-registries" { json!({"allow": ["localhost"]}) } else { json!({}) };
            (rule.id.to_owned(), json!({"action": action, "params": params}))
        })
        .collect();
    let ids: Vec<&str> = of_requests().map(|rule| rule.id).collect();
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

fn review(operation: &str, object: &str, old: &str) -> Vec<u8> {
    let kind =
        r#""kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"}"#;
    let names = r#""uid":"u","name":"web","namespace":"default""#;
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{{names},{kind},"operation":"{operation}","object":{object},"oldObject":{old}}}}}"#
    )
    .into_bytes()
}

/// The steps of each way to judge the pod. `None` where the pod is refused as too large.
fn cost([every, labels]: &[Snapshot; 2], pod: &str, count: usize) -> Vec<Option<u64>> {
    let created = review("CREATE", pod, "null");
    if count > EVERY_WAY {
        return vec![judged(every, &created, Hook::Validate)];
    }
    let updated = review("UPDATE", pod, &Frame::before(pod));
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
fn steep(snapshots: &[Snapshot; 2], sizes: &[usize], make: impl Fn(usize) -> String) -> Option<String> {
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

fn name(path: &Path, what: &Repeated) -> String {
    let mut name = path.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(".");
    let _ = write!(name, " ({what:?})");
    name
}

#[test]
fn every_list_that_is_decided_about_is_measured() {
    let api = Api::read();
    let mut measured = BTreeSet::new();
    for (path, _) in api.repeated() {
        let mut at = "Pod".to_owned();
        for (key, _) in path {
            measured.insert(format!("{at}.{key}"));
            at = api.schema(&at, &key).and_then(|schema| api.field(schema).1).unwrap_or_default();
        }
    }
    for field in lines().into_keys() {
        let (name, key) = field.split_once('.').expect("Type.field");
        let Some(schema) = api.schema(name, key) else { continue };
        let is_repeated = api.field(schema).0 != Shape::One;
        assert!(
            !is_repeated || measured.contains(field),
            "{field} is a list or a map, and no path of `Api::repeated` reaches it. Mend `Api::walk` in \
             tests/house/api.rs."
        );
    }
}

/// Whether rules judge the value there. For everything else, and for the two lists that are read as `containers` is,
/// a small size is enough to see that it is skipped.
fn is_judged(api: &Api, lines: &BTreeMap<&str, Line>, path: &Path) -> bool {
    let mut at = "Pod".to_owned();
    path.iter().all(|(key, _)| {
        let line = lines.get(format!("{at}.{key}").as_str());
        let judged = match at.as_str() {
            "Pod" => true,
            "ObjectMeta" => matches!(key.as_str(), "annotations" | "labels"),
            _ if matches!(key.as_str(), "initContainers" | "ephemeralContainers") => false,
            _ => line.is_some_and(|line| line.decision != Decision::Harmless),
        };
        at = api.schema(&at, key).and_then(|schema| api.field(schema).1).unwrap_or_default();
        judged
    })
}

/// Measures one part of the paths. The parts run in parallel.
fn measure(part: usize) {
    const PARTS: usize = 4;
    let (api, snapshots, lines) = (Api::read(), snapshots(), lines());
    let mine = api.repeated().into_iter().skip(part).step_by(PARTS);
    let mut faults = Vec::new();
    for (path, what) in mine {
        let judged = is_judged(&api, &lines, &path);
        let sizes = match what {
            _ if !judged => &UNJUDGED[..],
            Repeated::Elements(_) => &LISTS,
            Repeated::Entries | Repeated::UnknownKeys => &KEYS,
        };
        let frame = Frame::new(&api, &path, &what);
        let alone = steep(&snapshots, sizes, |count| frame.pod(count, 0));
        let is_crowd = judged && !matches!(what, Repeated::UnknownKeys);
        let crowded = is_crowd.then(|| steep(&snapshots, &CROWDS, |count| frame.pod(count, count)));
        let crowded = crowded.flatten();
        faults.extend(alone.into_iter().chain(crowded).map(|fault| format!("{}: {fault}", name(&path, &what))));
    }
    assert!(
        faults.is_empty(),
        "the cost of these parts of a pod grows faster than their size (in steps of src/effort.rs):\n  {}\n\
         A rule or the reader looks through all elements for each one. Make it linear: sort once, or keep a set.",
        faults.join("\n  ")
    );
}

#[test]
fn cost_grows_with_size_1() {
    measure(0);
}

#[test]
fn cost_grows_with_size_2() {
    measure(1);
}

#[test]
fn cost_grows_with_size_3() {
    measure(2);
}

#[test]
fn cost_grows_with_size_4() {
    measure(3);
}
