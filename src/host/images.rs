//! Images that docker keeps, and what removes those that no container has.

use super::{Host, text, units};
use crate::node::docker::Docker;
use crate::node::unit::{FOLDERS, Unit};
use crate::node::{DockerImages, Node, Read, has_extension};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many images of each docker no container has.
pub fn docker_images(host: &dyn Host, node: &Node) -> BTreeMap<String, DockerImages> {
    if node.docker.is_empty() {
        return BTreeMap::new();
    }
    let prune = prune(host, node, "docker");
    let of = |docker: &Docker| {
        let folder = docker.data_root();
        let unused = unused(host, &folder);
        let published = published(host, &folder);
        (docker.name.clone(), DockerImages { folder, unused, prune: prune.clone(), published })
    };
    node.docker.iter().map(of).collect()
}

/// The timer or cron job that removes unused images with this program.
pub fn prune(host: &dyn Host, node: &Node, program: &str) -> Option<String> {
    cron(host, program).or_else(|| timer(host, &node.enabled_units, program))
}

/// Ports of the host that running containers publish. dockerd may hold them itself.
fn published(host: &dyn Host, folder: &str) -> Option<Vec<u16>> {
    let containers = match host.list(&format!("{folder}/containers")) {
        Read::Is(names) => names,
        Read::Absent => return Some(Vec::new()),
        _ => return None,
    };
    let mut ports = Vec::new();
    for container in containers {
        match json(host, &format!("{folder}/containers/{container}/config.v2.json")) {
            Read::Is(document) if document.pointer("/State/Running") == Some(&Value::Bool(true)) => {
                let bindings = document.pointer("/NetworkSettings/Ports").and_then(Value::as_object);
                let of_ports = bindings.into_iter().flat_map(|all| all.values()).filter_map(Value::as_array).flatten();
                ports.extend(of_ports.filter_map(|one| one.get("HostPort")?.as_str()?.parse::<u16>().ok()));
            }
            Read::Is(_) | Read::Absent => {}
            _ => return None,
        }
    }
    ports.sort_unstable();
    ports.dedup();
    Some(ports)
}

fn unused(host: &dyn Host, folder: &str) -> Read<u64> {
    let drivers = match host.list(&format!("{folder}/image")) {
        Read::Is(drivers) => drivers,
        Read::Absent if !host.entry(folder).is_absent() => {
            return Read::Denied(
                "docker keeps its images in the store of containerd, which podreeve does not read".to_owned(),
            );
        }
        other => return other.map(|_| 0),
    };
    let mut images = BTreeSet::new();
    for driver in drivers {
        match json(host, &format!("{folder}/image/{driver}/repositories.json")) {
            Read::Is(document) => images.extend(tagged(&document)),
            Read::Absent => {}
            other => return other.map(|_| 0),
        }
    }
    let containers = host.list(&format!("{folder}/containers"));
    for container in containers.is().into_iter().flatten() {
        match json(host, &format!("{folder}/containers/{container}/config.v2.json")) {
            Read::Is(document) => {
                if let Some(image) = document.get("Image").and_then(Value::as_str) {
                    images.remove(image);
                }
            }
            Read::Absent => {}
            other => return other.map(|_| 0),
        }
    }
    match containers {
        Read::Is(_) | Read::Absent => Read::Is(images.len() as u64),
        other => other.map(|_| 0),
    }
}

fn json(host: &dyn Host, path: &str) -> Read<Value> {
    host.read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(|_| format!("{path} is no JSON")))
}

/// The ids of all images that have a name.
fn tagged(document: &Value) -> Vec<String> {
    let repositories = document.get("Repositories").and_then(Value::as_object);
    let tags = repositories.into_iter().flat_map(|all| all.values()).filter_map(Value::as_object);
    tags.flat_map(|tags| tags.values()).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a text has a command by which this program removes unused images. Without `--force` it asks, and no user answers.
fn prunes(text: &str, program: &str) -> bool {
    let is_force =
        |word: &&str| *word == "--force" || (word.starts_with('-') && !word.starts_with("--") && word.contains('f'));
    let is_it = |line: &str| {
        let line = line.trim_start();
        let command = line.split(" #").next().unwrap_or_default();
        let words: Vec<&str> = command.split_ascii_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        let prune = words.windows(3).position(|words| {
            let [first, kind, prune] = words else { return false };
            first.rsplit('/').next() == Some(program) && matches!(*kind, "image" | "system") && *prune == "prune"
        });
        let (before, after) = words.split_at_checked(prune.unwrap_or(0)).unwrap_or_default();
        let only_says = before.last().is_some_and(|word| matches!(*word, "echo" | "printf" | "#"));
        prune.is_some() && !only_says && after.iter().any(is_force) && !line.starts_with(['#', ';'])
    };
    text.lines().any(is_it)
}

/// A cron job. cron passes over files of a folder whose names have a dot, and over programs that no user may start.
fn cron(host: &dyn Host, program: &str) -> Option<String> {
    let mut paths = vec!["/etc/crontab".to_owned()];
    for folder in
        ["/etc/cron.d", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron/crontabs"]
    {
        let names = host.list(folder);
        let names = names.is().into_iter().flatten().filter(|name| !name.contains('.'));
        paths.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let is_program = |path: &str| path.ends_with("ly") || path.contains("ly/");
    let is_started =
        |path: &String| !is_program(path) || host.entry(path).is().is_some_and(|entry| entry.access.mode & 0o111 != 0);
    paths.into_iter().filter(is_started).find(|path| text(host, path).is().is_some_and(|text| prunes(text, program)))
}

/// The service of a timer that is enabled.
fn timer(host: &dyn Host, enabled: &[String], program: &str) -> Option<String> {
    let timers = enabled.iter().filter(|name| has_extension(name, &["timer"]));
    timers.filter_map(|name| units::unit(host, name)).find_map(|timer| service(host, &timer, program))
}

fn service(host: &dyn Host, timer: &Unit, program: &str) -> Option<String> {
    let own = || timer.name.strip_suffix(".timer").map(|name| format!("{name}.service"));
    let name = timer.last("Timer", "Unit").map(|unit| unit.value.clone()).or_else(own)?;
    if name.contains('/') || !FOLDERS.iter().any(|folder| !host.entry(&format!("{folder}/{name}")).is_absent()) {
        return None;
    }
    let unit = units::unit(host, &name)?;
    let starts = unit.all("Service", "ExecStart").find(|start| prunes(&start.value, program))?;
    Some(format!("{}:{}", starts.path, starts.line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    const SERVICE: &str =
        "=== /etc/systemd/system/prune.service\n[Service]\nExecStart=/usr/bin/docker image prune -af\n";
    const TIMER: &str = "=== /etc/systemd/system/prune.timer\n[Timer]\nOnCalendar=daily\n";
    const ENABLED: &str =
        "=== /etc/systemd/system/timers.target.wants/prune.timer link /etc/systemd/system/prune.timer\n";

    #[test]
    fn what_prunes() {
        let by_timer = |text: &str| {
            let host = Fake::read(text);
            timer(&host, &units::enabled(&host).names, "docker")
        };
        assert_eq!(by_timer(&format!("{SERVICE}{TIMER}")), None, "no timer starts it");
        let all = by_timer(&format!("{SERVICE}{TIMER}{ENABLED}"));
        assert_eq!(all.as_deref(), Some("/etc/systemd/system/prune.service:2"));
        let by_cron = |text: &str| cron(&Fake::read(text), "docker");
        assert!(by_cron("=== /etc/cron.d/a\n0 3 * * * root docker system prune -f\n").is_some());
        assert!(by_cron("=== /etc/cron.d/a\n0 3 * * * root sh -c 'docker image prune -f'\n").is_some());
        for text in [
            "=== /etc/cron.d/a\n0 3 * * * root docker system prune\n",
            "=== /etc/cron.d/a\n#0 3 * * * root docker system prune -f\n",
            "=== /etc/cron.d/a\n0 3 * * * root echo docker system prune -f\n",
            "=== /etc/cron.d/a\n0 3 * * * root podman system prune -f\n",
            "=== /etc/cron.d/a\n0 3 * * * root true # docker system prune -f\n",
            "=== /etc/cron.d/a.bak\n0 3 * * * root docker system prune -f\n",
            "=== /etc/cron.daily/a 0644\ndocker system prune -f\n",
        ] {
            assert_eq!(by_cron(text), None, "{text}");
        }
        assert!(by_cron("=== /etc/cron.daily/a 0755\ndocker system prune --all --force\n").is_some());
    }

    #[test]
    fn images_that_cannot_be_counted() {
        let of = |text: &str| unused(&Fake::read(text), "/d");
        assert_eq!(of("=== /etc/x\n"), Read::Absent);
        assert!(matches!(of("=== /d/containerd/x\n"), Read::Denied(why) if why.contains("store of containerd")));
        assert!(matches!(of("=== /d/image/overlay2/repositories.json\n{\n"), Read::Denied(_)));
        assert!(matches!(of("=== /d/image/overlay2/repositories.json denied\n"), Read::Denied(_)));
        let one = "=== /d/image/overlay2/repositories.json\n{\"Repositories\":{\"a\":{\"a:1\":\"sha256:aa\"}}}\n";
        assert_eq!(of(one), Read::Is(1));
        assert!(matches!(of(&format!("{one}=== /d/containers/c/config.v2.json\ngarbage\n")), Read::Denied(_)));
    }

    #[test]
    fn ports_that_containers_publish() {
        let of = |text: &str| published(&Fake::read(text), "/d");
        let one = "=== /d/containers/c/config.v2.json\n{\"State\": {\"Running\": true}, \"NetworkSettings\": {\"Ports\": {\"80/tcp\": \
[{\"HostIp\": \"0.0.0.0\", \"HostPort\": \"8080\"}], \"81/tcp\": null}}}\n";
        assert_eq!(of(one), Some(vec![8080]));
        assert_eq!((of(&one.replace("true", "false")), of("=== /x\n")), (Some(Vec::new()), Some(Vec::new())));
        assert_eq!((of("=== /d/containers denied\n"), of("=== /d/containers/c/config.v2.json\n{\n")), (None, None));
    }
}
