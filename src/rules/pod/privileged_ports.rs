//! `containerPort` and `hostPort` below 1024.

use super::{image_ports, removal};
use crate::rule::{
    AtMost, Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, NoParams, PodRule, Rule, Severity,
    params, without_params,
};
use crate::workload::{Pod, PodFeatures};

/// The first port that needs no right of root (`net.ipv4.ip_unprivileged_port_start`).
const FIRST: i64 = 1024;

pub static RULE: Rule = Rule {
    id: "privileged-ports",
    title: "No port below 1024 is used",
    docs: "Neither `containerPort` nor `hostPort` is below 1024. Such ports need root or `NET_BIND_SERVICE`, so a \
program that listens there has a reason to keep rights that it should drop; on the node it can pose as a system \
service.\n\n\
Where podreeve knows the image, `EXPOSE` of such a port is audited, too.\n\n\
Instead, listen on a high port (8080 for 80) and let the Service map it: `port: 80`, `targetPort: 8080`.",
    why: "ports below 1024 are a reason to run as root, and on the node a program there can pose as a system service",
    owasp: &[62],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "listen on a port from 1024 on, and let the Service map it",
        lists: NOT_EPHEMERAL,
        compile: without_params::<PrivilegedPorts>,
        examples: &[
            Example::bad("container port", r#"{"ports":[{"containerPort":80}]}"#, &["ports[0].containerPort"]),
            Example::bad("the last one", r#"{"ports":[{"containerPort":1023}]}"#, &["ports[0].containerPort"]),
            Example::bad(
                "host port over a high container port, among good ones",
                r#"{"ports":[{"containerPort":8080},{"containerPort":8443,"hostPort":443},{"containerPort":9090}]}"#,
                &["ports[1].hostPort"],
            ),
            Example::bad(
                "both of one port",
                r#"{"ports":[{"containerPort":80,"hostPort":80}]}"#,
                &["ports[0].containerPort", "ports[0].hostPort"],
            ),
            Example::bad("UDP", r#"{"ports":[{"containerPort":53,"protocol":"UDP"}]}"#, &["ports[0].containerPort"]),
            Example::bad(
                "the host port that the API server adds is reported once",
                r#"{"ports":[{"containerPort":80,"hostPort":80}]}"#,
                &["ports[0].containerPort"],
            )
            .spec(r#"{"hostNetwork":true}"#),
            Example::good("1024", r#"{"ports":[{"containerPort":1024,"hostPort":1024}]}"#),
            Example::good("host port 0 is none", r#"{"ports":[{"containerPort":8080,"hostPort":0}]}"#),
            Example::good("no ports", r#"{"ports":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct PrivilegedPorts;

impl Check for PrivilegedPorts {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PORTS | PodFeatures::IMAGES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let host_network = pod.spec.host_network == Some(true);
        for container in pod.all_containers() {
            for (index, port) in container.ports.iter().enumerate() {
                // On the host's network the API server requires hostPort to repeat containerPort.
                let repeated = host_network && port.host_port == port.container_port;
                let fields = [("containerPort", port.container_port), ("hostPort", port.host_port)];
                for (field, value) in fields.into_iter().take(if repeated { 1 } else { 2 }) {
                    let Some(value) = value.filter(|value| (1..FIRST).contains(value)) else { continue };
                    let at = Location::container(container).key("ports", true).index(index).key(field, true);
                    findings.add(Finding::new(at, format!("{field} {value}"), "1024 or above"));
                }
            }
            let exposed = image_ports::exposed(pod, container).filter(|(port, _)| i64::from(*port) < FIRST);
            let undeclared = exposed.filter(|(port, _)| !image_ports::declares(container, *port));
            if let Some(found) = image_ports::listed(undeclared) {
                let at = Location::container(container).key("image", true);
                findings.add(
                    Finding::new(at, format!("EXPOSE {found} in the image"), "1024 or above").at_most(AtMost::Audit),
                );
            }
        }
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(container), Some(index)) = (finding.container(), finding.at.list_index()) else { return false };
        let Some(port) = container.container.ports.get(index) else { return false };
        let at = Location::container(container).key("ports", true).index(index);
        if finding.at.last_key() == Some("hostPort") {
            fix.remove(&at.key("hostPort", true));
            return true;
        }
        let Some((old, new)) = port.container_port.and_then(|old| Some((old, removal::free_port(pod, 8000 + old)?)))
        else {
            return false;
        };
        fix.remark(format!("the program must listen on {new}; point targetPort of Services at it"));
        fix.set(&at.key("containerPort", true), new.into());
        if port.host_port == port.container_port && pod.spec.host_network == Some(true) {
            fix.set(&at.key("hostPort", true), new.into());
        }
        removal::probes_to(container, old, new, fix);
        true
    }
}
