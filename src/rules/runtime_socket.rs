//! Ways from a pod to the runtime of its node: mounted sockets, and endpoints in the environment.

use super::secret_shapes::secret_value;
use super::{Check, Example, Finding, Findings, Location, Rule, Severity, compile, params};
use crate::workload::{ContainerKind, Parts, Pod, path};
use core::net::IpAddr;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where runtimes listen, normalised (`/var/run` is `/run`). Where the socket has a directory of
/// its own, that directory stands here: what lies in it (`.ttrpc`, `debug.sock`) is the runtime too.
/// `*` is any one segment.
static SOCKETS: &[(&str, &str)] = &[
    // moby: daemon/pkg/opts/hosts_unix.go, DefaultUnixSocket.
    ("/run/docker.sock", "Docker"),
    // docs.docker.com/engine/security/rootless: $XDG_RUNTIME_DIR/docker.sock.
    ("/run/user/*/docker.sock", "rootless Docker"),
    // moby: the containerd that dockerd starts, <exec-root>/containerd/containerd.sock.
    ("/run/docker/containerd", "Docker's containerd"),
    // containerd: defaults/defaults_unix.go, DefaultAddress and DefaultDebugAddress.
    ("/run/containerd", "containerd"),
    // nerdctl: containerd-rootless keeps its state here.
    ("/run/user/*/containerd-rootless", "rootless containerd"),
    // cri-o: pkg/config, CrioSocketPath.
    ("/run/crio", "CRI-O"),
    // cri-dockerd: packaging/systemd/cri-docker.socket.
    ("/run/cri-dockerd.sock", "cri-dockerd"),
    // kubelet before 1.24, and Bottlerocket's link to containerd.
    ("/run/dockershim.sock", "dockershim"),
    // podman: contrib/systemd/system/podman.socket, and the user's unit.
    ("/run/podman", "Podman"),
    ("/run/user/*/podman", "rootless Podman"),
    // k3s: pkg/agent/containerd, also rke2.
    ("/run/k3s", "the containerd of k3s and RKE2"),
    // k0s: pkg/constant, <run-dir>/containerd.sock.
    ("/run/k0s", "the containerd of k0s"),
    // microk8s: snap common directory.
    ("/var/snap/microk8s/common/run", "the containerd of MicroK8s"),
    // Bottlerocket: sources/host-ctr.
    ("/run/host-containerd", "Bottlerocket's host containerd"),
    // Where it is no link to /run: only `/var` itself still has this name after normalising.
    ("/var/run", "the runtimes under /var/run"),
];

/// Windows: named pipes of moby, containerd and Podman (`\\.\pipe\docker_engine`).
static PIPES: &[&str] = &["docker_engine", "containerd-", "podman-", "cri-dockerd", "dockershim"];

/// What clients of Docker and Podman read.
const VARIABLES: [&str; 2] = ["DOCKER_HOST", "CONTAINER_HOST"];

pub static RULE: Rule = Rule {
    id: "runtime-socket",
    title: "No way to the node's container runtime",
    docs: "Whoever reaches the runtime starts a privileged container on the node, beside Kubernetes and its admission. \
Judged are host paths that are the socket of Docker, containerd, CRI-O, cri-dockerd, Podman, k3s, RKE2, k0s or MicroK8s, \
that lie in the socket's own directory, or that contain it (`/`, `/run`, `/var`), in whatever spelling; read-only \
mounts too, because a socket can be connected to all the same. Judged are also `DOCKER_HOST` and `CONTAINER_HOST` with a \
TCP, unix or named pipe endpoint. TCP on the pod's own loopback passes: that is a sidecar, not the node.\n\n\
Instead, build images with a rootless builder (BuildKit rootless, Buildah, kaniko), read metrics and logs from the \
kubelet API, and watch pods through the Kubernetes API.",
    why: "whoever reaches the container runtime of the node starts privileged containers on it, past Kubernetes",
    owasp: &[70, 83],
    pss: None,
    severity: Severity::Critical,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: false,
    implied_by: &[],
    compile: compile::<RuntimeSocket>,
    params: params::<RuntimeSocket>,
    examples: &[
        Example::bad("the Docker socket beside good volumes", "", &["spec.volumes[1].hostPath.path"]).spec(
            r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/var/run/docker.sock"}},{"name":"c","hostPath":{"path":"/var/log"}}]}"#,
        ),
        Example::bad(
            "spellings of it",
            "",
            &[
                "spec.volumes[0].hostPath.path",
                "spec.volumes[1].hostPath.path",
                "spec.volumes[2].hostPath.path",
                "spec.volumes[3].hostPath.path",
                "spec.volumes[4].hostPath.path",
                "spec.volumes[5].hostPath.path",
            ],
        )
        .spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"//var//run/docker.sock"}},{"name":"b","hostPath":{"path":"/var/./run/docker.sock"}},{"name":"c","hostPath":{"path":"var/run/docker.sock"}},{"name":"d","hostPath":{"path":"/run/docker.sock\n"}},{"name":"e","hostPath":{"path":"/proc/1/root/run/docker.sock"}},{"name":"f","hostPath":{"path":"/run/docker.sock/"}}]}"#,
        ),
        Example::bad("steps back", "", &["spec.volumes[0].hostPath.path", "spec.volumes[1].hostPath.path"]).spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"/var/lib/../run/docker.sock"}},{"name":"b","hostPath":{"path":"/srv/../.."}}]}"#,
        ),
        Example::bad(
            "directories that contain one",
            "",
            &[
                "spec.volumes[0].hostPath.path",
                "spec.volumes[1].hostPath.path",
                "spec.volumes[2].hostPath.path",
                "spec.volumes[3].hostPath.path",
                "spec.volumes[4].hostPath.path",
                "spec.volumes[5].hostPath.path",
                "spec.volumes[6].hostPath.path",
            ],
        )
        .spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"/"}},{"name":"b","hostPath":{"path":"/run"}},{"name":"c","hostPath":{"path":"/var/run/"}},{"name":"d","hostPath":{"path":"/var"}},{"name":"e","hostPath":{"path":"/."}},{"name":"f","hostPath":{"path":"/proc/1/root"}},{"name":"g","hostPath":{"path":"/run/user/1000"}}]}"#,
        ),
        Example::bad(
            "other runtimes, and what lies in their directories",
            "",
            &[
                "spec.volumes[0].hostPath.path",
                "spec.volumes[1].hostPath.path",
                "spec.volumes[2].hostPath.path",
                "spec.volumes[3].hostPath.path",
                "spec.volumes[4].hostPath.path",
                "spec.volumes[5].hostPath.path",
                "spec.volumes[6].hostPath.path",
            ],
        )
        .spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"/run/containerd/containerd.sock.ttrpc"}},{"name":"b","hostPath":{"path":"/var/run/crio"}},{"name":"c","hostPath":{"path":"/run/cri-dockerd.sock"}},{"name":"d","hostPath":{"path":"/run/podman/podman.sock"}},{"name":"e","hostPath":{"path":"/run/k3s/containerd/containerd.sock"}},{"name":"f","hostPath":{"path":"/run/user/1000/podman/podman.sock"}},{"name":"g","hostPath":{"path":"/run/k0s"}}]}"#,
        ),
        Example::bad("a host path without a path is the root", "", &["spec.volumes[0].hostPath.path"])
            .spec(r#"{"volumes":[{"name":"a","hostPath":{"path":null}}]}"#),
        Example::bad("a named pipe", "", &["spec.volumes[0].hostPath.path"]).spec(
            r#"{"os":{"name":"windows"},"volumes":[{"name":"a","hostPath":{"path":"\\\\.\\pipe\\Docker_Engine"}}]}"#,
        ),
        Example::bad(
            "DOCKER_HOST in every way, beside a good variable",
            r#"{"env":[{"name":"A","value":"tcp://10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"tcp://10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"unix:///var/run/docker.sock"},{"name":"DOCKER_HOST","value":"10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"TCP://$(NODE):2376"},{"name":"CONTAINER_HOST","value":"tcp://jane:secret@[fd00::1]:8888"},{"name":"DOCKER_HOST","value":":2375"}]}"#,
            &["env[1].value", "env[2].value", "env[3].value", "env[4].value", "env[5].value", "env[6].value"],
        ),
        Example::bad(
            "loopback is the node's under hostNetwork",
            r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://localhost:2375"}]}"#,
            &["env[0].value"],
        )
        .spec(r#"{"hostNetwork":true}"#),
        Example::good(
            "a sidecar, SSH, and the default",
            r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://localhost:2376"},{"name":"DOCKER_HOST","value":"127.0.0.1:2375"},{"name":"DOCKER_HOST","value":"tcp://[::1]:2375"},{"name":"CONTAINER_HOST","value":"ssh://builder@10.0.0.1"},{"name":"DOCKER_HOST","value":""},{"name":"DOCKER_HOST","value":null}]}"#,
        ),
        Example::good("neighbours of sockets", "").spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"/run/udev"}},{"name":"b","hostPath":{"path":"/run/containerd-data"}},{"name":"c","hostPath":{"path":"/var/log"}},{"name":"d","hostPath":{"path":"/run/docker.sock.bak"}},{"name":"e","hostPath":{"path":"/var/runner"}}]}"#,
        ),
        Example::good("no volumes", "").spec(r#"{"volumes":null}"#),
    ],
};

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuntimeSocket {}

impl Check for RuntimeSocket {
    fn needs(&self) -> Parts {
        Parts::HOST_PATHS | Parts::ENV
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(host_path) = &volume.host_path else { continue };
            let path = host_path.path.as_deref();
            if let Some(runtime) = socket(path.unwrap_or_default()) {
                let at = Location::spec().key("volumes", true).index(index).key("hostPath", true);
                let found = path.unwrap_or(super::finding::NOT_SET);
                findings.add(
                    Finding::new(at.key("path", path.is_some()), found, "a path without a runtime's socket")
                        .why(format!("this is, holds or lies beside the socket of {runtime}: {}", RULE.why)),
                );
            }
        }
        let host_network = pod.spec.host_network == Some(true);
        for container in pod.all_containers() {
            for (index, variable) in container.env.iter().enumerate() {
                let Some(value) = variable.value.as_deref() else { continue };
                if VARIABLES.contains(&&*variable.name) && is_host_endpoint(value, host_network) {
                    let at = Location::container(container).key("env", true).index(index).key("value", true);
                    let found = format!("{}={}", variable.name, without_credentials(value));
                    findings.add(Finding::new(at, found, "no endpoint of a runtime of the node"));
                }
            }
        }
    }
}

/// The runtime whose socket this path is, contains, or lies beside.
fn socket(path: &str) -> Option<&'static str> {
    let normal = path::normalise(path);
    let segments = || normal.split('/').filter(|segment| !segment.is_empty());
    // One path contains the other if they agree as far as the shorter one goes.
    let meets =
        |socket: &str| socket.split('/').skip(1).zip(segments()).all(|(known, given)| known == "*" || known == given);
    let pipe = path.trim().to_lowercase().replace('\\', "/");
    let is_pipe = || {
        let name = pipe.trim_start_matches('/').strip_prefix("./pipe/")?;
        PIPES.iter().any(|known| name.starts_with(known)).then_some("a Windows runtime")
    };
    SOCKETS.iter().find(|(socket, _)| meets(socket)).map(|(_, runtime)| *runtime).or_else(is_pipe)
}

/// Whether a client with this value talks to the node: TCP, a unix socket or a named pipe.
fn is_host_endpoint(value: &str, host_network: bool) -> bool {
    let value = value.trim();
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    match scheme.to_ascii_lowercase().as_str() {
        // Another login, with a key of its own; or a file descriptor.
        "ssh" | "fd" => false,
        "" | "tcp" | "http" | "https" => !rest.is_empty() && (host_network || !is_loopback(rest)),
        _ => true,
    }
}

fn is_loopback(authority: &str) -> bool {
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The endpoint without what may be secret: a login, a path on a host, a query.
fn without_credentials(value: &str) -> String {
    let value = value.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = value.split_once("://").map_or(("", value), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let is_path = matches!(scheme.to_ascii_lowercase().as_str(), "unix" | "npipe") || rest.starts_with(['/', '\\']);
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let shown = if is_path { rest } else { rest.split(['/', ';', ',']).next().unwrap_or_default() };
    match secret_value(shown) {
        Some(_) => format!("{scheme}{separator}***"),
        None => format!("{scheme}{separator}{login}{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(without_credentials("tcp://jane:secret@10.0.0.1:1?token=x"), "tcp://***@10.0.0.1:1");
        assert_eq!(without_credentials("jane:secret@10.0.0.1:1"), "***@10.0.0.1:1");
        assert_eq!(without_credentials("tcp://10.0.0.1:1"), "tcp://10.0.0.1:1");
        assert_eq!(without_credentials("tcp://10.0.0.1:1/hidden;a=b"), "tcp://10.0.0.1:1");
        assert_eq!(without_credentials("jane:secret/x@10.0.0.1:1/hidden"), "***@10.0.0.1:1");
        assert_eq!(without_credentials("unix:///run/docker.sock?token=x"), "unix:///run/docker.sock");
        assert_eq!(without_credentials("/run/docker.sock"), "/run/docker.sock");
        assert_eq!(without_credentials("10.0.0.1:1;Password=x"), "10.0.0.1:1");
        assert_eq!(without_credentials(&format!("unix:///run/{}_{}", "ghp", "a".repeat(36))), "unix://***");
    }

    #[test]
    fn the_table_is_normalised() {
        for (socket, _) in SOCKETS.iter().filter(|(socket, _)| *socket != "/var/run") {
            assert_eq!(path::normalise(socket), *socket);
        }
    }
}
