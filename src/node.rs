//! The snapshot of a host: plain data, read once by [`crate::host`], written by `podreeve node --dump`, and judged anywhere.
//!
//! It holds no contents of keys, no environments, and arguments of daemons alone.

pub mod account;
pub mod audit;
pub mod config;
pub mod docker;
pub mod expected;
pub mod kubelet;
pub mod listener;
pub mod mode;
pub mod mount;
pub mod os;
pub mod process;
mod read;
pub mod toml_tree;
pub mod unit;
mod verdict;

pub use read::Read;
pub use verdict::{About, Evidence, Failure, NodeResult, Results, Verdict};

use self::account::Accounts;
use self::audit::Watch;
use self::config::Config;
use self::docker::Docker;
use self::kubelet::Kubelet;
use self::listener::Listener;
use self::mode::FileRead;
use self::mount::Mount;
use self::os::{Kernel, Os, SecurityModules};
use self::process::Process;
use self::unit::Unit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form of a dump. A dump of another one is not judged.
pub const API_VERSION: &str = "podreeve.dev/v1alpha1";

/// A host at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    pub api_version: String,
    /// `NodeSnapshot`.
    pub kind: String,
    pub name: String,
    /// Seconds since 1970.
    pub taken: i64,
    /// Whether user ids that podreeve sees are those of the host. Without that, no owner is known.
    pub host_ids: bool,
    /// Whether the root has no processes: an image of a disk.
    pub offline: bool,
    pub os: Read<Os>,
    pub kernel: Kernel,
    pub security_modules: SecurityModules,
    pub accounts: Read<Accounts>,
    pub mounts: Read<Vec<Mount>>,
    pub processes: Vec<Process>,
    pub listeners: Read<Vec<Listener>>,
    pub unix_listeners: Read<Vec<String>>,
    /// Names of network interfaces, and the bridge that each is a member of.
    pub interfaces: BTreeMap<String, Option<String>>,
    /// Units by name: those of container daemons and of network services.
    pub units: BTreeMap<String, Unit>,
    /// Units that start with the host.
    pub enabled_units: Vec<String>,
    pub audit: Audit,
    pub docker: Vec<Docker>,
    pub containerd: Vec<Daemon>,
    pub crio: Vec<Daemon>,
    pub podman: Vec<Daemon>,
    pub kubelet: Vec<Kubelet>,
    /// All files that a rule asks about, by the path that a setting names.
    pub files: BTreeMap<String, FileRead>,
    /// The names in folders whose files are asked about.
    pub folders: BTreeMap<String, Read<Vec<String>>>,
    /// Certificates that daemons name, by path.
    pub certificates: BTreeMap<String, Read<Certificate>>,
    /// Small facts that one rule asks for, by name.
    pub facts: BTreeMap<String, Read<serde_json::Value>>,
}

/// A daemon whose settings are TOML: containerd, cri-o, podman.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Daemon {
    pub pid: Option<u32>,
    pub rootless: bool,
    pub version: Option<String>,
    pub config: Config,
    /// Its files, the main one first, whether they exist or not.
    pub config_files: Vec<String>,
    pub name: String,
}

/// The audit system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Rules on disk. Those that are loaded need a capability to read.
    pub watches: Read<Vec<Watch>>,
    pub running: bool,
}

/// What is judged of a certificate and of the key beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Seconds since 1970.
    pub expires: i64,
    pub server_auth: bool,
    /// Bits of an RSA key; none for other keys.
    pub rsa_bits: Option<u32>,
    /// SHA-256 of the public key, to compare it with that of the private key.
    pub public_key: String,
}

impl Node {
    /// The facts of a file that a setting names.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileRead> {
        self.files.get(path)
    }

    /// Whether a daemon of containers is on this host at all.
    #[must_use]
    pub fn has_runtime(&self) -> bool {
        !(self.docker.is_empty() && self.containerd.is_empty() && self.crio.is_empty() && self.podman.is_empty())
    }
}
