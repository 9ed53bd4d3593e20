//! Containers that differ in nothing but their names are read once, and judged once where nothing is wrong with them. The
//! answer is byte for byte the one for the same pod whose containers are written with different blanks, which are no copies.

use super::common::{TODAY, policies};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::effort::steps;
use podreeve::outcome::Outcome;
use podreeve::policy::builtin;
use podreeve::rules::of_requests;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Some containers of one text.
#[derive(Debug, Clone)]
struct Group {
    /// Everything but the name.
    container: Value,
    /// The JSON of each name; empty for none.
    names: Vec<String>,
    /// In front of which field the name stands.
    name_at: usize,
}

impl Group {
    /// A list of containers. With `blanks`, each is written differently from its neighbours.
    fn write(groups: &[Self], blanks: bool) -> String {
        let mut texts = Vec::new();
        for group in groups {
            let Some(fields) = group.container.as_object() else {
                texts.push(group.container.to_string());
                continue;
            };
            for name in &group.names {
                let mut members: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
                if !name.is_empty() {
                    members.insert(group.name_at.min(members.len()), format!("\"name\":{name}"));
                }
                let blank = if blanks && texts.len() % 2 == 1 { " " } else { "" };
                texts.push(format!("{{{blank}{}}}", members.join(",")));
            }
        }
        format!("[{}]", texts.join(","))
    }
}

/// A review of this pod with these lists of containers, and the pod before an update.
fn review(pod: &Value, lists: &[Vec<Group>; 3], old: Option<&[Vec<Group>; 3]>, blanks: bool) -> String {
    let write = |lists: &[Vec<Group>; 3]| {
        let mut pod = pod.clone();
        for list in LISTS {
            pod["spec"][list] = json!(format!("@{list}"));
        }
        LISTS.iter().zip(lists).fold(pod.to_string(), |text, (list, groups)| {
            text.replacen(&format!("\"@{list}\""), &Group::write(groups, blanks), 1)
        })
    };
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let old = old.map_or_else(|| "null".to_owned(), write);
    let new = write(lists);
    let kind =
        r#""kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"}"#;
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","name":"web","namespace":"default",{kind},"operation":"{operation}","object":{new},"oldObject":{old}}}}}"#
    )
}

/// All of an outcome that anybody sees.
fn seen(outcome: &Outcome) -> String {
    let reply = String::from_utf8_lossy(&outcome.reply);
    format!("{reply}\n{:?}\n{:?}\n{:?}", outcome.tallies, outcome.violations, outcome.problem)
}

/// Judges both forms of a pod, and returns the steps of each.
fn same(snapshot: &Snapshot, pod: &Value, lists: &[Vec<Group>; 3], old: Option<&[Vec<Group>; 3]>) -> [u64; 2] {
    let [copies, others] = [false, true].map(|blanks| review(pod, lists, old, blanks));
    let judge = |text: &str, hook| {
        let outcome = admit(text.as_bytes(), hook, snapshot, TODAY);
        (seen(&outcome), steps())
    };
    let (mutated, _) = judge(&copies, Hook::Mutate);
    assert_eq!(mutated, judge(&others, Hook::Mutate).0, "{copies}");
    let [copies_seen, others_seen] = [&copies, &others].map(|text| judge(text, Hook::Validate));
    assert_eq!(copies_seen.0, others_seen.0, "{copies}");
    [copies_seen.1, others_seen.1]
}

/// The built-in policy, every rule with its repairs, and what looks at the names of containers.
fn snapshots() -> Vec<Snapshot> {
    let owasp: Value = serde_saphyr::from_str(&builtin("owasp").expect("it loads").expect("it exists")).expect("YAML");
    let every: Map<String, Value> = of_requests()
        .map(|rule| {
            let action = if rule.fixes() { "patch" } else { "deny" };
            let params = match rule.id {
                "image-registries" => json!({"allow": ["registry.example.com"]}),
                "apparmor-profile" => json!({"required": true}),
                _ => json!({}),
            };
            (rule.id.to_owned(), json!({"action": action, "params": params}))
        })
        .collect();
    let exempted = ["capabilities", "health-probes"];
    let exemption =
        json!({"rules": exempted, "namespaces": ["default"], "containers": ["c1", "c2"], "reason": "a test"});
    let denied: Map<String, Value> =
        exempted.map(|id| (id.to_owned(), json!({"action": "deny"}))).into_iter().collect();
    let old_annotations = json!({"action": "deny", "params": {"pss": "baseline", "version": "v1.18"}});
    let mut snapshots = [
        owasp["spec"].clone(),
        json!({ "rules": every }),
        json!({"rules": denied, "exemptions": [exemption]}),
        json!({"rules": {"seccomp-profile": old_annotations}}),
    ]
    .map(|spec| policies(&[spec]));
    snapshots[0].report_limit = 3;
    snapshots.into()
}

static SNAPSHOTS: LazyLock<Vec<Snapshot>> = LazyLock::new(snapshots);

/// Every rule judges copies as it judges others: in each example, each container is there five times.
#[test]
fn every_example_is_answered_alike_with_copies_of_its_containers() {
    let every = &SNAPSHOTS;
    let mut saved = 0;
    for rule in of_requests() {
        for example in rule.examples().filter(|example| example.is_plain()) {
            let action = if rule.fixes() { "patch" } else { "deny" };
            let alone = policies(&[json!({"rules": {rule.id: {"action": action, "params": example.params_value()}}})]);
            let pod = example.pod();
            let lists = LISTS.map(|list| {
                let containers = pod["spec"][list].as_array().into_iter().flatten();
                containers
                    .map(|container| {
                        let mut container = container.clone();
                        let name = container.as_object_mut().and_then(|fields| fields.remove("name"));
                        let mut names = vec![name.unwrap_or_else(|| json!("app")).to_string()];
                        names.extend((0..4).map(|n| format!("\"c{n}\"")));
                        Group { container, names, name_at: 0 }
                    })
                    .collect()
            });
            for snapshot in [&every[1], &alone] {
                let [copies, others] = same(snapshot, &pod, &lists, None);
                saved += others.saturating_sub(copies);
            }
            same(&alone, &pod, &lists, Some(&lists));
        }
    }
    assert!(saved > 100_000, "copies cost as much as others: {saved}");
}

/// The containers of all examples, without their names.
fn pool() -> Vec<Value> {
    let examples = of_requests().flat_map(podreeve::rule::Rule::examples).filter(|example| example.is_plain());
    let pods: Vec<Value> = examples.map(podreeve::rule::Example::pod).collect();
    let containers =
        pods.iter().flat_map(|pod| LISTS.iter().filter_map(|list| pod["spec"][*list].as_array()).flatten());
    let mut pool: Vec<Value> = containers.cloned().collect();
    for container in &mut pool {
        container.as_object_mut().expect("an object").remove("name");
    }
    pool.push(json!({}));
    pool
}

/// Names that are copied, and some that are not: with an escape, null, a number, absent.
const NAMES: [&str; 12] = [
    "\"c1\"",
    "\"c2\"",
    "\"c3\"",
    "\"\"",
    "\"é\"",
    "\"c1\"",
    "\"a,b}]{[:\"",
    "\"c\\u0031\"",
    "\"\\\"\"",
    "null",
    "",
    "7",
];

static POOL: LazyLock<Vec<Value>> = LazyLock::new(pool);

fn groups() -> impl Strategy<Value = Vec<Group>> {
    // A name is mostly one of the first, so that most pods can be read.
    let name = prop_oneof![20 => 0..9_usize, 2 => 9..11_usize, 1 => Just(11)].prop_map(|n| NAMES[n].to_owned());
    let names = prop::collection::vec(name, 1..6);
    let near = prop_oneof![3 => Just(None), 1 => "[a-z]{1,3}".prop_map(Some)];
    let group = (prop::sample::select(POOL.as_slice()), names, 0..6_usize, near).prop_map(
        |(mut container, names, name_at, near)| {
            if let Some(tag) = near {
                container["image"] = json!(format!("registry.example.com/shop/web:{tag}"));
            }
            Group { container, names, name_at }
        },
    );
    // The same group twice, with another one or none between them.
    prop::collection::vec(
        prop_oneof![
            group.clone().prop_map(|g| vec![g]),
            (group.clone(), group).prop_map(|(a, b)| vec![a.clone(), b, a])
        ],
        0..3,
    )
    .prop_map(|groups| groups.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pod_is_answered_alike_with_copies(
        init in groups(), regular in groups(), ephemeral in groups(), old in groups(),
        of_pod in 0..4_usize, is_update in any::<bool>(),
    ) {
        let mut pod = super::common::good_pod();
        pod["metadata"]["annotations"] = json!({
            "container.apparmor.security.beta.kubernetes.io/c1": "runtime/default",
            "container.seccomp.security.alpha.kubernetes.io/c2": "unconfined",
        });
        match of_pod {
            0 => {}
            1 => pod["spec"]["securityContext"] = json!({"runAsUser": 0, "seccompProfile": {"type": "Unconfined"}}),
            2 => pod["spec"] = json!({"restartPolicy": "Never", "hostNetwork": true, "nodeName": "n"}),
            _ => pod["spec"] = json!({"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true}}),
        }
        let lists = [init.clone(), regular, ephemeral];
        let before = [init, old, Vec::new()];
        for snapshot in SNAPSHOTS.iter() {
            same(snapshot, &pod, &lists, is_update.then_some(&before));
        }
    }
}

/// Neither pods that are all but copies nor names without an end cost more than other pods of their size.
#[test]
fn what_is_nearly_a_copy_costs_no_more_than_its_size() {
    let snapshot = &SNAPSHOTS[0];
    let image = "x".repeat(200);
    let container = |last: &str| json!({"image": format!("registry.example.com/{image}"), "imagePullPolicy": "Always", "workingDir": last});
    let lists = |count: usize, shape: usize| -> [Vec<Group>; 3] {
        let group = |container, name: String| Group { container, names: vec![name], name_at: 0 };
        let regular = (0..count).map(|n| match shape {
            // The last byte differs.
            0 => group(container(if n % 2 == 0 { "a" } else { "b" }), format!("\"c{n}\"")),
            // All but the last one are copies.
            1 => group(container(if n + 1 == count { "a" } else { "b" }), format!("\"c{n}\"")),
            // A long name, and then another container.
            _ => group(container(if n % 2 == 0 { "a" } else { "b" }), format!("\"{}\"", "n".repeat(2_000))),
        });
        [Vec::new(), regular.collect(), Vec::new()]
    };
    let pod = super::common::good_pod();
    for shape in 0..3 {
        let [small, large] = [200, 1_600].map(|count| {
            let text = review(&pod, &lists(count, shape), None, false);
            let outcome = admit(text.as_bytes(), Hook::Validate, snapshot, TODAY);
            assert_eq!(outcome.ended, None);
            steps()
        });
        assert!(large < small * 12, "shape {shape}: {small} steps for 200 containers, {large} for 1,600");
    }
}
