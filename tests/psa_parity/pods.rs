//! Pods to compare verdicts by, made from a seed: pod n of a seed is always the same.
//!
//! Most are near the edge: a pod that passes, or one of upstream's fixtures, with a few things changed in every
//! field that a check of upstream reads, its neighbours, and the spellings next to the right one. All of them
//! can be read as pods by the API server, which has no `null` in its lists.

mod changes;
mod fields;
mod rng;
mod text;

pub use rng::Rng;
pub use text::written;

use changes::twist;
use serde_json::{Map, Value, json};

pub const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
pub const NAMES: [&str; 5] = ["a", "b", "app", "init", ""];

/// One pod of a seed, as JSON text in one line.
pub fn pod(seed: u64, index: u64, fixtures: &[Value]) -> String {
    let mut maker = Maker { rng: Rng::of(seed, index), fixtures };
    let mut pod = match maker.rng.below(100) {
        0..45 => maker.good_pod(true),
        45..58 => maker.good_pod(false),
        58..82 => maker.fixture(),
        _ => maker.wild_pod(),
    };
    let changes = match maker.rng.below(100) {
        0..4 => 0,
        4..44 => 1,
        44..68 => 2,
        68..82 => 3,
        _ => 4 + maker.rng.below(6),
    };
    for _ in 0..changes {
        maker.change(&mut pod);
    }
    written(&mut maker.rng, &mut pod)
}

pub struct Maker<'f> {
    pub rng: Rng,
    pub fixtures: &'f [Value],
}

impl Maker<'_> {
    fn fixture(&mut self) -> Value {
        self.fixtures[self.rng.below(self.fixtures.len())].clone()
    }

    /// A pod that passes `restricted`, or one without settings, which passes `baseline`.
    fn good_pod(&mut self, restricted: bool) -> Value {
        let mut spec = Map::new();
        for list in LISTS {
            let count = if list == "containers" { 1 + self.rng.below(2) } else { self.rng.below(2) };
            let containers: Vec<Value> = (0..count)
                .map(|_| {
                    let mut container = json!({"name": self.rng.pick(&NAMES), "image": "registry.example.com/app:1"});
                    if restricted {
                        container["securityContext"] =
                            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
                    }
                    container
                })
                .collect();
            if !containers.is_empty() {
                spec.insert(list.to_owned(), Value::Array(containers));
            }
        }
        if restricted {
            let mut context = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
            // Half of the pods have the settings in each container.
            if self.rng.percent(50) {
                for container in spec.values_mut().filter_map(Value::as_array_mut).flatten() {
                    container["securityContext"]["runAsNonRoot"] = true.into();
                    container["securityContext"]["seccompProfile"] = json!({"type": "RuntimeDefault"});
                }
                context = json!({});
            }
            spec.insert("securityContext".to_owned(), context);
        }
        if self.rng.percent(20) {
            spec.insert("os".to_owned(), json!({"name": self.rng.pick(&["linux", "windows"])}));
        }
        if self.rng.percent(20) {
            spec.insert("hostUsers".to_owned(), self.rng.percent(50).into());
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": spec})
    }

    /// Everything at once.
    fn wild_pod(&mut self) -> Value {
        let mut pod = self.good_pod(false);
        for _ in 0..3 + self.rng.below(12) {
            self.pod_field(&mut pod);
        }
        for _ in 0..3 + self.rng.below(15) {
            self.container_field(&mut pod);
        }
        pod
    }

    pub fn change(&mut self, pod: &mut Value) {
        match self.rng.below(100) {
            0..28 => self.pod_field(pod),
            28..66 => self.container_field(pod),
            66..72 => self.add_container(pod),
            72..80 => self.splice(pod),
            80..88 => twist(&mut self.rng, pod),
            _ => self.restructure(pod),
        }
    }

    /// A container of any list; one is added where there is none.
    pub fn container<'p>(&mut self, pod: &'p mut Value) -> &'p mut Value {
        let there: Vec<&str> = LISTS
            .into_iter()
            .filter(|list| pod["spec"][*list].as_array().is_some_and(|containers| !containers.is_empty()))
            .collect();
        let list = if there.is_empty() { "containers" } else { self.rng.pick(&there) };
        let containers = array(child(&mut pod["spec"], list));
        if containers.is_empty() {
            containers.push(json!({"name": "a"}));
        }
        let index = self.rng.below(containers.len());
        &mut containers[index]
    }

    pub fn add_container(&mut self, pod: &mut Value) {
        let list = self.rng.pick(&LISTS);
        let new = match self.rng.below(4) {
            0 => json!({}),
            1 => json!({"name": self.rng.pick(&NAMES)}),
            _ => self.container(pod).clone(),
        };
        array(child(&mut pod["spec"], list)).push(new);
    }
}

/// The member of an object. Any other value becomes an object.
pub fn child<'v>(parent: &'v mut Value, key: &str) -> &'v mut Value {
    if !parent.is_object() {
        *parent = json!({});
    }
    &mut parent[key]
}

/// The value as a list. Any other value becomes a list.
pub fn array(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}
