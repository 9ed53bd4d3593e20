//! An exemption changes nothing outside its match, alone or with others.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, admit};
use podreeve::decide::Effect;
use podreeve::outcome::Outcome;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const RULES: [&str; 4] = ["privileged", "allow-privilege-escalation", "host-network", "image-tag"];
const NAMESPACES: [&str; 3] = ["shop", "shop-2", "infra"];
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const NAMES: [&str; 3] = ["app", "app-2", "proxy"];
const IMAGES: [&str; 3] = ["registry.example.com/mesh/proxy:1", "registry.example.com/meshed/proxy:1", "mesh/proxy"];
const PATTERNS: [&str; 3] = ["registry.example.com/mesh", "registry.example.com/mesh/proxy", "docker.io/mesh"];
/// Which image matches which pattern, written by hand.
const UNDER: [[bool; 3]; 3] = [[true, true, false], [false, false, false], [false, false, true]];

fn container() -> impl Strategy<Value = Value> {
    (select(&NAMES[..]), select(&IMAGES[..]), any::<bool>(), any::<bool>()).prop_map(|(name, image, privileged, escalation)| {
        json!({"name": name, "image": image, "securityContext": {"privileged": privileged, "allowPrivilegeEscalation": escalation}})
    })
}

/// A pod with containers in all lists, and images that are mounted as volumes.
fn pod() -> impl Strategy<Value = Value> {
    let containers = |most| prop::collection::vec(container(), most);
    let volumes = prop::collection::vec(select(&IMAGES[..]), 0..3);
    (select(&NAMESPACES[..]), any::<bool>(), containers(0..2), containers(1..3), containers(0..2), volumes).prop_map(
        |(namespace, host_network, init, run, debug, volumes)| {
            let volume = |(n, image)| json!({"name": format!("v{n}"), "image": {"reference": image}});
            json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
                "spec": {
                    "hostNetwork": host_network, "volumes": volumes.into_iter().enumerate().map(volume).collect::<Value>(),
                    "initContainers": init, "containers": run, "ephemeralContainers": debug,
                },
            })
        },
    )
}

fn exemption() -> impl Strategy<Value = Value> {
    let some = |list: &'static [&'static str], least: usize| subsequence(list, least..=list.len());
    (
        some(&RULES, 1),
        some(&NAMESPACES, 1),
        some(&NAMES, 0),
        some(&PATTERNS, 0),
        select(vec!["2026-11-21", "2026-11-22", "2027-06-30"]),
    )
        .prop_map(|(rules, namespaces, containers, images, until)| {
            json!({
                "rules": rules, "namespaces": namespaces, "containers": containers, "images": images,
                "reason": "a test", "until": until,
            })
        })
}

/// Whether the exemption matches a violation of `rule` at this field: a second, simple implementation.
fn matches(exemption: &Value, rule: &str, pod: &Value, field: &str) -> bool {
    let has = |key: &str, value: &Value| exemption[key].as_array().is_some_and(|list| list.contains(value));
    let open = |key: &str| exemption[key].as_array().is_some_and(Vec::is_empty);
    let image = |image: &Value| {
        let index = IMAGES.iter().position(|known| *image == **known).expect("one of ours");
        let mut under = PATTERNS.iter().zip(UNDER[index]);
        open("images") || under.any(|(pattern, under)| under && has("images", &json!(pattern)))
    };
    let container =
        |container: &Value| (open("containers") || has("containers", &container["name"])) && image(&container["image"]);
    let steps: Vec<&str> = field.split('/').skip(2).collect();
    let reaches = match &steps[..] {
        [list, index, ..] if LISTS.contains(list) => {
            container(&pod["spec"][list][index.parse::<usize>().expect("an index")])
        }
        // A violation of the pod itself needs a match of all containers.
        [own, ..] => {
            let mut all = LISTS.iter().flat_map(|list| pod["spec"][list].as_array().expect("a list"));
            let mounted = || pod.pointer(field).is_some_and(image);
            all.all(container) && (*own != "volumes" || mounted())
        }
        [] => panic!("{field} is no field of the spec"),
    };
    has("rules", &json!(rule))
        && has("namespaces", &pod["metadata"]["namespace"])
        && reaches
        && exemption["until"].as_str() >= Some("2026-11-22")
}

fn judge(pod: &Value, exemptions: &[Value]) -> Outcome {
    let rules: Value = RULES.iter().map(|id| ((*id).to_owned(), json!({"action": "deny"}))).collect();
    // A list without an entry is written by leaving it out.
    let mut exemptions = exemptions.to_vec();
    for exemption in exemptions.iter_mut().filter_map(Value::as_object_mut) {
        exemption.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    let snapshot = policies(&[json!({"rules": rules, "exemptions": exemptions})]);
    admit(review("CREATE", pod, None).to_string().as_bytes(), Hook::Validate, &snapshot, TODAY)
}

proptest! {
    #[test]
    fn one_more_exemption_covers_only_its_match(
        pod in pod(),
        others in prop::collection::vec(exemption(), 0..3),
        extra in exemption(),
    ) {
        let before = judge(&pod, &others);
        let mut with = others.clone();
        with.push(extra.clone());
        let after = judge(&pod, &with);
        prop_assert_eq!(before.violations.len(), after.violations.len());
        for (before, after) in before.violations.iter().zip(&after.violations) {
            prop_assert_eq!(&before.field, &after.field);
            let covers = |e: &Value| matches(e, before.rule.id, &pod, &before.field);
            // The policy denies if and only if no exemption matches.
            prop_assert_eq!(before.effect == Effect::Deny, !others.iter().any(covers));
            prop_assert_eq!(after.effect == Effect::Deny, !with.iter().any(covers));
            prop_assert!(covers(&extra) || before.effect == after.effect);
            prop_assert!(after.effect <= before.effect || covers(&extra));
        }
    }
}
