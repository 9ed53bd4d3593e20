//! Versions of the host and its daemons.

use crate::image::end_of_life::announced;
use crate::node::Node;
use crate::node::os::newest;
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use crate::text::version_numbers;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

pub static RULE: Rule = Rule {
    id: "node-versions",
    title: "The host and its daemons are up to date, and run what is installed",
    docs: "The support of the distribution has not ended (by `SUPPORT_END`, or the dates that its project announced), no restart of the host is due, the newest kernel on disk is the one that runs, and \
no daemon is older than its program. `minimum` has the least version of a product: `{docker: \"24.0\", containerd: \"1.7.27\"}`. Versions of \
distributions' packages are no upstream versions (they get repairs without a new number), so without `minimum` nothing is compared, and the \
result is \"not applicable\".",
    why: "known faults of the kernel and the runtime are ways out of a container",
    owasp: &[84, 85],
    severity: Severity::Medium,
    params: params::<NodeVersions>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeVersions>,
        instead: "upgrade, and restart what still runs the old version",
        examples: &[
            NodeExample {
                name: "a restart is due, and the support has ended",
                params: "",
                host: "=== /etc/os-release\nID=x\nPRETTY_NAME=X\nSUPPORT_END=2020-01-01\n=== /run/reboot-required\n=== /proc/1/status\nName: init\n\
=== /proc/sys/kernel/osrelease\n6.1.0-9\n=== /lib/modules/6.1.0-9/x\n=== /lib/modules/6.1.0-10/x\n",
                results: &["fail the distribution", "fail the kernel"],
            },
            NodeExample {
                name: "a release that does not say until when it is supported",
                params: "",
                host: "=== /etc/os-release\nID=debian\nVERSION_ID=\"9\"\nPRETTY_NAME=Debian\n",
                results: &["fail the distribution", "unknown the kernel"],
            },
            NodeExample {
                name: "older than the minimum",
                params: r#"{"minimum":{"docker":"24.0"}}"#,
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /var/lib/dpkg/status\nPackage: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n",
                results: &["fail dockerd"],
            },
            NodeExample {
                name: "up to date",
                params: r#"{"minimum":{"docker":"20.10.24"}}"#,
                host: "=== /etc/os-release\nID=debian\nPRETTY_NAME=Debian\nSUPPORT_END=2999-01-01\n=== /proc/1/status\nName: init\n=== /proc/sys/kernel/osrelease\n6.1.0-10\n\
=== /lib/modules/6.1.0-10/x\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /var/lib/dpkg/status\nPackage: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n",
                results: &["pass the distribution", "pass the kernel", "pass dockerd"],
            },
            NodeExample {
                name: "no minimum to compare with",
                params: r#"{"minimum":{"kubelet":"1.33"}}"#,
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n",
                results: &["notApplicable dockerd", "unknown kubelet"],
            },
            NodeExample {
                name: "the version of a package, and a program that is another one",
                params: r#"{"minimum":{"docker":"20.10.24"}}"#,
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/local/bin/dockerd\n\
=== /var/lib/dpkg/status\nPackage: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n",
                results: &["unknown dockerd"],
            },
            NodeExample {
                name: "nothing is known",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["unknown the distribution", "unknown the kernel"],
            },
        ],
    }),
};

/// Parameters of `node-versions`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeVersions {
    /// The least version of `docker`, `containerd`, `crio`, `podman` and `kubelet`. Default: none.
    minimum: BTreeMap<String, String>,
}

impl NodeCheck for NodeVersions {
    fn check(&self, node: &Node, results: &mut Results) {
        distribution(node, results);
        kernel(node, results);
        let dockers = node.docker.iter().map(|docker| ("docker", &docker.name, &docker.version, docker.pid));
        let of = |product: &'static str| {
            move |daemon: &'_ crate::node::Daemon| (product, daemon.name.clone(), daemon.version.clone(), daemon.pid)
        };
        let mut all: Vec<(&str, String, Option<String>, Option<u32>)> =
            dockers.map(|(product, name, version, pid)| (product, name.clone(), version.clone(), pid)).collect();
        all.extend(node.containerd.iter().map(of("containerd")));
        all.extend(node.crio.iter().map(of("crio")));
        all.extend(node.podman.iter().map(of("podman")));
        all.extend(
            node.kubelet.iter().map(|kubelet| ("kubelet", kubelet.name.clone(), kubelet.version.clone(), kubelet.pid)),
        );
        for (product, name, version, pid) in all {
            let outdated = pid.and_then(|pid| node.outdated.get(&pid));
            if let Some(program) = outdated {
                let evidence = Evidence::new(
                    format!("{program} is newer than the process"),
                    format!("process {}", pid.unwrap_or(0)),
                );
                let fix = super::repairs::restart(node, pid, product);
                results.fail(
                    About::new(&name, &["D1.2.2"]),
                    Severity::Medium,
                    evidence,
                    "the program that is installed",
                    fix,
                );
                continue;
            }
            let Some(minimum) = self.minimum.get(product) else {
                let known = version.map(|version| format!(" the version {version}")).unwrap_or_default();
                let why = format!("the policy has no `minimum` for {product} to compare{known} with");
                results.not_applicable(About::new(&name, &["D1.2.2"]), why);
                continue;
            };
            match version {
                Some(version)
                    if newest([version.as_str(), minimum.as_str()].into_iter()) == Some(minimum)
                        && version_numbers(&version) != version_numbers(minimum) =>
                {
                    let evidence = Evidence::new(version, "the package database");
                    results.fail(
                        About::new(&name, &["D1.2.2"]),
                        Severity::Medium,
                        evidence,
                        format!("{minimum} or newer"),
                        super::repairs::upgrade(node, product, program_of(node, product, pid).as_deref()),
                    );
                }
                Some(version) => match foreign_program(node, product, pid) {
                    Some(program) => {
                        let why = format!(
                            "the package has version {version}, and its program is {program}, which may be another one"
                        );
                        results.unknown(About::new(&name, &["D1.2.2"]), why);
                    }
                    None => {
                        results.pass(About::new(&name, &["D1.2.2"]), Evidence::new(version, "the package database"));
                    }
                },
                None => results.unknown(About::new(&name, &["D1.2.2"]), "no package database has its version"),
            }
        }
    }
}

/// The program of a daemon: that of its process, or of its unit.
fn program_of(node: &Node, product: &str, pid: Option<u32>) -> Option<String> {
    let process = pid.and_then(|pid| node.processes.iter().find(|process| process.pid == pid));
    let of_unit = || node.units.get(&format!("{product}.service"))?.command();
    let command = process.map(|process| process.arguments.clone()).or_else(of_unit);
    let found = command.and_then(|command| command.into_iter().next());
    found.or_else(|| (product == "podman").then(|| "/usr/bin/podman".to_owned()))
}

/// The program of a daemon, where it is not where packages put theirs, or is not known.
fn foreign_program(node: &Node, product: &str, pid: Option<u32>) -> Option<String> {
    let folders = ["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/libexec/", "/usr/lib/"];
    match program_of(node, product, pid) {
        Some(program) => {
            let is_foreign = program.starts_with('/') && !folders.iter().any(|folder| program.starts_with(folder));
            is_foreign.then_some(program)
        }
        None => Some("unknown".to_owned()),
    }
}

fn distribution(node: &Node, results: &mut Results) {
    let about = About::new("the distribution", &[]);
    let Some(os) = node.os.is() else {
        return results.unknown(about, "/etc/os-release cannot be read");
    };
    let today = jiff::Timestamp::from_second(node.taken).map(|now| now.to_zoned(jiff::tz::TimeZone::UTC).date());
    let own = os.support_end.as_deref().and_then(|text| text.parse::<jiff::civil::Date>().ok());
    let source = if own.is_some() { "/etc/os-release" } else { "the dates of its project" };
    match (own.or_else(|| announced(&os.id, &os.version)), today) {
        (Some(end), Ok(today)) if end < today => {
            let evidence = Evidence::new(format!("the support of {} ended on {end}", os.name), source);
            results.fail(about, Severity::High, evidence, "a supported release", "upgrade the distribution");
        }
        (Some(end), Ok(_)) => {
            results.pass(about, Evidence::new(format!("{} is supported until {end}", os.name), source));
        }
        _ => results.unknown(
            about,
            format!(
                "{} does not say in /etc/os-release until when it is supported, and podreeve does not know it",
                os.name
            ),
        ),
    }
}

fn kernel(node: &Node, results: &mut Results) {
    let about = About::new("the kernel", &[]);
    let kernel = &node.kernel;
    if kernel.release.is_empty() {
        return results.unknown(about, "the root has no running kernel");
    }
    if kernel.reboot_required {
        let evidence = Evidence::new("a restart is due", "/run/reboot-required");
        return results.fail(
            about,
            Severity::Medium,
            evidence,
            "the newest installed kernel and libraries run",
            super::repairs::restart_host(node),
        );
    }
    match &kernel.newest {
        Some(newest) if version_numbers(newest) > version_numbers(&kernel.release) => {
            let evidence = Evidence::new(format!("{} runs, and {newest} is installed", kernel.release), "/lib/modules");
            results.fail(
                about,
                Severity::Medium,
                evidence,
                "the newest installed kernel runs",
                super::repairs::restart_host(node),
            );
        }
        Some(_) => results.pass(about, Evidence::new(kernel.release.clone(), "/proc/sys/kernel/osrelease")),
        None => results.unknown(about, "no kernels are in /lib/modules, so the newest one is unknown"),
    }
}
