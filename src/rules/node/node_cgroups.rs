//! Control groups limit containers.

use super::repairs::{Wanted, docker_set, kubelet_set};
use crate::node::docker::Docker;
use crate::node::kubelet::Kubelet;
use crate::node::{Daemon, Node};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-cgroups",
    title: "Control groups can limit memory, CPU and processes of containers",
    docs: "A limit of a pod is a value of a control group. The host needs version 2 with the controllers `memory`, `cpu` and `pids`, the \
kubelet must make groups for its classes of pods (`cgroupsPerQOS`, `enforceNodeAllocatable: [pods]`), and docker must not put containers \
into another parent or into the host's own namespace of control groups. The kubelet and the runtime must use the same driver.",
    why: "without control groups one container can take the memory and the processes of the whole node",
    owasp: &[35, 68],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeCgroups>,
        instead: "use control groups of version 2 with memory, cpu and pids",
        examples: &[
            NodeExample {
                name: "a controller is missing, and docker has another parent",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /sys/fs/cgroup/cgroup.controllers\ncpu memory\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --cgroup-parent=/x\n",
                results: &["fail controllers", "fail dockerd: cgroup-parent", "pass dockerd: default-cgroupns-mode"],
            },
            NodeExample {
                name: "a kubelet without groups for its classes",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c --cgroups-per-qos=false\n=== /c\nenforceNodeAllocatable: []\n\
=== /sys/fs/cgroup/cgroup.controllers\ncpu memory pids\n",
                results: &["pass controllers", "fail kubelet: cgroupsPerQOS", "fail kubelet: enforceNodeAllocatable"],
            },
            NodeExample {
                name: "a kubelet and a containerd that make groups in two ways",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c --cgroup-driver=cgroupfs\n=== /c\nkind: KubeletConfiguration\n\
=== /sys/fs/cgroup/cgroup.controllers\ncpu memory pids\n=== /proc/8/status\nName: containerd\n=== /proc/8/cmdline\ncontainerd\n\
=== /etc/containerd/config.toml\nversion = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\nSystemdCgroup = true\n",
                results: &["pass controllers", "fail kubelet: cgroupDriver"],
            },
            NodeExample {
                name: "an image of a disk",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["unknown controllers"],
            },
        ],
    }),
};

/// The check of `node-cgroups`.
#[derive(Default)]
struct NodeCgroups;

impl NodeCheck for NodeCgroups {
    fn check(&self, node: &Node, results: &mut Results) {
        controllers(node, results);
        for docker in &node.docker {
            if !results.doubtful(About::new(&docker.name, &["D2.10", "D5.25"]), &docker.config) {
                judge_docker(node, docker, results);
            }
        }
        for kubelet in &node.kubelet {
            if !results.doubtful(About::new(&kubelet.name, &[]), &kubelet.config) {
                judge_kubelet(node, kubelet, results);
                driver(node, kubelet, results);
            }
        }
        for daemon in &node.podman {
            if results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                continue;
            }
            let setting = daemon.config.get("containers.cgroups");
            if let Some(setting) = setting.filter(|setting| setting.display() == "disabled") {
                let subject = format!("{}: cgroups", daemon.name);
                let fix = format!("remove `cgroups` from {}", setting.source);
                let evidence = Evidence::of("cgroups", setting);
                results.fail(About::new(&subject, &[]), Severity::Medium, evidence, "cgroups=enabled", fix);
            }
        }
        for daemon in &node.containerd {
            if results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                continue;
            }
            let off = |key: &str| key.ends_with(".disable_cgroup") || key.ends_with(".cgroup_writable");
            for (key, setting) in daemon.config.settings.iter().filter(|(key, setting)| off(key) && setting.is_true()) {
                let subject = format!("{}: {}", daemon.name, key.rsplit('.').next().unwrap_or(key));
                let fix =
                    format!("set it to false in {}, and restart containerd", super::repairs::place(&setting.source));
                results.fail(About::new(&subject, &[]), Severity::Medium, Evidence::of(key, setting), "false", fix);
            }
        }
    }
}

fn judge_docker(node: &Node, docker: &Docker, results: &mut Results) {
    let version = docker.version.as_deref();
    let subject = format!("{}: cgroup-parent", docker.name);
    let about_parent = About::new(&subject, &["D2.10"]);
    let parent = docker.config.or_default("cgroup-parent", "", "docker", version);
    let evidence = Evidence::of("cgroup-parent", &parent);
    if parent.display() == "\"\"" {
        results.pass(about_parent, evidence);
    } else {
        let fix = docker_set(node, docker, "cgroup-parent", &parent, Wanted::Unset);
        results.fail(about_parent, Severity::Low, evidence, "no other parent than docker's own", fix);
    }
    let subject = format!("{}: default-cgroupns-mode", docker.name);
    let about_mode = About::new(&subject, &["D5.25"]);
    if docker.config.get("default-cgroupns-mode").is_none() && node.offline {
        return results.unknown(about_mode, "its default depends on the control groups of the running kernel");
    }
    let default = if node.kernel.unified_cgroups { "private" } else { "host" };
    let mode = docker.config.or_default("default-cgroupns-mode", default, "docker", version);
    let evidence = Evidence::of("default-cgroupns-mode", &mode);
    if mode.display() == "private" {
        results.pass(about_mode, evidence);
    } else if docker.config.get("default-cgroupns-mode").is_none() {
        // The host fails already, because it has no control groups of version 2.
        results.not_applicable(about_mode, "on control groups of version 1 containers are in the host's namespace");
    } else {
        let fix = docker_set(node, docker, "default-cgroupns-mode", &mode, Wanted::Is("\"private\""));
        results.fail(about_mode, Severity::Low, evidence, "default-cgroupns-mode=private", fix);
    }
}

fn judge_kubelet(node: &Node, kubelet: &Kubelet, results: &mut Results) {
    let per_class = kubelet.setting("cgroupsPerQOS");
    let subject = format!("{}: cgroupsPerQOS", kubelet.name);
    let evidence = Evidence::of("cgroupsPerQOS", &per_class);
    if per_class.is_true() {
        results.pass(About::new(&subject, &[]), evidence);
    } else {
        let fix = kubelet_set(node, kubelet, &[("cgroupsPerQOS", true.into())]);
        results.fail(About::new(&subject, &[]), Severity::Medium, evidence, "cgroupsPerQOS=true", fix);
    }
    let enforced = kubelet.setting("enforceNodeAllocatable");
    let subject = format!("{}: enforceNodeAllocatable", kubelet.name);
    let evidence = Evidence::of("enforceNodeAllocatable", &enforced);
    if enforced.texts().contains(&"pods") {
        results.pass(About::new(&subject, &[]), evidence);
    } else {
        let fix = kubelet_set(node, kubelet, &[("enforceNodeAllocatable", vec!["pods"].into())]);
        results.fail(About::new(&subject, &[]), Severity::Medium, evidence, "pods among them", fix);
    }
}

/// The kubelet and the runtime must make groups in the same way. A kubelet without the setting takes it from the runtime.
fn driver(node: &Node, kubelet: &Kubelet, results: &mut Results) {
    let Some(own) = kubelet.config.get("cgroupDriver") else { return };
    // Those with doubts have an unknown result of their own.
    let is_known = |daemon: &&Daemon| daemon.config.doubts.is_empty();
    let of_containerd = |daemon: &Daemon| {
        let mut settings = daemon.config.settings.iter();
        let found = settings.find(|(key, _)| key.ends_with(".runtimes.runc.options.SystemdCgroup"));
        // Nothing is said of the default, which differs between versions.
        let setting = found?.1;
        let words = if setting.is_true() { "systemd" } else { "cgroupfs" };
        Some((words, setting.source.to_string(), super::repairs::systemd_groups(node, daemon, setting)))
    };
    let of_crio = |daemon: &Daemon| {
        let manager =
            daemon.config.or_default("crio.runtime.cgroup_manager", "systemd", "cri-o", daemon.version.as_deref());
        let words = if manager.display() == "systemd" { "systemd" } else { "cgroupfs" };
        let place = super::repairs::place(&manager.source);
        let fix = format!("set cgroup_manager = \"systemd\" in [crio.runtime] of {place}, and restart crio");
        (words, manager.source.to_string(), fix)
    };
    let runtimes = node
        .containerd
        .iter()
        .filter(is_known)
        .filter_map(of_containerd)
        .chain(node.crio.iter().filter(is_known).map(of_crio));
    let subject = format!("{}: cgroupDriver", kubelet.name);
    for (driver, source, by_systemd) in runtimes {
        if own.display() == driver {
            results.pass(About::new(&subject, &[]), Evidence::of("cgroupDriver", own));
        } else {
            let evidence =
                Evidence::new(format!("cgroupDriver={}, and {driver} in the runtime", own.display()), source);
            // Where systemd starts the host, two managers of groups are one too many.
            let is_systemd = own.display() == "systemd" && !super::repairs::has_open_rc(node);
            let fix =
                if is_systemd { by_systemd } else { kubelet_set(node, kubelet, &[("cgroupDriver", driver.into())]) };
            results.fail(About::new(&subject, &[]), Severity::Medium, evidence, "the same driver in both", fix);
        }
    }
}

fn controllers(node: &Node, results: &mut Results) {
    let about = About::new("controllers", &[]);
    if node.offline {
        return results.unknown(about, "the root has no processes, and no control groups");
    }
    if !node.kernel.unified_cgroups {
        let evidence = Evidence::new("version 1, or both", "/sys/fs/cgroup");
        let fix = "add systemd.unified_cgroup_hierarchy=1 to the kernel's arguments, and restart the host";
        return results.fail(about, Severity::Low, evidence, "control groups of version 2", fix);
    }
    let missing: Vec<&str> = ["memory", "cpu", "pids"]
        .into_iter()
        .filter(|name| !node.kernel.controllers.iter().any(|found| found == name))
        .collect();
    let evidence = Evidence::new(node.kernel.controllers.join(" "), "/sys/fs/cgroup/cgroup.controllers");
    if missing.is_empty() {
        results.pass(about, evidence);
    } else {
        let fix = format!(
            "enable {} in the kernel's arguments (cgroup_enable=memory), and restart the host",
            missing.join(", ")
        );
        results.fail(about, Severity::Medium, evidence, "memory, cpu and pids", fix);
    }
}
