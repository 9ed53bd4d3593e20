//! Registries whose certificates are not checked.

use crate::node::Daemon;
use crate::node::config::Setting;
use crate::rule::{About, Evidence, Results, Severity};
use core::net::{IpAddr, SocketAddr};
use serde_json::Value;

/// Those of `hosts.toml` and `registries.conf`.
pub fn in_files(daemon: &Daemon, results: &mut Results) {
    for doubt in &daemon.registries.doubts {
        results.unknown(About::new(&daemon.name, &["D2.5"]), doubt.clone());
    }
    for (key, setting) in &daemon.registries.settings {
        let (file, key) = key.split_once(": ").unwrap_or(("", key));
        let names = insecure_entries(key, setting);
        let skips = key.ends_with("skip_verify") && setting.is_true();
        if !skips && !is_plain(key, setting) && names.is_empty() {
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

/// Registries of `registries.conf` that are insecure, with their mirrors, in the form of today and in that of before.
fn insecure_entries<'s>(key: &str, setting: &'s Setting) -> Vec<&'s str> {
    if key == "registries.insecure.registries" {
        return setting.texts();
    }
    let entries = || setting.value.as_array().into_iter().flatten();
    let mirrors = entries().filter_map(|entry| entry.get("mirror")?.as_array()).flatten();
    let insecure = entries().chain(mirrors).filter(|entry| entry.get("insecure").is_some_and(|value| value == true));
    let name = |entry: &'s Value| entry.get("location").or(entry.get("prefix")).and_then(Value::as_str);
    insecure.map(|entry| name(entry).unwrap_or("a registry without a name")).collect()
}

/// Whether a URL is one of another host without TLS.
pub fn is_plain_address(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| !is_local(rest.split('/').next().unwrap_or(rest)))
}

/// Whether an address of `hosts.toml` is without TLS: that of the registry, or that of a host which stands for it.
fn is_plain(key: &str, setting: &Setting) -> bool {
    let host = key.strip_prefix("host.").map(|rest| rest.trim_start_matches('"'));
    let server = setting.value.as_str().filter(|_| key == "server");
    server.is_some_and(is_plain_address)
        || host.is_some_and(|host| is_plain_address(host.split('"').next().unwrap_or(host)))
}

/// Whether a registry, or a range of addresses, is of this host alone: it needs no TLS.
fn is_local(registry: &str) -> bool {
    let (address, bits) = registry.split_once('/').unwrap_or((registry, ""));
    let with_port = address.parse::<SocketAddr>().map(|address| address.ip());
    let bare = address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_range_inside = |least: u8| bits.is_empty() || bits.parse::<u8>().is_ok_and(|bits| bits >= least);
    match bare.or(with_port) {
        Ok(ip) => ip.is_loopback() && is_range_inside(if ip.is_ipv4() { 8 } else { 128 }),
        Err(_) => {
            address == "localhost" || address.strip_prefix("localhost:").is_some_and(|port| port.parse::<u16>().is_ok())
        }
    }
}

pub fn insecure(subject: &str, key: &str, setting: &Setting, results: &mut Results) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_this_host() {
        for local in [
            "127.0.0.1",
            "127.0.0.1:5000",
            "127.0.0.0/8",
            "localhost",
            "localhost:5000",
            "::1",
            "[::1]:5000",
            "::1/128",
        ] {
            assert!(is_local(local), "{local}");
        }
        for foreign in [
            "127.0.0.1.example.com",
            "localhost.example.com",
            "localhost:x.example.com",
            "127.0.0.0/1",
            "::1/64",
            "0.0.0.0/0",
            "10.0.0.1",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
