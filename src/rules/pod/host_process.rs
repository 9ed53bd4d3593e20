//! Windows `hostProcess` of the pod and of any container.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Pss, Rule, Severity, params,
    without_params,
};
use crate::workload::pod::WindowsOptions;
use crate::workload::{Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "host-process",
    title: "No Windows container runs as a process of the node",
    docs: "`windowsOptions.hostProcess: true` runs a container without isolation, as a process of the Windows node \
with its files, network and accounts, like `privileged` on Linux. It must not be `true` on the pod nor on any \
container.\n\n\
Instead, run an ordinary Windows container; exempt by name a node agent that must be a process of the node.",
    why: "a HostProcess container is a process of the Windows node, so an attacker who controls it controls the node",
    owasp: &[83],
    severity: Severity::Critical,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        compile: without_params::<HostProcess>,
        examples: &[
            Example::bad("on the pod", "", &["spec.securityContext.windowsOptions.hostProcess"])
                .spec(r#"{"os":{"name":"windows"},"securityContext":{"windowsOptions":{"hostProcess":true}}}"#),
            Example::bad(
                "on a container",
                r#"{"securityContext":{"windowsOptions":{"hostProcess":true}}}"#,
                &["securityContext.windowsOptions.hostProcess"],
            )
            .spec(r#"{"os":{"name":"windows"}}"#),
            Example::bad(
                "on a pod that does not say its system",
                r#"{"securityContext":{"windowsOptions":{"hostProcess":true}}}"#,
                &["securityContext.windowsOptions.hostProcess"],
            ),
            Example::bad(
                "on the pod, and false on a container",
                r#"{"securityContext":{"windowsOptions":{"hostProcess":false}}}"#,
                &["spec.securityContext.windowsOptions.hostProcess"],
            )
            .spec(r#"{"os":{"name":"windows"},"securityContext":{"windowsOptions":{"hostProcess":true}}}"#),
            Example::good("false", r#"{"securityContext":{"windowsOptions":{"hostProcess":false}}}"#)
                .spec(r#"{"os":{"name":"windows"},"securityContext":{"windowsOptions":{"hostProcess":false}}}"#),
            Example::good(
                "another option",
                r#"{"securityContext":{"windowsOptions":{"runAsUserName":"ContainerUser"}}}"#,
            )
            .spec(r#"{"os":{"name":"windows"}}"#),
            Example::good("not set", r#"{"securityContext":{"windowsOptions":null}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct HostProcess;

impl Check for HostProcess {
    fn requires(&self) -> PodFeatures {
        PodFeatures::WINDOWS_OPTIONS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let judge = |at: Location<'p>, options: Option<&WindowsOptions>, findings: &mut Findings<'p>| {
            if options.and_then(|options| options.host_process) == Some(true) {
                let at = at.key("securityContext", true).key("windowsOptions", true).key("hostProcess", true);
                findings.add(Finding::new(at, "true", "false or not set"));
            }
        };
        let context = pod.spec.security_context.as_ref();
        judge(Location::spec(), context.and_then(|context| context.windows_options.as_ref()), findings);
        findings.of_each(pod.all_containers(), |container, findings| {
            let context = container.container.security_context.as_ref();
            let options = context.and_then(|context| context.windows_options.as_ref());
            judge(Location::container(container), options, findings);
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remove(&finding.at);
        true
    }
}
