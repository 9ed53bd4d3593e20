//! What k3s and RKE2 pass on to their kubelet: `kubelet-arg` of their files, and then of their own arguments.

use crate::host::instances::{Instance, environment, installed};
use crate::host::layouts::PassesOn;
use crate::host::{Host, glob, text};
use crate::node::Read;
use crate::node::config::{Config, Source};
use crate::node::kubelet::{flag, flags};
use crate::node::process::Process;
use crate::node::unit::Unit;
use serde_json::Value;

/// An argument of the kubelet, and where it stands.
pub struct Passed {
    pub name: String,
    pub value: String,
    pub source: Source,
}

/// The arguments of the program itself.
struct Own {
    arguments: Vec<String>,
    /// The process that shows them; none where they are those of a unit.
    pid: Option<u32>,
    /// The file of settings that a variable names.
    file: Option<String>,
}

/// All that the program passes on, in the order in which it does.
pub fn passed_on(
    host: &dyn Host,
    by: &PassesOn,
    process: Option<&Process>,
    unit: Option<&Unit>,
    config: &mut Config,
) -> Vec<Passed> {
    let own = own(host, by, process, unit, config);
    let named = flag(&own.arguments, "config").or_else(|| flag(&own.arguments, "c")).or(own.file);
    let main = named.unwrap_or_else(|| by.config.to_owned());
    if !main.starts_with('/') {
        config.doubt(format!("{} reads its settings from an address, and podreeve reads files alone", by.name));
    }
    let mut data = Vec::new();
    let reader = Instance { process, arguments: Vec::new(), name: by.name.to_owned(), config: Config::default() };
    let mut all = of_files(host, &reader, &main, &mut data, config);
    data.extend(flag(&own.arguments, "data-dir").or_else(|| flag(&own.arguments, "d")));
    if let Some(other) = data.pop().filter(|folder| folder.trim_end_matches('/') != by.data) {
        config.doubt(format!("{} keeps its data in {other}, and podreeve reads {} alone", by.name, by.data));
    }
    let passed = flags(&own.arguments).filter(|(name, _)| name == "kubelet-arg").map(|(_, value)| value);
    all.extend(passed.map(|text| {
        let argument = format!("--kubelet-arg={}", text.trim_start_matches('-'));
        new(&text, Source::Flag { pid: own.pid, argument })
    }));
    all
}

/// The program writes over the arguments of its process, and then its unit has them.
fn own(host: &dyn Host, by: &PassesOn, process: Option<&Process>, unit: Option<&Unit>, config: &mut Config) -> Own {
    let shown = process.filter(|process| process.arguments.iter().any(|word| word.starts_with('-')));
    let Some(unit) = unit else {
        if let (Some(process), None) = (process, shown) {
            config.doubt(format!(
                "{} hides the arguments of its process {}, and no unit of systemd has them",
                by.name, process.pid
            ));
        }
        let arguments = shown.map(|process| process.arguments.clone()).unwrap_or_default();
        return Own { arguments, pid: shown.map(|process| process.pid), file: None };
    };
    let file = environment(host, unit, config).remove(by.config_variable);
    if let Some(process) = shown {
        return Own { arguments: process.arguments.clone(), pid: Some(process.pid), file };
    }
    let mut instance = installed(host, by.program, unit);
    instance.process = process;
    for doubt in std::mem::take(&mut instance.config.doubts) {
        config.doubt(doubt);
    }
    for path in &unit.files {
        instance.compare_age(host, config, path, by.name);
    }
    Own { arguments: instance.arguments, pid: None, file }
}

/// What the files pass on. A file replaces the list of those before, or adds to it with `kubelet-arg+`.
fn of_files(
    host: &dyn Host,
    reader: &Instance<'_>,
    main: &str,
    data: &mut Vec<String>,
    config: &mut Config,
) -> Vec<Passed> {
    let mut files = vec![main.to_owned()];
    for ending in ["yaml", "yml"] {
        let more = glob::glob(host, &format!("{main}.d/*.{ending}"));
        files.extend(more.paths);
        for why in more.unread {
            config.doubt(why);
        }
    }
    // The folder is read in the order of names, whatever their ending.
    if let Some(more) = files.get_mut(1..) {
        more.sort_unstable();
    }
    let mut all = Vec::new();
    for path in files {
        let content = match text(host, &path) {
            Read::Is(content) if !content.trim().is_empty() => content,
            Read::Is(_) | Read::Absent => continue,
            other => {
                config.doubt(format!("{path} {}", other.unknown().unwrap_or_default()));
                continue;
            }
        };
        let Ok(document) = serde_saphyr::from_str::<Value>(&content) else {
            config.doubt(format!("{path} is no YAML"));
            continue;
        };
        reader.compare_age(host, config, &path, &reader.name);
        data.extend(document.get("data-dir").and_then(Value::as_str).map(str::to_owned));
        if document.get("kubelet-arg").is_some() {
            all.clear();
        }
        for key in ["kubelet-arg", "kubelet-arg+"] {
            let found = texts(document.get(key));
            let line = |text: &str| content.lines().position(|line| line.contains(text)).map(|at| at + 1);
            all.extend(found.map(|text| new(text, Source::File { path: path.clone(), line: line(text) })));
        }
    }
    all
}

/// One text, or a list of them.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    list.chain(value.and_then(Value::as_str))
}

/// `NAME=VALUE`, or a name that is switched on. A sign at the end of the name adds to the defaults.
fn new(text: &str, source: Source) -> Passed {
    let text = text.trim_start_matches('-');
    let (name, value) = text.split_once('=').unwrap_or((text, "true"));
    Passed { name: name.trim_end_matches(['+', '-']).replace('_', "-"), value: value.to_owned(), source }
}
