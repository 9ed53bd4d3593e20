//! `spec.hostIPC`.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Pss, Rule, Severity, display_flag,
    params, without_params,
};
use crate::workload::{Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "host-ipc",
    title: "Pods have an IPC namespace of their own",
    docs: "With `hostIPC: true` the pod shares System V IPC, POSIX message queues and `/dev/shm` with the node and \
with every other pod that does the same: it can read and change their shared memory.\n\n\
Instead, let containers of one pod share memory through an emptyDir with `medium: Memory` and a `sizeLimit`; they are \
in one IPC namespace anyway.",
    why: "the pod can read and change shared memory and message queues of the node and of other pods",
    owasp: &[73, 27],
    severity: Severity::High,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        compile: without_params::<HostIpc>,
        examples: &[
            Example::bad("hostIPC true", "", &["spec.hostIPC"]).spec(r#"{"hostIPC":true}"#),
            Example::good("hostIPC false", "").spec(r#"{"hostIPC":false}"#),
            Example::good("hostIPC null", "").spec(r#"{"hostIPC":null}"#),
            Example::good("not set", ""),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct HostIpc;

impl Check for HostIpc {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_NAMESPACES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let value = pod.spec.host_ipc;
        if value == Some(true) {
            let at = Location::spec().key("hostIPC", true);
            findings.add(Finding::new(at, display_flag(value), "false or not set"));
        }
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remove(&finding.at);
        true
    }
}
