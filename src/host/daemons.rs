//! containerd, cri-o, podman and the kubelet of a host.

use super::{Host, text};
use crate::node::config::{Config, Setting};
use crate::node::kubelet::{self, Kubelet};
use crate::node::process::{Process, program};
use crate::node::toml_tree::{self, Merge};
use crate::node::unit::Unit;
use crate::node::{Daemon, Read};
use std::collections::BTreeMap;

/// The version of the first of these packages that dpkg's database has. The database is large, so it is read line by line.
pub fn package_version(host: &dyn Host, names: &[&str]) -> Option<String> {
    let status = text(host, "/var/lib/dpkg/status");
    let mut package = "";
    let mut installed = false;
    for line in status.is()?.lines() {
        if let Some(name) = line.strip_prefix("Package: ") {
            package = name;
            installed = false;
        } else if line.starts_with("Status: ") {
            installed = line.ends_with(" installed");
        } else if let Some(version) = line.strip_prefix("Version: ")
            && installed
            && names.contains(&package)
        {
            // Without the epoch and Debian's own number: `20.10.24` of `1:20.10.24+dfsg1-1`.
            let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
            let end = upstream.find(['+', '-', '~']).unwrap_or(upstream.len());
            return upstream.get(..end).map(str::to_owned);
        }
    }
    None
}

/// The processes of a daemon outside of containers.
fn running<'p>(processes: &'p [Process], name: &'p str) -> impl Iterator<Item = &'p Process> {
    processes.iter().filter(move |process| program(&process.arguments) == name && !process.in_container())
}

/// Every containerd.
pub fn containerds(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Daemon> {
    let of = |pid: Option<u32>, arguments: &[String], started: Option<i64>| {
        let flag = kubelet::flag(arguments, "config").or_else(|| kubelet::flag(arguments, "c"));
        let main = flag.unwrap_or_else(|| {
            let managed = arguments.first().is_some_and(|first| first.contains("/snap.docker"));
            if managed {
                "/run/snap.docker/containerd/containerd.toml".to_owned()
            } else {
                "/etc/containerd/config.toml".to_owned()
            }
        });
        let version = package_version(host, &["containerd", "containerd.io"]);
        let (config, config_files) = containerd_config(host, &main, version.as_deref(), started);
        let name =
            pid.map_or_else(|| "containerd (not running)".to_owned(), |pid| format!("containerd (process {pid})"));
        Daemon { pid, rootless: false, version, config, config_files, name }
    };
    let mut all: Vec<Daemon> = running(processes, "containerd")
        .map(|process| of(Some(process.pid), &process.arguments, process.started))
        .collect();
    if let Some(unit) = units.get("containerd.service").filter(|unit| all.is_empty() && !unit.masked) {
        all.push(of(None, &unit.command().unwrap_or_default(), None));
    }
    all
}

/// The main file and what it imports.
fn containerd_config(
    host: &dyn Host,
    main: &str,
    version: Option<&str>,
    started: Option<i64>,
) -> (Config, Vec<String>) {
    let mut files = vec![main.to_owned()];
    let mut config = Config::default();
    add_toml(host, &mut config, main, Merge::Keys, started);
    // containerd up to 1.7 replaces a plugin's whole section by the imported one.
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    let how = if major.is_some_and(|major| major < 2) { Merge::Sections } else { Merge::Keys };
    let imports =
        config.get("imports").map(|setting| setting.texts().into_iter().map(str::to_owned).collect::<Vec<_>>());
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    for pattern in imports.unwrap_or_default() {
        let pattern = if pattern.starts_with('/') { pattern } else { format!("{folder}/{pattern}") };
        for path in glob(host, &pattern) {
            if !files.contains(&path) {
                add_toml(host, &mut config, &path, how, started);
                files.push(path);
            }
        }
    }
    if major.is_none() && files.len() > 1 {
        config.doubt("it has imports, and its version is unknown, by which they are merged");
    }
    (config, files)
}

/// Paths of a pattern with `*` in its last part.
fn glob(host: &dyn Host, pattern: &str) -> Vec<String> {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let names = host.list(folder);
    let matching =
        names.is().into_iter().flatten().filter(|name| {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        });
    matching.map(|name| format!("{folder}/{name}")).collect()
}

fn add_toml(host: &dyn Host, config: &mut Config, path: &str, how: Merge, started: Option<i64>) {
    match text(host, path) {
        Read::Is(content) => match toml_tree::read(path, &content) {
            Ok(later) => toml_tree::merge(config, later, how),
            Err(why) => config.doubt(why),
        },
        Read::Absent => {}
        other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
    }
    let modified = host.entry(path).is().map(|entry| entry.modified);
    if let (Some(modified), Some(started)) = (modified, started)
        && modified > started
    {
        config.doubt(format!("{path} changed after the daemon started; restart it, or undo the change"));
    }
}

/// cri-o: its file, and then every file of its folder, whatever it is called.
pub fn crios(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Daemon> {
    let of = |pid: Option<u32>, arguments: &[String], started: Option<i64>| {
        let main = kubelet::flag(arguments, "config")
            .or_else(|| kubelet::flag(arguments, "c"))
            .unwrap_or_else(|| "/etc/crio/crio.conf".to_owned());
        let folder = kubelet::flag(arguments, "config-dir")
            .or_else(|| kubelet::flag(arguments, "d"))
            .unwrap_or_else(|| format!("{main}.d"));
        let mut files = vec![main];
        files.extend(host.list(&folder).is().into_iter().flatten().map(|name| format!("{folder}/{name}")));
        let mut config = Config::default();
        for file in &files {
            add_toml(host, &mut config, file, Merge::Keys, started);
        }
        let name = pid.map_or_else(|| "cri-o (not running)".to_owned(), |pid| format!("cri-o (process {pid})"));
        Daemon { pid, rootless: false, version: package_version(host, &["cri-o"]), config, config_files: files, name }
    };
    let mut all: Vec<Daemon> =
        running(processes, "crio").map(|process| of(Some(process.pid), &process.arguments, process.started)).collect();
    if let Some(unit) = units.get("crio.service").filter(|unit| all.is_empty() && !unit.masked) {
        all.push(of(None, &unit.command().unwrap_or_default(), None));
    }
    all
}

/// podman has no daemon: its files count for whoever runs it as root.
pub fn podmans(host: &dyn Host) -> Vec<Daemon> {
    let is_there =
        ["/usr/bin/podman", "/usr/local/bin/podman", "/bin/podman"].iter().any(|path| !host.entry(path).is_absent());
    if !is_there {
        return Vec::new();
    }
    let mut files =
        vec!["/usr/share/containers/containers.conf".to_owned(), "/etc/containers/containers.conf".to_owned()];
    let folder = "/etc/containers/containers.conf.d";
    let names = host.list(folder);
    files.extend(
        names.is().into_iter().flatten().filter(|name| name.ends_with(".conf")).map(|name| format!("{folder}/{name}")),
    );
    let mut config = Config::default();
    for file in &files {
        add_toml(host, &mut config, file, Merge::Keys, None);
    }
    let version = package_version(host, &["podman"]);
    vec![Daemon { pid: None, rootless: false, version, config, config_files: files, name: "podman".to_owned() }]
}

/// Every kubelet.
pub fn kubelets(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Kubelet> {
    let mut all: Vec<Kubelet> = running(processes, "kubelet")
        .map(|process| kubelet(host, Some(process.pid), &process.arguments, process.started))
        .collect();
    if let Some(unit) = units.get("kubelet.service").filter(|unit| all.is_empty() && !unit.masked) {
        let mut found = kubelet(host, None, &unit.command().unwrap_or_default(), None);
        if unit.command().is_some_and(|words| words.iter().any(|word| word.contains('$'))) {
            found.config.doubt("its unit has variables in its arguments, and it does not run");
        }
        all.push(found);
    }
    all
}

fn kubelet(host: &dyn Host, pid: Option<u32>, arguments: &[String], started: Option<i64>) -> Kubelet {
    let mut config = Config::default();
    let config_file = kubelet::flag(arguments, "config");
    let config_dir = kubelet::flag(arguments, "config-dir");
    let mut files: Vec<String> = config_file.iter().cloned().collect();
    if let Some(folder) = &config_dir {
        conf_files(host, folder, 0, &mut files);
    }
    for path in &files {
        match text(host, path) {
            Read::Is(content) => kubelet::add_file(&mut config, path, &content),
            Read::Absent => config.doubt(format!("{path} does not exist")),
            other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
        }
        let modified = host.entry(path).is().map(|entry| entry.modified);
        if let (Some(modified), Some(started)) = (modified, started)
            && modified > started
        {
            config.doubt(format!("{path} changed after the kubelet started; restart it, or undo the change"));
        }
    }
    kubelet::add_flags(&mut config, arguments, pid);
    let kubeconfig = kubelet::flag(arguments, "kubeconfig");
    let name = pid.map_or_else(|| "kubelet (not running)".to_owned(), |pid| format!("kubelet (process {pid})"));
    Kubelet { pid, version: package_version(host, &["kubelet"]), config, config_file, config_dir, kubeconfig, name }
}

/// Files `*.conf` of a folder and of the folders in it, in the order in which the kubelet reads them.
fn conf_files(host: &dyn Host, folder: &str, depth: usize, files: &mut Vec<String>) {
    for name in host.list(folder).is().into_iter().flatten() {
        let path = format!("{folder}/{name}");
        let is_folder = host.entry(&path).is().is_some_and(|entry| entry.kind == crate::node::mode::FileKind::Folder);
        if is_folder && depth < 8 {
            conf_files(host, &path, depth + 1, files);
        } else if name.ends_with(".conf") {
            files.push(path);
        }
    }
}

/// The text of a setting, if it has one.
#[must_use]
pub fn text_of(setting: Option<&Setting>) -> Option<String> {
    setting.and_then(|setting| setting.value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}
