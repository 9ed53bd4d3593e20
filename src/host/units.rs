//! Units of systemd from their folders.

mod sockets;

use super::{Host, text};
use crate::node::unit::{FOLDERS, Unit};
use crate::node::{Read, has_extension};
pub use sockets::mark_listening;
use std::collections::BTreeMap;

/// Units that rules ask about.
const DAEMONS: &[&str] = &[
    "docker.service",
    "docker.socket",
    "containerd.service",
    "crio.service",
    "podman.service",
    "podman.socket",
    "kubelet.service",
    "auditd.service",
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "snap.docker.dockerd.service",
];

/// Links from name to name that systemd follows.
const MOST_LINKS: usize = 8;

/// A unit with its drop-ins; none where no folder has it.
pub fn unit(host: &dyn Host, name: &str) -> Option<Unit> {
    read(host, &folders(host), name, &[])
}

/// A unit, where these are names that are links, with the names that they stand for.
fn read(host: &dyn Host, folders: &[&str], name: &str, links: &[(String, String)]) -> Option<Unit> {
    let first = place(host, folders, name).or_else(|| place(host, folders, &template(name)?))?;
    let id = identity(host, folders, name);
    let place = place(host, folders, &id).unwrap_or_else(|| first.clone());
    let mut names = vec![id.clone()];
    names.extend((id != name).then(|| name.to_owned()));
    let others = links.iter().filter(|(other, of)| *of == id && other != name);
    names.extend(others.map(|(other, _)| other.clone()));
    let aliases = if names.len() > 1 { names.clone() } else { Vec::new() };
    let mut unit = Unit { name: name.to_owned(), aliases, ..Unit::default() };
    // Who changes the link changes the unit.
    unit.files.extend((first != place).then_some(first));
    match content(host, &place) {
        Content::Masked => return Some(Unit { masked: true, files: vec![place], ..unit }),
        Content::Is(text) => unit.add(&place, &text),
        Content::Unknown(why) => {
            unit.doubts.push(why);
            unit.files.push(place);
        }
    }
    // Of drop-ins with one name the first folder's counts. They are read in the order of their names.
    let mut drop_ins = BTreeMap::new();
    for below in drop_in_folders(folders, &names) {
        let files = host.list(&below);
        unit.doubts.extend(files.unknown().map(|why| format!("{below} {why}")));
        for file in files.is().into_iter().flatten().filter(|file| has_extension(file, &["conf"])) {
            drop_ins.entry(file.clone()).or_insert_with(|| format!("{below}/{file}"));
        }
    }
    for path in drop_ins.values() {
        match content(host, path) {
            Content::Masked => {}
            Content::Is(text) => unit.add(path, &text),
            Content::Unknown(why) => unit.doubts.push(why),
        }
    }
    Some(unit)
}

/// The folders of units that are there, each once: on most hosts `/lib` is a link to `/usr/lib`.
fn folders(host: &dyn Host) -> Vec<&'static str> {
    let is_itself = |folder: &&str| match host.entry(folder) {
        Read::Is(entry) => !FOLDERS.contains(&entry.path.as_str()) || entry.path == **folder,
        other => !other.is_absent(),
    };
    FOLDERS.iter().copied().filter(is_itself).collect()
}

/// The template of an instance: `a@.socket` of `a@b.socket`.
fn template(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_once('@')?;
    let (instance, suffix) = rest.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{suffix}"))
}

/// The first folder that has a name, a link that leads nowhere included.
fn place(host: &dyn Host, folders: &[&str], name: &str) -> Option<String> {
    let is_there = |path: &String| !host.entry(path).is_absent() || host.link(path).is().is_some();
    // A unit may name another in any words.
    folders.iter().filter(|_| !name.contains('/')).map(|folder| format!("{folder}/{name}")).find(is_there)
}

/// The name that systemd itself uses: that of the file to which links from name to name lead.
fn identity(host: &dyn Host, folders: &[&str], name: &str) -> String {
    let mut id = name.to_owned();
    for _ in 0..MOST_LINKS {
        match place(host, folders, &id).and_then(|place| alias(host, &place)) {
            Some(next) if next != id => id = next,
            _ => break,
        }
    }
    id
}

/// The name that a link in a folder of units stands for. A link to another folder is the unit's own file in another place.
fn alias(host: &dyn Host, place: &str) -> Option<String> {
    let link = host.link(place);
    let target = link.is()?;
    let (own, _) = place.rsplit_once('/')?;
    let whole = if target.starts_with('/') { target.clone() } else { format!("{own}/{target}") };
    let (folder, name) = whole.rsplit_once('/')?;
    let entry = host.entry(folder);
    let real = entry.is().map_or(folder, |entry| entry.path.as_str());
    (FOLDERS.contains(&folder) || FOLDERS.contains(&real)).then(|| name.to_owned())
}

/// Folders of drop-ins, in the order in which they count: those of its names, then those of all units of its type.
fn drop_in_folders(folders: &[&str], names: &[String]) -> Vec<String> {
    let below = |name: String| folders.iter().map(move |folder| format!("{folder}/{name}.d"));
    let suffix = names.first().and_then(|name| name.rsplit('.').next()).unwrap_or("service");
    let of_names = names.iter().flat_map(|name| {
        let all = with_prefixes(name);
        folders.iter().flat_map(move |folder| all.clone().into_iter().map(move |name| format!("{folder}/{name}.d")))
    });
    of_names.chain(below(suffix.to_owned())).collect()
}

/// A name, its template, and its beginnings up to each `-`: `a-b.service` and `a-.service`.
fn with_prefixes(name: &str) -> Vec<String> {
    let (whole, suffix) = name.rsplit_once('.').unwrap_or((name, "service"));
    let mut all = vec![name.to_owned()];
    let prefix = whole.split_once('@').map_or(whole, |(prefix, _)| {
        all.push(format!("{prefix}@.{suffix}"));
        prefix
    });
    let ends = prefix.char_indices().rev().filter(|(at, c)| *c == '-' && *at > 0 && at + 1 < prefix.len());
    all.extend(ends.filter_map(|(at, _)| Some(format!("{}.{suffix}", prefix.get(..=at)?))));
    all
}

/// Names with drop-ins that are links, and the names that they stand for.
fn links(host: &dyn Host, folders: &[&str]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in folders {
        let names = host.list(folder);
        let names = names.is().into_iter().flatten().filter_map(|name| name.strip_suffix(".d"));
        for name in names.filter(|name| has_extension(name, &["service", "socket"])) {
            let id = identity(host, folders, name);
            if id != name {
                all.push((name.to_owned(), id));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What a file of a unit says.
enum Content {
    Is(String),
    /// A link to `/dev/null`, or an empty file, which says that files of this name in other folders do not count.
    Masked,
    /// The reason, with the path.
    Unknown(String),
}

/// Whether a path is a link to `/dev/null`, which an image of a disk need not have.
fn is_null(host: &dyn Host, path: &str) -> bool {
    host.link(path).is().is_some_and(|target| target == "/dev/null")
}

fn content(host: &dyn Host, path: &str) -> Content {
    match text(host, path) {
        _ if is_null(host, path) => Content::Masked,
        Read::Is(text) if text.is_empty() => Content::Masked,
        Read::Is(text) => Content::Is(text),
        other => Content::Unknown(format!("{path} {}", other.unknown().unwrap_or_else(|| "does not exist".to_owned()))),
    }
}

/// Units that systemd starts with a unit, by its own words.
const STARTS: [&str; 5] = ["Requires", "Wants", "BindsTo", "Requisite", "Upholds"];

/// The units of daemons that this host has.
pub fn daemons(host: &dyn Host, enabled: &[String]) -> BTreeMap<String, Unit> {
    let folders = folders(host);
    let links = links(host, &folders);
    // The installers of k3s and RKE2 give units other names on demand.
    let of_installers = enabled
        .iter()
        .map(String::as_str)
        .filter(|name| (name.starts_with("k3s-") || name.starts_with("rke2-")) && has_extension(name, &["service"]));
    let named = DAEMONS.iter().copied().chain(of_installers);
    let named = named.filter_map(|name| read(host, &folders, name, &links));
    let mut all: BTreeMap<String, Unit> = named.map(|unit| (unit.name.clone(), unit)).collect();
    sockets::add(host, &folders, &links, enabled, &mut all);
    all
}

/// Units that start with the host.
#[derive(Debug, Default)]
pub struct Enabled {
    pub names: Vec<String>,
    /// Folders that cannot be read, and why: they may have more.
    pub unread: Vec<String>,
}

/// Units that start with the host: links in folders `*.wants`, `*.requires` and `*.upholds`.
pub fn enabled(host: &dyn Host) -> Enabled {
    let mut all = Enabled::default();
    let mut list = |folder: &str| {
        let names = host.list(folder);
        all.unread.extend(names.unknown().map(|why| format!("{folder} {why}")));
        names.is().cloned().unwrap_or_default()
    };
    let mut found = Vec::new();
    for folder in folders(host) {
        for below in list(folder).iter().filter(|name| has_extension(name, &["wants", "requires", "upholds"])) {
            found.extend(list(&format!("{folder}/{below}")));
        }
    }
    found.sort_unstable();
    found.dedup();
    all.names = found;
    all
}

#[cfg(test)]
mod tests;
