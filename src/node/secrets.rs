//! Hides the secrets of a snapshot, so that no dump, report or event can have them: values of settings and variables whose name says that
//! they are secret, parts of command lines, and the users and passwords of URLs. What rules ask about stays.

mod configs;
mod kept;
mod kernel;
mod names;
mod texts;
mod units;

use super::config::Config;
use super::process::{Process, program};
use super::{Node, Read};
use std::collections::BTreeSet;
use texts::{Words, text};

pub use names::HIDDEN;

/// Secrets that are looked for in the sentences about settings. With more of them no such sentence is kept.
const MOST_SECRETS: usize = 1000;

/// A shorter value is no secret, and would be a part of too many words.
const SHORTEST: usize = 4;

/// The secrets that were hidden, as other sentences may repeat them.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    found: BTreeSet<String>,
    too_many: bool,
}

impl Secrets {
    fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST || secret == HIDDEN {
            return;
        }
        if self.found.len() < MOST_SECRETS {
            self.found.insert(secret.to_owned());
        } else {
            self.too_many = true;
        }
    }

    /// A sentence about settings, without the secrets that were found before.
    fn sentence(&mut self, sentence: &mut String) {
        text(sentence, self);
        if self.too_many {
            "podreeve hides this reason, because the host has more secrets than it looks for".clone_into(sentence);
        }
        // The longest first: another may be a part of it.
        let mut all: Vec<&String> = self.found.iter().filter(|secret| sentence.contains(secret.as_str())).collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in all {
            *sentence = sentence.replace(secret.as_str(), HIDDEN);
        }
    }
}

/// Hides all secrets. A part of a snapshot that is new does not compile here before its author says whether it can have any.
pub fn hide(node: &mut Node) {
    let secrets = &mut Secrets::default();
    let Node {
        processes,
        units,
        kernel: of_kernel,
        docker,
        containerd,
        crio,
        podman,
        kubelet,
        containers_policy,
        audit,
        // Names, numbers, paths, owners and modes.
        api_version: _,
        kind: _,
        name: _,
        taken: _,
        host_ids: _,
        offline: _,
        os: _,
        security_modules: _,
        accounts: _,
        mounts: _,
        listeners: _,
        unix_listeners: _,
        interfaces: _,
        enabled_units: _,
        enabled_unread: _,
        files: _,
        planned_sockets: _,
        certificates: _,
        private_keys: _,
        cni: _,
        folders: _,
        docker_images: _,
        podman_unused: _,
        podman_prune: _,
        pids_limits: _,
        log_forwarding: _,
        content_trust: _,
        outdated: _,
    } = node;
    for process in processes {
        arguments(process, secrets);
    }
    for unit in units.values_mut() {
        units::hide(unit, secrets);
    }
    kernel::hide(&mut of_kernel.arguments, secrets);
    for (address, source) in docker.iter_mut().flat_map(|docker| &mut docker.socket_streams) {
        text(address, secrets);
        configs::source(source, secrets);
    }
    let daemons = containerd.iter_mut().chain(crio).chain(podman);
    let all = daemons.flat_map(|daemon| [&mut daemon.config, &mut daemon.registries]);
    let mut all: Vec<&mut Config> = all.chain(docker.iter_mut().map(|docker| &mut docker.config)).collect();
    for config in &mut all {
        configs::hide(config, true, secrets);
    }
    // All settings of a kubelet are known, and none is a secret but those whose name says so.
    for kubelet in kubelet {
        configs::hide(&mut kubelet.config, false, secrets);
        all.push(&mut kubelet.config);
    }
    if let Read::Is(policy) = containers_policy {
        configs::value("", policy, secrets);
    }
    // Reasons come last, when all secrets are known.
    let of_settings = all.into_iter().flat_map(|config| &mut config.doubts);
    let of_units = units.values_mut().flat_map(|unit| &mut unit.doubts);
    let of_rules = audit.lists.iter_mut().flat_map(|list| &mut list.entries).filter_map(|entry| entry.dropped.as_mut());
    for reason in of_settings.chain(of_units).chain(&mut audit.unread).chain(of_rules) {
        secrets.sentence(reason);
    }
}

/// Programs with tokens and data stores in their arguments: of those only the flags that rules ask about keep their value.
const SERVERS: &[&str] = &["k3s", "k3s-server", "k3s-agent", "rke2", "k0s", "kubelite"];

/// Those flags.
const KEPT: &[&str] =
    &["kubelet-arg", "config", "data-dir", "docker", "container-runtime-endpoint", "kubelet-extra-args", "snapshotter"];

/// The subcommands of those programs that are a server. Another one may start a container, whose command may be anything.
const DAEMONS: &[&str] = &["server", "agent", "controller", "worker"];

fn arguments(process: &mut Process, secrets: &mut Secrets) {
    let name = program(&process.arguments).to_owned();
    let subcommand = process.arguments.get(1).map_or("", String::as_str);
    if SERVERS.contains(&name.as_str()) {
        if subcommand.is_empty() || subcommand.starts_with('-') || DAEMONS.contains(&subcommand) {
            server(&mut process.arguments, secrets);
        } else {
            keep_subcommand(process);
        }
    }
    if name == "podman" && !is_service(&process.arguments) {
        keep_subcommand(process);
    }
    let mut words = Words::default();
    for argument in &mut process.arguments {
        words.hide(argument, secrets);
    }
}

/// Subcommands of these programs. Another word in their place may be anything.
const SUBCOMMANDS: &[&str] = &[
    "attach",
    "build",
    "certificate",
    "check-config",
    "container",
    "cp",
    "create",
    "crictl",
    "ctr",
    "etcd-snapshot",
    "events",
    "exec",
    "generate",
    "image",
    "images",
    "inspect",
    "kube",
    "kubectl",
    "load",
    "login",
    "logs",
    "manifest",
    "network",
    "play",
    "pod",
    "ps",
    "pull",
    "push",
    "rm",
    "rmi",
    "run",
    "save",
    "secret",
    "secrets-encrypt",
    "start",
    "stop",
    "system",
    "tag",
    "token",
    "unshare",
    "volume",
    "wait",
];

fn keep_subcommand(process: &mut Process) {
    process.arguments.truncate(2);
    if let Some(word) = process.arguments.get_mut(1).filter(|word| !SUBCOMMANDS.contains(&word.as_str())) {
        HIDDEN.clone_into(word);
    }
}

/// Whether podman is started as `podman system service`, with flags before it.
fn is_service(arguments: &[String]) -> bool {
    let is_flag = |at: usize| arguments.get(at).is_some_and(|argument| argument.starts_with('-'));
    let found = arguments.windows(2).position(|pair| pair == ["system", "service"]);
    found.is_some_and(|at| (1..at).all(|before| is_flag(before) || (before > 1 && is_flag(before - 1))))
}

/// Keeps the names of all flags, and the values of a few.
fn server(arguments: &mut [String], secrets: &mut Secrets) {
    let mut kept = true;
    // The program and its subcommand.
    for argument in arguments.iter_mut().skip(2) {
        let Some(flag) = argument.strip_prefix('-') else {
            if !std::mem::replace(&mut kept, true) {
                secrets.add(argument);
                HIDDEN.clone_into(argument);
            }
            continue;
        };
        let name = flag.trim_start_matches('-').split('=').next().unwrap_or_default().to_owned();
        kept = KEPT.contains(&name.as_str());
        if let Some((flag, value)) = argument.clone().split_once('=').filter(|_| !kept) {
            secrets.add(value);
            *argument = format!("{flag}={HIDDEN}");
        }
    }
}

#[cfg(test)]
mod tests;
