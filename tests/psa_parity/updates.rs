//! Updates to compare verdicts by: an old pod and a new one.
//!
//! Most change what upstream looks at (images, and which containers there are), what its checks read, or what nobody
//! reads; some do more than one of these, and some of what the API server lets nobody do.

use crate::pods::{LISTS, Maker, NAMES, Rng, array, child, pod, written};
use serde_json::{Value, json};

/// A request that changes a pod.
#[derive(Debug, Clone)]
pub struct Update {
    pub sub_resource: &'static str,
    pub old: String,
    pub new: String,
}

const IMAGES: [&str; 5] = [
    "registry.example.com/app:1",
    "registry.example.com/app:2",
    "registry.example.com/App:1",
    "evil.example.org/x",
    "",
];

/// Update n of a seed: always the same.
pub fn update(seed: u64, index: u64, fixtures: &[Value]) -> Update {
    let mut old: Value = serde_json::from_str(&pod(seed, index, fixtures)).expect("a generated pod is JSON");
    one_source(&mut old);
    let mut new = old.clone();
    // Other numbers than those that the pod was made of.
    let mut maker = Maker { rng: Rng::of(seed ^ 0x0075_7064_6174_6573, index), fixtures };
    for _ in 0..[0, 1, 1, 1, 1, 1, 2, 2, 3, 4][maker.rng.below(10)] {
        change(&mut maker, &mut new);
    }
    let sub_resource = ["", "", "", "ephemeralcontainers", "resize"][maker.rng.below(5)];
    one_source(&mut new);
    Update { sub_resource, old: written(&mut maker.rng, &mut old), new: written(&mut maker.rng, &mut new) }
}

/// The API server takes no volume with several sources; one by one, `pods` compares them all the same.
fn one_source(pod: &mut Value) {
    let volumes = pod["spec"]["volumes"].as_array_mut();
    for volume in volumes.into_iter().flatten().filter_map(Value::as_object_mut) {
        let source = volume.iter().find(|(key, value)| *key != "name" && !value.is_null()).map(|(key, _)| key.clone());
        volume.retain(|key, _| key == "name" || Some(key) == source.as_ref());
    }
}

fn change(maker: &mut Maker<'_>, pod: &mut Value) {
    match maker.rng.below(100) {
        0..22 => image(maker, pod),
        22..34 => ephemeral(maker, pod),
        34..44 => containers(maker, pod),
        44..70 => maker.change(pod),
        70..80 => metadata(maker, pod),
        80..90 => resources(maker, pod),
        _ => unread(maker, pod),
    }
}

fn image(maker: &mut Maker<'_>, pod: &mut Value) {
    let image = match maker.rng.below(12) {
        0 => Value::Null,
        _ => maker.rng.pick(&IMAGES).into(),
    };
    *child(maker.container(pod), "image") = image;
}

/// As `kubectl debug` does, by the book or not.
fn ephemeral(maker: &mut Maker<'_>, pod: &mut Value) {
    let mut new =
        json!({"name": maker.rng.pick(&["debugger", "debugger-2", "a", ""]), "image": maker.rng.pick(&IMAGES)});
    if maker.rng.percent(50) {
        new["securityContext"] = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    }
    match maker.rng.below(6) {
        0 => new["securityContext"] = json!({"privileged": true}),
        1 => new["targetContainerName"] = maker.rng.pick(&NAMES).into(),
        2 => {
            new["securityContext"]["runAsNonRoot"] = true.into();
            new["securityContext"]["seccompProfile"] = json!({"type": "RuntimeDefault"});
        }
        _ => {}
    }
    array(child(&mut pod["spec"], "ephemeralContainers")).push(new);
}

/// Which containers there are, in which order, under which names.
fn containers(maker: &mut Maker<'_>, pod: &mut Value) {
    let list = maker.rng.pick(&LISTS);
    match maker.rng.below(5) {
        0 => return maker.add_container(pod),
        1 => *child(maker.container(pod), "name") = maker.rng.pick(&NAMES).into(),
        2 => drop(array(child(&mut pod["spec"], list)).pop()),
        3 => array(child(&mut pod["spec"], list)).reverse(),
        _ => {
            let containers = array(child(&mut pod["spec"], list));
            if !containers.is_empty() {
                let taken = containers.remove(maker.rng.below(containers.len()));
                let to = if maker.rng.percent(50) { list } else { maker.rng.pick(&LISTS) };
                array(child(&mut pod["spec"], to)).push(taken);
            }
        }
    }
    // An emptied list is nothing that a check reads, and nothing that is written.
    if pod["spec"][list].as_array().is_some_and(Vec::is_empty) {
        pod["spec"].as_object_mut().expect("a pod has a spec").remove(list);
    }
}

fn metadata(maker: &mut Maker<'_>, pod: &mut Value) {
    let metadata = &mut pod["metadata"];
    match maker.rng.below(4) {
        0 => *child(child(metadata, "labels"), "app") = maker.rng.pick(&["web", "db"]).into(),
        1 => *child(metadata, "finalizers") = json!(["example.com/keep"]),
        2 => *child(metadata, "deletionTimestamp") = "2026-11-27T00:00:00Z".into(),
        _ => *child(child(metadata, "annotations"), "example.com/touched") = "yes".into(),
    }
}

/// What a resize changes.
fn resources(maker: &mut Maker<'_>, pod: &mut Value) {
    let amount = maker.rng.pick(&["64Mi", "128Mi", "1Gi"]);
    let resources = json!({"limits": {"memory": amount}, "requests": {"memory": "64Mi"}});
    if maker.rng.percent(20) {
        *child(&mut pod["spec"], "resources") = resources;
    } else {
        *child(maker.container(pod), "resources") = resources;
    }
}

/// Fields that no check reads.
fn unread(maker: &mut Maker<'_>, pod: &mut Value) {
    match maker.rng.below(4) {
        0 => *child(&mut pod["spec"], "activeDeadlineSeconds") = 60.into(),
        1 => *child(&mut pod["spec"], "tolerations") = json!([{"key": "a", "operator": "Exists"}]),
        2 => *child(&mut pod["spec"], "terminationGracePeriodSeconds") = 1.into(),
        _ => *child(pod, "status") = json!({"phase": "Running"}),
    }
}
