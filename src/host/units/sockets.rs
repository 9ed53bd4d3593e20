//! Sockets that systemd passes to services of containers. All that are there are read, as any unit, and any user, may start one.

use super::{Host, STARTS, identity, place, read, template, text};
use crate::node::listener::{Listener, Protocol};
use crate::node::process::{Process, program};
use crate::node::unit::{Unit, words};
use crate::node::{Read, has_extension};
use std::collections::{BTreeMap, BTreeSet};

/// Services that take sockets of systemd, and the programs that they start.
const TAKERS: [(&str, &str); 2] = [("docker.service", "dockerd"), ("podman.service", "podman")];

/// More settings that start a unit: those of timers, paths and other services, and of services that fail or end.
const MORE_STARTS: [&str; 4] = ["Unit", "Sockets", "OnFailure", "OnSuccess"];

/// Adds to the units of daemons the sockets that they get. `enabled` are units that start with the host.
pub fn add(
    host: &dyn Host,
    folders: &[&str],
    links: &[(String, String)],
    enabled: &[String],
    all: &mut BTreeMap<String, Unit>,
) {
    let mut started: BTreeSet<String> = enabled.iter().cloned().collect();
    let services = TAKERS.iter().filter_map(|(service, _)| all.get(*service));
    started.extend(services.flat_map(|service| named(service, &STARTS).chain(named(service, &["Sockets"]))));
    let mut by_others = None;
    for (id, names) in identities(host, folders, &started) {
        if names.iter().any(|name| all.contains_key(name)) {
            continue;
        }
        let Some(mut unit) = read(host, folders, &id, links) else { continue };
        let to = unit.passes_to();
        let mut is_own = false;
        for (service, _) in TAKERS {
            // The name by which a socket knows the service may be a link.
            let Some(service) = all.get_mut(service) else { continue };
            if !service.is_called(&to) && identity(host, folders, &to) == service.id() {
                service.aliases =
                    [vec![service.id().to_owned()], service.aliases.split_off(0), vec![to.clone()]].concat();
                service.aliases.dedup();
            }
            is_own |= unit.last("Socket", "Service").is_none() && service.is_called(&to);
        }
        if TAKERS.iter().any(|(service, _)| unit.is_passed_to(service, all.get(*service))) {
            unit.is_idle = !is_own
                && !is_among(&started, &names)
                && !is_among(by_others.get_or_insert_with(|| starters(host, folders)), &names);
            all.insert(id, unit);
        }
    }
}

/// All sockets, by the name that systemd itself uses, with their other names. `more` are names of which no folder has a file, such as those
/// of instances of a template.
fn identities(host: &dyn Host, folders: &[&str], more: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeSet<String> = more.clone();
    names.extend(folders.iter().flat_map(|folder| host.list(folder).is().cloned().unwrap_or_default()));
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for name in names.into_iter().filter(|name| has_extension(name, &["socket"])) {
        let id = identity(host, folders, &name);
        // A link that leads nowhere is no unit.
        let is_there = |name: &str| place(host, folders, name).is_some_and(|path| !host.entry(&path).is_absent());
        if is_there(&id) || template(&id).is_some_and(|template| is_there(&template)) {
            all.entry(id).or_default().insert(name);
        }
    }
    // A template is judged by its instances, if any is known.
    let with_instances: BTreeSet<String> = all.keys().filter_map(|name| template(name)).collect();
    all.retain(|id, _| !with_instances.contains(id));
    all
}

/// The names in some settings of a unit.
fn named<'u>(unit: &'u Unit, keys: &'u [&str]) -> impl Iterator<Item = String> + use<'u> {
    let found = unit.assignments.iter().filter(|assignment| keys.contains(&assignment.key.as_str()));
    found.flat_map(|found| words(&unit.expand(&found.value, found, &mut Vec::new())))
}

/// Whether one of these names, or an instance of one that is a template, is among others.
fn is_among(all: &BTreeSet<String>, names: &BTreeSet<String>) -> bool {
    let has = |name: &String| {
        let is_template = name.contains("@.");
        all.contains(name) || is_template && all.iter().any(|other| template(other).as_ref() == Some(name))
    };
    names.iter().any(has)
}

/// The names of all sockets that units and their drop-ins start. Read only where a socket would open a daemon and nothing else starts it.
fn starters(host: &dyn Host, folders: &[&str]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |path: &str, name: &str| {
        let content = text(host, path);
        let Some(content) = content.is() else { return };
        let mut unit = Unit { name: name.to_owned(), ..Unit::default() };
        unit.add(path, content);
        let found = named(&unit, &STARTS).chain(named(&unit, &MORE_STARTS));
        all.extend(found.filter(|name| has_extension(name, &["socket"])));
    };
    for folder in folders {
        for name in host.list(folder).is().into_iter().flatten() {
            let path = format!("{folder}/{name}");
            match name.strip_suffix(".d") {
                None => add(&path, name),
                Some(unit) => {
                    for file in host.list(&path).is().into_iter().flatten() {
                        add(&format!("{path}/{file}"), unit);
                    }
                }
            }
        }
    }
    all
}

/// A socket that listens was started, by a unit or by a user.
pub fn mark_listening(
    units: &mut BTreeMap<String, Unit>,
    processes: &[Process],
    listeners: &Read<Vec<Listener>>,
    paths: &Read<Vec<String>>,
) {
    let is_systemd_or_taker = |pid: u32| {
        let process = processes.iter().find(|process| process.pid == pid);
        pid == 1 || process.is_some_and(|process| TAKERS.iter().any(|(_, name)| program(&process.arguments) == *name))
    };
    let ports = listeners
        .is()
        .into_iter()
        .flatten()
        .filter(|listener| listener.protocol == Protocol::Tcp && listener.pid.is_none_or(is_systemd_or_taker));
    let ports: BTreeSet<u16> = ports.map(|listener| listener.port).collect();
    let listens = |address: &str| match address.strip_prefix("unix://") {
        Some(path) => paths.is().into_iter().flatten().any(|other| other == path.trim_start_matches("/var")),
        None => {
            address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).is_some_and(|port| ports.contains(&port))
        }
    };
    for unit in units.values_mut().filter(|unit| unit.is_idle) {
        unit.is_idle = !unit.streams(&mut Vec::new()).iter().any(|(address, _)| listens(address));
    }
}
