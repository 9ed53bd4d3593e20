//! Ports that probes use and the container does not declare, and containers that declare too many ports.

use super::image_ports;
use crate::rule::{
    AtMost, Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Rule, Severity, compile,
    params,
};
use crate::workload::pod::Container;
use crate::workload::text::Scalar;
use crate::workload::{ContainerRef, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub static RULE: Rule = Rule {
    id: "undeclared-ports",
    title: "Containers declare the ports they use, and not too many",
    docs: "Reviewers, NetworkPolicies and Services rely on `ports`. A probe of the container itself must name a port \
that the container declares, by number or by name, and an entry with a `hostPort` must declare the `containerPort` \
behind it. With `max`, a container declares no more ports than that: each open port is one more way in.\n\n\
Where podreeve knows the image, a port of its `EXPOSE` that the container does not declare is audited, and so is a declared \
port that an image with `EXPOSE` does not name.\n\n\
Declare the port that the probe uses; close ports that are not needed.",
    why: "a port that is used and not declared escapes review, policies and Services",
    owasp: &[63],
    severity: Severity::Low,
    params: params::<UndeclaredPorts>,
    judges: Judges::Pod(PodRule {
        judges_image: true,
        instead: "declare the port in `ports`, and close ports that are not needed",
        lists: NOT_EPHEMERAL,
        compile: compile::<UndeclaredPorts>,
        examples: &[
            Example::bad(
                "a number, and a good probe",
                r#"{"livenessProbe":{"httpGet":{"port":9090}},"readinessProbe":{"httpGet":{"port":8080}}}"#,
                &["livenessProbe.httpGet.port"],
            ),
            Example::bad(
                "a name, a socket and gRPC",
                r#"{"livenessProbe":{"httpGet":{"port":"metrics"}},"readinessProbe":{"httpGet":null,"tcpSocket":{"port":9091}},"startupProbe":{"grpc":{"port":9092}}}"#,
                &["livenessProbe.httpGet.port", "readinessProbe.tcpSocket.port", "startupProbe.grpc.port"],
            ),
            Example::bad(
                "no ports at all",
                r#"{"ports":null,"livenessProbe":{"httpGet":{"port":8080}},"readinessProbe":null}"#,
                &["livenessProbe.httpGet.port"],
            ),
            Example::bad(
                "a host port with nothing behind it",
                r#"{"ports":[{"containerPort":8080,"name":"http"},{"hostPort":9090}]}"#,
                &["ports[1].containerPort"],
            ),
            Example::bad(
                "too many",
                r#"{"ports":[{"containerPort":8080,"name":"http"},{"containerPort":8081},{"containerPort":8082}]}"#,
                &["ports"],
            )
            .params(r#"{"max":2}"#),
            Example::good(
                "as many as are allowed",
                r#"{"ports":[{"containerPort":8080,"name":"http"},{"containerPort":8081}]}"#,
            )
            .params(r#"{"max":2}"#),
            Example::good(
                "by name and by number",
                r#"{"livenessProbe":{"httpGet":{"port":"http"}},"readinessProbe":{"httpGet":{"port":8080}}}"#,
            ),
            Example::good(
                "a host port and the port behind it",
                r#"{"ports":[{"containerPort":8080,"hostPort":8080,"name":"http"}]}"#,
            ),
            Example::good("by a number as text", r#"{"livenessProbe":{"httpGet":{"port":"8080"}}}"#),
            Example::good(
                "another host, and a command",
                r#"{"livenessProbe":{"httpGet":{"port":9090,"host":"example.com"}},"readinessProbe":{"httpGet":null,"exec":{"command":["true"]}}}"#,
            ),
            Example::good("no probes and no ports", r#"{"ports":null,"livenessProbe":null,"readinessProbe":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `undeclared-ports`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct UndeclaredPorts {
    /// The most ports that a container may declare. Default: any number.
    max: Option<u16>,
}

impl Check for UndeclaredPorts {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PORTS | PodFeatures::PROBES | PodFeatures::IMAGES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.of_each(pod.all_containers(), |container, findings| {
            let ports = &container.container.ports;
            let at = Location::container(container).key("ports", true);
            let count = ports.len();
            if let Some(max) = self.max.filter(|max| count > usize::from(*max)) {
                findings.add(
                    Finding::new(at, format!("{count} ports"), format!("at most {max}"))
                        .why("each open port is one more way into the container")
                        .amount(i128::try_from(count).unwrap_or(i128::MAX)),
                );
            }
            for (index, port) in ports.iter().enumerate() {
                if let Some(host_port) = port.host_port.filter(|number| *number != 0 && port.container_port.is_none()) {
                    let at = at.index(index).key("containerPort", false);
                    findings.add(Finding::new(at, format!("hostPort {host_port} without it"), "the port behind it"));
                }
            }
            of_image(pod, container, findings);
            for (probe, handler) in container.probes() {
                let http = handler.http_get.as_ref().map(|a| ("httpGet", &a.port, &a.host));
                let tcp = handler.tcp_socket.as_ref().map(|a| ("tcpSocket", &a.port, &a.host));
                let grpc = handler.grpc.as_ref().map(|a| ("grpc", &a.port, &a.host));
                for (action, port, host) in [http, tcp, grpc].into_iter().flatten() {
                    // The port of another host is not the container's; the rule `host-probes` judges such a probe.
                    let elsewhere = host.as_deref().is_some_and(|host| !host.is_empty());
                    let Some(port) = port.as_ref().filter(|port| !elsewhere && !declares(&container, port)) else {
                        continue;
                    };
                    let at = Location::container(container).key(probe, true).key(action, true).key("port", true);
                    findings.add(Finding::new(at, format!("{probe} of {}", port.text), "a port in ports"));
                }
            }
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(container) = finding.container() else { return false };
        let ports = Location::container(container).key("ports", !container.ports.is_empty());
        if finding.at.last_key() == Some("containerPort") {
            let port = finding.at.list_index().and_then(|index| container.container.ports.get(index)?.host_port);
            if let Some(port) = port {
                fix.set(&finding.at, port.into());
            }
            return port.is_some();
        }
        let number = finding.found.rsplit(' ').next().and_then(|port| port.parse::<u16>().ok());
        let Some(number) = number.filter(|_| finding.at.last_key() == Some("port")) else { return false };
        fix.append(&ports, json!({"containerPort": number}));
        true
    }
}

/// The most ports in one finding.
const SHOWN: usize = 10;

/// Where the image and the pod disagree about the ports that are served.
fn of_image<'p>(pod: &'p Pod<'p>, container: ContainerRef<'p>, findings: &mut Findings<'p>) {
    let undeclared = image_ports::exposed(pod, container).filter(|(port, _)| !image_ports::declares(container, *port));
    let at = Location::container(container).key("image", true);
    if let Some(found) = image_ports::listed(undeclared) {
        let found = format!("EXPOSE {found} in the image, and not in ports");
        findings.add(Finding::new(at, found, "the same ports in both").at_most(AtMost::Audit));
    }
    // An image without EXPOSE says nothing about its ports.
    if image_ports::exposed(pod, container).next().is_none() {
        return;
    }
    let declared = container.container.ports.iter().filter_map(|port| u16::try_from(port.container_port?).ok());
    let exposes = |wanted: &u16| image_ports::exposed(pod, container).any(|(port, _)| port == *wanted);
    let unexposed = declared.filter(|port| !exposes(port)).take(SHOWN).map(|port| (port, "tcp"));
    if let Some(found) = image_ports::listed(unexposed) {
        let found = format!("containerPort {found}, and no EXPOSE of it in the image");
        findings.add(Finding::new(at, found, "the same ports in both").at_most(AtMost::Audit));
    }
}

/// Whether the container declares the port, as the kubelet finds the port of a probe: a text is a name, or a number if no port has
/// the name.
fn declares(container: &Container<'_>, port: &Scalar<'_>) -> bool {
    let number = port.text.parse::<i64>().ok();
    container.ports.iter().any(|declared| {
        let named = !port.number && declared.name.as_deref() == Some(&*port.text);
        named || number.is_some() && declared.container_port == number
    })
}
