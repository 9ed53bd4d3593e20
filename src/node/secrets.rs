//! Hides the secrets of a snapshot, so that no dump, report or event can have them: values of settings and variables whose name says that
//! they are secret, parts of command lines, and the users and passwords of URLs. What rules ask about stays.

mod configs;
mod names;
mod texts;
mod units;

use super::Node;
use super::process::{Process, program};
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
            "a setting is not one of a running daemon; podreeve does not show it, beside so many secrets"
                .clone_into(sentence);
        }
        // The longest first: another may be a part of it.
        let mut all: Vec<&String> = self.found.iter().filter(|secret| sentence.contains(secret.as_str())).collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in all {
            *sentence = sentence.replace(secret.as_str(), HIDDEN);
        }
    }
}

/// Hides all secrets. A part of a snapshot that is new does not compile here before somebody says whether it can have any.
pub fn hide(node: &mut Node) {
    let secrets = &mut Secrets::default();
    for process in &mut node.processes {
        arguments(process, secrets);
    }
    for unit in node.units.values_mut() {
        units::hide(unit, secrets);
    }
    text(&mut node.kernel.arguments, secrets);
    for docker in &mut node.docker {
        configs::hide(&mut docker.config, secrets);
        for (address, source) in &mut docker.socket_streams {
            text(address, secrets);
            configs::source(source, secrets);
        }
    }
    for daemon in node.containerd.iter_mut().chain(&mut node.crio).chain(&mut node.podman) {
        configs::hide(&mut daemon.config, secrets);
        configs::hide(&mut daemon.registries, secrets);
    }
    for kubelet in &mut node.kubelet {
        configs::hide(&mut kubelet.config, secrets);
    }
    if let super::Read::Is(policy) = &mut node.containers_policy {
        configs::value("", policy, secrets);
    }
    sentences(node, secrets);
}

/// Sentences of reasons, after all secrets are known.
fn sentences(node: &mut Node, secrets: &mut Secrets) {
    let units = node.units.values_mut().flat_map(|unit| &mut unit.doubts);
    let dockers = node.docker.iter_mut().flat_map(|docker| &mut docker.config.doubts);
    let kubelets = node.kubelet.iter_mut().flat_map(|kubelet| &mut kubelet.config.doubts);
    let daemons = node.containerd.iter_mut().chain(&mut node.crio).chain(&mut node.podman);
    let others = daemons.flat_map(|daemon| daemon.config.doubts.iter_mut().chain(&mut daemon.registries.doubts));
    for sentence in units.chain(dockers).chain(kubelets).chain(others).chain(&mut node.audit.unread) {
        secrets.sentence(sentence);
    }
}

/// Programs with tokens and data stores in their arguments: of those only the flags that rules ask about keep their value.
const SERVERS: &[&str] = &["k3s", "k3s-server", "k3s-agent", "rke2", "k0s", "kubelite"];

/// Those flags.
const KEPT: &[&str] =
    &["kubelet-arg", "config", "data-dir", "docker", "container-runtime-endpoint", "kubelet-extra-args", "snapshotter"];

fn arguments(process: &mut Process, secrets: &mut Secrets) {
    let name = program(&process.arguments).to_owned();
    if SERVERS.contains(&name.as_str()) {
        server(&mut process.arguments, secrets);
    }
    // The command of a container may be anything.
    if name == "podman" && !process.arguments.iter().any(|argument| argument == "service") {
        process.arguments.truncate(2);
    }
    let mut words = Words::default();
    for argument in &mut process.arguments {
        words.hide(argument, secrets);
    }
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
