//! The kubelet inside another program, or in an image of a disk without a unit for it.

use super::passed::{self, Passed};
use crate::host::instances::Instance;
use crate::host::layouts::Layout;
use crate::host::{Host, text};
use crate::node::Read;
use crate::node::config::Config;
use crate::node::process::{Process, program};
use crate::node::unit::{self, Unit};
use std::collections::BTreeMap;

/// A kubelet, and the program that passes arguments on to it.
pub struct Embedded<'p> {
    pub instance: Instance<'p>,
    pub passed: Vec<Passed>,
    pub program: Option<&'static str>,
}

impl<'p> Embedded<'p> {
    /// One that runs by itself.
    pub const fn alone(instance: Instance<'p>) -> Self {
        Self { instance, passed: Vec::new(), program: None }
    }
}

/// The kubelet of a program that has one in it, or of an image of a disk without a unit for it.
pub fn embedded<'p>(
    host: &dyn Host,
    processes: &'p [Process],
    units: &BTreeMap<String, Unit>,
    layout: &Layout,
) -> Option<Embedded<'p>> {
    let process = layout.program.and_then(|name| server(processes, name, layout));
    let unit = layout.unit(units);
    if process.is_none() && unit.is_none() && !processes.is_empty() {
        return None;
    }
    let mut config = Config::default();
    let mut arguments = vec!["kubelet".to_owned()];
    arguments.extend(argument_file(host, layout, &mut config));
    let mut passed = Vec::new();
    if let Some(by) = &layout.passes_on {
        let of_process = process.and_then(Process::unit).and_then(|name| units.get(name));
        passed = passed::passed_on(host, by, process, of_process.or(unit), &mut config);
        arguments.extend(passed.iter().map(|one| format!("--{}={}", one.name, one.value)));
    }
    let instance = Instance { process, arguments, name: "kubelet".to_owned(), config };
    Some(Embedded { instance, passed, program: layout.passes_on.as_ref().map(|by| by.name) })
}

/// The process of the program. `k3s kubectl` is none; where users may start others of the name, that of root counts.
fn server<'p>(processes: &'p [Process], name: &str, layout: &Layout) -> Option<&'p Process> {
    let serves = |process: &Process| {
        let mut words = process.arguments.iter().flat_map(|argument| argument.split_ascii_whitespace()).skip(1);
        layout.passes_on.is_none() || words.next().is_none_or(|role| matches!(role, "server" | "agent"))
    };
    let is_it = |process: &&Process| !process.in_container() && program(&process.arguments) == name && serves(process);
    processes.iter().filter(is_it).min_by_key(|process| !process.is_of_root())
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
