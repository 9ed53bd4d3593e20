//! The network of docker and of images' downloads.

mod registries;

use crate::node::config::Setting;
use crate::node::docker::Docker;
use crate::node::{CniBridge, Daemon, Node};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};
use crate::text::version_numbers;

pub static RULE: Rule = Rule {
    id: "node-network",
    title: "Containers of a host are apart, and images come over TLS",
    docs: "Docker's default bridge connects all containers on it unless `icc` is false. Without `iptables`, nothing separates networks at \
all. The userland proxy hides the address of a client. An insecure registry is asked without a check of its certificate, so an attacker on \
the way decides what runs; the rule reads docker's settings, `hosts.toml` of containerd, and `registries.conf`.\n\n\
Docker that runs no pods matters as well: its containers share the node. Of bridges that CNI makes for pods, the result says whether they have \
`hairpinMode`, without which a pod does not reach itself through a Service; that is a note, and no violation.",
    why: "a container that was taken over reaches the others of the host, and an image can be exchanged on its way",
    owasp: &[28, 47, 55],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeNetwork>,
        instead: "close docker's default bridge, and give registries certificates",
        examples: &[
            NodeExample {
                name: "docker's defaults",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n",
                results: &[
                    "fail dockerd: icc",
                    "pass dockerd: iptables",
                    "fail dockerd: userland-proxy",
                    "pass dockerd: insecure-registries",
                ],
            },
            NodeExample {
                name: "a closed bridge",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --userland-proxy=false\n\
=== /etc/docker/daemon.json\n{\"icc\": false, \"insecure-registries\": [\"127.0.0.0/8\"]}\n",
                results: &[
                    "pass dockerd: icc",
                    "pass dockerd: iptables",
                    "pass dockerd: userland-proxy",
                    "pass dockerd: insecure-registries",
                ],
            },
            NodeExample {
                name: "no bridge, and a registry without TLS",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --bridge=none --insecure-registry registry.example.com\n",
                results: &["pass dockerd: icc", "fail dockerd: userland-proxy", "fail dockerd: insecure-registries"],
            },
            NodeExample {
                name: "a file that dockerd does not start with",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/docker/daemon.json\n{,\n",
                results: &["unknown dockerd"],
            },
            NodeExample {
                name: "a container on the default bridge, IPv6 without its packet filter, and registries without a check",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --ipv6 --icc=false --userland-proxy=false\n\
=== /var/lib/dpkg/status\nPackage: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n\
=== /proc/1/net/dev\nh\n docker0: 1\n veth1: 1\n=== /sys/class/net/veth1/master link ../../docker0\n\
=== /usr/bin/podman\n=== /etc/containers/registries.conf\n[[registry]]\nlocation = \"r.example.com\"\ninsecure = true\n",
                results: &[
                    "fail dockerd: docker0",
                    "fail dockerd: ip6tables",
                    "pass dockerd: icc",
                    "fail podman: /etc/containers/registries.conf",
                ],
            },
            NodeExample {
                name: "names that look like this host, mirrors without TLS, and one on this host",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --bridge=none --insecure-registry 127.0.0.1.example.com --userland-proxy=false\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /etc/containerd/config.toml\nversion = 2\n\
[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n\
[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"a.example.com\"]\nendpoint = [\"http://m.example.com\"]\n\
=== /etc/containerd/certs.d/r.example.com/hosts.toml\nserver = \"https://r.example.com\"\n[host.\"http://m.example.com:5000\"]\ncapabilities = [\"pull\"]\n\
=== /etc/containerd/certs.d/s.example.com/hosts.toml\n[host.\"http://127.0.0.1:5000\"]\ncapabilities = [\"pull\"]\n\
=== /usr/bin/podman\n=== /etc/containers/registries.conf\n[[registry]]\nlocation = \"r.example.com\"\n[[registry.mirror]]\nlocation = \"m.example.com\"\ninsecure = true\n",
                results: &[
                    "fail dockerd: insecure-registries",
                    "fail containerd: http://m.example.com",
                    "fail containerd: /etc/containerd/certs.d/r.example.com/hosts.toml",
                    "fail podman: /etc/containers/registries.conf",
                ],
            },
            NodeExample {
                name: "a default bridge of another name, and a rootless docker without a packet filter",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --bridge=br7 --icc=false --userland-proxy=false\n\
=== /proc/7/cgroup\n0::/a.service\n=== /proc/1/net/dev\nh\n br7: 1\n veth1: 1\n=== /sys/class/net/veth1/master link ../../br7\n\
=== /proc/6/status\nName: rootlesskit\nUid: 1000 1000 1000 1000\n=== /proc/8/stat\n8 (dockerd) S 6 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500\n\
=== /proc/8/status\nName: dockerd\nUid: 1000 1000 1000 1000\n=== /proc/8/uid_map\n0 1000 1\n=== /proc/8/cmdline\ndockerd --icc=false --iptables=false\n=== /etc/passwd\nann:x:1000:1000::/home/ann:\n",
                results: &["fail dockerd (a.service): br7", "fail dockerd (user 1000): iptables"],
            },
            NodeExample {
                name: "bridges of CNI, and a file that is garbled",
                params: "",
                host: "=== /etc/cni/net.d/10-a.conflist\n{\"plugins\": [{\"type\": \"bridge\", \"bridge\": \"cni1\", \"hairpinMode\": true}, {\"type\": \"portmap\"}]}\n\
=== /etc/cni/net.d/20-b.conf\n{\"type\": \"bridge\"}\n=== /etc/cni/net.d/30-c.conf\n{\n=== /etc/cni/net.d/40-d.conf\n{\"type\": \"macvlan\"}\n",
                results: &[
                    "pass /etc/cni/net.d/10-a.conflist",
                    "pass /etc/cni/net.d/20-b.conf",
                    "unknown /etc/cni/net.d/30-c.conf",
                ],
            },
            NodeExample {
                name: "no docker",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable docker"],
            },
        ],
    }),
};

/// The check of `node-network`.
#[derive(Default)]
struct NodeNetwork;

impl NodeCheck for NodeNetwork {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.docker.is_empty() {
            results.not_applicable(About::new("docker", &[]), "no unit and no process of dockerd is there");
        }
        for docker in &node.docker {
            let whole = About::new(&docker.name, &[]);
            if !results.doubtful(whole, &docker.config) {
                judge(node, docker, results);
            }
        }
        bridges(node, results);
        for daemon in node.crio.iter().filter(|daemon| daemon.config.doubts.is_empty()) {
            let subject = format!("{}: insecure_registries", daemon.name);
            if let Some(setting) =
                daemon.config.get("crio.image.insecure_registries").filter(|setting| !setting.texts().is_empty())
            {
                registries::insecure(&subject, "insecure_registries", setting, results);
            }
        }
        for daemon in node.containerd.iter().chain(&node.crio).chain(&node.podman) {
            if !results.doubtful(About::new(&daemon.name, &["D2.5"]), &daemon.config) {
                registries::in_files(daemon, results);
            }
        }
        for daemon in &node.containerd {
            mirrors(daemon, results);
            for (key, setting) in daemon
                .config
                .settings
                .iter()
                .filter(|(key, setting)| key.ends_with("insecure_skip_verify") && setting.is_true())
            {
                let subject = format!("{}: insecure_skip_verify", daemon.name);
                let fix =
                    format!("remove `{key}` from {}, and restart containerd", super::repairs::place(&setting.source));
                results.fail(
                    About::new(&subject, &["D2.5"]),
                    Severity::High,
                    Evidence::of(key, setting),
                    "certificates of registries are checked",
                    fix,
                );
            }
        }
    }
}

/// What CNI makes. Nothing of it is a violation.
fn bridges(node: &Node, results: &mut Results) {
    for (path, read) in &node.cni {
        let about = About::new(path, &[]);
        let Some(bridges) = read.is() else {
            results.unknown(about, read.unknown().unwrap_or_else(|| "it does not exist".to_owned()));
            continue;
        };
        let of = |bridge: &CniBridge| {
            format!("bridge {} {} hairpinMode", bridge.name, if bridge.hairpin { "with" } else { "without" })
        };
        let found: Vec<String> = bridges.iter().map(of).collect();
        results.pass(about, Evidence::new(found.join(", "), path));
    }
}

/// Addresses without TLS in the older form of mirrors, `registry.mirrors."NAME".endpoint`.
fn mirrors(daemon: &Daemon, results: &mut Results) {
    let is_endpoint = |key: &str| key.contains(".registry.mirrors.") && key.ends_with(".endpoint");
    for (key, setting) in daemon.config.settings.iter().filter(|(key, _)| is_endpoint(key)) {
        let plain: Vec<&str> = setting.texts().into_iter().filter(|url| registries::is_plain_address(url)).collect();
        if !plain.is_empty() {
            let subject = format!("{}: {}", daemon.name, plain.join(", "));
            let place = super::repairs::place(&setting.source);
            let fix = format!("remove {} from {place}, and restart containerd", plain.join(", "));
            let wanted = "registries come over TLS";
            results.fail(About::new(&subject, &["D2.5"]), Severity::High, Evidence::of(key, setting), wanted, fix);
        }
    }
}

/// Containers on docker's default bridge can reach each other.
fn default_bridge(node: &Node, docker: &Docker, results: &mut Results) {
    let icc = docker.config.or_default("icc", true, "docker", docker.version.as_deref());
    let subject = format!("{}: icc", docker.name);
    let about_icc = About::new(&subject, &["D2.2"]);
    let bridge = docker.config.get("bridge").filter(|bridge| bridge.display() == "none");
    match bridge {
        Some(bridge) => results.pass(about_icc, Evidence::of("bridge", bridge)),
        None if icc.is_true() => {
            let fix = set(node, docker, "icc", &icc, "false");
            results.fail(about_icc, Severity::Medium, Evidence::of("icc", &icc), "icc=false", fix);
        }
        None => results.pass(about_icc, Evidence::of("icc", &icc)),
    }
    if bridge.is_some() || docker.pid.is_none() || docker.rootless || node.interfaces.is_empty() {
        return;
    }
    let name = docker.config.get("bridge").and_then(|bridge| bridge.value.as_str()).unwrap_or("docker0");
    let members: Vec<&str> = node
        .interfaces
        .iter()
        .filter(|(_, bridge)| bridge.as_deref() == Some(name))
        .map(|(name, _)| name.as_str())
        .collect();
    let subject = format!("{}: {name}", docker.name);
    let about_bridge = About::new(&subject, &["D5.30"]);
    if members.is_empty() {
        return results.pass(about_bridge, Evidence::new(format!("no container is on {name}"), "/proc/1/net/dev"));
    }
    let fix = "make a network with docker network create, and start each container again with --network and its name";
    let evidence = Evidence::new(format!("{} on {name}", members.join(", ")), "/sys/class/net");
    results.fail(about_bridge, Severity::Low, evidence, "containers on networks of their own", fix);
}

/// With IPv6 and without its packet filter, every port of every container is open.
fn ip6tables(node: &Node, docker: &Docker, results: &mut Results) {
    if !docker.is_true("ipv6") || docker.rootless {
        return;
    }
    let subject = format!("{}: ip6tables", docker.name);
    let about = About::new(&subject, &["D2.4"]);
    // The default changed with 27.
    let major = docker.version.as_deref().and_then(|version| version_numbers(version).first().copied());
    let default = match (docker.config.get("ip6tables"), major) {
        (Some(_), _) => false,
        (None, Some(major)) => major >= 27,
        (None, None) => {
            return results.unknown(about, "the version is unknown, and the default differs: off up to 26, on from 27");
        }
    };
    let setting = docker.config.or_default("ip6tables", default, "docker", docker.version.as_deref());
    if setting.is_true() {
        results.pass(about, Evidence::of("ip6tables", &setting));
    } else {
        let fix = set(node, docker, "ip6tables", &setting, "true");
        results.fail(about, Severity::High, Evidence::of("ip6tables", &setting), "ip6tables=true", fix);
    }
}

fn judge(node: &Node, docker: &Docker, results: &mut Results) {
    default_bridge(node, docker, results);
    ip6tables(node, docker, results);
    let setting =
        |key: &str, default: bool| docker.config.or_default(key, default, "docker", docker.version.as_deref());
    let iptables = setting("iptables", true);
    let subject = format!("{}: iptables", docker.name);
    if iptables.is_true() {
        results.pass(About::new(&subject, &["D2.4"]), Evidence::of("iptables", &iptables));
    } else {
        let fix = set(node, docker, "iptables", &iptables, "true");
        results.fail(
            About::new(&subject, &["D2.4"]),
            Severity::High,
            Evidence::of("iptables", &iptables),
            "iptables=true",
            fix,
        );
    }
    let proxy = setting("userland-proxy", true);
    let subject = format!("{}: userland-proxy", docker.name);
    if docker.rootless {
        results.not_applicable(About::new(&subject, &["D2.16"]), "a rootless docker has no other way to publish ports");
    } else if proxy.is_true() {
        let fix = set(node, docker, "userland-proxy", &proxy, "false");
        results.fail(
            About::new(&subject, &["D2.16"]),
            Severity::Low,
            Evidence::of("userland-proxy", &proxy),
            "userland-proxy=false",
            fix,
        );
    } else {
        results.pass(About::new(&subject, &["D2.16"]), Evidence::of("userland-proxy", &proxy));
    }
    for key in ["allow-direct-routing", "ip-forward-no-drop"] {
        if let Some(found) = docker.config.get(key).filter(|found| found.is_true()) {
            let subject = format!("{}: {key}", docker.name);
            let fix = set(node, docker, key, found, "false");
            results.fail(
                About::new(&subject, &[]),
                Severity::Medium,
                Evidence::of(key, found),
                format!("{key}=false"),
                fix,
            );
        }
    }
    let subject = format!("{}: insecure-registries", docker.name);
    let named =
        docker.config.or_default("insecure-registries", Vec::<String>::new(), "docker", docker.version.as_deref());
    registries::insecure(&subject, "insecure-registries", &named, results);
}

/// The command that sets a key of docker.
fn set(node: &Node, docker: &Docker, key: &str, setting: &Setting, value: &str) -> String {
    super::repairs::docker_set(node, docker, key, setting, super::repairs::Wanted::Is(value))
}
