//! Services next to containers.

use crate::node::listener::{Listener, Protocol};
use crate::node::mode::shell;
use crate::node::process::Process;
use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

pub static RULE: Rule = Rule {
    id: "node-services",
    title: "A node runs containers, and no other services",
    docs: "Every port of a node that is not a loopback one is a way in. Ports of SSH, the kubelet, the API server and etcd are expected, and \
`allow` names more. Enabled units of services that have no place on a node (telnet, FTP, rsh, rpcbind, CUPS, Avahi, Samba, NFS, SNMP, web \
and database servers) are violations too. Without the right to look into other processes podreeve cannot say whose a port is.",
    why: "each service of the host is a way around the walls of containers",
    owasp: &[82],
    severity: Severity::Low,
    params: params::<NodeServices>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeServices>,
        instead: "disable services that have no place on a node, or allow their ports",
        examples: &[
            NodeExample {
                name: "a port and a unit too many",
                params: "",
                host: "=== /proc/1/net/tcp\nh\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n 1: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 98 1\n\
 2: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 97 1\n=== /proc/1/net/udp\nh\n=== /etc/systemd/system/multi-user.target.wants/rpcbind.service link /lib/x\n",
                results: &["fail tcp 80", "fail rpcbind.service"],
            },
            NodeExample {
                name: "an allowed port",
                params: r#"{"allow":[80]}"#,
                host: "=== /proc/1/net/tcp\nh\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n=== /proc/1/net/udp\nh\n",
                results: &["pass ports"],
            },
            NodeExample {
                name: "a user who calls a program dockerd",
                params: "",
                host: "=== /proc/1/net/tcp\nh\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n=== /proc/1/net/udp\nh\n\
=== /proc/7/status\nName: dockerd\nUid: 1000 1000 1000 1000\n=== /proc/7/fd/3 link socket:[99]\n=== /proc/7/cgroup\n0::/user.slice/$(reboot).service\n",
                results: &["fail tcp 80"],
            },
            NodeExample {
                name: "a port of docker, and a user who calls a group of processes a container",
                params: "",
                host: "=== /proc/1/net/tcp\nh\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n 1: 00000000:0051 00000000:0000 0A 0:0 0:0 0 0 0 98 1\n\
=== /proc/1/net/udp\nh\n=== /proc/7/status\nName: docker-proxy\nUid: 0 0 0 0\n=== /proc/7/fd/3 link socket:[99]\n\
=== /proc/8/status\nName: x\nUid: 1000 1000 1000 1000\n=== /proc/8/fd/3 link socket:[98]\n\
=== /proc/8/cgroup\n0::/user.slice/user-1000.slice/docker-abababababababababababababababababababababababababababababababab.scope\n",
                results: &["fail tcp 81"],
            },
            NodeExample {
                name: "a port of docker alone",
                params: "",
                host: "=== /proc/1/net/tcp\nh\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n=== /proc/1/net/udp\nh\n\
=== /proc/7/status\nName: docker-proxy\nUid: 0 0 0 0\n=== /proc/7/fd/3 link socket:[99]\n",
                results: &["pass ports"],
            },
            NodeExample {
                name: "an image of a disk",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["unknown ports"],
            },
        ],
    }),
};

/// Parameters of `node-services`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeServices {
    /// Ports that are expected, in addition to those of SSH, Kubernetes and etcd. Default: none.
    allow: Vec<u16>,
}

/// SSH, DHCP, the API server, etcd, the kubelet, kube-proxy, the controller manager, the scheduler.
const EXPECTED: &[u16] = &[22, 68, 546, 2379, 2380, 2381, 6443, 10248, 10249, 10250, 10256, 10257, 10259];

/// Ports that have a result each. Any user may listen on thousands.
const MOST_PORTS: usize = 100;

/// Programs that are there for containers.
const OWN: &[&str] =
    &["dockerd", "docker-proxy", "containerd", "crio", "kubelet", "rootlesskit", "k3s-server", "k3s-agent", "kubelite"];

/// Units that have no place on a node.
const UNITS: &[&str] = &[
    "telnet.socket",
    "telnetd.service",
    "inetd.service",
    "xinetd.service",
    "vsftpd.service",
    "proftpd.service",
    "rsh.socket",
    "rlogin.socket",
    "rpcbind.service",
    "rpcbind.socket",
    "cups.service",
    "cups.socket",
    "avahi-daemon.service",
    "avahi-daemon.socket",
    "smbd.service",
    "nfs-server.service",
    "snmpd.service",
    "apache2.service",
    "httpd.service",
    "nginx.service",
    "mysql.service",
    "mariadb.service",
    "postgresql.service",
    "named.service",
    "dovecot.service",
    "squid.service",
    "gdm.service",
    "lightdm.service",
];

fn about(subject: &str) -> About<'_> {
    About::new(subject, &["D1.2.1"])
}

impl NodeCheck for NodeServices {
    fn check(&self, node: &Node, results: &mut Results) {
        match &node.listeners {
            Read::Is(listeners) => self.ports(node, listeners, results),
            Read::Absent => results.unknown(about("ports"), "the root has no /proc/1/net"),
            other => results.unknown(about("ports"), format!("/proc/1/net {}", other.unknown().unwrap_or_default())),
        }
        for why in &node.enabled_unread {
            results.unknown(about("units"), format!("{why}, and it may enable a service"));
        }
        for unit in node.enabled_units.iter().filter(|unit| UNITS.contains(&unit.as_str())) {
            let fix = format!("systemctl disable --now {unit}");
            results.fail(
                about(unit),
                Severity::Low,
                Evidence::new("enabled", "/etc/systemd/system"),
                "not enabled",
                fix,
            );
        }
    }
}

impl NodeServices {
    fn ports(&self, node: &Node, listeners: &[Listener], results: &mut Results) {
        let is_expected = |port: u16| EXPECTED.contains(&port) || self.allow.contains(&port);
        let mut open: BTreeMap<(Protocol, u16), Option<u32>> = BTreeMap::new();
        for listener in
            listeners.iter().filter(|listener| !listener.address.is_loopback() && !is_expected(listener.port))
        {
            let pid = open.entry((listener.protocol, listener.port)).or_default();
            *pid = pid.or(listener.pid);
        }
        if open.is_empty() {
            results.pass(
                about("ports"),
                Evidence::new("only expected ones, and those of the loopback address", "/proc/1/net"),
            );
        }
        let before = results.all.len();
        let (mut named, mut more, mut own) = (0, 0, Vec::new());
        for ((protocol, port), pid) in open {
            let process = pid.and_then(|pid| node.processes.iter().find(|process| process.pid == pid));
            // A port of a container belongs to a pod with the host's network, which `host-network` judges, and `node-tls` judges daemons.
            let is_own = |process: &Process| OWN.contains(&process.name.as_str()) && process.is_of_root();
            if process.is_some_and(|process| process.in_root_container() || is_own(process)) {
                own.push(port.to_string());
                continue;
            }
            if named == MOST_PORTS {
                more += 1;
                continue;
            }
            named += 1;
            let protocol = match protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            };
            let subject = format!("{protocol} {port}");
            let found = match process {
                Some(process) => format!("{} (process {}) listens", process.name, process.pid),
                None => "a process listens that podreeve cannot see: run it as root, outside of containers".to_owned(),
            };
            let unit = process.and_then(Process::unit);
            let fix = match unit {
                // A user who has control groups of their own may give them any names.
                Some(unit) => format!("systemctl disable --now {}", shell(unit)),
                None => format!("ss -lnp 'sport = :{port}' # stop the program, or add {port} to the parameter `allow`"),
            };
            results.fail(
                about(&subject),
                Severity::Low,
                Evidence::new(found, "/proc/1/net"),
                "no service next to containers",
                fix,
            );
        }
        if results.all.len() == before && !own.is_empty() {
            own.truncate(MOST_PORTS);
            let found = format!("only expected ones, and {} of containers and their daemons", own.join(", "));
            results.pass(about("ports"), Evidence::new(found, "/proc/1/net"));
        }
        if more > 0 {
            let evidence = Evidence::new(format!("{more} more ports"), "/proc/1/net");
            let fix = "ss -lntu # stop the programs";
            results.fail(about("ports"), Severity::Low, evidence, "no service next to containers", fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{fake::Fake, snapshot};

    #[test]
    fn very_many_ports() {
        let rows = (9000..9300).map(|port| format!(" 0: 00000000:{port:04X} 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n"));
        let host = format!("=== /proc/1/net/udp\nh\n=== /proc/1/net/tcp\nh\n{}", rows.collect::<String>());
        let mut results = Results::default();
        NodeServices::default().check(&snapshot(&Fake::read(&host), 0), &mut results);
        assert_eq!(results.all.len(), 101);
        let last = results.all.last().map(|result| format!("{result:?}")).unwrap_or_default();
        assert!(last.contains("200 more ports"), "{last}");
    }
}
