//! What goes together when an edit removes or moves a part of the pod.

use crate::rule::{Fix, Location, Scope};
use crate::workload::text::Scalar;
use crate::workload::{ContainerRef, Pod};
use serde_json::Value;

/// Removes a volume, and its mounts and devices in every container. False if volumes cannot be changed.
pub fn volume(pod: &Pod<'_>, index: usize, fix: &mut Fix) -> bool {
    let Some(volume) = pod.spec.volumes.get(index).filter(|_| fix.scope == Scope::Pod) else { return false };
    fix.remove(&Location::spec().key("volumes", true).index(index));
    for container in pod.all_containers() {
        let at = Location::container(container);
        for (index, mount) in container.volume_mounts.iter().enumerate() {
            if mount.name == volume.name {
                fix.remove(&at.key("volumeMounts", true).index(index));
            }
        }
        for (index, device) in container.volume_devices.iter().enumerate() {
            if device.name == volume.name {
                fix.remove(&at.key("volumeDevices", true).index(index));
            }
        }
    }
    true
}

/// A port that no container of the pod declares, as near to `wanted` as possible. The containers share their ports.
pub fn free_port(pod: &Pod<'_>, wanted: i64) -> Option<i64> {
    let is_taken = |port: i64| {
        pod.all_containers().any(|container| container.ports.iter().any(|other| other.container_port == Some(port)))
    };
    (wanted..).step_by(1000).take_while(|port| *port <= 65_535).find(|port| !is_taken(*port))
}

/// Sets the port of each probe and handler that calls port `from` of this container by its number. One that names a loopback
/// address means the container, and `host-probes` takes that address away.
pub fn probes_to(container: ContainerRef<'_>, from: i64, to: i64, fix: &mut Fix) {
    let is_own = |host: &str| host.is_empty() || matches!(host, "localhost" | "127.0.0.1" | "::1");
    each_port(container, is_own, |at, port| {
        if port.text.parse() == Ok(from) {
            fix.set(&at, Value::from(to));
        }
    });
}

/// Calls `each` for the port of each probe and handler that calls one of these hosts. No host is the container itself.
fn each_port(
    container: ContainerRef<'_>,
    is_meant: impl Fn(&str) -> bool,
    mut each: impl FnMut(Location<'_>, &Scalar<'_>),
) {
    let at = Location::container(container);
    let container = container.container;
    let probes = container.probes().map(|(field, handler)| (at.key(field, true), handler));
    let lifecycle = at.key("lifecycle", true);
    let handlers = container.lifecycle_handlers().map(|(field, handler)| (lifecycle.key(field, true), handler));
    for (at, handler) in probes.chain(handlers) {
        let http = handler.http_get.as_ref().map(|request| ("httpGet", request));
        let tcp = handler.tcp_socket.as_ref().map(|request| ("tcpSocket", request));
        let grpc = handler.grpc.as_ref().map(|request| ("grpc", request));
        for (action, request) in [http, tcp, grpc].into_iter().flatten() {
            let elsewhere = !is_meant(request.host.as_deref().unwrap_or_default());
            if let Some(port) = request.port.as_ref().filter(|_| !elsewhere) {
                each(at.key(action, true).key("port", true), port);
            }
        }
    }
}
