//! Whether an update changes what runs.

use crate::decide::Change;
use crate::json::{Raw, same};
use crate::workload::read::read_at;
use crate::workload::{ContainerKind, ContainerRef, Kind, Placed, Pod};
use std::collections::HashMap;

/// The change of what runs; none for labels, finalizers, replicas, status, tolerations and resizes. `objects` are the new and
/// the old one.
pub(super) fn change(kind: &Kind, objects: (Raw<'_>, Raw<'_>), new: &Placed<'_>, old: &Placed<'_>) -> Option<Change> {
    if kind.is_pod() {
        return of_pods(&new.pod, &old.pod);
    }
    let template = |object| read_at::<Raw<'_>>(object, &kind.template).ok().flatten();
    let both = (new.raw.or_else(|| template(objects.0))).zip(old.raw.or_else(|| template(objects.1)));
    (!both.is_some_and(|(new, old)| same(new, old))).then_some(Change::Template)
}

/// Compares pods as upstream's Pod Security does: images by index, and those of ephemeral containers by name.
fn of_pods(pod: &Pod<'_>, old: &Pod<'_>) -> Option<Change> {
    let is_ephemeral = |c: &ContainerRef<'_>| c.kind == ContainerKind::Ephemeral;
    let mut previous = old.all_containers().filter(|c| !is_ephemeral(c));
    for container in pod.all_containers().filter(|c| !is_ephemeral(c)) {
        match previous.next() {
            Some(old) if old.kind == container.kind => {
                if image(old) != image(container) {
                    return Some(Change::Image);
                }
            }
            _ => return Some(Change::Container),
        }
    }
    if previous.next().is_some() {
        return Some(Change::Container);
    }
    let mut ephemeral: HashMap<&str, &str> = HashMap::new();
    for container in old.all_containers().filter(is_ephemeral) {
        ephemeral.entry(container.name).or_insert_with(|| image(container));
    }
    pod.all_containers().filter(is_ephemeral).find_map(|container| match ephemeral.get(container.name) {
        None => Some(Change::Container),
        Some(old) => (*old != image(container)).then_some(Change::Image),
    })
}

fn image(container: ContainerRef<'_>) -> &str {
    container.container.image.as_deref().unwrap_or_default()
}
