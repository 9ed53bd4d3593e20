//! `spec.hostPID`.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Pss, Rule, Severity, display_flag,
    params, without_params,
};
use crate::workload::{Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "host-pid",
    title: "Pods have a process namespace of their own",
    docs: "With `hostPID: true` the pod sees every process of the node: command lines and environments with their secrets, \
open files under `/proc/<pid>/root`, and, as root, it can send signals to them or trace them.\n\n\
Instead, use `shareProcessNamespace: true`, which shares processes among the containers of this pod only, or \
`kubectl debug --target` to look into one container.",
    why: "a pod in the process namespace of the node reads environments and files of its processes and, as root, \
controls them",
    owasp: &[72, 27],
    severity: Severity::High,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        compile: without_params::<HostPid>,
        examples: &[
            Example::bad("hostPID true", "", &["spec.hostPID"]).spec(r#"{"hostPID":true}"#),
            Example::good("processes shared within the pod", "").spec(r#"{"shareProcessNamespace":true}"#),
            Example::good("hostPID false", "").spec(r#"{"hostPID":false}"#),
            Example::good("hostPID null", "").spec(r#"{"hostPID":null}"#),
            Example::good("not set", ""),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct HostPid;

impl Check for HostPid {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_NAMESPACES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let value = pod.spec.host_pid;
        if value == Some(true) {
            let at = Location::spec().key("hostPID", true);
            findings.add(Finding::new(at, display_flag(value), "false or not set"));
        }
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remove(&finding.at);
        true
    }
}
