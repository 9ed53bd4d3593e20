//! Settings of dockerd. It does not start where a flag and `daemon.json` have the same key, so a value is changed where it stands.

use super::flags::{self, Flag, escaped};
use super::services::{Service, is_read_only, of_docker, with_restart};
use crate::node::config::{Setting, Source};
use crate::node::docker::{self, Docker};
use crate::node::mode::shell;
use crate::node::unit::Unit;
use crate::node::{Node, Read};

/// What a key must be.
#[derive(Clone, Copy)]
pub enum Wanted<'v> {
    /// A value as JSON.
    Is(&'v str),
    /// Not set: the default is what is wanted, in all versions.
    Unset,
}

/// What to know before a key is set.
const NOTES: &[(&str, &str)] =
    &[("userns-remap", "images and containers of before stay in the old folder, and are not seen until it is unset")];

/// Sets a key of docker where its value comes from, and restarts it.
pub fn docker_set(node: &Node, docker: &Docker, key: &str, setting: &Setting, wanted: Wanted<'_>) -> String {
    let mut fix = match &setting.source {
        Source::Flag { argument, .. } => by_flag(node, docker, key, argument, wanted),
        Source::File { .. } | Source::Default { .. } => in_file(node, docker, key, wanted),
    };
    if let Some((_, note)) = NOTES.iter().find(|(name, _)| *name == key) {
        fix = format!("{fix} # {note}");
    }
    fix
}

fn by_flag(node: &Node, docker: &Docker, key: &str, argument: &str, wanted: Wanted<'_>) -> String {
    let new = match wanted {
        Wanted::Is(value) => format!("--{key}={}", value.trim_matches('"')),
        Wanted::Unset => String::new(),
    };
    let what = match wanted {
        Wanted::Is(_) => format!("replace {argument} with {new}"),
        Wanted::Unset => format!("remove {argument}"),
    };
    let service = of_docker(node, docker);
    let Service::Unit(name) = service else {
        let place = match service {
            Service::OfUser { .. } => "~/.config/systemd/user/docker.service (systemctl --user edit --full docker)",
            Service::Snap(_) => "the command of the snap",
            _ => "the arguments of dockerd",
        };
        return format!("{what} in {place}, and start dockerd again");
    };
    let spelled: Vec<&str> = argument.split(' ').collect();
    let pattern = spelled.iter().map(|word| escaped(word)).collect::<Vec<_>>().join("[[:space:]]+");
    let is_in = |command: &[String]| {
        let config = docker::flags(command, None);
        let is_it =
            |setting: &Setting| matches!(&setting.source, Source::Flag { argument: own, .. } if own == argument);
        config.get(key).is_some_and(is_it) && command.windows(spelled.len()).any(|words| words == spelled)
    };
    let change = |unit: &Unit| flags::change(unit, &Flag { pattern: pattern.clone(), new: new.clone(), is_in: &is_in });
    match node.units.get(name).filter(|_| !is_read_only(node, "/etc")).and_then(change) {
        Some(commands) => with_restart(&commands, &service, "dockerd", docker.pid.is_some()),
        None => format!("{what} where {name} has it (systemctl cat {name}), and restart docker"),
    }
}

fn in_file(node: &Node, docker: &Docker, key: &str, wanted: Wanted<'_>) -> String {
    let program = match wanted {
        Wanted::Is(value) => format!(".\"{key}\" = {value}"),
        Wanted::Unset => format!("del(.\"{key}\")"),
    };
    if is_read_only(node, &docker.config_file) {
        return format!(
            "{} is on a read-only file system: apply `{program}` to it in the image of the host",
            docker.config_file
        );
    }
    let file = shell(&docker.config_file);
    let mut commands = Vec::new();
    if !matches!(node.file(&docker.config_file), Some(Read::Is(_))) {
        let folder = docker.config_file.rsplit_once('/').map_or("/", |(folder, _)| folder);
        commands.push(format!("mkdir -p {}", shell(folder)));
        commands.push(format!("{{ [ -s {file} ] || echo '{{}}' > {file}; }}"));
    }
    // The file keeps its owner, its mode and the links that lead to it.
    commands.push(format!("new=$(jq {} {file})", shell(&program)));
    commands.push(format!("printf '%s\\n' \"$new\" > {file}"));
    with_restart(&commands, &of_docker(node, docker), "docker", docker.pid.is_some())
}
