//! AppArmor or SELinux confine containers.

use super::repairs::{Wanted, docker_set, security_module};
use crate::node::config::Source;
use crate::node::os::SeLinux;
use crate::node::{Daemon, Node};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-lsm",
    title: "A Linux security module and seccomp confine containers",
    docs: "AppArmor or SELinux must be on: without one, `appArmorProfile` and `seLinuxOptions` of a pod do nothing. On a host with SELinux, \
the runtime must use it (`selinux-enabled`, `enable_selinux`, `selinux`). A runtime with an unconfined seccomp profile gives every container \
all system calls.",
    why: "without a second wall, a fault of the kernel that a container reaches is enough to leave it",
    owasp: &[56, 57],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeLsm>,
        instead: "switch AppArmor or SELinux on, and let the runtime use it",
        examples: &[
            NodeExample {
                name: "AppArmor",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /sys/module/apparmor/parameters/enabled\nY\n",
                results: &["pass AppArmor"],
            },
            NodeExample {
                name: "neither, and a docker without seccomp",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --seccomp-profile=unconfined\n",
                results: &["fail AppArmor or SELinux", "fail dockerd: seccomp-profile"],
            },
            NodeExample {
                name: "SELinux that only warns, and a docker that does not use it",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /sys/fs/selinux/enforce\n0\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n",
                results: &["fail SELinux", "fail dockerd: selinux-enabled"],
            },
            NodeExample {
                name: "SELinux until the next restart, and a containerd that does not use it by default",
                params: "",
                host: "=== /proc/1/status\nName: init\n=== /sys/fs/selinux/enforce\n1\n=== /etc/selinux/config\nSELINUX=permissive\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n\
=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet\n",
                results: &["pass SELinux", "fail SELinux after a restart", "fail containerd: enable_selinux"],
            },
            NodeExample {
                name: "an image of a disk",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["unknown AppArmor or SELinux"],
            },
        ],
    }),
};

/// The check of `node-lsm`.
#[derive(Default)]
struct NodeLsm;

impl NodeCheck for NodeLsm {
    fn check(&self, node: &Node, results: &mut Results) {
        module(node, results);
        let selinux = node.security_modules.selinux.is_some();
        for docker in &node.docker {
            if results.doubtful(About::new(&docker.name, &["D5.2", "D5.3"]), &docker.config) {
                continue;
            }
            if selinux {
                let subject = format!("{}: selinux-enabled", docker.name);
                let setting = docker.config.or_default("selinux-enabled", false, "docker", docker.version.as_deref());
                if setting.is_true() {
                    results.pass(About::new(&subject, &["D5.3"]), Evidence::of("selinux-enabled", &setting));
                } else {
                    let fix = docker_set(node, docker, "selinux-enabled", &setting, Wanted::Is("true"));
                    results.fail(
                        About::new(&subject, &["D5.3"]),
                        Severity::Medium,
                        Evidence::of("selinux-enabled", &setting),
                        "selinux-enabled=true",
                        fix,
                    );
                }
            }
            let profile = docker.config.get("seccomp-profile").filter(|setting| setting.display() == "unconfined");
            if let Some(setting) = profile {
                let subject = format!("{}: seccomp-profile", docker.name);
                let fix = docker_set(node, docker, "seccomp-profile", setting, Wanted::Unset);
                results.fail(
                    About::new(&subject, &[]),
                    Severity::High,
                    Evidence::of("seccomp-profile", setting),
                    "builtin",
                    fix,
                );
            }
        }
        for daemon in node.containerd.iter().filter(|_| selinux && !node.kubelet.is_empty()) {
            default_selinux(daemon, ".enable_selinux", results);
        }
        for daemon in node.crio.iter().filter(|_| selinux) {
            default_selinux(daemon, "crio.runtime.selinux", results);
        }
        for daemon in node.containerd.iter().chain(&node.crio).chain(&node.podman) {
            if results.doubtful(About::new(&daemon.name, &["D5.2", "D5.3"]), &daemon.config) {
                continue;
            }
            let rows: [Row; 8] = [
                (".enable_selinux", |value| selinux_off(value), "true"),
                (".disable_apparmor", |value| value == "true", "false"),
                (".unset_seccomp_profile", |value| value == "unconfined", "\"\""),
                ("crio.runtime.selinux", |value| selinux_off(value), "true"),
                ("crio.runtime.seccomp_profile", |value| value == "unconfined", "\"\""),
                ("crio.runtime.apparmor_profile", |value| value == "unconfined", "\"crio-default\""),
                ("containers.seccomp_profile", |value| value == "unconfined", "\"\""),
                ("containers.label", |value| value == "false", "true"),
            ];
            for (key, setting) in &daemon.config.settings {
                let row = rows.iter().find(|(suffix, ..)| key.ends_with(suffix));
                let Some((suffix, fails, wanted)) = row.filter(|(_, fails, _)| fails(&setting.display())) else {
                    continue;
                };
                let needs_selinux = suffix.contains("selinux") || suffix.contains("label");
                if needs_selinux && !selinux || !fails(&setting.display()) {
                    continue;
                }
                let name = key.rsplit('.').next().unwrap_or(key);
                let subject = format!("{}: {name}", daemon.name);
                let place = super::repairs::place(&setting.source);
                let fix = format!("set {name} = {wanted} in {place}, and restart the daemon");
                results.fail(
                    About::new(&subject, &[]),
                    Severity::Medium,
                    Evidence::of(name, setting),
                    format!("{name}={wanted}"),
                    fix,
                );
            }
        }
    }
}

/// containerd and cri-o use SELinux only where a setting says so. containerd's setting is about the containers of a kubelet.
fn default_selinux(daemon: &Daemon, key: &str, results: &mut Results) {
    let is_set = daemon.config.settings.keys().any(|found| found.ends_with(key));
    if is_set || !daemon.config.doubts.is_empty() {
        return;
    }
    let name = key.rsplit('.').next().unwrap_or(key);
    let subject = format!("{}: {name}", daemon.name);
    let source = Source::Default { product: daemon.name.clone(), version: daemon.version.clone() };
    let file = daemon.config_files.first().map_or("its settings", String::as_str);
    let file = super::repairs::template(file).unwrap_or_else(|| file.to_owned());
    let fix = format!("set {name} = true in {file}, and restart the daemon");
    let evidence = Evidence::new(format!("{name}=false"), source);
    results.fail(About::new(&subject, &[]), Severity::Medium, evidence, format!("{name}=true"), fix);
}

/// The end of a key, which value fails, and what is wanted.
type Row = (&'static str, fn(&str) -> bool, &'static str);

fn selinux_off(value: &str) -> bool {
    value == "false"
}

/// What the next boot does with SELinux.
fn after_boot(node: &Node, results: &mut Results) {
    let Some(configured) = node.security_modules.selinux_configured.as_deref() else { return };
    if configured != "enforcing" {
        let evidence = Evidence::new(format!("SELINUX={configured}"), "/etc/selinux/config");
        let fix = "sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config";
        let about = About::new("SELinux after a restart", &["D5.3"]);
        results.fail(about, Severity::Medium, evidence, "enforcing", fix);
    }
}

fn module(node: &Node, results: &mut Results) {
    let modules = &node.security_modules;
    match (modules.apparmor, modules.selinux) {
        (true, selinux) => {
            let evidence = Evidence::new("enabled", "/sys/module/apparmor/parameters/enabled");
            results.pass(About::new("AppArmor", &["D5.2"]), evidence);
            if selinux.is_none() {
                results
                    .not_applicable(About::new("SELinux", &["D5.3"]), "AppArmor confines the containers of this host");
            }
        }
        (false, Some(SeLinux::Enforcing)) => {
            after_boot(node, results);
            results.pass(About::new("SELinux", &["D5.3"]), Evidence::new("enforcing", "/sys/fs/selinux/enforce"));
            results.not_applicable(About::new("AppArmor", &["D5.2"]), "SELinux confines the containers of this host");
        }
        (false, Some(SeLinux::Permissive)) => {
            let evidence = Evidence::new("permissive", "/sys/fs/selinux/enforce");
            let fix = "setenforce 1 && sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config";
            results.fail(About::new("SELinux", &["D5.3"]), Severity::Medium, evidence, "enforcing", fix);
        }
        (false, None) if node.offline => {
            results.unknown(About::new("AppArmor or SELinux", &[]), "the root has no /sys of a running kernel");
        }
        (false, None) => {
            let evidence = Evidence::new("neither is enabled", "/sys");
            let fix = security_module(node);
            results.fail(About::new("AppArmor or SELinux", &["D5.2"]), Severity::Medium, evidence, "one of them", fix);
        }
    }
}
