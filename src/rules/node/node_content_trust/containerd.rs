//! Verifiers of images that containerd starts.

use crate::node::config::Setting;
use crate::node::{Daemon, Node, Read};
use crate::rule::{About, Evidence, Results, Severity};
use crate::text::version_numbers;

const PLUGIN: &str = "io.containerd.image-verifier.v1.bindir";
const ADMISSION: &str = "verify signatures at admission (the rule image-signature)";

pub fn judge(node: &Node, daemon: &Daemon, results: &mut Results) {
    let about = About::new(&daemon.name, &[]);
    let file = daemon.config_files.first().map_or("its defaults", String::as_str);
    let fail = |results: &mut Results, found: String, source: &str, wanted: &str, fix: String| {
        results.fail(about, Severity::Low, Evidence::new(found, source), wanted, fix);
    };
    let folder = daemon.config.get(&format!("plugins.\"{PLUGIN}\".bin_dir"));
    let Some(setting) = folder.filter(|setting| setting.value.as_str().is_some_and(|path| !path.is_empty())) else {
        let fix = format!("{ADMISSION}, or set bin_dir of {PLUGIN}");
        return fail(results, "no image verifier".to_owned(), file, "images are verified before they run", fix);
    };
    if let Some(disabled) = daemon.config.get("disabled_plugins").filter(|list| list.texts().contains(&PLUGIN)) {
        let fix = format!("remove {PLUGIN} from disabled_plugins");
        return fail(results, "the verifier is disabled".to_owned(), &disabled.source.to_string(), "a verifier", fix);
    }
    match node.folders.get(&setting.display()) {
        Some(Read::Is(names)) if !names.is_empty() => {
            // containerd starts so many, and skips the others. A negative number is no limit.
            let most = daemon.config.get(&format!("plugins.\"{PLUGIN}\".max_verifiers"));
            let skips = |setting: &&Setting| {
                let most = setting.value.as_i64().and_then(|most| usize::try_from(most).ok());
                most.is_some_and(|most| names.len() > most)
            };
            if let Some(setting) = most.filter(skips) {
                let fix = format!("remove max_verifiers from {}, and restart containerd", setting.source);
                let found = format!("max_verifiers={}, and {} programs", setting.display(), names.len());
                return fail(results, found, &setting.source.to_string(), "no verifier is skipped", fix);
            }
        }
        Some(Read::Is(_) | Read::Absent) | None => {
            let fix = format!("install a verifier in {}", setting.display());
            let found = format!("{} has no programs", setting.display());
            return fail(results, found, &setting.source.to_string(), "a verifier", fix);
        }
        Some(other) => {
            let why = format!("{} {}", setting.display(), other.unknown().unwrap_or_default());
            return results.unknown(about, why);
        }
    }
    if node.kubelet.is_empty() {
        return results.pass(about, Evidence::of("bin_dir", setting));
    }
    // Pulls of the kubelet pass a verifier from 2.1 on, unless a setting has containerd pull in the older way.
    let Some(version) = daemon.version.as_deref() else {
        return results
            .unknown(about, "its version is unknown, and the kubelet's pulls pass a verifier only from 2.1 on");
    };
    if version_numbers(version) < vec![2, 1] {
        let fix = format!("{ADMISSION}, or upgrade containerd to 2.1");
        let wanted = "2.1 or newer, whose verifiers see the kubelet's pulls";
        return fail(results, format!("containerd {version}"), "the package database", wanted, fix);
    }
    match pulls_by_itself(daemon) {
        Some((key, setting)) => {
            let fix = format!("remove {key} from {}, and restart containerd", setting.source);
            let found = format!("{key}={}, with which the kubelet's pulls go past the verifier", setting.display());
            fail(results, found, &setting.source.to_string(), "pulls by the transfer service", fix);
        }
        None => results.pass(about, Evidence::of("bin_dir", setting)),
    }
}

/// The setting that has the CRI pull without the transfer service, which alone asks verifiers. containerd 2.1 names them in its log.
fn pulls_by_itself(daemon: &Daemon) -> Option<(&str, &Setting)> {
    daemon.config.under("plugins.\"io.containerd.cri.v1.images\"").find(|(key, setting)| match *key {
        "use_local_image_pull" | "discard_unpacked_layers" | "image_pull_with_sync_fs" => setting.is_true(),
        "disable_snapshot_annotations" => setting.value == false,
        "max_concurrent_downloads" => setting.value != 3,
        key => ["registry.mirrors.", "registry.configs.", "registry.auths."].iter().any(|old| key.starts_with(old)),
    })
}
