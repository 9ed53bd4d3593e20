//! Units of sockets: where systemd listens for a service, and whom it lets in.

use super::{Unit, words};
use crate::node::config::Source;
use crate::node::has_extension;
use crate::node::mode::shell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Owner, group and mode of a socket that systemd makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAs {
    pub user: String,
    pub group: String,
    pub mode: u32,
    /// The file and line that say the mode, or the file that does not.
    pub source: String,
}

impl Unit {
    /// The command after which nothing starts the unit. systemd masks none whose file is in `/etc`.
    #[must_use]
    pub fn never_started(&self) -> String {
        let (name, own) = (shell(&self.name), format!("/etc/systemd/system/{}", self.name));
        if self.files.contains(&own) {
            return format!("systemctl disable --now {name}; rm {}; systemctl daemon-reload", shell(&own));
        }
        format!("systemctl mask --now {name}")
    }

    /// The addresses on which it listens: `unix:///path`, `tcp://address:port`, and others as the unit has them.
    #[must_use]
    pub fn streams(&self, doubts: &mut Vec<String>) -> Vec<(String, Source)> {
        let streams = self.all("Socket", "ListenStream");
        streams
            .map(|stream| {
                let value = self.expand(&stream.value, stream, doubts);
                let address = match value.as_str() {
                    path if path.starts_with('/') => format!("unix://{path}"),
                    // A name that is no file has no mode: every process of the host may connect.
                    other if other.starts_with('@') || other.starts_with("vsock:") => other.to_owned(),
                    port if port.bytes().all(|b| b.is_ascii_digit()) => format!("tcp://0.0.0.0:{port}"),
                    address => format!("tcp://{address}"),
                };
                (address, Source::File { path: stream.path.clone(), line: Some(stream.line) })
            })
            .collect()
    }

    /// The service that gets its connections: the one that it names, or the one of its own name. Where systemd accepts them, that is an
    /// instance for each connection.
    #[must_use]
    pub fn passes_to(&self) -> String {
        if let Some(found) = self.last("Socket", "Service") {
            return self.expand(&found.value, found, &mut Vec::new());
        }
        let stem = self.id().strip_suffix(".socket").unwrap_or(self.id());
        let accepts = self.last("Socket", "Accept").is_some_and(|found| {
            matches!(found.value.to_ascii_lowercase().as_str(), "1" | "yes" | "y" | "true" | "t" | "on")
        });
        format!("{stem}{}.service", if accepts { "@" } else { "" })
    }

    /// Whether systemd passes it to a service of this name. A socket whose files cannot be read as a whole may be one for any service.
    #[must_use]
    pub fn is_passed_to(&self, service: &str, unit: Option<&Self>) -> bool {
        let to = self.passes_to();
        let is_named = |unit: &Self| unit.is_called(&to) || names(unit, self);
        to == service || unit.is_some_and(is_named) || !self.doubts.is_empty()
    }

    /// How systemd makes the files of its sockets. Without a mode in the unit, everybody may connect.
    #[must_use]
    pub fn made_as(&self) -> MadeAs {
        let last = |key: &'static str| self.last("Socket", key);
        let text = |key| last(key).map_or_else(|| "root".to_owned(), |found| found.value.clone());
        let mode = last("SocketMode");
        let octal = mode.and_then(|mode| u32::from_str_radix(mode.value.trim_start_matches("0o"), 8).ok());
        let silent = || self.files.first().map_or_else(|| self.name.clone(), String::clone);
        MadeAs {
            user: text("SocketUser"),
            group: text("SocketGroup"),
            mode: octal.unwrap_or(0o666),
            source: mode.map_or_else(silent, |mode| format!("{}:{}", mode.path, mode.line)),
        }
    }
}

/// The sockets that systemd passes to a service: its own, those that it names, and those that name it.
pub fn sockets<'u>(units: &'u BTreeMap<String, Unit>, service: &'u str) -> impl Iterator<Item = &'u Unit> {
    let own = units.get(service);
    units.values().filter(move |unit| has_extension(&unit.name, &["socket"]) && unit.is_passed_to(service, own))
}

/// Whether a service names this socket in `Sockets=`.
fn names(service: &Unit, socket: &Unit) -> bool {
    service.all("Service", "Sockets").any(|found| {
        let expanded = service.expand(&found.value, found, &mut Vec::new());
        words(&expanded).iter().any(|name| socket.is_called(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        let mut unit = Unit { name: "docker.socket".to_owned(), ..Unit::default() };
        unit.add("/u", &format!("[Socket]\n{text}"));
        unit
    }

    #[test]
    fn addresses_in_all_forms() {
        let unit = unit(
            "ListenStream=%t/docker.sock\nListenStream=2375\nListenStream=[::]:2376\nListenStream=@docker\nListenStream=/run/%H\n",
        );
        let mut doubts = Vec::new();
        let streams: Vec<String> = unit.streams(&mut doubts).into_iter().map(|(address, _)| address).collect();
        let expected =
            ["unix:///run/docker.sock", "tcp://0.0.0.0:2375", "tcp://[::]:2376", "@docker", "unix:///run/%H"];
        assert_eq!(streams, expected);
        assert_eq!(doubts, ["/u:6 has %H, and podreeve does not know its value"]);
    }

    #[test]
    fn who_gets_the_connections() {
        assert_eq!(unit("").passes_to(), "docker.service");
        assert_eq!(unit("Accept=yes\n").passes_to(), "docker@.service");
        assert_eq!(unit("Service=x.service\nService=%p-ce.service\n").passes_to(), "docker-ce.service");
    }

    #[test]
    fn whom_a_socket_lets_in() {
        let made = unit("SocketMode=0660\nSocketGroup=docker\n").made_as();
        assert_eq!(
            (made.user.as_str(), made.group.as_str(), made.mode, made.source.as_str()),
            ("root", "docker", 0o660, "/u:2")
        );
        let made = unit("").made_as();
        assert_eq!((made.mode, made.source.as_str()), (0o666, "/u"), "the default of systemd");
    }
}
