//! `host` in probes and lifecycle handlers.

use crate::rule::pss::{Follows, FollowsParams};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Pss, Rule, Severity, compile,
    display_value, params,
};
use crate::workload::{Pod, PodFeatures};
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "host-probes",
    title: "Probes and lifecycle handlers call the container itself",
    docs: "The kubelet sends the requests of probes and lifecycle handlers from the network of the node. A `host` in \
their `httpGet` or `tcpSocket` sends them to other places: services on the node's loopback, the metadata service of \
the cloud, everything that the node can reach and the pod must not. No `host` may be set; the default is the pod's own \
address.\n\n\
Instead, leave `host` out and, for a virtual host, set the `Host` header in `httpHeaders`. Put a check of another host \
into an `exec` probe, which runs in the pod's network.\n\n\
With `pss`, the rule judges from version v1.34 on, as upstream does.",
    why: "the kubelet calls the host from the network of the node, so the pod reaches what only the node may reach",
    owasp: &[64],
    severity: Severity::Medium,
    params: params::<FollowsParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        lists: NOT_EPHEMERAL,
        compile: compile::<HostProbes>,
        examples: &[
            Example::bad(
                "in one probe of three",
                r#"{"livenessProbe":{"httpGet":{"port":8080}},"readinessProbe":{"httpGet":{"port":8080,"host":"169.254.169.254"}},"startupProbe":{"tcpSocket":{"port":8080}}}"#,
                &["readinessProbe.httpGet.host"],
            ),
            Example::bad(
                "in every probe",
                r#"{"livenessProbe":{"httpGet":{"port":8080,"host":"localhost"}},"readinessProbe":{"httpGet":null,"tcpSocket":{"port":8080,"host":"10.0.0.1"}},"startupProbe":{"httpGet":{"port":8080,"host":"example.com"}}}"#,
                &["livenessProbe.httpGet.host", "readinessProbe.tcpSocket.host", "startupProbe.httpGet.host"],
            ),
            Example::bad(
                "in lifecycle handlers",
                r#"{"lifecycle":{"postStart":{"httpGet":{"port":80,"host":"127.0.0.1"}},"preStop":{"tcpSocket":{"port":80,"host":"127.0.0.1"}}}}"#,
                &["lifecycle.postStart.httpGet.host", "lifecycle.preStop.tcpSocket.host"],
            ),
            Example::bad(
                "Pod Security v1.34",
                r#"{"livenessProbe":{"httpGet":{"port":8080,"host":"localhost"}}}"#,
                &["livenessProbe.httpGet.host"],
            )
            .params(r#"{"pss":"baseline","version":"v1.34"}"#),
            Example::good("Pod Security v1.33", r#"{"livenessProbe":{"httpGet":{"port":8080,"host":"localhost"}}}"#)
                .params(r#"{"pss":"restricted","version":"v1.33"}"#),
            Example::good(
                "empty, null, or a header",
                r#"{"livenessProbe":{"httpGet":{"port":8080,"host":""}},"readinessProbe":{"httpGet":{"port":8080,"host":null,"httpHeaders":[{"name":"Host","value":"example.com"}]}},"lifecycle":{"preStop":{"sleep":{"seconds":5}}}}"#,
            ),
            Example::good("no probes", r#"{"livenessProbe":null,"readinessProbe":null,"lifecycle":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The standard that the rule follows, if any.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct HostProbes(Follows);

impl Check for HostProbes {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HANDLER_HOSTS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        if self.0.standard.is_some_and(|standard| !standard.since(34)) {
            return;
        }
        findings.of_each(pod.all_containers(), |container, findings| {
            let at = Location::container(container);
            let probes = container.container.probes().map(|(field, probe)| (at.key(field, true), probe));
            let lifecycle = container.container.lifecycle_handlers();
            let lifecycle = lifecycle.map(|(field, handler)| (at.key("lifecycle", true).key(field, true), handler));
            for (at, handler) in probes.chain(lifecycle) {
                let http = handler.http_get.as_ref().map(|request| ("httpGet", &request.host));
                let tcp = handler.tcp_socket.as_ref().map(|request| ("tcpSocket", &request.host));
                for (action, host) in [http, tcp].into_iter().flatten() {
                    let Some(host) = host.as_deref().filter(|host| !host.is_empty()) else { continue };
                    findings.add(Finding::new(
                        at.key(action, true).key("host", true),
                        display_value(Some(host)),
                        "not set",
                    ));
                }
            }
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remark("a probe then calls the pod itself; for a virtual host, set the header Host");
        fix.remove(&finding.at);
        true
    }
}
