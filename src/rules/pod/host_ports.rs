//! `hostPort` of any port, and `hostIP` of the ports that are allowed.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Pss, Rule, Severity, compile,
    params,
};
use crate::workload::{Pod, PodFeatures};
use core::net::IpAddr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

pub static RULE: Rule = Rule {
    id: "host-ports",
    title: "No port of the node is taken, except allowed ones on a named address",
    docs: "`hostPort` opens a port on the node's own addresses, past Services and, with many network plugins, past \
NetworkPolicies. The rule refuses every `hostPort` except those of `allow` (default: none). An allowed one must also \
say on which address of the node it listens: a `hostIP` that is empty, `0.0.0.0` or `::` opens it on every interface.\n\n\
Instead, use a Service, an Ingress or a Gateway. In a pod with `hostNetwork: true` the API server sets `hostPort` to \
`containerPort` by itself: there, remove `hostNetwork`; another port does not help.",
    why: "a port on the node is reachable from outside past Services and NetworkPolicies",
    owasp: &[71, 63],
    severity: Severity::Medium,
    params: params::<HostPorts>,
    judges: Judges::Pod(PodRule {
        instead: "name one address of the node in `hostIP`, or leave `hostPort` out",
        pss: Some(Pss::Baseline),
        lists: NOT_EPHEMERAL,
        compile: compile::<HostPorts>,
        examples: &[
            Example::bad(
                "a host port and a good port",
                r#"{"ports":[{"containerPort":8080},{"containerPort":9090,"hostPort":9090}]}"#,
                &["ports[1].hostPort"],
            ),
            Example::bad(
                "two of them",
                r#"{"ports":[{"containerPort":8080,"hostPort":80},{"containerPort":9090,"hostPort":9090}]}"#,
                &["ports[0].hostPort", "ports[1].hostPort"],
            ),
            Example::bad(
                "an address does not make up for the port",
                r#"{"ports":[{"containerPort":8080,"hostPort":8080,"hostIP":"127.0.0.1"}]}"#,
                &["ports[0].hostPort"],
            ),
            Example::bad(
                "added by the API server under hostNetwork",
                r#"{"ports":[{"containerPort":8080,"hostPort":8080}]}"#,
                &["ports[0].hostPort"],
            )
            .spec(r#"{"hostNetwork":true}"#),
            Example::bad(
                "outside the allowed range, on both sides",
                r#"{"ports":[{"containerPort":1,"hostPort":8999,"hostIP":"10.0.0.5"},{"containerPort":2,"hostPort":9101,"hostIP":"10.0.0.5"}]}"#,
                &["ports[0].hostPort", "ports[1].hostPort"],
            )
            .params(r#"{"allow":["9000-9100"]}"#),
            Example::bad(
                "allowed port on every address",
                r#"{"ports":[{"containerPort":1,"hostPort":9000},{"containerPort":2,"hostPort":9001,"hostIP":""},{"containerPort":3,"hostPort":9002,"hostIP":"0.0.0.0"},{"containerPort":4,"hostPort":9003,"hostIP":"::"},{"containerPort":5,"hostPort":9004,"hostIP":"::0"},{"containerPort":6,"hostPort":9005,"hostIP":"::ffff:0.0.0.0"},{"containerPort":7,"hostPort":9006,"hostIP":"000.0.0.0"},{"containerPort":8,"hostPort":9007,"hostIP":"10.0.0.5"}]}"#,
                &[
                    "ports[0].hostIP",
                    "ports[1].hostIP",
                    "ports[2].hostIP",
                    "ports[3].hostIP",
                    "ports[4].hostIP",
                    "ports[5].hostIP",
                    "ports[6].hostIP",
                ],
            )
            .params(r#"{"allow":["9000-9100"]}"#),
            Example::good(
                "allowed ports, each on an address",
                r#"{"ports":[{"containerPort":80,"hostPort":8080,"hostIP":"10.0.0.5"},{"containerPort":81,"hostPort":9000,"hostIP":"fd00::5"},{"containerPort":82,"hostPort":9100,"hostIP":"127.0.0.1"}]}"#,
            )
            .params(r#"{"allow":[8080,"9000-9100"]}"#),
            Example::good("host port 0 is none", r#"{"ports":[{"containerPort":8080,"hostPort":0,"hostIP":"0.0.0.0"}]}"#),
            Example::good("no host port", r#"{"ports":[{"containerPort":8080,"hostPort":null}]}"#),
            Example::good("no ports", r#"{"ports":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `host-ports`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HostPorts {
    /// Ports of the node that pods may take, each a number (`8080`) or a range (`9000-9100`, both ends
    /// included). Default: none.
    allow: Vec<PortRange>,
}

impl Check for HostPorts {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_PORTS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let host_network = pod.spec.host_network == Some(true);
        findings.of_each(pod.all_containers(), |container, findings| {
            for (index, port) in container.ports.iter().enumerate() {
                let Some(number) = port.host_port.filter(|number| *number != 0) else { continue };
                let at = Location::container(container).key("ports", true).index(index);
                if !self.allow.iter().any(|range| range.contains(number)) {
                    let finding = Finding::new(at.key("hostPort", true), format!("hostPort {number}"), self.wanted());
                    findings.add(if host_network && port.host_port == port.container_port {
                        finding.why(
                            "under hostNetwork each containerPort is a port of the node, and the API server sets \
                             hostPort to the same number: remove hostNetwork, and hostPort with it",
                        )
                    } else {
                        finding
                    });
                } else if !is_one_address(port.host_ip.as_deref()) {
                    let shown = port.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("every address");
                    let at = at.key("hostIP", port.host_ip.is_some());
                    findings.add(
                        Finding::new(at, format!("hostPort {number} on {shown}"), "one address of the node")
                            .why("a port on every interface of the node may be open to more networks than intended"),
                    );
                }
            }
        });
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(container), Some(index)) = (finding.container(), finding.at.list_index()) else { return false };
        let Some(port) = container.container.ports.get(index) else { return false };
        // Which address of the node is meant is known to the author alone. Under hostNetwork the API server sets the port again.
        let repeated = pod.spec.host_network == Some(true) && port.host_port == port.container_port;
        if finding.at.last_key() != Some("hostPort") || repeated {
            return false;
        }
        fix.remove(&finding.at);
        if port.host_ip.is_some() {
            fix.remove(&Location::container(container).key("ports", true).index(index).key("hostIP", true));
        }
        true
    }
}

impl HostPorts {
    fn wanted(&self) -> Cow<'static, str> {
        if self.allow.is_empty() {
            return "not set".into();
        }
        let allowed: Vec<String> = self.allow.iter().map(|range| range.display()).collect();
        format!("not set, or one of {}", allowed.join(", ")).into()
    }
}

/// Whether the text is one address. A text that podreeve cannot read may still mean `0.0.0.0` to the node.
fn is_one_address(ip: Option<&str>) -> bool {
    ip.and_then(|ip| ip.parse::<IpAddr>().ok()).is_some_and(|ip| !ip.to_canonical().is_unspecified())
}

/// A port or a range of ports, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    fn contains(self, port: i64) -> bool {
        (i64::from(self.first)..=i64::from(self.last)).contains(&port)
    }

    fn display(self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}-{}", self.first, self.last) }
    }
}

impl TryFrom<Value> for PortRange {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port != 0);
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            (Some(_), Some(_)) => Err(format!("the range `{text}` ends before it begins")),
            _ => Err(format!("`{text}` is no port (1 to 65535) and no range such as 9000-9100")),
        }
    }
}

impl JsonSchema for PortRange {
    fn schema_name() -> Cow<'static, str> {
        "PortRange".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_and_ranges_are_read_or_refused() {
        let read = |value: Value| serde_json::from_value::<PortRange>(value).map(PortRange::display);
        assert_eq!(read(json!(8080)).unwrap(), "8080");
        assert_eq!(read(json!("8080")).unwrap(), "8080");
        assert_eq!(read(json!("9000 - 9100")).unwrap(), "9000-9100");
        for bad in [json!(0), json!(65_536), json!(-1), json!("9100-9000"), json!("http"), json!(""), json!(null)] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
