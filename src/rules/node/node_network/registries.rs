//! Registries whose certificates are not checked.

use crate::node::Daemon;
use crate::node::config::Setting;
use crate::rule::{About, Evidence, Results, Severity};

/// Those of `hosts.toml` and `registries.conf`.
pub fn in_files(daemon: &Daemon, results: &mut Results) {
    for doubt in &daemon.registries.doubts {
        results.unknown(About::new(&daemon.name, &["D2.5"]), doubt.clone());
    }
    for (key, setting) in &daemon.registries.settings {
        let (file, key) = key.split_once(": ").unwrap_or(("", key));
        let entries = setting.value.as_array().into_iter().flatten();
        let insecure = entries.filter(|entry| entry.get("insecure").is_some_and(|value| value == true));
        let names: Vec<&str> =
            insecure.filter_map(|entry| entry.get("location").or(entry.get("prefix"))?.as_str()).collect();
        let skips = key.ends_with("skip_verify") && setting.is_true();
        let plain = setting.value.as_str().is_some_and(|url| key.ends_with("server") && url.starts_with("http://"));
        if !skips && !plain && names.is_empty() {
            continue;
        }
        let subject = format!("{}: {file}", daemon.name);
        let found = if names.is_empty() {
            format!("{key}={}", setting.display())
        } else {
            format!("insecure: {}", names.join(", "))
        };
        let fix = format!("remove it from {}, and give the registry a certificate", setting.source);
        let evidence = Evidence::new(found, &setting.source);
        results.fail(
            About::new(&subject, &["D2.5"]),
            Severity::High,
            evidence,
            "certificates of registries are checked",
            fix,
        );
    }
}

/// Addresses of this host itself need no TLS.
pub fn insecure(subject: &str, key: &str, setting: &Setting, results: &mut Results) {
    let is_local = |registry: &str| {
        registry.starts_with("127.")
            || registry.starts_with("localhost")
            || registry.starts_with("::1")
            || registry.starts_with("[::1]")
    };
    let foreign: Vec<&str> = setting.texts().into_iter().filter(|registry| !is_local(registry)).collect();
    if foreign.is_empty() {
        results.pass(About::new(subject, &["D2.5"]), Evidence::of(key, setting));
        return;
    }
    let fix = format!(
        "remove {} from `{key}` in {}, and give the registry a certificate",
        foreign.join(", "),
        setting.source
    );
    results.fail(
        About::new(subject, &["D2.5"]),
        Severity::High,
        Evidence::of(key, setting),
        "no registry without TLS",
        fix,
    );
}
