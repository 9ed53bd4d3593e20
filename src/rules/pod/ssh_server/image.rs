//! SSH servers that the image brings.

use super::line;
use super::server::Hit;
use crate::image::known::{ImageCommand, ImageTraits};
use crate::rule::{AtMost, Finding, Findings, Location};
use crate::text::clean;
use crate::workload::ContainerRef;

/// Adds what the image runs, exposes or contains.
pub fn check<'p>(container: ContainerRef<'p>, traits: &ImageTraits, findings: &mut Findings<'p>) {
    let at = Location::container(container).key("image", true);
    let wanted = "an image without an SSH server";
    if let Some(name) = runs(container, traits) {
        findings.add(Finding::new(at, format!("{name} as the program of the image"), wanted));
    } else if traits.ports.iter().any(|(port, protocol)| *port == 22 && **protocol == *"tcp") {
        findings.add(Finding::new(at, "EXPOSE 22 in the image", wanted));
    } else if let Some(path) = traits.ssh_servers.first() {
        let found = format!("/{} in the image", clean(path.trim_start_matches('/'), 100));
        findings.add(Finding::new(at, found, wanted).at_most(AtMost::Audit));
    }
}

/// The server in the words that the image adds, on any platform.
fn runs(container: ContainerRef<'_>, traits: &ImageTraits) -> Option<&'static str> {
    if !container.command.is_empty() {
        return None;
    }
    traits.commands.iter().find_map(|command| of_command(container, command))
}

/// ENTRYPOINT counts if the pod has no command, and CMD if it has no arguments either.
fn of_command(container: ContainerRef<'_>, command: &ImageCommand) -> Option<&'static str> {
    let entrypoint: Vec<&str> = command.entrypoint.iter().map(|word| &**word).collect();
    let cmd: Vec<&str> = command.cmd.iter().map(|word| &**word).filter(|_| container.args.is_empty()).collect();
    let args: Vec<&str> = container.args.iter().map(|word| &**word).collect();
    started(&entrypoint, &cmd, &args).map(|(_, server)| server.name)
}

/// The word of ENTRYPOINT and CMD, counted through both, that runs an SSH server. `args` are those of a pod: a server in them is
/// reported there.
pub fn started(entrypoint: &[&str], cmd: &[&str], args: &[&str]) -> Option<Hit> {
    if !entrypoint.iter().chain(cmd).any(|word| super::mentions_server(word)) {
        return None;
    }
    let own = [entrypoint, cmd, args].concat();
    let of_image = entrypoint.len() + cmd.len();
    let in_line = line::find(&own, 0).filter(|(index, _)| *index < of_image);
    // An entry point may run its arguments.
    in_line.or_else(|| {
        let (index, server) = line::find_in_arguments(cmd).filter(|_| !line::takes_no_program(entrypoint))?;
        Some((entrypoint.len() + index, server))
    })
}
