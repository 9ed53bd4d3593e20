//! dockerd: its arguments and its `daemon.json`, and what they make together.

mod settings;

use super::config::{Config, Setting, Source};
use super::unit::{self, Unit};
use serde::{Deserialize, Serialize};
pub use settings::{add_file, flags};
use std::collections::BTreeMap;

/// One dockerd: a running one, or one that is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Docker {
    pub pid: Option<u32>,
    /// Whether it runs with the rights of a user alone.
    pub rootless: bool,
    /// The user whose rights it has, and the home of that user.
    pub uid: u32,
    pub home: String,
    pub version: Option<String>,
    pub config: Config,
    pub config_file: String,
    /// Addresses of systemd's socket for `fd://`, with their source.
    pub socket_streams: Vec<(String, Source)>,
    /// Its name on this host: `dockerd`.
    pub name: String,
}

/// A place where dockerd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub address: String,
    pub source: Source,
}

impl Docker {
    /// All places where it listens. `fd://` stands for the streams of systemd's socket.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let setting = self.config.get("hosts");
        let named: Vec<Host> = setting
            .into_iter()
            .flat_map(|setting| {
                setting
                    .texts()
                    .into_iter()
                    .map(|text| Host { address: text.to_owned(), source: host_source(&setting.source, text) })
            })
            .collect();
        if named.is_empty() {
            // With TLS and without hosts, the default is TCP.
            let source = Source::Default { product: "docker".to_owned(), version: self.version.clone() };
            let tls = self.verification() != Verification::None || self.is_true("tls");
            let address = match (tls, self.rootless) {
                (true, _) => "tcp://localhost:2376".to_owned(),
                (false, true) => format!("unix:///run/user/{}/docker.sock", self.uid),
                (false, false) => "unix:///var/run/docker.sock".to_owned(),
            };
            return vec![Host { address, source }];
        }
        let streams = || {
            self.socket_streams
                .iter()
                .map(|(address, source)| Host { address: address.clone(), source: source.clone() })
        };
        named
            .into_iter()
            .flat_map(|host| if host.address.starts_with("fd://") { streams().collect() } else { vec![host] })
            .collect()
    }

    #[must_use]
    pub fn is_true(&self, key: &str) -> bool {
        self.config.get(key).is_some_and(Setting::is_true)
    }

    /// What a TCP listener needs from a client.
    #[must_use]
    pub fn verification(&self) -> Verification {
        let tlsverify = self.config.get("tlsverify");
        let has_ca = self.config.get("tlscacert").is_some();
        // Setting tlsverify at all, even to false, switches TLS on.
        match (tlsverify, self.is_true("tls")) {
            (Some(setting), _) if setting.is_true() => Verification::Client,
            (None, true) if has_ca => Verification::Client,
            (Some(_), _) | (None, true) => Verification::Server,
            (None, false) => Verification::None,
        }
    }

    /// The group of the socket.
    #[must_use]
    pub fn group(&self) -> String {
        self.config
            .get("group")
            .and_then(|setting| setting.value.as_str().map(str::to_owned))
            .unwrap_or_else(|| "docker".to_owned())
    }

    /// Where certificates of registries are.
    #[must_use]
    pub fn registry_certificates(&self) -> &'static str {
        // A snap sees another `/etc/docker`.
        if self.config_file.starts_with("/var/snap/docker/") {
            "/var/snap/docker/current/etc/docker/certs.d"
        } else {
            "/etc/docker/certs.d"
        }
    }

    /// Whether it listens on the sockets that systemd passes to it.
    #[must_use]
    pub fn takes_sockets(&self) -> bool {
        let hosts = self.config.get("hosts").map(Setting::texts).unwrap_or_default();
        hosts.iter().any(|host| host.starts_with("fd://"))
    }

    /// The folder of images and containers.
    #[must_use]
    pub fn data_root(&self) -> String {
        let named = self.config.get("data-root").or_else(|| self.config.get("graph"));
        let named = named.and_then(|setting| setting.value.as_str().map(str::to_owned));
        named.unwrap_or_else(|| {
            if self.rootless { format!("{}/.local/share/docker", self.home) } else { "/var/lib/docker".to_owned() }
        })
    }
}

/// The unit of dockerd, to which systemd passes sockets.
pub const SERVICE: &str = "docker.service";

/// The sockets that systemd passes to docker, those that nothing starts included.
pub fn sockets(units: &BTreeMap<String, Unit>) -> impl Iterator<Item = &Unit> {
    unit::sockets(units, SERVICE)
}

/// The groups that systemd's sockets are given to.
pub fn socket_groups(units: &BTreeMap<String, Unit>) -> impl Iterator<Item = &str> {
    let started = sockets(units).filter(|unit| !unit.is_idle);
    started.filter_map(|unit| unit.last("Socket", "SocketGroup")).map(|group| group.value.as_str())
}

/// A repeated flag has one source, which here is the flag of this address.
fn host_source(source: &Source, address: &str) -> Source {
    match source {
        Source::Flag { pid, .. } => Source::Flag { pid: *pid, argument: format!("-H {address}") },
        Source::File { .. } | Source::Default { .. } | Source::Unknown(_) => source.clone(),
    }
}

/// What a TCP listener of dockerd needs from a client, as measured with curl on real daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It speaks HTTP without TLS.
    None,
    /// It speaks TLS with every client.
    Server,
    /// It refuses clients without a certificate of its CA.
    Client,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn docker(text: &str, file: &str) -> Docker {
        let mut config = flags(&arguments(text), Some(7));
        if !file.is_empty() {
            add_file(&mut config, "/etc/docker/daemon.json", file);
        }
        Docker { config, ..Docker::default() }
    }

    #[test]
    fn flags_in_all_forms() {
        let config = flags(
            &arguments(
                "/usr/bin/dockerd -Hfd:// -H tcp://0.0.0.0:2375 --host=unix:///x -D --icc=false --log-level warn -G ops --tlsverify=0 --label a=b",
            ),
            Some(7),
        );
        assert_eq!(config.get("hosts").unwrap().texts(), ["fd://", "tcp://0.0.0.0:2375", "unix:///x"]);
        assert_eq!(config.get("icc").unwrap().value, false);
        assert_eq!(config.get("debug").unwrap().value, true);
        assert_eq!(config.get("log-level").unwrap().source.to_string(), "--log-level warn of process 7");
        assert_eq!(
            (config.get("group").unwrap().display(), config.get("tlsverify").unwrap().display()),
            ("ops".to_owned(), "false".to_owned())
        );
        // A value of another flag is no flag.
        assert!(flags(&arguments("dockerd --label --icc=false"), None).get("icc").is_none());
    }

    #[test]
    fn the_table_of_tls() {
        for (flags, file, expected) in [
            ("dockerd", "", Verification::None),
            ("dockerd --tlscacert=c --tlscert=c --tlskey=k", "", Verification::None),
            ("dockerd --tls --tlscacert=c", "", Verification::Client),
            ("dockerd", r#"{"tls": true, "tlscacert": "c"}"#, Verification::Client),
            ("dockerd --tls", "", Verification::Server),
            ("dockerd --tls --tlsverify=false --tlscacert=c", "", Verification::Server),
            ("dockerd", r#"{"tlsverify": false}"#, Verification::Server),
            ("dockerd --tlsverify", "", Verification::Client),
        ] {
            assert_eq!(docker(flags, file).verification(), expected, "{flags} {file}");
        }
    }

    #[test]
    fn files_and_flags_are_one() {
        let docker = docker("dockerd --icc=false", "{\n \"icc\": true,\n \"debug\" : true,\n \"debug\": false }");
        assert!(docker.config.doubts[0].contains("both have `icc`"), "{:?}", docker.config.doubts);
        assert_eq!(docker.config.get("icc").unwrap().value, false);
        assert_eq!(docker.config.get("debug").unwrap().value, false, "the last of a key counts");
        assert_eq!(docker.config.get("debug").unwrap().source.to_string(), "/etc/docker/daemon.json:3");
        let broken = super::super::docker::Docker {
            config: {
                let mut c = Config::default();
                add_file(&mut c, "f", "{,");
                c
            },
            ..Docker::default()
        };
        assert!(broken.config.doubts[0].starts_with("f:1:2: this is no JSON"));
    }

    #[test]
    fn short_flags_in_one_word() {
        let hosts = |text: &str| flags(&arguments(text), None).get("hosts").map(Setting::display);
        assert_eq!(hosts("dockerd -DHtcp://0.0.0.0:2375").as_deref(), Some("[\"tcp://0.0.0.0:2375\"]"));
        assert_eq!(hosts("dockerd -DH tcp://0.0.0.0:2375").as_deref(), Some("[\"tcp://0.0.0.0:2375\"]"));
        assert_eq!(flags(&arguments("dockerd -D=false"), None).get("debug").unwrap().value, false);
        assert_eq!(flags(&arguments("dockerd -D --icc=false"), None).get("icc").unwrap().value, false);
    }

    /// None of these is a value that a rule may judge: dockerd does not start with it.
    #[test]
    fn values_of_the_wrong_kind_are_doubts() {
        for file in [
            r#"{"icc": "false"}"#,
            r#"{"icc": null}"#,
            r#"{"userns-remap": null}"#,
            r#"{"userns-remap": 5}"#,
            r#"{"userns-remap": true}"#,
            r#"{"log-driver": null}"#,
            r#"{"hosts": "tcp://0.0.0.0:2375"}"#,
            r#"{"insecure-registries": {"a": 1}}"#,
            r#"{"authorization-plugins": [1]}"#,
        ] {
            assert_eq!(docker("dockerd", file).config.doubts.len(), 1, "{file}");
        }
        assert_eq!(docker("dockerd --icc=no", "").config.doubts.len(), 1);
        let fine = docker(
            "dockerd -D --default-ulimit nofile=1:1",
            r#"{"icc": false, "log-opts": {"a": "b"}, "mtu": 1, "features": {"a": true}}"#,
        );
        assert_eq!(fine.config.doubts, [""; 0]);
    }

    #[test]
    fn where_it_listens() {
        let addresses = |docker: &Docker| docker.hosts().into_iter().map(|host| host.address).collect::<Vec<_>>();
        assert_eq!(addresses(&docker("dockerd", "")), ["unix:///var/run/docker.sock"]);
        assert_eq!(addresses(&docker("dockerd --tls", "")), ["tcp://localhost:2376"]);
        let mut activated = docker("dockerd -H fd://", "");
        activated.socket_streams =
            vec![("tcp://0.0.0.0:2375".to_owned(), Source::File { path: "docker.socket".to_owned(), line: Some(3) })];
        assert_eq!(addresses(&activated), ["tcp://0.0.0.0:2375"]);
    }
}
