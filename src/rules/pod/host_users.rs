//! `spec.hostUsers`: the user namespace of the pod.

use crate::facts::FactKinds;
use crate::rule::{
    AtMost, Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Rule, Scope, Severity,
    display_flag, params, without_params,
};
use crate::workload::{OnNodes, Pod};

pub static RULE: Rule = Rule {
    id: "host-users",
    title: "Pods have a user namespace of their own",
    docs: "`hostUsers: false` gives the pod a user namespace: root in the container is an unprivileged user on the \
node, and capabilities have no effect outside the pod. Not set means `true`.\n\n\
The repair sets `false`, except if the API server refuses it: with `hostNetwork`, `hostPID` or `hostIPC`, and if a \
container uses a raw block device. It needs Linux 6.3, containerd 2.0 or CRI-O 1.25, and volumes whose file system can \
map ids: NFS, for example, cannot, so look at reports (`action: audit`) before you repair.\n\n\
In a cluster, `serve --cluster` and `podreeve scan` know which nodes have user namespaces, if the action is `patch` or `deny`: \
from `status.runtimeHandlers` of each Node, or from the agents of `nodes.enabled`, which also read `user.max_user_namespaces` of the kernel. \
Where a node that the pod may run on has none, the repair is left out, and the action `patch` warns instead. For a pod with \
`runtimeClassName` nothing is known.",
    why: "without a user namespace of its own, root in the container is root on the node as soon as it breaks out",
    owasp: &[75, 34],
    severity: Severity::Low,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "do without namespaces and block devices of the node, then set it to false",
        linux_only: true,
        fixes: true,
        compile: without_params::<HostUsers>,
        examples: &[
            Example::bad("not set", "", &["spec.hostUsers"]).spec(r#"{"hostUsers":null}"#),
            Example::bad("true", "", &["spec.hostUsers"]).spec(r#"{"hostUsers":true}"#),
            Example::bad("with hostNetwork", "", &["spec.hostUsers"])
                .spec(r#"{"hostUsers":null,"hostNetwork":true}"#)
                .no_repair(),
            Example::bad("with hostPID", "", &["spec.hostUsers"])
                .spec(r#"{"hostUsers":null,"hostPID":true}"#)
                .no_repair(),
            Example::bad("with hostIPC", "", &["spec.hostUsers"])
                .spec(r#"{"hostUsers":true,"hostIPC":true}"#)
                .no_repair(),
            Example::bad(
                "with a raw block device",
                r#"{"volumeDevices":[{"name":"disk","devicePath":"/dev/xvda"}]}"#,
                &["spec.hostUsers"],
            )
            .spec(r#"{"hostUsers":null,"volumes":[{"name":"disk","persistentVolumeClaim":{"claimName":"disk"}}]}"#)
            .no_repair()
            .no_debug(),
            Example::good("false", "").spec(r#"{"hostUsers":false}"#),
            Example::good("Windows has no such field", "").spec(r#"{"hostUsers":null,"os":{"name":"windows"}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct HostUsers;

impl Check for HostUsers {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let value = pod.spec.host_users;
        if value != Some(false) {
            let at = Location::spec().key("hostUsers", value.is_some());
            let finding = Finding::new(at, display_flag(value), "false");
            let finding = match lacking(pod) {
                Some(why) => finding.why(why).at_most(AtMost::WarnUnrepaired),
                None => finding,
            };
            findings.add(finding.of_linux(pod));
        }
    }

    fn repair_facts(&self) -> FactKinds {
        FactKinds::USER_NAMESPACES
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let spec = &pod.spec;
        let shares = [spec.host_network, spec.host_pid, spec.host_ipc].contains(&Some(true));
        let has_device = || pod.all_containers().any(|container| !container.volume_devices.is_empty());
        if fix.scope != Scope::Pod || shares || lacking(pod).is_some() || has_device() {
            return false;
        }
        fix.suggest_only();
        if pod.context.user_namespaces == OnNodes::Unknown {
            fix.remark("the nodes must have user namespaces for pods: Linux 6.3, and containerd 2.0 or CRI-O 1.25");
        }
        fix.set_found(finding, false.into());
        true
    }
}

/// Why the pod would not start with a user namespace of its own, if a node is known to have none.
const fn lacking(pod: &Pod<'_>) -> Option<&'static str> {
    match pod.context.user_namespaces {
        OnNodes::All | OnNodes::Unknown => None,
        OnNodes::Some => {
            Some("some nodes that the pod may run on have no user namespaces for pods, and refuse it with `false`")
        }
        OnNodes::None => {
            Some("no node that the pod may run on has user namespaces for pods: with `false` it would not start")
        }
    }
}
