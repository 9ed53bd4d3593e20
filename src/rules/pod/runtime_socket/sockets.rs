//! The sockets on which runtimes listen.

use crate::workload::path;

/// Paths of sockets, normalised (`/var/run` is `/run`), and the runtimes. If the socket has a directory of its own, the table has
/// the directory, because its other files (`.ttrpc`, `debug.sock`) reach the runtime as well. `*` is any one segment.
static SOCKETS: &[(&str, &str)] = &[
    // moby: daemon/pkg/opts/hosts_unix.go, DefaultUnixSocket.
    ("/run/docker.sock", "Docker"),
    // docs.docker.com/engine/security/rootless: $XDG_RUNTIME_DIR/docker.sock.
    ("/run/user/*/docker.sock", "rootless Docker"),
    // moby: the containerd that dockerd starts, <exec-root>/containerd/containerd.sock.
    ("/run/docker/containerd", "Docker's containerd"),
    // docs.docker.com/engine/extend/plugin_api: plugins for volumes, networks and authorization.
    ("/run/docker/plugins", "Docker's plugins"),
    // moby: daemon/cluster, the control socket of a swarm.
    ("/run/docker/swarm", "Docker's swarm"),
    ("/run/docker/metrics.sock", "Docker's metrics plugins"),
    // The snap of Docker has an exec-root of its own.
    ("/run/snap.docker", "the snap of Docker"),
    // Docker Desktop and the like: the socket of the machine that hosts the node.
    ("/run/host-services", "Docker Desktop"),
    ("/run/guest-services", "Docker Desktop"),
    // containerd: defaults/defaults_unix.go, DefaultAddress and DefaultDebugAddress.
    ("/run/containerd", "containerd"),
    // nerdctl: containerd-rootless keeps its state here.
    ("/run/user/*/containerd-rootless", "rootless containerd"),
    // Snapshotters: processes that mount file systems for containerd.
    ("/run/containerd-stargz-grpc", "containerd's stargz snapshotter"),
    ("/run/containerd-nydus", "containerd's nydus snapshotter"),
    ("/run/soci-snapshotter-grpc", "containerd's SOCI snapshotter"),
    // github.com/containerd/nri: pkg/api, DefaultSocketPath; containerd and CRI-O. A plugin can change every container.
    ("/run/nri", "NRI, the plugins of containerd and CRI-O"),
    // cri-o: pkg/config, CrioSocketPath.
    ("/run/crio", "CRI-O"),
    // cri-dockerd: packaging/systemd/cri-docker.socket.
    ("/run/cri-dockerd.sock", "cri-dockerd"),
    // kubelet before 1.24, and Bottlerocket's link to containerd.
    ("/run/dockershim.sock", "dockershim"),
    // podman: contrib/systemd/system/podman.socket, and the user's unit.
    ("/run/podman", "Podman"),
    ("/run/user/*/podman", "rootless Podman"),
    // buildkit: util/appdefaults, Address; nerdctl has one for each namespace.
    ("/run/buildkit", "BuildKit"),
    ("/run/buildkit-default", "BuildKit"),
    ("/run/buildkit-k8s.io", "BuildKit"),
    ("/run/user/*/buildkit", "rootless BuildKit"),
    ("/run/user/*/buildkit-default", "rootless BuildKit"),
    // iSulad: src/common/constants.h, and the directory of its state.
    ("/run/isulad.sock", "iSulad"),
    ("/run/isulad", "iSulad"),
    // Pouch and rktlet, which old clusters may still have.
    ("/run/pouchd.sock", "Pouch"),
    ("/run/pouchcri.sock", "Pouch"),
    ("/run/rktlet.sock", "rktlet"),
    // k3s: pkg/agent/containerd, also rke2.
    ("/run/k3s", "the containerd of k3s and RKE2"),
    // k0s: pkg/constant, <run-dir>/containerd.sock.
    ("/run/k0s", "the containerd of k0s"),
    // microk8s: snap common directory.
    ("/var/snap/microk8s/common/run", "the containerd of MicroK8s"),
    // BOSH (Tanzu Kubernetes Grid Integrated): /var/vcap/sys is a link to /var/vcap/data/sys.
    ("/var/vcap/sys/run", "the runtimes of BOSH"),
    ("/var/vcap/data/sys/run", "the runtimes of BOSH"),
    // Talos: the containerd of its own services.
    ("/system/run/containerd", "the system containerd of Talos"),
    // Bottlerocket: sources/host-ctr.
    ("/run/host-containerd", "Bottlerocket's host containerd"),
    // For nodes where it is no link to /run. After normalising, only `/var` can match this entry.
    ("/var/run", "the runtimes under /var/run"),
];

/// File names of sockets, in any directory that a node is configured to use.
static FILES: &[(&str, &str)] = &[
    ("buildkitd.sock", "BuildKit"),
    ("containerd.sock", "containerd"),
    ("containerd.sock.ttrpc", "containerd"),
    ("cri-dockerd.sock", "cri-dockerd"),
    ("crio.sock", "CRI-O"),
    ("docker.sock", "Docker"),
    ("dockershim.sock", "dockershim"),
    ("isulad.sock", "iSulad"),
    ("nri.sock", "NRI"),
    ("podman.sock", "Podman"),
];

/// Named pipes on Windows, of moby, containerd and Podman (`\\.\pipe\docker_engine`).
static PIPES: &[&str] = &["buildkitd", "containerd", "cri-dockerd", "docker_engine", "dockershim", "podman"];

/// The runtime whose socket the path is, contains, or shares a directory with.
pub fn of(path: &str) -> Option<&'static str> {
    let normal = path::normalise(path);
    let segments = || normal.split('/').filter(|segment| !segment.is_empty());
    // One path contains the other if all segments of the shorter one are equal.
    let meets =
        |socket: &str| socket.split('/').skip(1).zip(segments()).all(|(known, given)| known == "*" || known == given);
    let by_path = || SOCKETS.iter().find(|(socket, _)| meets(socket));
    let by_file = || FILES.iter().find(|(file, _)| segments().next_back() == Some(*file));
    by_path().or_else(by_file).map(|(_, runtime)| *runtime).or_else(|| is_pipe(path).then_some("a Windows runtime"))
}

/// Whether the path is a directory above sockets, such as `/` and `/run`.
pub fn is_above(path: &str) -> bool {
    let normal = path::normalise(path);
    let segments = || normal.split('/').filter(|segment| !segment.is_empty());
    let reaches = |socket: &str| {
        let known = socket.split('/').skip(1);
        known.clone().count() <= segments().count()
            && known.zip(segments()).all(|(known, given)| known == "*" || known == given)
    };
    let is_file = || FILES.iter().any(|(file, _)| segments().next_back() == Some(*file));
    !SOCKETS.iter().any(|(socket, _)| reaches(socket)) && !is_file() && !is_pipe(path)
}

/// Whether the path is the pipe of a runtime (`\\.\pipe\docker_engine`), or the directory of all pipes. `?` and the name of the
/// node are other spellings of `.`.
fn is_pipe(path: &str) -> bool {
    let path = path.trim().to_lowercase().replace('\\', "/");
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is_pipe = path.starts_with("//") && segments.next().is_some() && segments.next() == Some("pipe");
    is_pipe && segments.next().is_none_or(|name| PIPES.iter().any(|known| name.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_contains_a_socket_is_above_it() {
        for path in ["/", "/run", "/var/run/", "/var", "/.", "/run/docker", "/proc/1/root", "/run/user"] {
            assert!(of(path).is_some() && is_above(path), "{path}");
        }
        for path in [
            "/run/docker.sock",
            "//var//run/docker.sock",
            "/run/containerd/",
            "/run/containerd/s/x",
            "/opt/docker.sock",
            r"\\.\pipe\docker_engine",
        ] {
            assert!(of(path).is_some() && !is_above(path), "{path}");
        }
    }

    #[test]
    fn the_paths_of_the_table_are_normalised() {
        for (socket, _) in SOCKETS.iter().filter(|(socket, _)| *socket != "/var/run") {
            assert_eq!(path::normalise(socket), *socket);
        }
    }

    #[test]
    fn a_socket_is_found_by_its_directory_and_by_its_name() {
        for (path, runtime) in [
            ("/var/run/nri/nri.sock", Some("NRI, the plugins of containerd and CRI-O")),
            ("/run/docker/plugins/rexray.sock", Some("Docker's plugins")),
            ("/run/docker", Some("Docker's containerd")),
            ("/run/docker/netns", None),
            ("/run/buildkit/buildkitd.sock", Some("BuildKit")),
            ("/var/run/isulad.sock", Some("iSulad")),
            ("/var/vcap/sys/run/docker/docker.sock", Some("the runtimes of BOSH")),
            ("/var/vcap", Some("the runtimes of BOSH")),
            ("/var/vcap/store", None),
            ("/run/k3s/containerd/containerd.sock", Some("the containerd of k3s and RKE2")),
            ("/opt/docker/docker.sock", Some("Docker")),
            ("/mnt/x/../containerd.sock/", Some("containerd")),
            ("/opt/docker.sock/x", None),
            ("/run/docker.sock.bak", None),
            (r"\\.\pipe\docker_engine", Some("a Windows runtime")),
            (r"\\?\PIPE\containerd-containerd", Some("a Windows runtime")),
            (r"\\localhost\pipe\docker_engine_windows", Some("a Windows runtime")),
            ("//./pipe/podman-machine-default", Some("a Windows runtime")),
            (r"\\.\pipe\", Some("a Windows runtime")),
            (r"\\.\pipe\csi-proxy-disk-v1", None),
            ("/srv/pipe/docker_engine", None),
        ] {
            assert_eq!(of(path), runtime, "{path}");
        }
    }
}
