//! What a client's variable of the environment leads to.

use super::super::secret_shapes::secret_value;
use crate::workload::pod::EnvVar;
use core::net::IpAddr;
use std::collections::HashMap;

/// What clients of runtimes and builders read.
pub const VARIABLES: [&str; 6] = [
    "BUILDKIT_HOST",
    "CONTAINER_HOST",
    "CONTAINER_RUNTIME_ENDPOINT",
    "CONTAINERD_ADDRESS",
    "DOCKER_HOST",
    "IMAGE_SERVICE_ENDPOINT",
];

/// What a variable holds, as far as the pod shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds<'p> {
    Text(&'p str),
    /// An address or the name of the node.
    Node,
    /// An address of the pod itself.
    Own,
    /// A Service, or a text that is no address.
    Elsewhere,
    Unknown,
}

/// The variables of a container up to one of them, and where it runs.
#[derive(Debug)]
pub struct Environment<'p> {
    variables: HashMap<&'p str, Holds<'p>>,
    host_network: bool,
    node: Option<&'p str>,
}

impl<'p> Environment<'p> {
    pub fn new(host_network: bool, node: Option<&'p str>) -> Self {
        Self { variables: HashMap::new(), host_network, node: node.filter(|node| !node.is_empty()) }
    }

    /// The variables after it can refer to it.
    pub fn add(&mut self, variable: &'p EnvVar<'p>) {
        let holds = match (variable.value.as_deref(), field(variable)) {
            (Some(text), _) if !text.is_empty() => self.resolve(text),
            (_, Some(field)) => of_field(field),
            (Some(_), None) => Holds::Text(""),
            (None, None) => Holds::Unknown,
        };
        self.variables.insert(&variable.name, holds);
    }

    /// A text with `$(NAME)` in it. Not put together, which could take any amount of memory.
    fn resolve(&self, text: &'p str) -> Holds<'p> {
        let mut parts = text.split("$(").skip(1).filter_map(|part| part.split_once(')')).peekable();
        if parts.peek().is_none() {
            return Holds::Text(text);
        }
        let is_whole = |rest: &str, name: &str| rest.is_empty() && text.len() == name.len() + 3;
        let mut all = Holds::Elsewhere;
        for (name, rest) in parts {
            match self.variables.get(name) {
                Some(holds) if is_whole(rest, name) => return *holds,
                Some(Holds::Node) => return Holds::Node,
                Some(Holds::Own) if all == Holds::Elsewhere => all = Holds::Own,
                Some(Holds::Own | Holds::Elsewhere | Holds::Text(_)) => {}
                // Kubernetes' own variables of a Service.
                None if name.ends_with("_SERVICE_HOST") => {}
                Some(Holds::Unknown) | None => all = Holds::Unknown,
            }
        }
        all
    }

    /// Whether a client with this variable talks to the node.
    pub fn leads_to_node(&self, variable: &'p EnvVar<'p>) -> bool {
        match (variable.value.as_deref(), field(variable)) {
            (Some(value), _) if !value.is_empty() => self.is_node_endpoint(value.trim(), true),
            (_, Some(field)) => of_field(field) == Holds::Node,
            _ => false,
        }
    }

    fn is_node_endpoint(&self, value: &'p str, again: bool) -> bool {
        let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
        if scheme.is_empty() && value.starts_with("$(") && value.ends_with(')') {
            return match self.resolve(value) {
                Holds::Text(text) if again => self.is_node_endpoint(text.trim(), false),
                holds => matches!(holds, Holds::Node | Holds::Unknown),
            };
        }
        match scheme.to_ascii_lowercase().as_str() {
            "" if rest.starts_with(['/', '\\']) => false,
            "" | "tcp" | "http" | "https" => self.is_node(host_of(rest)),
            // An abstract socket belongs to the network namespace; any other lies in a volume, which is judged by itself.
            "unix" => self.host_network && rest.starts_with(['@', '\0']),
            // 2 is the machine around a virtual one.
            "vsock" => rest.split(':').next() == Some("2"),
            // Another login, with a key of its own; a file descriptor; a pod or a container by name.
            _ => false,
        }
    }

    fn is_node(&self, host: &'p str) -> bool {
        let host = match self.resolve(host) {
            Holds::Text(text) => text.trim_end_matches('.'),
            Holds::Node | Holds::Unknown => return true,
            Holds::Own => return self.host_network,
            Holds::Elsewhere => return false,
        };
        let lower = host.to_ascii_lowercase();
        if lower.is_empty() || LOOPBACK.contains(&&*lower) || lower.ends_with(".localhost") {
            return self.host_network;
        }
        // fe80::1%eth0
        match lower.split('%').next().unwrap_or_default().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) if ip.is_loopback() || ip.is_unspecified() => self.host_network,
            Ok(_) => true,
            Err(_) => is_node_name(&lower) || self.node.is_some_and(|node| node.eq_ignore_ascii_case(host)),
        }
    }
}

const LOOPBACK: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// Names that machines have and Services have not: those of the machine around a local cluster (`host.docker.internal`), and
/// those that AWS and Google give to virtual machines.
fn is_node_name(name: &str) -> bool {
    let labels: Vec<&str> = name.rsplit('.').take(8).collect();
    let first = name.split('.').next().unwrap_or_default();
    match labels.as_slice() {
        _ if is_ip_label(first) => true,
        ["internal", "ec2" | "compute", ..] | ["internal", _, "compute" | "c", ..] => true,
        ["internal", ..] => matches!(first, "host" | "gateway" | "kubernetes"),
        _ => false,
    }
}

/// `ip-10-0-0-1`
fn is_ip_label(label: &str) -> bool {
    label
        .strip_prefix("ip-")
        .is_some_and(|rest| rest.split('-').count() == 4 && rest.split('-').all(|part| part.parse::<u8>().is_ok()))
}

fn of_field(field: &str) -> Holds<'static> {
    match field {
        "status.hostIP" | "status.hostIPs" | "spec.nodeName" => Holds::Node,
        "status.podIP" | "status.podIPs" => Holds::Own,
        _ => Holds::Elsewhere,
    }
}

/// The field of the pod that the variable gets its value from.
pub fn field<'v>(variable: &'v EnvVar<'_>) -> Option<&'v str> {
    variable.value_from.as_ref()?.field_ref.as_ref()?.field_path.as_deref()
}

/// The host of what stands behind a scheme.
fn host_of(authority: &str) -> &str {
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    }
}

/// The endpoint without what may be secret: a login, a path on a host, a query.
pub fn without_credentials(value: &str) -> String {
    let value = value.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = value.split_once("://").map_or(("", value), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let is_path = matches!(scheme.to_ascii_lowercase().as_str(), "unix" | "npipe") || rest.starts_with(['/', '\\']);
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let shown = if is_path { rest } else { without_odd_port(rest.split(['/', ';', ',']).next().unwrap_or_default()) };
    match secret_value(shown) {
        Some(_) => format!("{scheme}{separator}***"),
        None => format!("{scheme}{separator}{login}{shown}"),
    }
}

/// The host and its port, if that is a number: a password may stand there by mistake.
fn without_odd_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') && !port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Text;
    use crate::workload::pod::{FieldRef, ValueFrom};

    fn variable<'p>(name: &'p str, value: &'p str) -> EnvVar<'p> {
        let text = |text: &'p str| Some(Text(text.into()));
        match value.strip_prefix("field:") {
            Some(path) => {
                let field = FieldRef { field_path: text(path) };
                let from = ValueFrom { field_ref: Some(Box::new(field)) };
                EnvVar { name: Text(name.into()), value: None, value_from: Some(from) }
            }
            None => EnvVar { name: Text(name.into()), value: text(value), value_from: None },
        }
    }

    /// Whether the last of these leads to the node, in a pod and under hostNetwork.
    fn leads(variables: &[(&str, &str)]) -> [bool; 2] {
        let variables: Vec<_> = variables.iter().map(|(name, value)| variable(name, value)).collect();
        [false, true].map(|host_network| {
            let mut environment = Environment::new(host_network, Some("worker-1"));
            let (last, before) = variables.split_last().expect("a variable");
            for variable in before {
                environment.add(variable);
            }
            environment.leads_to_node(last)
        })
    }

    #[test]
    fn addresses_and_names_of_nodes_are_told_from_services() {
        let (node, loopback, neither) = ([true, true], [false, true], [false, false]);
        for (value, wanted) in [
            ("tcp://10.0.0.1:2375", node),
            ("10.0.0.1:2375", node),
            ("TCP://172.17.0.1", node),
            ("http://jane:secret@[fd00::1]:8888/x", node),
            ("tcp://[fe80::1%eth0]:2375", node),
            ("tcp://host.docker.internal:2375", node),
            ("tcp://HOST.containers.internal.:2375", node),
            ("tcp://gateway.docker.internal", node),
            ("tcp://ip-10-0-0-1.eu-west-1.compute.internal:2375", node),
            ("tcp://ip-10-0-0-1:2375", node),
            ("tcp://node-1.c.my-project.internal:2375", node),
            ("tcp://worker-1:2375", node),
            ("vsock://2:1234", node),
            ("field:status.hostIP", node),
            ("field:spec.nodeName", node),
            ("tcp://localhost:2375", loopback),
            ("tcp://127.0.0.2:2375", loopback),
            ("tcp://[::1]:2375", loopback),
            ("tcp://[::ffff:127.0.0.1]:2375", loopback),
            ("tcp://0.0.0.0:2375", loopback),
            ("tcp://:2375", loopback),
            (":2375", loopback),
            ("tcp://docker.localhost:2375", loopback),
            ("unix://@/containerd-shim/x.sock", loopback),
            ("tcp://dind:2375", neither),
            ("tcp://dind.ci.svc:2375", neither),
            ("tcp://dind.ci.svc.cluster.local:2376", neither),
            ("tcp://docker.build.corp.internal:2376", neither),
            ("tcp://docker.example.com:2376", neither),
            ("tcp://ip-10-0-0-999:2376", neither),
            ("unix:///var/run/docker.sock", neither),
            ("/run/containerd/containerd.sock", neither),
            ("npipe:////./pipe/docker_engine", neither),
            (r"\\.\pipe\docker_engine", neither),
            ("ssh://builder@10.0.0.1", neither),
            ("docker-container://buildkitd", neither),
            ("fd://", neither),
            ("field:metadata.name", neither),
            ("", neither),
        ] {
            assert_eq!(leads(&[("DOCKER_HOST", value)]), wanted, "{value}");
        }
    }

    #[test]
    fn variables_are_followed_to_what_they_hold() {
        let (node, loopback, neither) = ([true, true], [false, true], [false, false]);
        for (variables, wanted) in [
            (&[("IP", "field:status.hostIP"), ("H", "tcp://$(IP):2375")][..], node),
            (&[("IP", "field:status.hostIP"), ("B", "$(IP)"), ("H", "tcp://$(B):$(PORT)")], node),
            (&[("IP", "10.0.0.1"), ("H", "tcp://$(IP):2375")], node),
            (&[("IP", "127.0.0.1"), ("H", "tcp://$(IP):2375")], loopback),
            (&[("IP", "field:status.podIP"), ("H", "tcp://$(IP):2375")], loopback),
            (&[("E", "tcp://10.0.0.1:2375"), ("H", "$(E)")], node),
            (&[("E", "tcp://dind:2375"), ("H", "$(E)")], neither),
            (&[("N", "dind"), ("H", "tcp://$(N):2375")], neither),
            (&[("NS", "field:metadata.namespace"), ("H", "tcp://dind.$(NS).svc:2375")], neither),
            (&[("N", "dind"), ("H", "tcp://$(N).ci:2375")], neither),
            (&[("H", "tcp://$(DIND_SERVICE_HOST):$(DIND_SERVICE_PORT)")], neither),
            // Nobody knows.
            (&[("H", "tcp://$(NODE):2375")], node),
            (&[("H", "$(ENDPOINT)")], node),
        ] {
            assert_eq!(leads(variables), wanted, "{variables:?}");
        }
    }

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
        assert_eq!(without_credentials("tcp://10.0.0.1:hunter2"), "tcp://10.0.0.1");
        assert_eq!(without_credentials("tcp://$(NODE):2375"), "tcp://$(NODE):2375");
        assert_eq!(without_credentials("tcp://[fd00::1]:8888"), "tcp://[fd00::1]:8888");
        assert_eq!(without_credentials("tcp://[fd00::abcd]"), "tcp://[fd00::abcd]");
        assert_eq!(without_credentials(&format!("unix:///run/{}_{}", "ghp", "a".repeat(36))), "unix://***");
    }
}
