//! cri-o and podman, which share the files of `/etc/containers`.

use super::instances::{Instance, instances, package_version};
use super::walk::walk;
use super::{Host, glob, toml_files};
use crate::node::Daemon;
use crate::node::config::{Config, Source};
use crate::node::kubelet::flag;
use crate::node::process::Process;
use crate::node::toml_tree::Merge;
use crate::node::unit::Unit;
use serde_json::Value;
use std::collections::BTreeMap;

/// Flags of cri-o and the settings that they are.
const CRIO_FLAGS: &[(&str, &str)] = &[
    ("listen", "crio.api.listen"),
    ("stream-address", "crio.api.stream_address"),
    ("stream-enable-tls", "crio.api.stream_enable_tls"),
    ("stream-tls-cert", "crio.api.stream_tls_cert"),
    ("stream-tls-key", "crio.api.stream_tls_key"),
    ("stream-tls-ca", "crio.api.stream_tls_ca"),
    ("root", "crio.root"),
    ("selinux", "crio.runtime.selinux"),
    ("seccomp-profile", "crio.runtime.seccomp_profile"),
    ("cgroup-manager", "crio.runtime.cgroup_manager"),
    ("default-ulimits", "crio.runtime.default_ulimits"),
    ("insecure-registry", "crio.image.insecure_registries"),
    ("enable-metrics", "crio.metrics.enable_metrics"),
    ("metrics-host", "crio.metrics.metrics_host"),
];

/// cri-o: its file, then every file of its folder, whatever it is called, then its flags.
pub fn crios(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Daemon> {
    instances(host, "crio", &["crio.service"], processes, units).into_iter().map(|one| crio(host, one)).collect()
}

fn crio(host: &dyn Host, instance: Instance<'_>) -> Daemon {
    let named = |long: &str, short: &str| flag(&instance.arguments, long).or_else(|| flag(&instance.arguments, short));
    let main = named("config", "c").unwrap_or_else(|| "/etc/crio/crio.conf".to_owned());
    let folder = named("config-dir", "d").unwrap_or_else(|| "/etc/crio/crio.conf.d".to_owned());
    let mut files = vec![main];
    let mut config = instance.config.clone();
    for path in files.iter().chain([&folder]) {
        instance.check_path(&mut config, path);
    }
    let found = walk(host, &folder);
    files.extend(found.files);
    for why in found.unread {
        config.doubt(why);
    }
    for file in &files {
        toml_files::add(host, &instance, &mut config, file, Merge::Keys);
    }
    for (name, key) in CRIO_FLAGS {
        if let Some(value) = flag(&instance.arguments, name) {
            let source = Source::Flag { pid: instance.pid(), argument: format!("--{name}={value}") };
            let value = match value.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                list if name.ends_with("ulimits") || name.ends_with("registry") => {
                    Value::Array(list.split(',').map(Value::from).collect())
                }
                text => Value::from(text),
            };
            config.set(*key, value, source);
        }
    }
    Daemon {
        pid: instance.pid(),
        version: package_version(host, &["cri-o"]),
        registries: registries(host, &instance),
        config,
        config_files: files,
        name: instance.name,
        ..Daemon::default()
    }
}

/// podman has no daemon: its files count for every user who runs it as root. `CONTAINERS_CONF` in its unit stands for all of them.
pub fn podmans(host: &dyn Host, units: &BTreeMap<String, Unit>) -> Vec<Daemon> {
    let programs = ["/usr/bin/podman", "/usr/local/bin/podman", "/bin/podman"];
    if programs.iter().all(|path| host.entry(path).is_absent()) {
        return Vec::new();
    }
    let instance =
        Instance { process: None, arguments: Vec::new(), name: "podman".to_owned(), config: Config::default() };
    let mut config = Config::default();
    let variables = |unit: &Unit| unit.environment(&mut Vec::new());
    let only = units.get("podman.service").and_then(|unit| variables(unit).remove("CONTAINERS_CONF"));
    let files = if let Some(path) = only {
        if path.contains('%') || host.entry(&path).is_absent() {
            config.doubt(format!("CONTAINERS_CONF of podman.service names {path}, which podreeve does not find"));
        }
        vec![path]
    } else {
        let mut files: Vec<String> =
            ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf"].map(str::to_owned).into();
        let found = glob::glob(host, "/etc/containers/containers.conf.d/*.conf");
        files.extend(found.paths);
        for why in found.unread {
            config.doubt(why);
        }
        files
    };
    for file in &files {
        toml_files::add(host, &instance, &mut config, file, Merge::Keys);
    }
    let version = package_version(host, &["podman"]);
    let registries = registries(host, &instance);
    vec![Daemon { version, config, config_files: files, registries, name: instance.name, ..Daemon::default() }]
}

/// `registries.conf` and its folder.
fn registries(host: &dyn Host, instance: &Instance<'_>) -> Config {
    let mut all = Config::default();
    let mut files = vec!["/etc/containers/registries.conf".to_owned()];
    let found = glob::glob(host, "/etc/containers/registries.conf.d/*.conf");
    files.extend(found.paths);
    all.doubts.extend(found.unread);
    for path in files {
        let mut own = Config::default();
        toml_files::add(host, instance, &mut own, &path, Merge::Keys);
        all.settings.extend(own.settings.into_iter().map(|(key, setting)| (format!("{path}: {key}"), setting)));
        all.doubts.extend(own.doubts);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::{processes::processes, units};

    fn crio_doubts(files: &str) -> Vec<String> {
        let host = Fake::read(&format!(
            "=== /usr/lib/systemd/system/crio.service\n[Service]\nExecStart=/usr/bin/crio\n=== /etc/crio/crio.conf\n{files}"
        ));
        crios(&host, &processes(&host), &units::daemons(&host, &[])).remove(0).config.doubts
    }

    #[test]
    fn folders_of_crio_that_cannot_be_read() {
        assert_eq!(crio_doubts("=== /etc/crio/crio.conf.d/10-crio\n[crio]\nroot = \"/r\"\n"), [""; 0]);
        assert_eq!(crio_doubts(""), [""; 0], "it starts without the folder");
        let why = "cannot be read: permission denied";
        assert_eq!(crio_doubts("=== /etc/crio/crio.conf.d denied folder\n"), [format!("/etc/crio/crio.conf.d {why}")]);
        assert_eq!(
            crio_doubts("=== /etc/crio/crio.conf.d/a denied folder\n"),
            [format!("/etc/crio/crio.conf.d/a {why}")]
        );
        // It opens a linked folder as a file, and ends.
        let linked = crio_doubts("=== /etc/crio/crio.conf.d link /data\n=== /data/a\n[crio]\n");
        assert_eq!(linked, ["/etc/crio/crio.conf.d cannot be read: it is no regular file"]);
    }

    #[test]
    fn folders_of_podman_that_cannot_be_read() {
        let podman = |files: &str| {
            let host = Fake::read(&format!("=== /usr/bin/podman\n{files}"));
            podmans(&host, &units::daemons(&host, &[])).remove(0)
        };
        let found = podman(
            "=== /etc/containers/containers.conf.d denied folder\n=== /etc/containers/registries.conf.d denied folder\n",
        );
        assert_eq!(found.config.doubts, ["/etc/containers/containers.conf.d cannot be read: permission denied"]);
        assert_eq!(found.registries.doubts, ["/etc/containers/registries.conf.d cannot be read: permission denied"]);
        let unit = "=== /etc/systemd/system/podman.service\n[Service]\nEnvironment=CONTAINERS_CONF=/etc/%H.conf\nExecStart=/usr/bin/podman\n";
        assert_eq!(podman(unit).config.doubts.len(), 1);
    }
}
