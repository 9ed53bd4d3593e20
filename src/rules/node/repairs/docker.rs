//! Settings of dockerd. It does not start where a flag and `daemon.json` have the same key, so a value is changed where it stands.

use super::flags::{self, Flag, RELOAD, escaped};
use super::services::{Service, is_read_only, of_docker, with_restart};
use crate::node::config::{Setting, Source};
use crate::node::docker::{self, Docker};
use crate::node::mode::shell;
use crate::node::{Node, Read};
use crate::text::version_numbers;

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

/// A key that must be set with another one, without which dockerd does not start: it needs the packet filter to keep containers apart.
fn companion(docker: &Docker, key: &str, wanted: Wanted<'_>) -> Option<(&'static str, Setting)> {
    let iptables = docker.config.get("iptables").filter(|setting| !setting.is_true());
    matches!((key, wanted), ("icc", Wanted::Is("false"))).then_some(())?;
    iptables.map(|setting| ("iptables", setting.clone()))
}

/// Why dockerd would not start with a key: up to 26 it has the packet filter of IPv6 among its experimental features.
fn obstacle(docker: &Docker, key: &str, wanted: Wanted<'_>) -> Option<&'static str> {
    let Wanted::Is(value) = wanted else { return None };
    let major = docker.version.as_deref().and_then(|version| version_numbers(version).first().copied());
    match (key, value) {
        _ if major.is_some_and(|major| major >= 27) => None,
        ("ip6tables", "true") if !docker.is_true("experimental") => Some(
            "upgrade docker to 27, up to which ip6tables needs `experimental`, and then set it; or set ipv6 to false",
        ),
        ("experimental", "false") if docker.is_true("ip6tables") => {
            Some("upgrade docker to 27 first, up to which ip6tables needs `experimental`, and then switch it off")
        }
        _ => None,
    }
}

/// Sets a key of docker where its value comes from, and restarts it.
pub fn docker_set(node: &Node, docker: &Docker, key: &str, setting: &Setting, wanted: Wanted<'_>) -> String {
    if let Some(words) = obstacle(docker, key, wanted) {
        return words.to_owned();
    }
    let mut all = Vec::new();
    if let Some((other, found)) = companion(docker, key, wanted) {
        all.push(change(node, docker, other, &found.source, Wanted::Is("true")));
    }
    all.push(change(node, docker, key, &setting.source, wanted));
    let words: Vec<&str> = all.iter().filter_map(|changed| changed.as_ref().err()).map(String::as_str).collect();
    if !words.is_empty() {
        return format!("{}, and start dockerd again", words.join(", "));
    }
    let mut commands: Vec<String> = Vec::new();
    for next in all.into_iter().flatten().flatten() {
        // Two keys of one file need its folder once.
        if !commands.contains(&next) {
            commands.push(next);
        }
    }
    // systemd reads its units once, after all changes.
    if commands.iter().any(|one| one == RELOAD) {
        commands.retain(|one| one != RELOAD);
        commands.push(RELOAD.to_owned());
    }
    let fix = with_restart(&commands, &of_docker(node, docker), "docker", docker.pid.is_some());
    match NOTES.iter().find(|(name, _)| *name == key) {
        Some((_, more)) => format!("{fix} # {more}"),
        None => fix,
    }
}

/// The commands that change a key, or words.
fn change(node: &Node, docker: &Docker, key: &str, source: &Source, wanted: Wanted<'_>) -> Result<Vec<String>, String> {
    match source {
        Source::Flag { argument, .. } => by_flag(node, docker, key, argument, wanted),
        Source::File { .. } | Source::Default { .. } | Source::Unknown(_) => in_file(node, docker, key, wanted),
    }
}

fn by_flag(node: &Node, docker: &Docker, key: &str, argument: &str, wanted: Wanted<'_>) -> Result<Vec<String>, String> {
    let (new, what) = match wanted {
        Wanted::Is(value) => {
            let new = format!("--{key}={}", value.trim_matches('"'));
            (new.clone(), format!("replace {argument} with {new}"))
        }
        Wanted::Unset => (String::new(), format!("remove {argument}")),
    };
    let name = match of_docker(node, docker) {
        Service::Unit(name) => name,
        Service::OfUser { .. } => {
            return Err(format!(
                "{what} in ~/.config/systemd/user/docker.service (systemctl --user edit --full docker)"
            ));
        }
        Service::Snap(_) => return Err(format!("{what} in the command of the snap")),
        Service::OpenRc(_) => return Err(format!("{what} in /etc/conf.d/docker")),
        Service::Alone => return Err(format!("{what} in the arguments of dockerd")),
    };
    let spelled: Vec<&str> = argument.split(' ').collect();
    let pattern = spelled.iter().map(|word| escaped(word)).collect::<Vec<_>>().join("[[:space:]]+");
    let is_in = |command: &[String]| {
        let config = docker::flags(command, None);
        let is_it =
            |setting: &Setting| matches!(&setting.source, Source::Flag { argument: own, .. } if own == argument);
        config.get(key).is_some_and(is_it) && command.windows(spelled.len()).any(|words| words == spelled)
    };
    let flag = Flag { pattern, new, is_in: &is_in };
    let unit = node.units.get(name).filter(|_| !is_read_only(node, "/etc"));
    unit.and_then(|unit| flags::change(unit, &flag))
        .ok_or_else(|| format!("{what} where {name} has it (systemctl cat {name})"))
}

fn in_file(node: &Node, docker: &Docker, key: &str, wanted: Wanted<'_>) -> Result<Vec<String>, String> {
    let program = match wanted {
        Wanted::Is(value) => format!(".\"{key}\" = {value}"),
        Wanted::Unset => format!("del(.\"{key}\")"),
    };
    if is_read_only(node, &docker.config_file) {
        let file = &docker.config_file;
        return Err(format!("apply `{program}` to {file} in the image of the host, whose file system is read-only"));
    }
    let file = shell(&docker.config_file);
    let mut commands = Vec::new();
    if !matches!(node.file(&docker.config_file), Some(Read::Is(_))) {
        let folder = docker.config_file.rsplit_once('/').map_or("/", |(folder, _)| folder);
        commands.push(format!("mkdir -p {}", shell(folder)));
        commands.push(format!("{{ [ -s {file} ] || echo '{{}}' > {file}; }}"));
    }
    // The file keeps its owner, its mode and the links that lead to it.
    commands.push(format!("new=$(jq {} {file}) && printf '%s\\n' \"$new\" > {file}", shell(&program)));
    Ok(commands)
}
