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
    /// A file of the program whose `kubelet-arg` goes to the kubelet; more are in a folder with `.d` at the end.
    pub program_config: Option<&'static str>,
    /// What variables in the kubelet's arguments stand for.
    pub variables: &'static [(&'static str, &'static str)],
}

const NONE: Layout = Layout {
    detect: "",
    program: None,
    kubelet_config: None,
    kubelet_config_dir: None,
    kubelet_arguments: None,
    kubeconfig: None,
    containerd_config: None,
    program_config: None,
    variables: &[],
};

static LAYOUTS: [Layout; 7] = [
    // k3s
    Layout {
        detect: "/var/lib/rancher/k3s",
        program: Some("k3s"),
        kubelet_config_dir: Some("/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"),
        kubeconfig: Some("/var/lib/rancher/k3s/agent/kubelet.kubeconfig"),
        containerd_config: Some("/var/lib/rancher/k3s/agent/etc/containerd/config.toml"),
        program_config: Some("/etc/rancher/k3s/config.yaml"),
        ..NONE
    },
    // RKE2
    Layout {
        detect: "/var/lib/rancher/rke2",
        kubelet_config_dir: Some("/var/lib/rancher/rke2/agent/etc/kubelet.conf.d"),
        kubeconfig: Some("/var/lib/rancher/rke2/agent/kubelet.kubeconfig"),
        containerd_config: Some("/var/lib/rancher/rke2/agent/etc/containerd/config.toml"),
        program_config: Some("/etc/rancher/rke2/config.yaml"),
        ..NONE
    },
    // MicroK8s
    Layout {
        detect: "/var/snap/microk8s",
        program: Some("kubelite"),
        kubelet_arguments: Some("/var/snap/microk8s/current/args/kubelet"),
        kubeconfig: Some("/var/snap/microk8s/current/credentials/kubelet.config"),
        containerd_config: Some("/var/snap/microk8s/current/args/containerd.toml"),
        variables: &[
            ("SNAP", "/snap/microk8s/current"),
            ("SNAP_DATA", "/var/snap/microk8s/current"),
            ("SNAP_COMMON", "/var/snap/microk8s/common"),
        ],
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

/// The arguments that the snap of docker gives dockerd; none for another command. It asks snapd for the folder of data, which has this default.
pub fn snap_arguments(command: &[String]) -> Option<Vec<String>> {
    let [program, run, app] = command else { return None };
    let is_docker = program.ends_with("/snap") && run == "run" && app == "docker.dockerd";
    let arguments = [
        "dockerd",
        "--group=docker",
        "--data-root=/var/snap/docker/common/var-lib-docker",
        "--config-file=/var/snap/docker/current/config/daemon.json",
    ];
    is_docker.then(|| arguments.map(str::to_owned).into())
}

#[cfg(test)]
mod tests;
