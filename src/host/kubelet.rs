//! Every kubelet of a host, those that are a part of another program included.

mod embedded;
mod passed;

use super::instances::{instances, package_version};
use super::layouts::Layout;
use super::walk::walk;
use super::{Host, text};
use crate::node::Read;
use crate::node::config::Config;
use crate::node::has_extension;
use crate::node::kubelet::{self, Kubelet};
use crate::node::process::{Process, program};
use crate::node::unit::Unit;
use embedded::Embedded;
use passed::Passed;
use std::collections::BTreeMap;

pub fn kubelets(
    host: &dyn Host,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
    layout: Option<&Layout>,
) -> Vec<Kubelet> {
    let alone = instances(host, "kubelet", &["kubelet.service"], processes, units);
    let mut all: Vec<Embedded<'_>> = alone.into_iter().map(Embedded::alone).collect();
    if let Some(layout) = layout.filter(|_| all.is_empty()) {
        all.extend(embedded::embedded(host, processes, units, layout));
    }
    all.into_iter().map(|found| kubelet(host, found, layout)).collect()
}

fn kubelet(host: &dyn Host, found: Embedded<'_>, layout: Option<&Layout>) -> Kubelet {
    let Embedded { instance, passed, program: by } = found;
    let mut config = instance.config.clone();
    let named = |name: &str| kubelet::flag(&instance.arguments, name);
    // A kubelet that runs by itself has said all in its arguments.
    let is_silent = named("config").is_none()
        && named("config-dir").is_none()
        && instance.process.is_none_or(|process| program(&process.arguments) != "kubelet");
    let placed = |of: fn(&Layout) -> Option<&'static str>| {
        let path = layout.filter(|_| is_silent).and_then(of);
        path.filter(|path| !host.entry(path).is_absent()).map(str::to_owned)
    };
    let config_file = named("config").or_else(|| placed(|layout| layout.kubelet_config));
    let config_dir = named("config-dir").or_else(|| placed(|layout| layout.kubelet_config_dir));
    for path in config_file.iter().chain(&config_dir) {
        instance.check_path(&mut config, path);
    }
    let mut files: Vec<String> = config_file.iter().cloned().collect();
    if let Some(folder) = &config_dir {
        files.extend(conf_files(host, folder, &mut config));
    }
    for path in &files {
        match text(host, path) {
            Read::Is(content) => kubelet::add_file(&mut config, path, &content),
            Read::Absent => config.doubt(format!("{path} does not exist")),
            other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
        }
        instance.compare_age(host, &mut config, path, "the kubelet");
    }
    // A kubelet in another program has settings that neither an argument nor a file has.
    let is_embedded = instance.process.is_some_and(|process| program(&process.arguments) != "kubelet");
    if is_embedded && by.is_none() && files.is_empty() && layout.is_none_or(|layout| layout.kubelet_arguments.is_none())
    {
        config.doubt("it is a part of another program, and no file has its settings");
    }
    kubelet::add_flags(&mut config, &instance.arguments, instance.pid());
    for Passed { name, value, source } in &passed {
        kubelet::add_flag(&mut config, name, value, source);
    }
    let kubeconfig = named("kubeconfig").or_else(|| {
        let path = layout.and_then(|layout| layout.kubeconfig);
        path.filter(|path| is_silent && !host.entry(path).is_absent()).map(str::to_owned)
    });
    let root = named("root-dir").unwrap_or_else(|| "/var/lib/kubelet".to_owned());
    let pki = named("cert-dir").unwrap_or_else(|| format!("{root}/pki"));
    Kubelet {
        pid: instance.pid(),
        version: package_version(host, &["kubelet"]),
        config,
        config_file,
        config_dir,
        config_files: files,
        kubeconfig,
        root,
        pki,
        name: instance.name,
        program: by.map(str::to_owned),
    }
}

/// Files `*.conf` of a folder and of the folders in it, in the order in which the kubelet reads them.
fn conf_files(host: &dyn Host, folder: &str, config: &mut Config) -> Vec<String> {
    let found = walk(host, folder);
    if found.is_absent {
        config.doubt(format!("{folder} does not exist, without which the kubelet does not start"));
    }
    for why in found.unread {
        config.doubt(why);
    }
    found.files.into_iter().filter(|path| path.rsplit('/').next().is_some_and(is_conf)).collect()
}

fn is_conf(name: &str) -> bool {
    has_extension(name, &["conf"])
}

#[cfg(test)]
mod tests;
