//! Liveness and readiness probes of containers that run until they are stopped.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Rule, Severity, compile, judged, params,
};
use crate::workload::kinds::KINDS;
use crate::workload::pod::Container;
use crate::workload::{ContainerKind, ContainerRef, Pod};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

pub static RULE: Rule = Rule {
    id: "health-probes",
    title: "Containers that run until they are stopped have liveness and readiness probes",
    docs: "Each container that runs until it is stopped needs a `livenessProbe`, so that the kubelet restarts it when \
it hangs, and a `readinessProbe`, so that Services send it no requests while it cannot answer. `probes` names others \
(`startup`).\n\n\
Where podreeve knows the image, the edit offers its `HEALTHCHECK` as a probe: the kubelet does not run it by itself.\n\n\
The rule judges containers of pods that always restart, and sidecars. It leaves alone Jobs and their pods, init \
containers and debug containers. `kinds` restricts it to kinds such as Deployment and StatefulSet, where authors see \
the finding.",
    why: "a container that hangs keeps its requests until a person notices it",
    owasp: &[80],
    severity: Severity::Low,
    params: params::<HealthProbes>,
    judges: Judges::Pod(PodRule {
        instead: "give it a probe that tests what the program does",
        lists: &[ContainerKind::Container],
        compile: compile::<HealthProbes>,
        examples: &[
            Example::bad(
                "no probes",
                r#"{"livenessProbe":null,"readinessProbe":null}"#,
                &["livenessProbe", "readinessProbe"],
            )
            .not_job(),
            Example::bad("no liveness probe", r#"{"livenessProbe":null}"#, &["livenessProbe"]).not_job(),
            Example::bad("no readiness probe", r#"{"readinessProbe":null}"#, &["readinessProbe"])
                .spec(r#"{"restartPolicy":"Always"}"#)
                .not_job(),
            Example::bad("the policy requires another", "", &["spec.containers[0].startupProbe"])
                .spec(r#"{"containers":[{"name":"app","image":"registry.example.com/shop/web:1"},{"name":"other","image":"registry.example.com/shop/web:1","startupProbe":{"exec":{"command":["true"]}}}]}"#)
                .params(r#"{"probes":["startup"]}"#)
                .not_job(),
            Example::bad(
                "a sidecar",
                "",
                &["spec.initContainers[1].livenessProbe", "spec.initContainers[1].readinessProbe"],
            )
            .spec(r#"{"initContainers":[{"name":"init","image":"registry.example.com/shop/web:1"},{"name":"proxy","image":"registry.example.com/shop/web:1","restartPolicy":"Always"}]}"#)
            .not_job(),
            Example::good("both probes", r#"{"startupProbe":null}"#),
            Example::good("a Job", r#"{"livenessProbe":null,"readinessProbe":null}"#).job("{}"),
            Example::good("a sidecar of a Job", "")
                .spec(r#"{"initContainers":[{"name":"proxy","image":"registry.example.com/shop/web:1","restartPolicy":"Always"}]}"#)
                .job("{}"),
            Example::good("a pod that ends", r#"{"livenessProbe":null,"readinessProbe":null}"#)
                .spec(r#"{"restartPolicy":"OnFailure"}"#),
            Example::good("a kind that is not judged", r#"{"livenessProbe":null}"#)
                .params(r#"{"kinds":["DaemonSet"]}"#)
                .job("{}"),
            Example::good("init containers end", "").spec(r#"{"initContainers":[{"name":"init","image":"registry.example.com/shop/web:1"}]}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `health-probes`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HealthProbes {
    /// The probes that a container needs; liveness and readiness when left out.
    #[serde(deserialize_with = "judged")]
    #[schemars(with = "Vec<Probe>", length(min = 1))]
    probes: Option<Vec<Probe>>,
    /// The kinds that are judged, by name, Pod among them; all but Jobs when left out.
    #[serde(deserialize_with = "judged")]
    #[schemars(length(min = 1))]
    kinds: Option<Vec<LastingKind>>,
}

/// What a container needs when the policy does not say.
const PROBES: [Probe; 2] = [Probe::Liveness, Probe::Readiness];

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Probe {
    Liveness,
    Readiness,
    Startup,
}

impl Probe {
    fn of(self, container: &Container<'_>) -> (&'static str, bool, &'static str, &'static str) {
        // Each probe has its own text, so that an update which removes a second probe brings a new violation.
        match self {
            Self::Liveness => {
                ("livenessProbe", container.liveness_probe.is_some(), "no liveness probe", "a liveness probe")
            }
            Self::Readiness => {
                ("readinessProbe", container.readiness_probe.is_some(), "no readiness probe", "a readiness probe")
            }
            Self::Startup => ("startupProbe", container.startup_probe.is_some(), "no startup probe", "a startup probe"),
        }
    }
}

/// A kind whose pods run until they are stopped.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct LastingKind(String);

fn lasting() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| !kind.is_job()).map(|kind| &*kind.kind)
}

impl TryFrom<String> for LastingKind {
    type Error = String;
    fn try_from(kind: String) -> Result<Self, String> {
        if lasting().any(|known| known == kind) {
            return Ok(Self(kind));
        }
        let known: Vec<&str> = lasting().collect();
        Err(format!("`{kind}` is none of {}", known.join(", ")))
    }
}

impl JsonSchema for LastingKind {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": lasting().collect::<Vec<_>>()})
    }
}

impl Check for HealthProbes {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let is_judged = self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind.0 == pod.kind));
        if pod.job.is_some() || !is_judged {
            return;
        }
        for container in pod.all_containers().filter(|container| runs_on(pod, *container)) {
            for probe in self.probes.as_deref().unwrap_or(&PROBES) {
                let (field, is_there, found, wanted) = probe.of(container.container);
                if !is_there {
                    findings.add(Finding::new(Location::container(container).key(field, false), found, wanted));
                }
            }
        }
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(container) = finding.container() else { return false };
        if let Some(command) = pod.traits_of(container).and_then(|traits| traits.healthcheck.as_ref()) {
            fix.remark("the HEALTHCHECK of the image, which the kubelet does not run by itself");
            fix.set_with(&finding.at, || json!({"exec": {"command": command}}));
            return true;
        }
        let container = container.container;
        // Other rules change numbers below 1024, and remove the port of SSH.
        let with = |fits: fn(i64) -> bool| container.ports.iter().find(|port| port.container_port.is_some_and(fits));
        let Some(port) = with(|port| port >= 1024).or_else(|| with(|port| port != 22)) else { return false };
        fix.remark("a connection is the least that a probe can test: a request for a health page says more");
        fix.set_with(&finding.at, || match port.name.as_deref().filter(|_| port.container_port < Some(1024)) {
            Some(name) => json!({"tcpSocket": {"port": name}}),
            None => json!({"tcpSocket": {"port": port.container_port}}),
        });
        true
    }
}

fn runs_on(pod: &Pod<'_>, container: ContainerRef<'_>) -> bool {
    match container.kind {
        ContainerKind::Init => container.is_sidecar(),
        ContainerKind::Container => {
            let of_pod = pod.spec.restart_policy.as_deref();
            container.container.restart_policy.as_deref().or(of_pod).is_none_or(|policy| policy == "Always")
        }
        ContainerKind::Ephemeral => false,
    }
}
