//! The snapshot of a host: plain data, read once by [`crate::host`], written by `podreeve node --dump`, and judged anywhere.
//!
//! It holds no contents of keys, arguments of daemons alone, and no secret of a setting, a variable or an argument: [`secrets`] hides them.

pub mod account;
pub mod address;
pub mod audit;
pub mod audited;
pub mod certificate;
pub mod config;
pub mod docker;
pub mod expected;
pub mod kubelet;
pub mod lines;
pub mod listener;
pub mod mode;
pub mod mount;
pub mod os;
pub mod process;
mod read;
pub mod rsyslog;
pub mod secrets;
pub mod toml_tree;
pub mod unit;

pub use read::Read;

use self::account::Accounts;
use self::audit::{List, Origin};
use self::certificate::Certificate;
use self::config::Config;
use self::docker::Docker;
use self::kubelet::Kubelet;
use self::listener::Listener;
use self::mode::{FileFacts, FileRead};
use self::mount::Mount;
use self::os::{Kernel, Os, SecurityModules};
use self::process::Process;
use self::rsyslog::Forwarding;
use self::unit::Unit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form of a dump. A dump of another one is not judged.
pub const API_VERSION: &str = "podreeve.dev/v1alpha1";

/// The kind of a dump.
pub const KIND: &str = "NodeSnapshot";

/// Whether a name ends with a dot and one of these words.
#[must_use]
pub fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| extensions.contains(&end))
}

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
    /// Folders that may enable more, and why they cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enabled_unread: Vec<String>,
    pub audit: Audit,
    pub docker: Vec<Docker>,
    pub containerd: Vec<Daemon>,
    pub crio: Vec<Daemon>,
    pub podman: Vec<Daemon>,
    pub kubelet: Vec<Kubelet>,
    /// All files that a rule asks about, by the path that a setting names.
    pub files: BTreeMap<String, FileRead>,
    /// Sockets that do not exist yet, by the path at which systemd will make them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planned_sockets: BTreeMap<String, PlannedSocket>,
    /// Certificates that daemons use, by their path.
    pub certificates: BTreeMap<String, Read<Certificate>>,
    /// The names in folders whose files rules judge.
    pub folders: BTreeMap<String, Read<Vec<String>>>,
    /// Files of registries that hold a private key, whatever they are called, or that cannot be read. What is in them is not kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub private_keys: BTreeMap<String, Read<()>>,
    /// The bridges that each file of CNI makes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cni: BTreeMap<String, Read<Vec<CniBridge>>>,
    /// Images of each docker, by the daemon's name.
    pub docker_images: BTreeMap<String, DockerImages>,
    /// Images of podman that no container has.
    pub podman_unused: Read<u64>,
    /// The timer or cron job that removes unused images of podman.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub podman_prune: Option<String>,
    /// Limits of processes of containers that no kubelet runs, by the path of their control group.
    pub pids_limits: BTreeMap<String, String>,
    /// What rsyslog sends to another host.
    pub log_forwarding: Forwarding,
    /// Files that set `DOCKER_CONTENT_TRUST`.
    pub content_trust: Vec<String>,
    /// `/etc/containers/policy.json`.
    pub containers_policy: Read<serde_json::Value>,
    /// Programs that are newer than their process, by its id.
    pub outdated: BTreeMap<u32, String>,
}

/// A bridge for pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CniBridge {
    pub name: String,
    /// `hairpinMode`: whether a pod reaches itself by the address of a Service.
    pub hairpin: bool,
}

/// A socket that systemd makes as soon as its unit starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSocket {
    pub facts: FileFacts,
    /// The file and line that say its mode, or the file that does not.
    pub source: String,
}

/// The images that a docker keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DockerImages {
    pub folder: String,
    /// Images that no container has.
    pub unused: Read<u64>,
    /// The timer or cron job that removes unused images.
    pub prune: Option<String>,
    /// Ports of the host that its running containers publish; none if that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Vec<u16>>,
}

/// A daemon whose settings are TOML: containerd, cri-o, podman.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Daemon {
    pub pid: Option<u32>,
    pub rootless: bool,
    /// The user whose rights it has, and the home of that user.
    pub uid: u32,
    pub home: String,
    pub version: Option<String>,
    pub config: Config,
    /// Its files, the main one first, whether they exist or not.
    pub config_files: Vec<String>,
    /// What `hosts.toml` or `registries.conf` say of registries: keys begin with the path of the file.
    pub registries: Config,
    /// Its name on this host: `containerd`.
    pub name: String,
}

/// The audit system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Rules on disk: those that are loaded at the next start, and the file that was loaded last. Those in the kernel need a capability to read.
    pub lists: Vec<List>,
    /// Files of rules that cannot be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    pub running: bool,
    /// From where rules are loaded.
    #[serde(default)]
    pub origin: Origin,
    /// The first rule of `audit.rules` that is in no file of `rules.d`, from which that file is made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handwritten: Option<String>,
}

/// A folder that fills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataFolder {
    pub path: String,
    /// Why it may be another one.
    pub doubt: Option<String>,
}

impl DataFolder {
    fn new(path: &str, config: &Config) -> Self {
        Self { path: path.to_owned(), doubt: config.doubts.first().cloned() }
    }
}

impl Node {
    /// Folders that fill: of images, containers and pods, and of the audit system.
    #[must_use]
    pub fn data_folders(&self) -> Vec<DataFolder> {
        let root = |daemon: &Daemon, key: &str, default: &str| {
            let setting = daemon.config.get(key).and_then(|setting| setting.value.as_str());
            let path = setting.filter(|path| path.starts_with('/')).unwrap_or(default);
            DataFolder::new(path, &daemon.config)
        };
        let docker = |docker: &Docker| DataFolder::new(&docker.data_root(), &docker.config);
        let mut all: Vec<DataFolder> = self.docker.iter().map(docker).collect();
        all.extend(self.containerd.iter().map(|daemon| root(daemon, "root", "/var/lib/containerd")));
        all.extend(self.crio.iter().map(|daemon| root(daemon, "crio.root", "/var/lib/containers/storage")));
        all.extend(self.podman.iter().map(|daemon| root(daemon, "", "/var/lib/containers/storage")));
        all.extend(self.kubelet.iter().map(|kubelet| DataFolder { path: kubelet.root.clone(), doubt: None }));
        // Rules alone write nothing there: on a host of systemd the daemon has a unit.
        let has_daemon = self.audit.running || self.units.is_empty() || self.units.contains_key("auditd.service");
        if !all.is_empty() && !self.audit.lists.is_empty() && has_daemon {
            all.push(DataFolder { path: "/var/log/audit".to_owned(), doubt: None });
        }
        all.sort_unstable();
        all.dedup_by(|a, b| a.path == b.path);
        all
    }

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
