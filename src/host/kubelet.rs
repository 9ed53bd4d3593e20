//! Every kubelet of a host, those that are a part of another program included.

use super::instances::{Instance, instances, package_version};
use super::layouts::Layout;
use super::walk::walk;
use super::{Host, glob, text};
use crate::node::Read;
use crate::node::config::Config;
use crate::node::has_extension;
use crate::node::kubelet::{self, Kubelet};
use crate::node::process::{Process, program};
use crate::node::unit::{self, Unit};
use serde_json::Value;
use std::collections::BTreeMap;

pub fn kubelets(
    host: &dyn Host,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
    layout: Option<&Layout>,
) -> Vec<Kubelet> {
    let mut all = instances(host, "kubelet", &["kubelet.service"], processes, units);
    if let Some(layout) = layout {
        add_embedded(host, processes, layout, &mut all);
    }
    all.into_iter().map(|instance| kubelet(host, instance, layout)).collect()
}

/// The kubelet of a program that has one in it, or of an image of a disk without a unit for it.
fn add_embedded<'p>(host: &dyn Host, processes: &'p [Process], layout: &Layout, all: &mut Vec<Instance<'p>>) {
    if !all.is_empty() {
        return;
    }
    let by_program = |name: &&str| {
        let is_it = |process: &&Process| !process.in_container() && program(&process.arguments) == *name;
        processes.iter().find(is_it)
    };
    let process = layout.program.as_ref().and_then(by_program);
    if process.is_none() && !processes.is_empty() {
        return;
    }
    let mut config = Config::default();
    let mut arguments = vec!["kubelet".to_owned()];
    arguments.extend(argument_file(host, layout, &mut config));
    arguments.extend(program_arguments(host, layout, process, &mut config));
    all.push(Instance { process, arguments, name: "kubelet".to_owned(), config });
}

/// The arguments in a file of the layout.
fn argument_file(host: &dyn Host, layout: &Layout, config: &mut Config) -> Vec<String> {
    let Some(path) = layout.kubelet_arguments else { return Vec::new() };
    match text(host, path) {
        Read::Is(content) => {
            let variables = layout.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let variables: BTreeMap<String, String> = variables.collect();
            let words = unit::words(&content.replace('\n', " "));
            words.iter().map(|word| unit::braced(word, &variables)).collect()
        }
        other => {
            let why = other.unknown().unwrap_or_else(|| "does not exist".to_owned());
            config.doubt(format!("{path} {why}"));
            Vec::new()
        }
    }
}

/// What a program with a kubelet in it passes on: `kubelet-arg` of its own arguments, and of its files.
fn program_arguments(host: &dyn Host, layout: &Layout, process: Option<&Process>, config: &mut Config) -> Vec<String> {
    let Some(main) = layout.program_config else { return Vec::new() };
    let mut files = vec![main.to_owned()];
    let more = glob::glob(host, &format!("{main}.d/*.yaml"));
    files.extend(more.paths);
    for why in more.unread {
        config.doubt(why);
    }
    let mut found = Vec::new();
    for path in files {
        match text(host, &path) {
            Read::Is(content) => match serde_saphyr::from_str::<Value>(&content) {
                Ok(document) => found.extend(passed_on(&document)),
                Err(_) => config.doubt(format!("{path} is no YAML")),
            },
            Read::Absent => {}
            other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
        }
    }
    let own = process.map(|process| process.arguments.as_slice()).unwrap_or_default();
    found.extend(kubelet::flags(own).filter(|(name, _)| name == "kubelet-arg").map(|(_, value)| value));
    found.into_iter().map(|argument| format!("--{}", argument.trim_start_matches('-'))).collect()
}

/// `kubelet-arg` of a file, one text or a list of them.
fn passed_on(document: &Value) -> Vec<String> {
    let values = ["kubelet-arg", "kubelet-arg+"].into_iter().filter_map(|key| document.get(key));
    let texts = values.flat_map(|value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    });
    texts.collect()
}

fn kubelet(host: &dyn Host, instance: Instance<'_>, layout: Option<&Layout>) -> Kubelet {
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
    if is_embedded && files.is_empty() && layout.is_none_or(|layout| layout.kubelet_arguments.is_none()) {
        config.doubt("it is a part of another program, and no file has its settings");
    }
    kubelet::add_flags(&mut config, &instance.arguments, instance.pid());
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
