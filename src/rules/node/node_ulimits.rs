//! Limits that containers inherit from their daemon.

use crate::node::Node;
use crate::node::config::Setting;
use crate::node::process::Limits;
use crate::node::unit::Assignment;
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-ulimits",
    title: "Containers have limits of open files and processes",
    docs: "A container gets the limits of its daemon, unless `default-ulimits` of docker, or `default_ulimits` of cri-o and podman, says \
less. Many units have `LimitNOFILE=infinity`, which lets one container use up the open files of the host. The hard limit decides, since each \
program may raise its soft limit to the hard one.",
    why: "one container can use up the open files or the processes of the node",
    owasp: &[79],
    severity: Severity::Low,
    params: params::<NodeUlimits>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeUlimits>,
        instead: "give daemons or their containers limits of open files and processes",
        examples: &[
            NodeExample {
                name: "docker's default",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd\n=== /proc/7/limits\nMax processes unlimited unlimited processes\nMax open files 1048576 1048576 files\n",
                results: &["fail dockerd"],
            },
            NodeExample {
                name: "a default limit",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --default-ulimit nofile=1024:4096\n",
                results: &["pass dockerd"],
            },
            NodeExample {
                name: "a default limit that is none, and one of something else",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --default-ulimit nofile=-1:-1\n=== /proc/7/cgroup\n0::/a.service\n\
=== /proc/8/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/8/cmdline\ndockerd --default-ulimit core=1 --config-file=/x.json\n=== /proc/8/cgroup\n0::/b.service\n\
=== /x.json\n{}\n=== /proc/8/limits\nMax processes unlimited unlimited processes\nMax open files 1024 1024 files\n",
                results: &["fail dockerd (a.service)", "fail dockerd (b.service)"],
            },
            NodeExample {
                name: "a soft limit that each container may raise",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --default-ulimit nofile=1024:-1\n=== /proc/7/cgroup\n0::/a.service\n\
=== /proc/8/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/8/cmdline\ndockerd --config-file=/x.json\n=== /proc/8/cgroup\n0::/b.service\n\
=== /x.json\n{\"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\", \"Soft\": 1024, \"Hard\": -1}}}\n\
=== /proc/9/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/9/cmdline\ndockerd --config-file=/y.json\n=== /proc/9/cgroup\n0::/c.service\n=== /y.json\n{}\n\
=== /proc/9/limits\nMax processes 1024 2048 processes\nMax open files 1024 1073741816 files\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1024:infinity\nLimitNPROC=1024\n",
                results: &[
                    "fail dockerd (a.service)",
                    "fail dockerd (b.service)",
                    "fail dockerd (c.service)",
                    "fail containerd",
                ],
            },
            NodeExample {
                name: "hard limits",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ndockerd --config-file=/x.json\n\
=== /x.json\n{\"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\", \"Soft\": 1024, \"Hard\": 4096}}}\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1024:4096\nLimitNPROC=1024\n",
                results: &["pass dockerd", "pass containerd"],
            },
            NodeExample {
                name: "a unit that does not limit processes",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1024\n",
                results: &["unknown containerd"],
            },
            NodeExample {
                name: "a unit that limits open files alone",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1024\nLimitNPROC=infinity\n",
                results: &["fail containerd"],
            },
            NodeExample {
                name: "containerd that does not run, by its unit",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=infinity\n",
                results: &["fail containerd"],
            },
            NodeExample {
                name: "no runtime",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container runtimes"],
            },
        ],
    }),
};

/// Parameters of `node-ulimits`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeUlimits {
    /// Open files and processes that a daemon without default limits may have. Default: 1048576.
    max: u64,
}

impl Default for NodeUlimits {
    fn default() -> Self {
        Self { max: 1_048_576 }
    }
}

fn about(subject: &str) -> About<'_> {
    About::new(subject, &["D2.8", "D5.19"])
}

impl NodeCheck for NodeUlimits {
    fn check(&self, node: &Node, results: &mut Results) {
        if !node.has_runtime() {
            return results
                .not_applicable(about("container runtimes"), "no docker, containerd, cri-o or podman is there");
        }
        let dockers = node
            .docker
            .iter()
            .map(|docker| (&docker.name, docker.pid, &docker.config, "default-ulimits", "docker.service"));
        let containerds =
            node.containerd.iter().map(|daemon| (&daemon.name, daemon.pid, &daemon.config, "", "containerd.service"));
        let crios = node
            .crio
            .iter()
            .map(|daemon| (&daemon.name, daemon.pid, &daemon.config, "crio.runtime.default_ulimits", "crio.service"));
        let key = "containers.default_ulimits";
        for daemon in &node.podman {
            let setting = daemon.config.get(key);
            if results.doubtful(about(&daemon.name), &daemon.config)
                || self.by_setting(&daemon.name, key, setting, results)
            {
                continue;
            }
            let why = "without default_ulimits its containers have the limits of the user who starts them";
            results.unknown(about(&daemon.name), why);
        }
        for (name, pid, config, key, unit) in dockers.chain(containerds).chain(crios) {
            if results.doubtful(about(name), config) {
                continue;
            }
            if self.by_setting(name, key, config.get(key), results) {
                continue;
            }
            let process = pid.and_then(|pid| node.processes.iter().find(|process| process.pid == pid));
            match process.and_then(|process| process.limits) {
                Some(limits) => self.judge(node, (name, pid), limits, unit, results),
                None => self.by_unit(node, name, unit, results),
            }
        }
    }
}

impl NodeUlimits {
    /// Whether a unit's limit, `SOFT:HARD` or one number, is low enough.
    fn accepts(&self, limit: &str) -> bool {
        hard(limit).is_some_and(|hard| hard <= self.max)
    }

    /// Judges the daemon's limits for its containers. Returns whether it has any of open files or processes.
    fn by_setting(&self, name: &str, key: &str, setting: Option<&Setting>, results: &mut Results) -> bool {
        let Some(setting) = setting.filter(|setting| limits_of(setting).next().is_some()) else { return false };
        let too_many = |(_, hard): &(String, Option<u64>)| hard.is_none_or(|hard| hard > self.max);
        if let Some((limit, _)) = limits_of(setting).find(too_many) {
            let fix = format!("set {limit} in `{key}` to {} at most, and restart the daemon", self.max);
            let wanted = format!("at most {}", self.max);
            results.fail(about(name), Severity::Low, Evidence::of(key, setting), wanted, fix);
        } else {
            results.pass(about(name), Evidence::of(key, setting));
        }
        true
    }

    fn judge(&self, node: &Node, (name, pid): (&str, Option<u32>), limits: Limits, unit: &str, results: &mut Results) {
        let display = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
        let evidence = Evidence::new(
            format!("open files {}, processes {}", display(limits.open_files), display(limits.processes)),
            format!("/proc/{}/limits", pid.unwrap_or(0)),
        );
        let too_many = |limit: Option<u64>| limit.is_none_or(|limit| limit > self.max);
        if too_many(limits.open_files) || too_many(limits.processes) {
            let limits = ["LimitNOFILE", "LimitNPROC"].map(|key| format!("{key}={}", self.max));
            let fix = super::repairs::limit(node, pid, unit, &limits);
            results.fail(
                about(name),
                Severity::Low,
                evidence,
                format!("at most {} of each, or default limits", self.max),
                fix,
            );
        } else {
            results.pass(about(name), evidence);
        }
    }

    fn by_unit(&self, node: &Node, name: &str, unit: &str, results: &mut Results) {
        let Some(found) = node.units.get(unit) else {
            return results.unknown(about(name), "neither the limits of its process nor its unit can be read");
        };
        let limits = ["LimitNOFILE", "LimitNPROC"].into_iter().filter_map(|key| found.last("Service", key));
        // One command writes all of them.
        let too_many: Vec<&Assignment> = limits.clone().filter(|limit| !self.accepts(&limit.value)).collect();
        if !too_many.is_empty() {
            let all = |of: &dyn Fn(&&Assignment) -> String| too_many.iter().map(of).collect::<Vec<_>>();
            let found = all(&|limit| format!("{}={}", limit.key, limit.value)).join(", ");
            let source = all(&|limit| format!("{}:{}", limit.path, limit.line)).join(", ");
            let fix = super::repairs::limit(node, None, unit, &all(&|limit| format!("{}={}", limit.key, self.max)));
            let wanted = format!("at most {}", self.max);
            return results.fail(about(name), Severity::Low, Evidence::new(found, source), wanted, fix);
        }
        match found.last("Service", "LimitNOFILE") {
            Some(_) if found.last("Service", "LimitNPROC").is_none() => {
                results.unknown(about(name), "its unit limits open files alone, and it does not run");
            }
            Some(limit) => {
                let found: Vec<String> = limits.map(|limit| format!("{}={}", limit.key, limit.value)).collect();
                results.pass(about(name), Evidence::new(found.join(", "), format!("{}:{}", limit.path, limit.line)));
            }
            None => results.unknown(about(name), "its unit has no limits, and it does not run"),
        }
    }
}

/// The hard one of `SOFT:HARD`, which stands for both where it is alone. None is no limit.
fn hard(limit: &str) -> Option<u64> {
    limit.rsplit(':').next()?.trim().parse().ok()
}

/// The hard limits of open files and processes of a setting, by name: `nofile=SOFT:HARD` of a list, or the `Hard` of an object. -1 is no
/// limit.
fn limits_of(setting: &Setting) -> impl Iterator<Item = (String, Option<u64>)> {
    let from_list = setting.texts().into_iter().filter_map(|text| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_owned(), hard(value)))
    });
    let from_object = setting.value.as_object().into_iter().flatten().map(|(name, limit)| {
        let mut keys = limit.as_object().into_iter().flatten();
        let hard = keys.find(|(key, _)| key.eq_ignore_ascii_case("hard")).and_then(|(_, value)| value.as_u64());
        (name.clone(), hard)
    });
    let all: Vec<(String, Option<u64>)> = from_list.chain(from_object).collect();
    all.into_iter().filter(|(name, _)| matches!(name.as_str(), "nofile" | "nproc"))
}
