//! Where distributions of Kubernetes keep settings, for daemons that say nothing of it in their arguments: those that are a part of
//! another program, and those of an image of a disk.

use super::Host;
use crate::node::unit::Unit;
use std::collections::BTreeMap;

/// The places of one distribution.
pub struct Layout {
    /// A path that only this distribution has.
    detect: &'static str,
    /// Units that start it, and that only this distribution has.
    pub units: &'static [&'static str],
    /// The program that has a kubelet in it.
    pub program: Option<&'static str>,
    pub kubelet_config: Option<&'static str>,
    pub kubelet_config_dir: Option<&'static str>,
    /// A file with the arguments of the kubelet, one a line.
    pub kubelet_arguments: Option<&'static str>,
    pub kubeconfig: Option<&'static str>,
    pub containerd_config: Option<&'static str>,
    /// Who passes arguments on to the kubelet.
    pub passes_on: Option<PassesOn>,
    /// What variables in the kubelet's arguments stand for.
    pub variables: &'static [(&'static str, &'static str)],
}

/// A program that passes `kubelet-arg` of its arguments and of its files on, and that writes over the arguments of its process.
pub struct PassesOn {
    /// Its name, as people write it, and its program.
    pub name: &'static str,
    pub program: &'static str,
    /// Its file; more are in a folder with `.d` at the end.
    pub config: &'static str,
    /// The variable that names another file.
    pub config_variable: &'static str,
    /// The folder of its data.
    pub data: &'static str,
}

const NONE: Layout = Layout {
    detect: "",
    units: &[],
    program: None,
    kubelet_config: None,
    kubelet_config_dir: None,
    kubelet_arguments: None,
    kubeconfig: None,
    containerd_config: None,
    passes_on: None,
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
        units: &["k3s.service", "k3s-agent.service"],
        passes_on: Some(PassesOn {
            name: "k3s",
            program: "k3s",
            config: "/etc/rancher/k3s/config.yaml",
            config_variable: "K3S_CONFIG_FILE",
            data: "/var/lib/rancher/k3s",
        }),
        ..NONE
    },
    // RKE2
    Layout {
        detect: "/var/lib/rancher/rke2",
        kubelet_config_dir: Some("/var/lib/rancher/rke2/agent/etc/kubelet.conf.d"),
        kubeconfig: Some("/var/lib/rancher/rke2/agent/kubelet.kubeconfig"),
        containerd_config: Some("/var/lib/rancher/rke2/agent/etc/containerd/config.toml"),
        units: &["rke2-server.service", "rke2-agent.service"],
        passes_on: Some(PassesOn {
            name: "RKE2",
            program: "rke2",
            config: "/etc/rancher/rke2/config.yaml",
            config_variable: "RKE2_CONFIG_FILE",
            data: "/var/lib/rancher/rke2",
        }),
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

/// The layout of this host, if it has one of those that are known. Before its first start it has a unit alone.
pub fn layout(host: &dyn Host, units: &BTreeMap<String, Unit>) -> Option<&'static Layout> {
    let is_there = |layout: &&Layout| !host.entry(layout.detect).is_absent();
    LAYOUTS.iter().find(is_there).or_else(|| LAYOUTS.iter().find(|layout| layout.unit(units).is_some()))
}

impl Layout {
    /// The unit that starts the distribution.
    pub fn unit<'u>(&self, units: &'u BTreeMap<String, Unit>) -> Option<&'u Unit> {
        let known = self.units.iter().filter_map(|name| units.get(*name)).find(|unit| !unit.masked);
        // Its installer gives units other names on demand: `k3s-blue.service`.
        let prefix = self.passes_on.as_ref().map(|by| format!("{}-", by.program))?;
        known.or_else(|| units.values().find(|unit| unit.name.starts_with(&prefix) && !unit.masked))
    }
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
