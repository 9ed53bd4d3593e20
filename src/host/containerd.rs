//! Every containerd of a host.

use super::instances::{Instance, instances, package_version};
use super::layouts::Layout;
use super::{Host, glob, toml_files};
use crate::node::Daemon;
use crate::node::config::{Config, Source};
use crate::node::kubelet::flag;
use crate::node::process::Process;
use crate::node::toml_tree::Merge;
use crate::node::unit::Unit;
use std::collections::BTreeMap;

/// The most files that one configuration imports.
const MOST_FILES: usize = 256;

pub fn containerds(
    host: &dyn Host,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
    layout: Option<&Layout>,
) -> Vec<Daemon> {
    let mut all = instances(host, "containerd", &["containerd.service"], processes, units);
    let placed = layout.and_then(|layout| layout.containerd_config).filter(|path| !host.entry(path).is_absent());
    if let Some(path) = placed.filter(|_| all.is_empty() && processes.is_empty()) {
        let arguments = vec!["containerd".to_owned(), format!("--config={path}")];
        all.push(Instance { process: None, arguments, name: "containerd".to_owned(), config: Config::default() });
    }
    all.into_iter().map(|instance| containerd(host, instance, processes)).collect()
}

fn containerd(host: &dyn Host, instance: Instance<'_>, processes: &[Process]) -> Daemon {
    let named = |long: &str, short: &str| flag(&instance.arguments, long).or_else(|| flag(&instance.arguments, short));
    let main = named("config", "c").unwrap_or_else(|| "/etc/containerd/config.toml".to_owned());
    // A package's version is that of the package's own program.
    let program = instance.arguments.first().map_or("", String::as_str);
    let is_package = !program.starts_with('/') || program == "/usr/bin/containerd";
    let version = is_package.then(|| package_version(host, &["containerd", "containerd.io"])).flatten();
    let (mut config, config_files) = read(host, &instance, &main, version.as_deref());
    for (long, short, key) in [("address", "a", "grpc.address"), ("root", "root", "root"), ("state", "state", "state")]
    {
        if let Some(value) = named(long, short) {
            let source = Source::Flag { pid: instance.pid(), argument: format!("--{long}={value}") };
            config.set(key, value, source);
        }
    }
    let registries = registries(host, &instance, &config);
    let rootless = instance.is_rootless();
    let (uid, home) = instance.home(host, processes, &mut config);
    Daemon { pid: instance.pid(), rootless, uid, home, version, config, config_files, registries, name: instance.name }
}

/// The main file and all that it imports. An imported file may import others.
fn read(host: &dyn Host, instance: &Instance<'_>, main: &str, version: Option<&str>) -> (Config, Vec<String>) {
    let mut config = instance.config.clone();
    instance.check_path(&mut config, main);
    toml_files::add(host, instance, &mut config, main, Merge::Keys);
    // The number of the format says it too: 3 came with 2.0.
    let format = config.get("version").and_then(|setting| setting.value.as_u64()).unwrap_or(1);
    let release = version.map(crate::text::version_numbers).or_else(|| (format >= 3).then(|| vec![2, 0]));
    let how = match &release {
        Some(release) if *release < vec![2] => Merge::Sections,
        _ => Merge::Deep,
    };
    let mut files = vec![main.to_owned()];
    let mut open: Vec<(String, String)> = imports(&config, main);
    while let Some((pattern, by)) = open.pop() {
        let folder = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let pattern = match &release {
            _ if pattern.starts_with('/') => pattern,
            // Up to 1.6 it is relative to the folder in which the daemon runs, which is `/` for systemd's.
            Some(release) if *release < vec![1, 7] => format!("/{pattern}"),
            _ => format!("{folder}/{pattern}"),
        };
        let found = glob::glob(host, &pattern);
        for why in found.unread {
            config.doubt(why);
        }
        for path in found.paths {
            if files.contains(&path) {
                continue;
            }
            if files.len() >= MOST_FILES {
                config.doubt(format!("{main} imports more files than podreeve reads"));
                break;
            }
            let mut own = Config::default();
            toml_files::add(host, instance, &mut own, &path, Merge::Keys);
            open.extend(imports(&own, &path));
            crate::node::toml_tree::merge(&mut config, own, how);
            files.push(path);
        }
    }
    if release.is_none() && files.len() > 1 {
        config.doubt("it has imports, and its version is unknown, by which they are merged");
    }
    (config, files)
}

fn imports(config: &Config, by: &str) -> Vec<(String, String)> {
    let setting = config.get("imports");
    // The last of the list is taken first.
    let patterns = setting.into_iter().flat_map(|setting| setting.texts().into_iter().rev());
    patterns.map(|pattern| (pattern.to_owned(), by.to_owned())).collect()
}

/// What `hosts.toml` says of each registry, below the folders of `config_path`.
fn registries(host: &dyn Host, instance: &Instance<'_>, config: &Config) -> Config {
    let mut all = Config::default();
    let paths = config.settings.iter().filter(|(key, _)| key.ends_with(".registry.config_path"));
    let folders: Vec<String> = paths
        .filter_map(|(_, setting)| setting.value.as_str())
        .flat_map(|paths| paths.split(':'))
        .map(str::to_owned)
        .collect();
    for folder in folders.iter().filter(|folder| folder.starts_with('/')) {
        let found = glob::glob(host, &format!("{folder}/*/hosts.toml"));
        all.doubts.extend(found.unread);
        for path in found.paths {
            let mut own = Config::default();
            toml_files::add(host, instance, &mut own, &path, Merge::Keys);
            all.settings.extend(own.settings.into_iter().map(|(key, setting)| (format!("{path}: {key}"), setting)));
            all.doubts.extend(own.doubts);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::{processes::processes, units};

    const SECTION: &str = "plugins.\"io.containerd.grpc.v1.cri\"";

    fn daemon(version: &str, files: &str) -> Daemon {
        let host = Fake::read(&format!(
            "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n\
=== /var/lib/dpkg/status\nPackage: containerd\nStatus: install ok installed\nVersion: {version}\n{files}"
        ));
        let (processes, units) = (processes(&host), units::daemons(&host, &[]));
        containerds(&host, &processes, &units, None).remove(0)
    }

    fn files(pattern: &str) -> String {
        format!(
            "=== /etc/containerd/config.toml\nversion = 2\nroot = \"/a\"\nimports = [\"{pattern}\"]\n[{SECTION}]\nenable_selinux = true\nsandbox_image = \"x\"\nlist = [1]\n\
=== /etc/containerd/conf.d/10.toml\nversion = 2\nroot = \"\"\n[{SECTION}]\nenable_selinux = false\nlist = [2]\n\
=== /conf.d/10.toml\nversion = 2\nroot = \"/cwd\"\n"
        )
    }

    #[test]
    fn imports_merge_by_the_version() {
        let get = |daemon: &Daemon, key: &str| daemon.config.get(key).map(crate::node::config::Setting::display);
        let old = daemon("1.7.20", &files("conf.d/*.toml"));
        assert_eq!(get(&old, &format!("{SECTION}.sandbox_image")), None, "the section is replaced as a whole");
        assert_eq!(get(&old, &format!("{SECTION}.enable_selinux")).as_deref(), Some("false"));
        let new = daemon("2.0.1", &files("conf.d/*.toml"));
        assert_eq!(get(&new, &format!("{SECTION}.sandbox_image")).as_deref(), Some("x"));
        assert_eq!(get(&new, &format!("{SECTION}.enable_selinux")).as_deref(), Some("false"), "false overrides");
        assert_eq!(get(&new, &format!("{SECTION}.list")).as_deref(), Some("[2]"), "a list is replaced");
        assert_eq!(
            (get(&old, "root").as_deref(), get(&new, "root").as_deref()),
            (Some("/a"), Some("/a")),
            "an empty one does not"
        );
        let oldest = daemon("1.6.20~ds1", &files("conf.d/*.toml"));
        assert_eq!(get(&oldest, "root").as_deref(), Some("/cwd"), "relative to the folder of the daemon");
        assert_eq!(get(&oldest, &format!("{SECTION}.sandbox_image")).as_deref(), Some("x"));
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let unread = daemon(
            "2.0.1",
            "=== /etc/containerd/config.toml\nversion = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n\
[plugins.x.registry]\nconfig_path = \"/certs.d\"\n=== /etc/containerd/conf.d denied folder\n=== /certs.d denied folder\n",
        );
        assert_eq!(unread.config.doubts, ["/etc/containerd/conf.d cannot be read: permission denied"]);
        assert_eq!(unread.registries.doubts, ["/certs.d cannot be read: permission denied"]);
        let files: String = (0..300).map(|n| format!("=== /etc/containerd/conf.d/{n}.toml\n")).collect();
        let main = "=== /etc/containerd/config.toml\nversion = 3\nimports = [\"conf.d/*\", \"/other.toml\"]\n=== /other.toml\n";
        let many = daemon("2.0.1", &format!("{main}{files}"));
        assert_eq!(many.config.doubts, ["/etc/containerd/config.toml imports more files than podreeve reads"]);
    }

    #[test]
    fn registries_and_flags() {
        let found = daemon(
            "1.7.1",
            &format!(
                "=== /etc/containerd/config.toml\nversion = 2\n[{SECTION}.registry]\nconfig_path = \"/etc/containerd/certs.d\"\n\
=== /etc/containerd/certs.d/r.example.com/hosts.toml\nserver = \"https://r.example.com\"\n[host.\"https://m.example.com\"]\nskip_verify = true\n"
            ),
        );
        let (key, setting) = found.registries.settings.iter().find(|(key, _)| key.ends_with("skip_verify")).unwrap();
        assert!(key.starts_with("/etc/containerd/certs.d/r.example.com/hosts.toml: host.") && setting.is_true());
    }
}
