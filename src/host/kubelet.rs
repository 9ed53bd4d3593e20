//! Every kubelet of a host, those that are a part of another program included.

use super::instances::{Instance, instances, package_version};
use super::layouts::Layout;
use super::{Host, text};
use crate::node::Read;
use crate::node::config::Config;
use crate::node::has_extension;
use crate::node::kubelet::{self, Kubelet};
use crate::node::mode::FileKind;
use crate::node::process::{Process, program};
use crate::node::unit::Unit;
use std::collections::BTreeMap;

pub fn kubelets(
    host: &dyn Host,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
    layout: Option<&Layout>,
) -> Vec<Kubelet> {
    let mut all = instances(host, "kubelet", &["kubelet.service"], processes, units);
    if let Some(layout) = layout {
        add_embedded(host, processes, layout, &mut all);
    }
    all.into_iter().map(|instance| kubelet(host, instance, layout)).collect()
}

/// The kubelet of a program that has one in it, or of an image of a disk without a unit for it.
fn add_embedded<'p>(host: &dyn Host, processes: &'p [Process], layout: &Layout, all: &mut Vec<Instance<'p>>) {
    if !all.is_empty() {
        return;
    }
    let by_program = |name: &&str| {
        let is_it = |process: &&Process| !process.in_container() && program(&process.arguments) == *name;
        processes.iter().find(is_it)
    };
    let process = layout.program.as_ref().and_then(by_program);
    if process.is_none() && !processes.is_empty() {
        return;
    }
    let mut arguments = vec!["kubelet".to_owned()];
    let mut config = Config::default();
    if let Some(path) = layout.kubelet_arguments {
        match text(host, path) {
            Read::Is(content) => arguments.extend(crate::node::unit::words(&content.replace('\n', " "))),
            Read::Absent => {}
            other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
        }
    }
    all.push(Instance { process, arguments, name: "kubelet".to_owned(), config });
}

fn kubelet(host: &dyn Host, instance: Instance<'_>, layout: Option<&Layout>) -> Kubelet {
    let mut config = instance.config.clone();
    let named = |name: &str| kubelet::flag(&instance.arguments, name);
    // A kubelet that runs by itself has said all in its arguments.
    let is_silent = named("config").is_none()
        && named("config-dir").is_none()
        && instance.process.is_none_or(|process| program(&process.arguments) != "kubelet");
    let placed = |of: fn(&Layout) -> Option<&'static str>| {
        let path = layout.filter(|_| is_silent).and_then(of);
        path.filter(|path| !host.entry(path).is_absent()).map(str::to_owned)
    };
    let config_file = named("config").or_else(|| placed(|layout| layout.kubelet_config));
    let config_dir = named("config-dir").or_else(|| placed(|layout| layout.kubelet_config_dir));
    let mut files: Vec<String> = config_file.iter().cloned().collect();
    if let Some(folder) = &config_dir {
        conf_files(host, folder, 0, &mut files);
    }
    for path in &files {
        match text(host, path) {
            Read::Is(content) => kubelet::add_file(&mut config, path, &content),
            Read::Absent => config.doubt(format!("{path} does not exist")),
            other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
        }
        instance.compare_age(host, &mut config, path, "the kubelet");
    }
    kubelet::add_flags(&mut config, &instance.arguments, instance.pid());
    let kubeconfig = named("kubeconfig").or_else(|| {
        let path = layout.and_then(|layout| layout.kubeconfig);
        path.filter(|path| is_silent && !host.entry(path).is_absent()).map(str::to_owned)
    });
    let root = named("root-dir").unwrap_or_else(|| "/var/lib/kubelet".to_owned());
    let pki = named("cert-dir").unwrap_or_else(|| format!("{root}/pki"));
    Kubelet {
        pid: instance.pid(),
        version: package_version(host, &["kubelet"]),
        config,
        config_file,
        config_dir,
        config_files: files,
        kubeconfig,
        root,
        pki,
        name: instance.name,
    }
}

/// Files `*.conf` of a folder and of the folders in it, in the order in which the kubelet reads them.
fn conf_files(host: &dyn Host, folder: &str, depth: usize, files: &mut Vec<String>) {
    for name in host.list(folder).is().into_iter().flatten() {
        let path = format!("{folder}/{name}");
        let is_folder = host.entry(&path).is().is_some_and(|entry| entry.kind == FileKind::Folder);
        if is_folder && depth < 8 {
            conf_files(host, &path, depth + 1, files);
        } else if has_extension(name, &["conf"]) {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::{layouts::layout, processes::processes, units};

    fn found(text: &str) -> Vec<Kubelet> {
        let host = Fake::read(text);
        let (processes, units) = (processes(&host), units::daemons(&host));
        kubelets(&host, &processes, &units, layout(&host))
    }

    #[test]
    fn the_kubelet_in_another_program() {
        let k3s = found(
            "=== /proc/7/status\nName: k3s-agent\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/local/bin/k3s agent\n\
=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-defaults.conf\npodPidsLimit: 7\n",
        );
        assert_eq!(k3s[0].setting("podPidsLimit").value, 7);
        assert_eq!(k3s[0].pid, Some(7));
        let microk8s = found(
            "=== /proc/7/status\nName: kubelite\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/snap/microk8s/1/kubelite --x\n\
=== /var/snap/microk8s/current/args/kubelet\n--anonymous-auth=false\n--pod-max-pids=9\n",
        );
        assert_eq!(microk8s[0].setting("podPidsLimit").value, 9);
        let none = found("=== /proc/7/status\nName: sh\n=== /var/lib/rancher/k3s/data/x\n");
        assert!(none.is_empty(), "it is installed, and it does not run");
    }

    #[test]
    fn images_of_disks() {
        let eks = found(
            "=== /etc/kubernetes/kubelet/config.json\n{\"kind\": \"KubeletConfiguration\", \"readOnlyPort\": 0}\n",
        );
        assert_eq!(eks[0].config_file.as_deref(), Some("/etc/kubernetes/kubelet/config.json"));
        let kubeadm = found(
            "=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n\
=== /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf\n[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS\n\
=== /var/lib/kubelet/kubeadm-flags.env\nKUBELET_KUBEADM_ARGS=\"--pod-max-pids=5\"\n=== /var/lib/kubelet/config.yaml\nkind: KubeletConfiguration\n",
        );
        assert_eq!(kubeadm[0].setting("podPidsLimit").value, 5);
        assert!(kubeadm[0].config.doubts.is_empty(), "{:?}", kubeadm[0].config.doubts);
    }
}
