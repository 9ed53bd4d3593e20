//! Logs of containers leave the node.

use super::repairs::{Wanted, docker_set};
use crate::node::Node;
use crate::node::address::is_own;
use crate::node::config::Setting;
use crate::node::docker::Docker;
use crate::node::process::Process;
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-logging",
    title: "Logs of containers are sent to another host",
    docs: "A log that stays on the node ends with the node, and an attacker who takes the node can change it. Docker can send logs itself \
(`log-driver: syslog` with an address, `gelf`, `fluentd`, and others). Otherwise a program that forwards them must run: fluent-bit, vector, \
filebeat, alloy, promtail, systemd-journal-upload, or rsyslog with an action that sends all logs; `forwarders` names more. An address of the \
host itself leaves the logs there. rsyslog gets what is in the journal. Logs in files (`json-file`, and those of pods) it sends only with an \
`imfile` input for all of them. With `log-driver: none` there is no log at all.\n\n\
Anybody may give a program such a name. So it must run as root, or as the system service of its name; in a container, the host's `/var/log`, or \
its folder of pods, must be mounted into it. Docker's own log has the level `info`.",
    why: "an attacker who takes the node removes the traces",
    owasp: &[45],
    severity: Severity::Low,
    params: params::<NodeLogging>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeLogging>,
        instead: "forward logs of containers to another host",
        examples: &[
            NodeExample {
                name: "files alone, and a level that hides",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-level=error\n",
                results: &["fail logs of containers", "fail dockerd: log-level"],
            },
            NodeExample {
                name: "a forwarder",
                params: "",
                host: "=== /proc/5/status\nName: fluent-bit\nUid: 0 0 0 0\n=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["pass logs of containers"],
            },
            NodeExample {
                name: "a forwarder with a user of its own, as a service of that name",
                params: "",
                host: "=== /proc/5/status\nName: vector\nUid: 998 998 998 998\n=== /proc/5/cgroup\n0::/system.slice/vector.service\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["pass logs of containers"],
            },
            NodeExample {
                name: "a forwarder of a DaemonSet, with the folder of logs of the host",
                params: "",
                host: "=== /proc/1/mountinfo\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:2 / /var rw - ext4 /dev/sda2 rw\n=== /var/log/x\n\
=== /proc/5/status\nName: vector\nUid: 1000 1000 1000 1000\n=== /proc/5/cgroup\n0::/kubepods/pod1/c\n\
=== /proc/5/mountinfo\n1 2 8:2 /log /logs ro - ext4 /dev/sda2 rw\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["pass logs of containers"],
            },
            NodeExample {
                name: "pods and users who call their programs vector",
                params: "",
                host: "=== /proc/1/mountinfo\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n=== /var/log/x\n\
=== /proc/5/status\nName: vector\nUid: 1000 1000 1000 1000\n=== /proc/5/cgroup\n0::/kubepods/pod1/c\n\
=== /proc/5/mountinfo\n1 2 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/log /var/log rw - ext4 /dev/sda1 rw\n\
=== /proc/6/status\nName: vector\nUid: 0 0 0 0\n=== /proc/6/cgroup\n0::/system.slice/docker-abababababababababababababababababababababababababababababababab.scope\n\
=== /proc/6/mountinfo\n1 2 0:50 / / rw - overlay overlay rw\n\
=== /proc/7/status\nName: vector\nUid: 1001 1001 1001 1001\n=== /proc/7/mountinfo\n1 2 8:1 /var/log /x rw - ext4 /dev/sda1 rw\n\
=== /proc/7/cgroup\n0::/user.slice/user-1001.slice/user@1001.service/docker-abababababababababababababababababababababababababababababababab.scope\n\
=== /proc/8/status\nName: vector\nUid: 33 33 33 33\n=== /proc/8/cgroup\n0::/system.slice/web.service\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["fail logs of containers"],
            },
            NodeExample {
                name: "rsyslog that sends logins alone, and has the rest in a comment",
                params: "",
                host: "=== /proc/5/status\nName: rsyslogd\nUid: 0 0 0 0\n=== /etc/rsyslog.conf\nauth.* @@logs.example.com\n/*\n*.* @@logs.example.com\n*/\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["fail logs of containers"],
            },
            NodeExample {
                name: "rsyslog that sends",
                params: "",
                host: "=== /proc/5/status\nName: rsyslogd\nUid: 104 104 104 104\n=== /proc/5/cgroup\n0::/system.slice/rsyslog.service\n=== /etc/rsyslog.conf\ninput(type=\"imfile\" file=\"/var/log/pods/*/*/*.log\")\n*.* @@logs.example.com:6514\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["pass logs of containers"],
            },
            NodeExample {
                name: "rsyslog that sends the journal, in which no container logs",
                params: "",
                host: "=== /proc/5/status\nName: rsyslogd\nUid: 0 0 0 0\n=== /etc/rsyslog.conf\n*.* @@logs.example.com\ninput(type=\"imfile\" file=\"/var/log/pods/kube-system_*/*/*.log\")\n=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["fail logs of containers"],
            },
            NodeExample {
                name: "rsyslog that sends the journal, in which docker logs",
                params: "",
                host: "=== /proc/5/status\nName: rsyslogd\nUid: 0 0 0 0\n=== /etc/rsyslog.conf\n*.* @@logs.example.com\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=journald\n",
                results: &["pass logs of containers", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "rsyslog that stops some messages before it sends",
                params: "",
                host: "=== /proc/5/status\nName: rsyslogd\nUid: 0 0 0 0\n=== /etc/rsyslog.conf\n:programname, isequal, \"dockerd\" stop\n*.* @@logs.example.com\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=journald\n",
                results: &["unknown logs of containers", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "docker without logs, and a forwarder",
                params: "",
                host: "=== /proc/5/status\nName: fluent-bit\nUid: 0 0 0 0\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=none\n",
                results: &["fail dockerd: log-driver", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "every address of this host",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=gelf --log-opt gelf-address=udp://[::]:12201\n",
                results: &["fail logs of containers", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "a forwarder of another name",
                params: r#"{"forwarders":["shipper"]}"#,
                host: "=== /proc/5/status\nName: shipper\nUid: 0 0 0 0\n=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n",
                results: &["pass logs of containers"],
            },
            NodeExample {
                name: "docker sends them itself",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/docker/daemon.json\n{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://logs.example.com:6514\"}}\n",
                results: &["pass dockerd: log-driver", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "an address of this host, and a level that says too much",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -D --log-driver=syslog --log-opt syslog-address=udp://127.0.0.1:514\n",
                results: &["fail logs of containers", "fail dockerd: log-level"],
            },
            NodeExample {
                name: "a driver without a name, and a user who calls a program vector",
                params: "",
                host: "=== /proc/5/status\nName: vector\nUid: 1000 1000 1000 1000\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=\n",
                results: &["fail logs of containers", "pass dockerd: log-level"],
            },
            NodeExample {
                name: "a plugin",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --log-driver=loki\n",
                results: &["unknown dockerd: log-driver"],
            },
            NodeExample {
                name: "no runtime",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container runtimes"],
            },
        ],
    }),
};

/// Parameters of `node-logging`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeLogging {
    /// Programs that forward logs, in addition to the known ones. Default: none.
    forwarders: Vec<String>,
}

/// Names of processes that forward logs. The kernel cuts a name after 15 letters.
const FORWARDERS: &[&str] =
    &["fluent-bit", "fluentd", "vector", "filebeat", "alloy", "promtail", "otelcol", "otelcol-contrib"];

/// Drivers of docker that send logs, and the option with their address. Without an address they send to this host.
const REMOTE: &[(&str, &str)] = &[
    ("syslog", "syslog-address"),
    ("gelf", "gelf-address"),
    ("fluentd", "fluentd-address"),
    ("awslogs", ""),
    ("gcplogs", ""),
    ("logentries", ""),
    ("splunk", "splunk-url"),
];

/// Where docker's own driver leaves the logs.
enum Driver {
    Sends,
    Keeps(Logs),
    /// Nothing is recorded.
    Drops,
    /// A plugin.
    Foreign,
}

/// Logs that stay on the host.
enum Logs {
    /// In the journal, or in what reads the socket of syslog.
    Journal,
    /// In files below one of these folders.
    Files(Vec<String>),
}

fn driver(node: &Node, docker: &Docker, name: &str) -> Driver {
    let Some((_, option)) = REMOTE.iter().find(|(remote, _)| *remote == name) else {
        return match name {
            "none" => Driver::Drops,
            // `local` has a form of its own, which no rsyslog reads.
            "local" => Driver::Keeps(Logs::Files(Vec::new())),
            "json-file" | "\"\"" => Driver::Keeps(Logs::Files(json_files(node, docker))),
            "journald" => Driver::Keeps(Logs::Journal),
            _ => Driver::Foreign,
        };
    };
    let options = docker.config.get("log-opts");
    let in_file = options.and_then(|options| options.value.get(option)?.as_str());
    let flags = options.map(Setting::texts).unwrap_or_default();
    let by_flag = flags.into_iter().rev().find_map(|text| text.strip_prefix(option)?.strip_prefix('='));
    match in_file.or(by_flag) {
        _ if option.is_empty() => Driver::Sends,
        Some(address) if !is_own(address, &node.name) => Driver::Sends,
        _ => Driver::Keeps(Logs::Journal),
    }
}

/// Folders of pods, with the files of their containers.
const POD_FOLDERS: [&str; 2] = ["/var/log/containers", "/var/log/pods"];

fn json_files(node: &Node, docker: &Docker) -> Vec<String> {
    let own = std::iter::once(format!("{}/containers", docker.data_root().trim_end_matches('/')));
    own.chain(POD_FOLDERS.iter().filter(|_| !node.kubelet.is_empty()).map(|folder| (*folder).to_owned())).collect()
}

impl NodeCheck for NodeLogging {
    fn check(&self, node: &Node, results: &mut Results) {
        if !node.has_runtime() {
            return results.not_applicable(
                About::new("container runtimes", &[]),
                "no docker, containerd, cri-o or podman is there",
            );
        }
        let mut kept = Vec::new();
        if node.docker.is_empty() {
            // podman alone writes to the journal.
            let has_files = !node.containerd.is_empty() || !node.crio.is_empty();
            let files = || Logs::Files(POD_FOLDERS.map(str::to_owned).to_vec());
            kept.push(if has_files { files() } else { Logs::Journal });
        }
        for docker in &node.docker {
            if results.doubtful(About::new(&docker.name, &["D2.3", "D2.13"]), &docker.config) {
                continue;
            }
            let driver = docker.config.or_default("log-driver", "json-file", "docker", docker.version.as_deref());
            let name = driver.display();
            let subject = format!("{}: log-driver", docker.name);
            let about = About::new(&subject, &["D2.13"]);
            match self::driver(node, docker, &name) {
                Driver::Sends => results.pass(about, Evidence::of("log-driver", &driver)),
                Driver::Keeps(logs) => kept.push(logs),
                Driver::Drops => {
                    let fix = docker_set(node, docker, "log-driver", &driver, Wanted::Is("\"journald\""));
                    let evidence = Evidence::of("log-driver", &driver);
                    results.fail(about, Severity::Low, evidence, "a driver that sends or keeps logs", fix);
                }
                Driver::Foreign => {
                    let why = format!("log-driver={name} is a plugin, and podreeve does not know where it sends logs");
                    results.unknown(about, why);
                }
            }
            level(node, docker, results);
        }
        if !kept.is_empty() {
            self.forwarder(node, &kept, results);
        }
    }
}

fn level(node: &Node, docker: &Docker, results: &mut Results) {
    let level = docker.config.or_default("log-level", "info", "docker", docker.version.as_deref());
    let subject = format!("{}: log-level", docker.name);
    let about = About::new(&subject, &["D2.3"]);
    // It is the level `debug` by another name.
    let debug = docker.config.get("debug").filter(|debug| debug.is_true());
    if let Some(debug) = debug {
        let fix = docker_set(node, docker, "debug", debug, Wanted::Is("false"));
        results.fail(about, Severity::Low, Evidence::of("debug", debug), "debug=false", fix);
    } else if level.display() == "info" {
        results.pass(about, Evidence::of("log-level", &level));
    } else {
        let fix = docker_set(node, docker, "log-level", &level, Wanted::Is("\"info\""));
        results.fail(about, Severity::Low, Evidence::of("log-level", &level), "log-level=info", fix);
    }
}

impl NodeLogging {
    fn forwarder(&self, node: &Node, kept: &[Logs], results: &mut Results) {
        let about = About::new("logs of containers", &["D2.13"]);
        if node.offline {
            return results.unknown(about, "the root has no processes, so podreeve cannot see what forwards logs");
        }
        if !node.host_ids {
            let why = "podreeve runs in a user namespace, in which it cannot see whose processes are root's";
            return results.unknown(about, why);
        }
        let known = |name: &str| FORWARDERS.contains(&name) || self.forwarders.iter().any(|own| own == name);
        let forwards = |process: &&Process| {
            let name = process.name.as_str();
            // The journal itself has this name, too.
            let uploads = name == "systemd-journal" && process.is_service("systemd-journal-upload");
            uploads
                || known(name)
                    && (runs_as(process, &[name, "td-agent"]) || process.in_root_container() && process.host_logs)
        };
        if let Some(process) = node.processes.iter().find(forwards) {
            return results
                .pass(about, Evidence::new(format!("{} runs", process.name), format!("process {}", process.pid)));
        }
        let is_rsyslog = |process: &&Process| process.name == "rsyslogd" && runs_as(process, &["rsyslog"]);
        let rsyslog = node.processes.iter().find(is_rsyslog);
        let sent: Option<Vec<&String>> = rsyslog.and_then(|_| kept.iter().map(|logs| logs.sent(node)).collect());
        match (rsyslog, sent.as_deref().and_then(|files| files.first()), &node.log_forwarding.doubt) {
            (Some(rsyslog), Some(file), _) => {
                results.pass(about, Evidence::new(format!("rsyslog (process {}) sends them", rsyslog.pid), *file));
            }
            (Some(_), None, Some(doubt)) => results.unknown(about, doubt.clone()),
            _ => {
                let evidence = Evidence::new("logs stay on the host", "/proc");
                let fix =
                    "run a forwarder such as fluent-bit on every node, or name yours in the parameter `forwarders`";
                results.fail(about, Severity::Low, evidence, "a program that forwards them", fix);
            }
        }
    }
}

impl Logs {
    /// The file of rsyslog by which they leave the host.
    fn sent<'n>(&self, node: &'n Node) -> Option<&'n String> {
        match self {
            Self::Journal => node.log_forwarding.journal.first(),
            Self::Files(folders) => {
                let follows = |pattern: &str| folders.iter().any(|folder| has_all(pattern, folder));
                let found = node.log_forwarding.files.iter().find(|followed| follows(&followed.pattern));
                found.map(|followed| &followed.source)
            }
        }
    }
}

/// Whether a pattern has all files of a folder: each part below it begins with `*`.
fn has_all(pattern: &str, folder: &str) -> bool {
    let below = pattern.strip_prefix(&folder.to_ascii_lowercase()).and_then(|below| below.strip_prefix('/'));
    below.is_some_and(|below| below.split('/').all(|part| part.starts_with('*')))
}

/// Whether root, or one of these services of the system, started a process outside containers. Each user may choose the name of a program.
fn runs_as(process: &Process, services: &[&str]) -> bool {
    process.is_of_root() || services.iter().any(|service| process.is_service(service))
}
