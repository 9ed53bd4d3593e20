//! SSH servers that the image brings.

use super::line;
use crate::image::known::ImageTraits;
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

/// The server in the words that the image adds: ENTRYPOINT if the pod has no command, CMD if it has no arguments either.
fn runs(container: ContainerRef<'_>, traits: &ImageTraits) -> Option<&'static str> {
    if !container.command.is_empty() {
        return None;
    }
    let entrypoint = traits.entrypoint.iter().map(|word| &**word);
    let own: Vec<&str> = if container.args.is_empty() {
        entrypoint.chain(traits.cmd.iter().map(|word| &**word)).collect()
    } else {
        entrypoint.chain(container.args.iter().map(|word| &**word)).collect()
    };
    let of_image = if container.args.is_empty() { own.len() } else { traits.entrypoint.len() };
    let mentioned = own.iter().take(of_image).any(|word| super::mentions_server(word));
    // A word of the pod's own arguments is reported at the argument.
    let (index, server) = line::find(&own, 0).filter(|_| mentioned)?;
    (index < of_image).then_some(server.name)
}
