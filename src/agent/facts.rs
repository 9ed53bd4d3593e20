//! What admission can know of the node.

use crate::facts::reported_nodes::ReportedNode;
use crate::node::Node;
use crate::node::os::SeLinux;

/// `runtime` says whether the runtime gives pods user namespaces, if that is known.
#[must_use]
pub fn facts(node: &Node, runtime: Option<bool>) -> ReportedNode {
    let modules = &node.security_modules;
    // Of two kubelets it is not known which one is that of the cluster.
    let kubelet = match &*node.kubelet {
        [kubelet] if kubelet.config.doubts.is_empty() => Some(kubelet),
        _ => None,
    };
    let user_namespaces = match node.kernel.max_user_namespaces {
        Some(0) => Some(false),
        _ => runtime,
    };
    ReportedNode {
        // The default of a kubelet is no limit.
        pod_pids_limit: kubelet.map(|kubelet| kubelet.setting("podPidsLimit").value.as_i64().unwrap_or(-1)),
        user_namespaces,
        // An image of a disk does not say what its kernel will have.
        app_armor: (!node.offline).then_some(modules.apparmor),
        se_linux: (!node.offline).then_some(modules.selinux == Some(SeLinux::Enforcing)),
        ..ReportedNode::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::snapshot;

    fn of(host: &str, runtime: Option<bool>) -> ReportedNode {
        facts(&snapshot(&Fake::read(host), 0), runtime)
    }

    const KUBELET: &str = "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --config=/c.yaml\n\
                           === /c.yaml\nkind: KubeletConfiguration\npodPidsLimit: 512\n";
    const OTHER: &str =
        "=== /proc/8/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/8/cmdline\nkubelet --pod-max-pids=99999\n";

    #[test]
    fn the_kubelet_says_how_many_processes_a_pod_may_have() {
        assert_eq!(of(KUBELET, None).pod_pids_limit, Some(512));
        assert_eq!(of(&KUBELET.replace("podPidsLimit: 512\n", ""), None).pod_pids_limit, Some(-1));
        assert_eq!(of(&KUBELET.replace("podPidsLimit: 512", "podPidsLimit: ["), None).pod_pids_limit, None);
        assert_eq!(of(&format!("{KUBELET}{OTHER}"), None).pod_pids_limit, None);
    }

    #[test]
    fn a_kernel_without_user_namespaces_has_none_whatever_the_runtime_says() {
        let host = format!("{KUBELET}=== /proc/sys/user/max_user_namespaces\n");
        for (most, runtime, wanted) in [
            ("0", Some(true), Some(false)),
            ("96365", Some(true), Some(true)),
            ("96365", Some(false), Some(false)),
            ("96365", None, None),
        ] {
            assert_eq!(of(&format!("{host}{most}\n"), runtime).user_namespaces, wanted, "{most} {runtime:?}");
        }
    }

    #[test]
    fn security_modules_are_those_of_the_running_kernel() {
        let modules = |host: &str| {
            let facts = of(host, None);
            (facts.app_armor, facts.se_linux)
        };
        assert_eq!(
            modules(&format!("{KUBELET}=== /sys/kernel/security/lsm\nlockdown,apparmor\n")),
            (Some(true), Some(false))
        );
        assert_eq!(modules(&format!("{KUBELET}=== /sys/fs/selinux/enforce\n1\n")), (Some(false), Some(true)));
        assert_eq!(modules(&format!("{KUBELET}=== /sys/fs/selinux/enforce\n0\n")), (Some(false), Some(false)));
        assert_eq!(modules("=== /etc/passwd\n"), (None, None));
    }
}
