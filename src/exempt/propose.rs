//! From workloads that would be denied to the exemptions that admit them.

use super::grant::{Cell, Grant, Level};
use super::workload::{Denied, Workload, repository};
use std::collections::{BTreeMap, BTreeSet};

/// The exemptions for the workloads, by namespace.
///
/// Each covers only rules, containers and image repositories that were found together. They are merged as long as that holds, so they are few;
/// the order of the workloads does not matter.
#[must_use]
pub fn propose(workloads: &[Workload]) -> BTreeMap<&str, Vec<Grant>> {
    let mut by_namespace: BTreeMap<&str, Vec<Grant>> = BTreeMap::new();
    for workload in workloads {
        let grants = by_namespace.entry(&workload.namespace).or_default();
        grants.extend(workload.denied.iter().flat_map(|denied| needed(workload, denied)));
    }
    by_namespace.retain(|_, grants| !grants.is_empty());
    for grants in by_namespace.values_mut() {
        *grants = fewest(std::mem::take(grants));
    }
    by_namespace
}

/// What one violation needs: one exemption for each image that its container has in the pods of the workload.
fn needed(workload: &Workload, denied: &Denied) -> Vec<Grant> {
    let with_images = |level, containers: BTreeSet<String>, images: Vec<Option<String>>, place: &str| Grant {
        rules: BTreeSet::from([(denied.rule.clone(), level)]),
        containers,
        images: if images.iter().any(Option::is_none) {
            BTreeSet::new()
        } else {
            images.into_iter().flatten().collect()
        },
        needed_by: BTreeMap::from([(workload.title.clone(), BTreeSet::from([format!("{} ({place})", denied.rule)]))]),
        name: workload.name.clone(),
    };
    let image = |image: &Option<String>| image.as_deref().and_then(repository);
    if let Some(name) = &denied.container {
        let images: BTreeSet<_> =
            workload.containers.iter().filter(|c| c.name == *name).map(|c| image(&c.image)).collect();
        let of_image = |image| with_images(Level::Container, BTreeSet::from([name.clone()]), vec![image], name);
        return images.into_iter().map(of_image).collect();
    }
    let names = workload.containers.iter().map(|container| container.name.clone()).collect();
    let volumes = workload.image_volumes.iter().map(|reference| repository(reference));
    let images = workload.containers.iter().map(|c| image(&c.image)).chain(volumes).collect();
    vec![with_images(Level::Pod, names, images, "pod")]
}

/// Without the violations of containers that an exemption for their whole pod covers, too.
fn without_covered(grants: Vec<Grant>) -> Vec<Grant> {
    let cells = |level| {
        let of_level = move |cell: &Cell<'_>| cell.rule.1 == level;
        grants.iter().flat_map(Grant::cells).filter(of_level).map(|cell| (cell.rule.0, cell.container, cell.image))
    };
    let of_pods: BTreeSet<_> = cells(Level::Pod).collect();
    let is_covered = |grant: &Grant| {
        let mut cells = grant.cells();
        cells
            .all(|cell| cell.rule.1 == Level::Container && of_pods.contains(&(cell.rule.0, cell.container, cell.image)))
    };
    let kept: Vec<bool> = grants.iter().map(|grant| !is_covered(grant)).collect();
    grants.iter().zip(kept).filter(|(_, kept)| *kept).map(|(grant, _)| grant.clone()).collect()
}

/// Merges until no two can be merged. Equal places are merged first, which makes the rest short.
fn fewest(grants: Vec<Grant>) -> Vec<Grant> {
    let grants = without_covered(grants);
    let cells = grants.clone();
    let found: BTreeSet<Cell<'_>> = cells.iter().flat_map(Grant::cells).collect();
    let mut same_place: BTreeMap<(BTreeSet<String>, BTreeSet<String>), Grant> = BTreeMap::new();
    for grant in grants {
        let place = (grant.containers.clone(), grant.images.clone());
        let merged = same_place.get(&place).and_then(|known| known.merged(&grant, &found));
        same_place.insert(place, merged.unwrap_or(grant));
    }
    let mut few: Vec<Grant> = Vec::new();
    for grant in same_place.into_values() {
        merge_into(&mut few, grant, &found);
    }
    few.sort_by(|a, b| (&a.name, &a.containers, &a.rules).cmp(&(&b.name, &b.containers, &b.rules)));
    few
}

/// A merged exemption may merge with one that was passed before, so it starts again.
fn merge_into(few: &mut Vec<Grant>, mut grant: Grant, found: &BTreeSet<Cell<'_>>) {
    while let Some((index, merged)) =
        few.iter().enumerate().find_map(|(index, other)| Some((index, other.merged(&grant, found)?)))
    {
        few.remove(index);
        grant = merged;
    }
    few.push(grant);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exempt::Container;
    use proptest::prelude::*;

    fn workload(name: &str, containers: &[(&str, &str)], denied: &[(&str, Option<&str>)]) -> Workload {
        let container = |(name, image): &(&str, &str)| Container { name: (*name).into(), image: Some((*image).into()) };
        let violation =
            |(rule, at): &(&str, Option<&str>)| Denied { rule: (*rule).into(), container: at.map(Into::into) };
        Workload {
            namespace: "shop".into(),
            title: format!("Deployment shop/{name}"),
            name: name.into(),
            containers: containers.iter().map(container).collect(),
            image_volumes: Vec::new(),
            denied: denied.iter().map(violation).collect(),
        }
    }

    fn text(grants: &[Grant]) -> Vec<String> {
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        let line = |g: &Grant| {
            let rules: Vec<&str> = g.rules().into_iter().collect();
            format!("{} | {} | {}", rules.join(" "), list(&g.containers), list(&g.images))
        };
        grants.iter().map(line).collect()
    }

    #[test]
    fn rules_of_one_place_are_one_exemption() {
        let agent = [("agent", "registry.example.com/agent:1")];
        let needs = [("privileged", Some("agent")), ("host-path", None), ("host-network", None)];
        let found = [workload("agent", &agent, &needs)];
        assert_eq!(
            text(&propose(&found)["shop"]),
            ["host-network host-path privileged | agent | registry.example.com/agent"]
        );
    }

    #[test]
    fn a_second_container_gets_nothing_that_the_first_one_needs() {
        let two = [("app", "registry.example.com/app:1"), ("proxy", "registry.example.com/proxy:1")];
        let found = [workload("web", &two, &[("capabilities", Some("proxy")), ("memory-limit", Some("app"))])];
        assert_eq!(
            text(&propose(&found)["shop"]),
            ["memory-limit | app | registry.example.com/app", "capabilities | proxy | registry.example.com/proxy"]
        );
    }

    #[test]
    fn one_image_in_many_workloads_is_one_exemption() {
        let of = |name: &str, tag: &str| {
            workload(
                name,
                &[("proxy", &format!("registry.example.com/proxy:{tag}"))],
                &[("capabilities", Some("proxy"))],
            )
        };
        let proposed = propose(&[of("a", "1"), of("b", "2")]).remove("shop").unwrap_or_default();
        assert_eq!(text(&proposed), ["capabilities | proxy | registry.example.com/proxy"]);
        assert_eq!(proposed.iter().map(|grant| grant.needed_by.len()).sum::<usize>(), 2);
    }

    #[test]
    fn an_image_that_is_no_reference_leaves_the_name() {
        let found = [workload("web", &[("app", "UPPER case")], &[("privileged", Some("app"))])];
        assert_eq!(text(&propose(&found)["shop"]), ["privileged | app | "]);
    }

    /// Containers with images, and rules with the index of a container.
    type Raw = (Vec<(&'static str, &'static str)>, Vec<(&'static str, Option<usize>)>);

    fn generated() -> impl Strategy<Value = Vec<Workload>> {
        let names = prop::sample::select(vec!["a", "b", "c"]);
        let images = prop::sample::select(vec!["r.example.com/x:1", "r.example.com/y:2", "z"]);
        let container = (names.clone(), images);
        let rules = prop::sample::select(vec!["privileged", "capabilities", "host-path", "memory-limit"]);
        let one = (
            prop::collection::vec(container, 1..4),
            prop::collection::vec((rules, prop::option::of(0_usize..4)), 0..6),
        );
        prop::collection::vec(one, 1..6).prop_map(|all| {
            let of = |(index, (containers, needs)): (usize, Raw)| {
                let at_index =
                    |at: Option<usize>| at.and_then(|at| containers.get(at % containers.len())).map(|(name, _)| *name);
                // A rule judges either containers or the pod.
                let at = |(rule, at): &(&'static str, Option<usize>)| -> (&'static str, Option<&'static str>) {
                    (*rule, if *rule == "host-path" { None } else { at_index(at.or(Some(0))) })
                };
                let needs: Vec<_> = needs.iter().map(at).collect();
                workload(&format!("w{index}"), &containers, &needs)
            };
            all.into_iter().enumerate().map(of).collect()
        })
    }

    proptest! {
        #[test]
        fn all_that_was_found_is_covered_and_nothing_else(found in generated()) {
            let single: Vec<Grant> = found.iter().flat_map(|w| w.denied.iter().flat_map(|d| needed(w, d))).collect();
            let plain = |grants: &[Grant]| -> BTreeSet<String> {
                let text = |cell: Cell<'_>| format!("{} {} {:?}", cell.rule.0, cell.container, cell.image);
                grants.iter().flat_map(Grant::cells).map(text).collect()
            };
            let wanted = plain(&single);
            let proposed = propose(&found).remove("shop").unwrap_or_default();
            let covered = plain(&proposed);
            prop_assert_eq!(&covered, &wanted);
            // A pod that was found is covered by one exemption as a whole.
            for grant in single.iter().filter(|grant| grant.rules.iter().any(|(_, level)| *level == Level::Pod)) {
                let whole = |p: &&Grant| p.rules.is_superset(&grant.rules) && p.containers == grant.containers && p.images == grant.images;
                prop_assert!(proposed.iter().any(|p| whole(&p)));
            }
            let mut backwards = found.clone();
            backwards.reverse();
            let again = propose(&backwards).remove("shop").unwrap_or_default();
            prop_assert_eq!(again.len(), proposed.len());
        }
    }
}
