//! The endpoint in an environment variable of a client: whether it leads to the node.

use crate::secret_shapes::secret_value;
use crate::text::HIDDEN;
use crate::workload::pod::EnvVar;
use core::net::IpAddr;
use std::collections::HashMap;

#[cfg(test)]
mod tests;

/// Variables that clients of runtimes and builders read.
pub const VARIABLES: [&str; 6] = [
    "BUILDKIT_HOST",
    "CONTAINER_HOST",
    "CONTAINER_RUNTIME_ENDPOINT",
    "CONTAINERD_ADDRESS",
    "DOCKER_HOST",
    "IMAGE_SERVICE_ENDPOINT",
];

/// What a variable contains, as far as the pod shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content<'p> {
    Text(&'p str),
    /// An address or the name of the node.
    Node,
    /// An address of the pod itself.
    Pod,
    /// A Service, or a text that is no address.
    Other,
    Unknown,
}

/// The variables of a container that have been read so far, and where the container runs.
#[derive(Debug)]
pub struct Environment<'p> {
    variables: HashMap<&'p str, Content<'p>>,
    host_network: bool,
    node: Option<&'p str>,
}

impl<'p> Environment<'p> {
    pub fn new(host_network: bool, node: Option<&'p str>) -> Self {
        Self { variables: HashMap::new(), host_network, node: node.filter(|node| !node.is_empty()) }
    }

    /// Adds a variable. The variables after it can refer to it.
    pub fn add(&mut self, variable: &'p EnvVar<'p>) {
        let content = match (variable.value.as_deref(), field(variable)) {
            (Some(text), _) if !text.is_empty() => self.resolve(text),
            (_, Some(field)) => of_field(field),
            (Some(_), None) => Content::Text(""),
            (None, None) => Content::Unknown,
        };
        self.variables.insert(&variable.name, content);
    }

    /// What a text with `$(NAME)` in it contains. The text is not expanded, because that could take any amount of memory.
    fn resolve(&self, text: &'p str) -> Content<'p> {
        let mut parts = text.split("$(").skip(1).filter_map(|part| part.split_once(')')).peekable();
        if parts.peek().is_none() {
            return Content::Text(text);
        }
        let is_whole = |rest: &str, name: &str| rest.is_empty() && text.len() == name.len() + 3;
        let mut all = Content::Other;
        for (name, rest) in parts {
            match self.variables.get(name) {
                Some(content) if is_whole(rest, name) => return *content,
                Some(Content::Node) => return Content::Node,
                Some(Content::Pod) if all == Content::Other => all = Content::Pod,
                Some(Content::Pod | Content::Other | Content::Text(_)) => {}
                // Kubernetes sets these variables for each Service.
                None if name.ends_with("_SERVICE_HOST") => {}
                Some(Content::Unknown) | None => all = Content::Unknown,
            }
        }
        all
    }

    /// Whether a client with this variable connects to the node.
    pub fn leads_to_node(&self, variable: &'p EnvVar<'p>) -> bool {
        match (variable.value.as_deref(), field(variable)) {
            (Some(value), _) if !value.is_empty() => self.is_node_endpoint(value.trim(), true),
            (_, Some(field)) => of_field(field) == Content::Node,
            _ => false,
        }
    }

    fn is_node_endpoint(&self, value: &'p str, again: bool) -> bool {
        let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
        if scheme.is_empty() && value.starts_with("$(") && value.ends_with(')') {
            return match self.resolve(value) {
                Content::Text(text) if again => self.is_node_endpoint(text.trim(), false),
                content => matches!(content, Content::Node | Content::Unknown),
            };
        }
        match scheme.to_ascii_lowercase().as_str() {
            "" if rest.starts_with(['/', '\\']) => false,
            "" | "tcp" | "http" | "https" => self.is_node(host_of(rest)),
            // An abstract socket belongs to the network namespace. Any other socket is in a volume, which the rule judges itself.
            "unix" => self.host_network && rest.starts_with(['@', '\0']),
            // Address 2 is the host of a virtual machine.
            "vsock" => rest.split(':').next() == Some("2"),
            // SSH needs a key of its own; the others are a file descriptor, or the name of a pod or a container.
            _ => false,
        }
    }

    fn is_node(&self, host: &'p str) -> bool {
        let host = match self.resolve(host) {
            Content::Text(text) => text.trim_end_matches('.'),
            Content::Node | Content::Unknown => return true,
            Content::Pod => return self.host_network,
            Content::Other => return false,
        };
        let lower = host.to_ascii_lowercase();
        if lower.is_empty() || LOOPBACK.contains(&&*lower) || lower.ends_with(".localhost") {
            return self.host_network;
        }
        // The address may have a zone: fe80::1%eth0.
        match lower.split('%').next().unwrap_or_default().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) if ip.is_loopback() || ip.is_unspecified() => self.host_network,
            Ok(_) => true,
            Err(_) => is_node_name(&lower) || self.node.is_some_and(|node| node.eq_ignore_ascii_case(host)),
        }
    }
}

const LOOPBACK: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// Whether only a machine can have this name, and no Service: the host of a local cluster (`host.docker.internal`), or a virtual
/// machine of AWS or Google.
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

/// Whether the label is an address with dashes: `ip-10-0-0-1`.
fn is_ip_label(label: &str) -> bool {
    label
        .strip_prefix("ip-")
        .is_some_and(|rest| rest.split('-').count() == 4 && rest.split('-').all(|part| part.parse::<u8>().is_ok()))
}

fn of_field(field: &str) -> Content<'static> {
    match field {
        "status.hostIP" | "status.hostIPs" | "spec.nodeName" => Content::Node,
        "status.podIP" | "status.podIPs" => Content::Pod,
        _ => Content::Other,
    }
}

/// The field of the pod that the variable gets its value from.
pub fn field<'v>(variable: &'v EnvVar<'_>) -> Option<&'v str> {
    variable.value_from.as_ref()?.field_ref.as_ref()?.field_path.as_deref()
}

/// The host in the part of a URL after the scheme.
fn host_of(authority: &str) -> &str {
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    }
}

/// The endpoint without the parts that may be secret: a login, a path on a host, a query.
pub fn without_credentials(value: &str) -> String {
    let value = value.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = value.split_once("://").map_or(("", value), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let is_path = matches!(scheme.to_ascii_lowercase().as_str(), "unix" | "npipe") || rest.starts_with(['/', '\\']);
    let (login, rest) = rest.rsplit_once('@').map_or((String::new(), rest), |(_, rest)| (format!("{HIDDEN}@"), rest));
    let shown = if is_path { rest } else { without_odd_port(rest.split(['/', ';', ',']).next().unwrap_or_default()) };
    match secret_value(shown) {
        Some(_) => format!("{scheme}{separator}{HIDDEN}"),
        None => format!("{scheme}{separator}{login}{shown}"),
    }
}

/// The host, and its port if the port is a number. Anything else there may be a password by mistake.
fn without_odd_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') && !port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
