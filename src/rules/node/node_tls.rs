//! Daemons that listen on the network ask for a certificate.

use crate::node::config::Source;
use crate::node::docker::{Docker, Verification};
use crate::node::{Daemon, Node};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-tls",
    title: "Daemons on the network verify certificates; no container has their socket",
    docs: "A dockerd on TCP obeys everybody who reaches it, unless it verifies certificates of clients. `--tls` alone encrypts and asks \
nobody. `tlscacert`, `tlscert` and `tlskey` without `tls` or `tlsverify` change nothing at all: it speaks plain HTTP. The addresses of \
systemd's socket count as much as `hosts`. The kubelet needs a CA for clients and a certificate of its own. A container into which a \
runtime's socket is mounted gives the same orders.",
    why: "whoever reaches an open daemon is root on the node",
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
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=2375\nListenStream=/run/docker.sock\n",
                results: &["fail dockerd: tcp://0.0.0.0:2375", "fail dockerd: tcp://0.0.0.0:2375"],
            },
            NodeExample {
                name: "TLS that asks nobody",
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

fn about<'a>(subject: &'a str, cis: &'a [&'a str]) -> About<'a> {
    About { subject, owasp: &[33, 83], cis }
}

impl NodeCheck for NodeTls {
    fn check(&self, node: &Node, results: &mut Results) {
        let before = results.all.len();
        for docker in &node.docker {
            if !results.doubtful(about(&docker.name, &["D2.7"]), &docker.config) {
                judge_docker(docker, results);
            }
        }
        for daemon in &node.containerd {
            judge_containerd(daemon, results);
        }
        for daemon in &node.crio {
            let keys = ["crio.api.stream_address", "crio.api.stream_enable_tls"];
            judge_stream(daemon, keys, results);
        }
        for kubelet in &node.kubelet {
            if !results.doubtful(about(&kubelet.name, &["K4.2.3", "K4.2.9", "K4.2.10", "K4.2.11"]), &kubelet.config) {
                judge_kubelet(kubelet, results);
            }
        }
        for process in node.processes.iter().filter(|process| !process.runtime_sockets.is_empty()) {
            let subject = format!("process {} ({})", process.pid, process.name);
            let evidence = Evidence::new(
                format!("{} is mounted", process.runtime_sockets.join(", ")),
                format!("/proc/{}/mountinfo", process.pid),
            );
            let fix = "remove the mount from the container; let the program ask the Kubernetes API";
            results.fail(
                about(&subject, &["D5.31"]),
                Severity::Critical,
                evidence,
                "no runtime's socket in a container",
                fix,
            );
        }
        if results.all.len() == before {
            results.not_applicable(about("container daemons", &[]), "none that could listen is there");
        }
    }
}

fn judge_docker(docker: &Docker, results: &mut Results) {
    let hosts = docker.hosts();
    let open: Vec<_> = hosts.iter().filter(|host| !host.address.starts_with("unix://")).collect();
    if open.is_empty() {
        let listens: Vec<&str> = hosts.iter().map(|host| host.address.as_str()).collect();
        let source = hosts.first().map_or_else(|| "docker.socket".to_owned(), |host| host.source.to_string());
        results.pass(about(&docker.name, &["D2.7"]), Evidence::new(listens.join(", "), source));
    }
    for host in open {
        let subject = format!("{}: {}", docker.name, host.address);
        let (found, severity) = match docker.verification() {
            Verification::Client => {
                results.pass(about(&subject, &["D2.7"]), Evidence::new("clients need a certificate", &host.source));
                continue;
            }
            Verification::Server => ("TLS without certificates of clients", Severity::Critical),
            Verification::None => ("no TLS", Severity::Critical),
        };
        let fix = match &host.source {
            Source::Flag { .. } | Source::Default { .. } => {
                format!("remove -H {}, or add --tlsverify with --tlscacert, --tlscert and --tlskey", host.address)
            }
            Source::File { path, .. } => format!(
                "remove {} from {path}, or set tlsverify, tlscacert, tlscert and tlskey in {}",
                host.address, docker.config_file
            ),
        };
        results.fail(
            about(&subject, &["D2.7"]),
            severity,
            Evidence::new(found, &host.source),
            "TLS that verifies clients, or the socket alone",
            fix,
        );
    }
}

fn judge_containerd(daemon: &Daemon, results: &mut Results) {
    if results.doubtful(about(&daemon.name, &[]), &daemon.config) {
        return;
    }
    let text = |key: &str| {
        daemon.config.get(key).filter(|setting| setting.value.as_str().is_some_and(|text| !text.is_empty()))
    };
    let tcp = text("grpc.tcp_address").or_else(|| text("plugins.\"io.containerd.server.v1.grpc-tcp\".address"));
    let subject = format!("{}: TCP", daemon.name);
    match tcp {
        None => results.pass(
            about(&subject, &[]),
            Evidence::new("no address", daemon.config_files.first().map_or("its defaults", String::as_str)),
        ),
        Some(setting) => {
            let verifies =
                text("grpc.tcp_tls_ca").or_else(|| text("plugins.\"io.containerd.server.v1.grpc-tcp\".tls_ca"));
            if let Some(ca) = verifies {
                results.pass(about(&subject, &[]), Evidence::of("tcp_tls_ca", ca));
            } else {
                let fix = format!("remove tcp_address from {}, and restart containerd", setting.source);
                results.fail(
                    about(&subject, &[]),
                    Severity::Critical,
                    Evidence::of("tcp_address", setting),
                    "no address, or a CA for clients",
                    fix,
                );
            }
        }
    }
    for section in
        ["plugins.\"io.containerd.grpc.v1.cri\"", "plugins.\"io.containerd.grpc.v1.cri\".x509_key_pair_streaming"]
    {
        let address = daemon.config.get(&format!("{section}.stream_server_address"));
        let service =
            daemon.config.get(&format!("{section}.disable_tcp_service")).is_some_and(|setting| setting.value == false);
        let tls = daemon
            .config
            .get(&format!("{section}.enable_tls_streaming"))
            .is_some_and(crate::node::config::Setting::is_true);
        if let Some(address) = address.filter(|address| service && !tls && !is_loopback(&address.display())) {
            let subject = format!("{}: stream_server_address", daemon.name);
            let fix = format!("remove stream_server_address from {}, and restart containerd", address.source);
            results.fail(
                about(&subject, &[]),
                Severity::High,
                Evidence::of("stream_server_address", address),
                "a loopback address, or TLS",
                fix,
            );
        }
    }
}

fn judge_stream(daemon: &Daemon, [address, tls]: [&str; 2], results: &mut Results) {
    if results.doubtful(about(&daemon.name, &[]), &daemon.config) {
        return;
    }
    let subject = format!("{}: stream_address", daemon.name);
    let found = daemon.config.or_default(address, "127.0.0.1", "cri-o", daemon.version.as_deref());
    if is_loopback(&found.display()) || daemon.config.get(tls).is_some_and(crate::node::config::Setting::is_true) {
        results.pass(about(&subject, &[]), Evidence::of("stream_address", &found));
    } else {
        let fix = format!("remove stream_address from {}, and restart crio", found.source);
        results.fail(
            about(&subject, &[]),
            Severity::High,
            Evidence::of("stream_address", &found),
            "a loopback address, or TLS",
            fix,
        );
    }
}

fn judge_kubelet(kubelet: &crate::node::kubelet::Kubelet, results: &mut Results) {
    let file = kubelet.config_file.as_deref();
    let text = |key: &str| {
        kubelet.config.get(key).filter(|setting| setting.value.as_str().is_some_and(|text| !text.is_empty()))
    };
    let subject = format!("{}: authentication.x509.clientCAFile", kubelet.name);
    if let Some(setting) = text("authentication.x509.clientCAFile") {
        results.pass(about(&subject, &["K4.2.3"]), Evidence::of("clientCAFile", setting));
    } else {
        let fix =
            super::repairs::kubelet_set(file, "authentication: {x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}");
        let evidence = Evidence::new("not set", file.unwrap_or("its arguments"));
        results.fail(about(&subject, &["K4.2.3"]), Severity::High, evidence, "the CA of the cluster", fix);
    }
    let subject = format!("{}: serverTLSBootstrap", kubelet.name);
    let bootstrap = kubelet.setting("serverTLSBootstrap");
    match text("tlsCertFile") {
        Some(setting) => results.pass(about(&subject, &["K4.2.9"]), Evidence::of("tlsCertFile", setting)),
        None if bootstrap.is_true() => {
            results.pass(about(&subject, &["K4.2.9"]), Evidence::of("serverTLSBootstrap", &bootstrap));
        }
        None => {
            let fix = super::repairs::kubelet_set(file, "serverTLSBootstrap: true");
            let evidence = Evidence::new("a certificate that the kubelet signs itself", &bootstrap.source);
            results.fail(
                about(&subject, &["K4.2.9"]),
                Severity::Low,
                evidence,
                "serverTLSBootstrap=true, or tlsCertFile",
                fix,
            );
        }
    }
    let subject = format!("{}: rotateCertificates", kubelet.name);
    match kubelet.config.get("rotateCertificates").filter(|setting| !setting.is_true()) {
        Some(setting) => {
            let fix = super::repairs::kubelet_set(file, "rotateCertificates: true");
            results.fail(
                about(&subject, &["K4.2.10"]),
                Severity::Low,
                Evidence::of("rotateCertificates", setting),
                "rotateCertificates=true",
                fix,
            );
        }
        None => results.pass(
            about(&subject, &["K4.2.10"]),
            Evidence::of("rotateCertificates", &kubelet.setting("rotateCertificates")),
        ),
    }
}

fn is_loopback(address: &str) -> bool {
    address == "localhost" || address.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
