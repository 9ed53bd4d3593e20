//! Access from a pod to the runtime of its node: mounted sockets, and endpoints in the environment.

mod endpoint;
mod sockets;

use super::removal;
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Rule, Severity, params, without_params,
};
use crate::workload::{ContainerRef, Pod, PodFeatures};
use endpoint::{Environment, VARIABLES};

pub static RULE: Rule = Rule {
    id: "runtime-socket",
    title: "No access to the node's container runtime",
    docs: "A pod that reaches the runtime can start a privileged container on the node, outside of Kubernetes and its \
admission. The rule judges host paths in any spelling: sockets of Docker and its plugins, containerd, NRI, CRI-O, \
cri-dockerd, Podman, BuildKit, iSulad, k3s, RKE2, k0s, MicroK8s, Talos or BOSH, Windows pipes of these, other files in \
the socket's own directory, directories that contain it (`/`, `/run`, `/var`), and files of these names anywhere \
(`docker.sock`). Read-only mounts count too, because a process can connect to a socket there all the same.\n\n\
The rule also judges the variables in which clients look for a runtime (`DOCKER_HOST`, `CONTAINER_HOST`, \
`BUILDKIT_HOST` and the like), if the value is a TCP endpoint of the node: an address by number, `status.hostIP` or \
`spec.nodeName` of the pod, directly or as `$(VAR)`, a name that only machines have (`host.docker.internal`, \
`ip-10-0-0-1...`), loopback under `hostNetwork`, and a variable whose value the pod does not show. The name of a \
Service is no node, loopback without `hostNetwork` is a sidecar, and the path of a socket leads to the node only \
through a hostPath, which the rule judges itself.\n\n\
The rule catches mistakes, not attackers: it does not see a name that resolves to the node, an endpoint in a file or \
an argument, or a hostPath to a directory that contains a socket under another name. To be safe, allow only hostPaths \
that you have reviewed (rule `host-path`), and let no runtime of a node listen on TCP.\n\n\
Instead, build images with a rootless builder (BuildKit rootless, Buildah, kaniko), read metrics and logs from the \
kubelet API, and watch pods through the Kubernetes API.",
    why: "a pod that reaches the container runtime of the node can start privileged containers on it, past Kubernetes",
    owasp: &[70, 83],
    severity: Severity::Critical,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "use a rootless builder, the kubelet API or the Kubernetes API",
        compile: without_params::<RuntimeSocket>,
        examples: &[
            Example::bad("the Docker socket among good volumes", "", &["spec.volumes[1].hostPath.path"]).spec(
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
                "NRI, plugins, builders, and a socket in another place",
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
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/var/run/nri"}},{"name":"b","hostPath":{"path":"/run/docker/plugins"}},{"name":"c","hostPath":{"path":"/run/buildkit/buildkitd.sock"}},{"name":"d","hostPath":{"path":"/var/run/isulad.sock"}},{"name":"e","hostPath":{"path":"/var/vcap/sys/run/docker"}},{"name":"f","hostPath":{"path":"/opt/docker/docker.sock"}}]}"#,
            ),
            Example::bad(
                "endpoints of the node in every way, and a good variable",
                r#"{"env":[{"name":"A","value":"tcp://10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"tcp://10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"10.0.0.1:2375"},{"name":"DOCKER_HOST","value":"TCP://$(NODE):2376"},{"name":"CONTAINER_HOST","value":"tcp://jane:secret@[fd00::1]:8888"},{"name":"BUILDKIT_HOST","value":"tcp://host.docker.internal:1234"},{"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"status.hostIP"}}},{"name":"DOCKER_HOST","value":"tcp://$(NODE):2375"},{"name":"DOCKER_HOST","valueFrom":{"fieldRef":{"fieldPath":"status.hostIP"}}}]}"#,
                &[
                    "env[1].value",
                    "env[2].value",
                    "env[3].value",
                    "env[4].value",
                    "env[5].value",
                    "env[7].value",
                    "env[8].valueFrom.fieldRef.fieldPath",
                ],
            ),
            Example::bad(
                "loopback is the node's under hostNetwork",
                r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://localhost:2375"},{"name":"DOCKER_HOST","value":":2375"},{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},{"name":"DOCKER_HOST","value":"tcp://$(IP):2375"}]}"#,
                &["env[0].value", "env[1].value", "env[3].value"],
            )
            .spec(r#"{"hostNetwork":true}"#),
            Example::bad(
                "the name of the node that the pod chose",
                r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://worker-1:2375"}]}"#,
                &["env[0].value"],
            )
            .spec(r#"{"nodeName":"worker-1"}"#),
            Example::good(
                "a sidecar, SSH, and the default",
                r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://localhost:2376"},{"name":"DOCKER_HOST","value":"127.0.0.1:2375"},{"name":"DOCKER_HOST","value":"tcp://[::1]:2375"},{"name":"CONTAINER_HOST","value":"ssh://builder@10.0.0.1"},{"name":"DOCKER_HOST","value":""},{"name":"DOCKER_HOST","value":null}]}"#,
            ),
            Example::good(
                "a socket in a volume of the pod itself",
                r#"{"env":[{"name":"DOCKER_HOST","value":"unix:///var/run/docker.sock"},{"name":"CONTAINERD_ADDRESS","value":"/run/containerd/containerd.sock"}],"volumeMounts":[{"name":"run","mountPath":"/var/run"}]}"#,
            )
            .spec(r#"{"volumes":[{"name":"run","emptyDir":{"sizeLimit":"1Mi"}}]}"#),
            Example::good(
                "Services",
                r#"{"env":[{"name":"DOCKER_HOST","value":"tcp://dind:2375"},{"name":"DOCKER_HOST","value":"tcp://dind.ci.svc.cluster.local:2376"},{"name":"BUILDKIT_HOST","value":"tcp://$(BUILDKITD_SERVICE_HOST):1234"}]}"#,
            ),
            Example::good("neighbours of sockets", "").spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/run/udev"}},{"name":"b","hostPath":{"path":"/run/containerd-data"}},{"name":"c","hostPath":{"path":"/var/log"}},{"name":"d","hostPath":{"path":"/run/docker.sock.bak"}},{"name":"e","hostPath":{"path":"/var/runner"}}]}"#,
            ),
            Example::good("no volumes", "").spec(r#"{"volumes":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct RuntimeSocket;

impl Check for RuntimeSocket {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_PATHS | PodFeatures::ENV
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(host_path) = &volume.host_path else { continue };
            let path = host_path.path.as_deref();
            if let Some(runtime) = sockets::of(path.unwrap_or_default()) {
                let at = Location::spec().key("volumes", true).index(index).key("hostPath", true);
                let found = path.unwrap_or(crate::rule::NOT_SET);
                let finding = Finding::new(at.key("path", path.is_some()), found, "a path without a runtime's socket")
                    .why(format!("this is, contains or shares a directory with the socket of {runtime}: {}", RULE.why));
                // A directory above the socket contains much more than the socket, so an exemption for the socket must not
                // cover what other rules say about the directory.
                let is_above = sockets::is_above(path.unwrap_or_default());
                findings.add(if is_above { finding.implying_nothing() } else { finding });
            }
        }
        findings.of_each(pod.all_containers(), |container, findings| {
            if container.env.iter().any(|variable| VARIABLES.contains(&&*variable.name)) {
                endpoints(pod, container, findings);
            }
        });
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(index) = finding.at.list_index() else { return false };
        match finding.container() {
            None => removal::volume(pod, index, fix),
            Some(container) => {
                fix.remove(&Location::container(container).key("env", true).index(index));
                true
            }
        }
    }
}

fn endpoints<'p>(pod: &'p Pod<'p>, container: ContainerRef<'p>, findings: &mut Findings<'p>) {
    let mut environment = Environment::new(pod.spec.host_network == Some(true), pod.spec.node_name.as_deref());
    for (index, variable) in container.container.env.iter().enumerate() {
        if VARIABLES.contains(&&*variable.name) && environment.leads_to_node(variable) {
            let at = Location::container(container).key("env", true).index(index);
            let (at, found) = match (variable.value.as_deref(), endpoint::field(variable)) {
                (None | Some(""), Some(field)) => {
                    let at = at.key("valueFrom", true).key("fieldRef", true).key("fieldPath", true);
                    (at, format!("{} from {field}", variable.name))
                }
                (value, _) => {
                    let shown = endpoint::without_credentials(value.unwrap_or_default());
                    (at.key("value", true), format!("{}={shown}", variable.name))
                }
            };
            findings.add(Finding::new(at, found, "no endpoint of a runtime of the node"));
        }
        environment.add(variable);
    }
}
