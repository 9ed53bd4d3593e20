//! The ports that the image of a container exposes.

use crate::workload::{ContainerKind, ContainerRef, Pod};

/// Number and protocol of each. Containers that end, and debug containers, serve nothing.
pub fn exposed<'p>(pod: &'p Pod<'p>, container: ContainerRef<'p>) -> impl Iterator<Item = (u16, &'p str)> {
    let serves = container.kind == ContainerKind::Container || container.is_sidecar();
    let traits = pod.traits_of(container).filter(|_| serves);
    traits.into_iter().flat_map(|traits| &traits.ports).map(|(port, protocol)| (*port, &**protocol))
}

/// Whether the container declares a port with this number.
pub fn declares(container: ContainerRef<'_>, port: u16) -> bool {
    container.container.ports.iter().any(|declared| declared.container_port == Some(port.into()))
}

/// The ports as a finding shows them; none if there are none.
pub fn listed<'p>(ports: impl Iterator<Item = (u16, &'p str)>) -> Option<String> {
    let all: Vec<String> = ports
        .map(|(port, protocol)| if protocol == "tcp" { port.to_string() } else { format!("{port}/{protocol}") })
        .collect();
    (!all.is_empty()).then(|| all.join(", "))
}
