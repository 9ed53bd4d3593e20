//! Where distributions of Kubernetes keep settings, for daemons that say nothing of it in their arguments: those that are a part of
//! another program, and those of an image of a disk.

use super::Host;

/// The places of one distribution.
pub struct Layout {
    /// A path that only this distribution has.
    detect: &'static str,
    /// The program that has a kubelet in it.
    pub program: Option<&'static str>,
    pub kubelet_config: Option<&'static str>,
    pub kubelet_config_dir: Option<&'static str>,
    /// A file with the arguments of the kubelet, one a line.
    pub kubelet_arguments: Option<&'static str>,
    pub kubeconfig: Option<&'static str>,
    pub containerd_config: Option<&'static str>,
}

const NONE: Layout = Layout {
    detect: "",
    program: None,
    kubelet_config: None,
    kubelet_config_dir: None,
    kubelet_arguments: None,
    kubeconfig: None,
    containerd_config: None,
};

static LAYOUTS: [Layout; 7] = [
    // k3s
    Layout {
        detect: "/var/lib/rancher/k3s",
        program: Some("k3s"),
        kubelet_config_dir: Some("/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"),
        kubeconfig: Some("/var/lib/rancher/k3s/agent/kubelet.kubeconfig"),
        containerd_config: Some("/var/lib/rancher/k3s/agent/etc/containerd/config.toml"),
        ..NONE
    },
    // RKE2
    Layout {
        detect: "/var/lib/rancher/rke2",
        kubelet_config_dir: Some("/var/lib/rancher/rke2/agent/etc/kubelet.conf.d"),
        kubeconfig: Some("/var/lib/rancher/rke2/agent/kubelet.kubeconfig"),
        containerd_config: Some("/var/lib/rancher/rke2/agent/etc/containerd/config.toml"),
        ..NONE
    },
    // MicroK8s
    Layout {
        detect: "/var/snap/microk8s",
        program: Some("kubelite"),
        kubelet_arguments: Some("/var/snap/microk8s/current/args/kubelet"),
        kubeconfig: Some("/var/snap/microk8s/current/credentials/kubelet.config"),
        containerd_config: Some("/var/snap/microk8s/current/args/containerd.toml"),
        ..NONE
    },
    // Bottlerocket
    Layout {
        detect: "/etc/kubernetes/kubelet/config",
        kubelet_config: Some("/etc/kubernetes/kubelet/config"),
        kubeconfig: Some("/etc/kubernetes/kubelet/kubeconfig"),
        ..NONE
    },
    // Talos
    Layout {
        detect: "/etc/cri/conf.d",
        kubelet_config: Some("/etc/kubernetes/kubelet.yaml"),
        kubeconfig: Some("/etc/kubernetes/kubeconfig-kubelet"),
        containerd_config: Some("/etc/cri/containerd.toml"),
        ..NONE
    },
    // Container-Optimized OS
    Layout {
        detect: "/home/kubernetes/kubelet-config.yaml",
        kubelet_config: Some("/home/kubernetes/kubelet-config.yaml"),
        kubeconfig: Some("/var/lib/kubelet/kubeconfig"),
        ..NONE
    },
    // EKS
    Layout {
        detect: "/etc/kubernetes/kubelet/config.json",
        kubelet_config: Some("/etc/kubernetes/kubelet/config.json"),
        kubelet_config_dir: Some("/etc/kubernetes/kubelet/config.json.d"),
        kubeconfig: Some("/var/lib/kubelet/kubeconfig"),
        ..NONE
    },
];

/// The layout of this host, if it has one of those that are known.
pub fn layout(host: &dyn Host) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| !host.entry(layout.detect).is_absent())
}
