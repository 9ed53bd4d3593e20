//! Names of settings of runtimes whose texts stay: those that rules read, and others that a bug report needs and that are no place for a secret.

use super::names::{HIDDEN, Pairs};
use super::texts::is_of_name;

/// Last parts of keys, with `_` for `-`.
const NAMES: &[&str] = &[
    // docker
    "authorization_plugins",
    "bip",
    "bridge",
    "cgroup_parent",
    "containerd",
    "data_root",
    "default_cgroupns_mode",
    "default_gateway",
    "default_runtime",
    "default_ulimits",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "dns",
    "dns_opts",
    "dns_search",
    "exec_root",
    "features",
    "fixed_cidr",
    "graph",
    "group",
    "hosts",
    "host",
    "insecure_registries",
    "insecure_registry",
    "ip",
    "log_driver",
    "log_level",
    "metrics_addr",
    "mtu",
    "pidfile",
    "registry_mirrors",
    "runtimes",
    "seccomp_profile",
    "storage_driver",
    "storage_opts",
    "tlscacert",
    "tlscert",
    "tlskey",
    "userns_remap",
    // containerd
    "address",
    "tcp_address",
    "bin_dir",
    "config_path",
    "default_runtime_name",
    "disabled_plugins",
    "endpoint",
    "imports",
    "level",
    "path",
    "root",
    "runtime_type",
    "sandbox_image",
    "sandbox",
    "sandboxer",
    "server",
    "snapshotter",
    "state",
    "stream_server_address",
    "stream_server_port",
    "tcp_tls_ca",
    "tcp_tls_cert",
    "tcp_tls_key",
    "tls_ca",
    "tls_cert",
    "tls_key",
    "unset_seccomp_profile",
    "capabilities",
    "type",
    "cgroup",
    "ca",
    "client",
    "stream_idle_timeout",
    "required_plugins",
    "oom_score",
    "format",
    // cri-o and podman
    "apparmor_profile",
    "cgroup_manager",
    "cgroups",
    "cgroupns",
    "conmon",
    "conmon_cgroup",
    "crun",
    "default_capabilities",
    "default_runtime",
    "default_sysctls",
    "default_transport",
    "driver",
    "events_logger",
    "insecure",
    "listen",
    "location",
    "metrics_host",
    "mirror",
    "network_backend",
    "network_cmd_path",
    "pids_limit",
    "pause_image",
    "prefix",
    "registries",
    "runtime",
    "runtime_path",
    "runroot",
    "short_name_mode",
    "signature_policy",
    "stream_address",
    "stream_port",
    "stream_tls_ca",
    "stream_tls_cert",
    "stream_tls_key",
    "unqualified_search_registries",
    "uri",
    "userns",
    "netns",
    "ipcns",
    "utsns",
    "umask",
    "tz",
    "blocked",
    "label",
];

/// Whether texts of this name stay, or are pairs, of which the values are hidden one by one.
pub fn is_kept_name(name: &str) -> bool {
    Pairs::of(name).is_some() || NAMES.contains(&name.replace('-', "_").as_str())
}

/// Whether a text of this name stays: by its name, or because it is a file, a flag, a number or a switch.
pub fn is_kept(name: &str, text: &str) -> bool {
    let is_amount = text.starts_with(|c: char| c.is_ascii_digit()) && text.len() <= 8;
    is_kept_name(name)
        || text.starts_with('/')
        || text.len() < 2
        || text == HIDDEN
        || is_flag(text)
        || is_amount
        || matches!(text, "true" | "false")
}

/// Whether a word is a flag without a value: `--name`, `-n`.
pub fn is_flag(word: &str) -> bool {
    let is_name = |name: &str| name.bytes().all(is_of_name);
    word.strip_prefix("--").map_or(word.len() == 2 && word.starts_with('-'), is_name)
}
