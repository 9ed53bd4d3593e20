//! Daemons that listen on the network ask for a certificate.

mod certificates;
mod docker;
mod kubelet;
mod runtimes;

use crate::node::mode::{FileKind, shell};
use crate::node::{Node, expected};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-tls",
    title: "Daemons on the network verify certificates; no container has their socket",
    docs: "A dockerd on TCP obeys every client that reaches it, unless it verifies certificates of clients. `--tls` alone encrypts, and takes \
every client. `tlscacert`, `tlscert` and `tlskey` without `tls` or `tlsverify` change nothing at all: it speaks plain HTTP. The addresses of \
systemd's sockets count as much as `hosts`: those of every socket unit that is for docker's service. Where nothing starts one, the result is unknown. The kubelet needs a CA for clients and a certificate of its own. A container into which a \
runtime's socket is mounted gives the same orders, and so does every user where the socket is writable for all.\n\n\
Certificates must be valid for 30 days more, be meant for servers, have a key of 2048 bits if it is RSA, and belong to the key next to them.",
    why: "a client that reaches an open daemon is root on the node",
    owasp: &[33, 83],
    severity: Severity::Critical,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeTls>,
        instead: "let daemons listen on their socket alone, or verify certificates of clients",
        examples: &[
            NodeExample {
                name: "plain TCP, by a flag and by systemd's socket",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --tlscacert=/ca.pem\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=2375\nListenStream=/run/docker.sock\nSocketMode=0660\n",
                results: &["fail dockerd: tcp://0.0.0.0:2375", "fail dockerd: tcp://0.0.0.0:2375"],
            },
            NodeExample {
                name: "TLS without certificates of clients",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 --tls --tlsverify=false\n",
                results: &["fail dockerd: tcp://0.0.0.0:2376"],
            },
            NodeExample {
                name: "certificates of clients",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376\n\
=== /etc/docker/daemon.json\n{\"tlsverify\": true, \"tlscacert\": \"/ca.pem\"}\n",
                results: &["pass dockerd: tcp://0.0.0.0:2376"],
            },
            NodeExample {
                name: "a socket alone",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n",
                results: &["pass dockerd"],
            },
            NodeExample {
                name: "ports on which dockerd listens and that no setting names, or that a container publishes",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd -H unix:///run/docker.sock -H tcp://127.0.0.1:2376 --tlsverify\n\
=== /proc/7/fd/3 link socket:[90]\n=== /proc/7/fd/4 link socket:[91]\n=== /proc/7/fd/5 link socket:[92]\n=== /proc/1/net/udp\nh\n=== /proc/1/net/tcp\nh\n\
 0: 00000000:0947 00000000:0000 0A 0:0 0:0 0 0 0 90 1\n 1: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 91 1\n 2: 00000000:0948 00000000:0000 0A 0:0 0:0 0 0 0 92 1\n\
=== /var/lib/docker/containers/c/config.v2.json\n{\"State\": {\"Running\": true}, \"NetworkSettings\": {\"Ports\": {\"80/tcp\": [{\"HostPort\": \"8080\"}]}}}\n",
                results: &["fail dockerd: port 2375", "fail dockerd: port 2376", "pass dockerd: tcp://127.0.0.1:2376"],
            },
            NodeExample {
                name: "docker's port, where podreeve may not see whose it is",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd\n=== /proc/1/net/udp\nh\n=== /proc/1/net/tcp\nh\n\
 0: 00000000:0947 00000000:0000 0A 0:0 0:0 0 0 0 90 1\n 1: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 91 1\n",
                results: &["fail dockerd: port 2375"],
            },
            NodeExample {
                name: "a dockerd whose ports cannot be read",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd\n=== /proc/1/net/tcp denied\n",
                results: &["unknown dockerd"],
            },
            NodeExample {
                name: "systemd's sockets of another name, and none that is enabled",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd -H fd://\n=== /proc/7/cgroup\n0::/system.slice/docker.service\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\n\
=== /etc/systemd/system/docker-tcp.socket\n[Socket]\nListenStream=2375\nService=docker.service\n\
=== /etc/systemd/system/sockets.target.wants/docker-tcp.socket link /etc/systemd/system/docker-tcp.socket\n\
=== /proc/8/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/8/cmdline\ndockerd -H fd:// -H unix:///x.sock\n=== /proc/8/cgroup\n0::/system.slice/other.service\n",
                results: &["fail dockerd (docker.service): tcp://0.0.0.0:2375", "unknown dockerd (other.service)"],
            },
            NodeExample {
                name: "systemd's sockets that a target starts, that nothing starts, and that a user has started",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\n\
=== /etc/systemd/system/a.socket\n[Socket]\nListenStream=2375\nService=docker.service\n\
=== /etc/systemd/system/multi-user.target.d/x.conf\n[Unit]\nWants=a.socket\n\
=== /etc/systemd/system/b.socket\n[Socket]\nListenStream=2385\n=== /etc/systemd/system/b.socket.d/x.conf\n[Socket]\nService=docker.service\n\
=== /etc/systemd/system/c.socket\n[Socket]\nListenStream=2395\nService=docker.service\n=== /etc/systemd/system/d.socket\n[Socket]\nListenStream=2405\n\
=== /usr/bin/podman\n=== /usr/lib/systemd/system/podman.service\n[Service]\nExecStart=/usr/bin/podman system service\n\
=== /etc/systemd/system/p.socket\n[Socket]\nListenStream=8888\nService=podman.service\n\
=== /proc/1/status\nName: systemd\nUid: 0 0 0 0\n=== /proc/1/net/udp\nh\n=== /proc/1/net/tcp\nh\n 0: 00000000:095B 00000000:0000 0A 0:0 0:0 0 0 0 90 1\n",
                results: &[
                    "fail dockerd: tcp://0.0.0.0:2375",
                    "unknown dockerd: tcp://0.0.0.0:2385",
                    "fail dockerd: tcp://0.0.0.0:2395",
                    "unknown podman: tcp://0.0.0.0:8888",
                ],
            },
            NodeExample {
                name: "a socket that systemd makes for everybody, and podman's by TCP",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=%t/docker.sock\n=== /usr/bin/podman\n\
=== /usr/lib/systemd/system/podman.socket\n[Socket]\nListenStream=0.0.0.0:8888\nListenStream=%t/podman/podman.sock\nSocketMode=0660\n",
                results: &["pass dockerd", "fail podman: tcp://0.0.0.0:8888", "fail /run/docker.sock"],
            },
            NodeExample {
                name: "streams of a containerd by TCP",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /etc/containerd/config.toml\nversion = 2\n\
[plugins.\"io.containerd.grpc.v1.cri\"]\ndisable_tcp_service = false\nstream_server_address = \"\"\n\
[plugins.\"io.containerd.server.v1.metrics\"]\naddress = \"0.0.0.0:11234\"\n",
                results: &["fail containerd: stream_server_address", "fail containerd: metrics.address"],
            },
            NodeExample {
                name: "streams of a cri-o with TLS, with a CA for clients and without, and a podman whose CA is empty",
                params: "",
                host: "=== /proc/7/status\nName: crio\nUid: 0 0 0 0\n=== /proc/7/cmdline\ncrio --stream-address=0.0.0.0 --stream-enable-tls=true --stream-tls-ca=/ca.pem\n\
=== /proc/7/cgroup\n0::/a.service\n=== /proc/8/status\nName: crio\nUid: 0 0 0 0\n=== /proc/8/cmdline\ncrio --stream-address=0.0.0.0 --stream-enable-tls=true\n\
=== /proc/8/cgroup\n0::/b.service\n=== /proc/9/status\nName: podman\nUid: 0 0 0 0\n=== /proc/9/cmdline\npodman system service --tls-client-ca= tcp:0.0.0.0:8888\n",
                results: &[
                    "pass crio (a.service): stream_address",
                    "fail crio (b.service): stream_address",
                    "fail podman: tcp:0.0.0.0:8888",
                ],
            },
            NodeExample {
                name: "a container with docker's socket",
                params: "",
                host: "=== /proc/9/status\nName: sh\n=== /proc/9/cgroup\n0::/docker/abababababababababababababababababababababababababababababababab\n\
=== /proc/9/mountinfo\n1 2 0:5 /docker.sock /var/run/docker.sock rw - tmpfs tmpfs rw\n",
                results: &["fail process 9 (sh)"],
            },
            NodeExample {
                name: "a kubelet without a CA",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\nrotateCertificates: false\n",
                results: &[
                    "fail kubelet: authentication.x509.clientCAFile",
                    "fail kubelet: serverTLSBootstrap",
                    "fail kubelet: rotateCertificates",
                ],
            },
            NodeExample {
                name: "the kubelet of k3s, which renews the certificate itself",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config-dir=/var/lib/rancher/k3s/agent/etc/kubelet.conf.d\n\
=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00.conf\nauthentication:\n  x509:\n    clientCAFile: /ca.crt\ntlsCertFile: /k.crt\n",
                results: &[
                    "pass kubelet: authentication.x509.clientCAFile",
                    "pass kubelet: serverTLSBootstrap",
                    "notApplicable kubelet: rotateCertificates",
                ],
            },
            NodeExample {
                name: "a certificate that has ended",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 --tlsverify --tlscacert=/ca.pem \
--tlscert=/c.pem --tlskey=/k.pem\n=== /c.pem\n\
-----BEGIN CERTIFICATE-----\n\
MIIBATCBqAIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJuMTAeFw0yMDAxMDEw\n\
MDAwMDBaFw0yMTAxMDEwMDAwMDBaMA0xCzAJBgNVBAMMAm4xMFkwEwYHKoZIzj0C\n\
AQYIKoZIzj0DAQcDQgAEGr/4FkPu+3t3Oj5Gu1Yul39mCd9qq2BmvVfX+o3si9rd\n\
Js4xjUvTK6Y+BdJS3buh4FHl9TP1kiPgdjed5dNPyDAKBggqhkjOPQQDAgNIADBF\n\
AiBWOzkM1WHM2NqCOmqpq+TUc44SxrprtfT+ILI8RHGIJgIhAIw3PaldJ0HeBw6l\n\
1XgmFpzSD1YHS53g2iG8AVuzx21M\n\
-----END CERTIFICATE-----\n",
                results: &["pass dockerd: tcp://0.0.0.0:2376", "fail dockerd: /c.pem"],
            },
            NodeExample {
                name: "no daemon",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container daemons"],
            },
        ],
    }),
};

/// The check of `node-tls`.
#[derive(Default)]
struct NodeTls;

impl NodeCheck for NodeTls {
    fn check(&self, node: &Node, results: &mut Results) {
        let before = results.all.len();
        for docker in &node.docker {
            if !results.doubtful(About::new(&docker.name, &["D2.7"]), &docker.config) {
                docker::judge(node, docker, results);
            }
        }
        for daemon in &node.containerd {
            if !results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                runtimes::containerd(daemon, results);
            }
        }
        for daemon in &node.crio {
            if !results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                runtimes::crio(daemon, results);
            }
        }
        runtimes::podman(node, results);
        for kubelet in &node.kubelet {
            if !results
                .doubtful(About::new(&kubelet.name, &["K4.2.3", "K4.2.9", "K4.2.10", "K4.2.11"]), &kubelet.config)
            {
                kubelet::judge(node, kubelet, results);
            }
        }
        certificates::judge(node, results);
        sockets(node, results);
        holders(node, results);
        if results.all.len() == before {
            results.not_applicable(About::new("container daemons", &[]), "none that could listen is there");
        }
    }
}

/// Sockets that everybody may write to.
fn sockets(node: &Node, results: &mut Results) {
    for expected in expected::files(node).iter().filter(|file| file.is_socket) {
        let planned = node.planned_sockets.get(&expected.path);
        let exists = node.file(&expected.path).and_then(crate::node::Read::is);
        let Some(facts) = exists.or(planned.map(|planned| &planned.facts)) else { continue };
        if facts.kind == FileKind::Socket && facts.access.mode & 0o002 != 0 {
            let source = planned.map_or(&facts.path, |planned| &planned.source);
            let evidence = Evidence::new(format!("mode {:04o}", facts.access.mode & 0o777), source);
            let now = || expected::lasting(node, expected, &format!("chmod 0660 {}", shell(&facts.path)));
            let fix = planned.map_or_else(now, |planned| expected::planned_repair(planned, &expected.max));
            let wanted = "a socket that root and one group may write to";
            results.fail(About::new(&expected.path, &["D3.16"]), Severity::Critical, evidence, wanted, fix);
        }
    }
}

/// Containers that have the socket of a runtime.
fn holders(node: &Node, results: &mut Results) {
    for process in &node.processes {
        if let Some(why) = &process.mounts_unread {
            let subject = format!("process {} ({})", process.pid, process.name);
            results.unknown(About::new(&subject, &["D5.31"]), format!("{why}: it may have the socket of a runtime"));
        }
    }
    for process in node.processes.iter().filter(|process| !process.runtime_sockets.is_empty()) {
        let subject = format!("process {} ({})", process.pid, process.name);
        let found = format!("{} is mounted", process.runtime_sockets.join(", "));
        let evidence = Evidence::new(found, format!("/proc/{}/mountinfo", process.pid));
        let fix = "remove the mount from the container; let the program ask the Kubernetes API";
        let wanted = "no runtime's socket in a container";
        results.fail(About::new(&subject, &["D5.31"]), Severity::Critical, evidence, wanted, fix);
    }
}

/// Whether an address, with or without a port, is one of this host alone.
fn is_loopback(address: &str) -> bool {
    let with_port = address.parse::<core::net::SocketAddr>().map(|address| address.ip());
    let ip = address.parse::<core::net::IpAddr>().or(with_port);
    address == "localhost" || address.starts_with("localhost:") || ip.is_ok_and(|ip| ip.is_loopback())
}
