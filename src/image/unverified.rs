//! Settings of package managers that install packages without verifying who made them.

mod apt_conf;

use super::paths;
use super::text_file::settings;
use crate::text::{HIDDEN, clean};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line of a settings file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What it says: `trusted=yes`.
    pub setting: String,
}

/// What a settings file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    AptSources,
    AptSettings,
    /// dnf, yum and zypper.
    Rpm,
    Pip,
    Npm,
    Curl,
    Wget,
    Git,
    Gem,
}

fn manager(path: &str) -> Option<Manager> {
    let (folder, name) = paths::split(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match (folder, name) {
        ("etc/apt", "sources.list") => Manager::AptSources,
        ("etc/apt/sources.list.d", _) if matches!(extension, "list" | "sources") => Manager::AptSources,
        ("etc/apt", "apt.conf") | ("etc/apt/apt.conf.d", _) => Manager::AptSettings,
        ("etc", "yum.conf") | ("etc/dnf", "dnf.conf") | ("etc/zypp", "zypp.conf") => Manager::Rpm,
        ("etc/yum.repos.d" | "etc/zypp/repos.d" | "etc/distro.repos.d", _) if extension == "repo" => Manager::Rpm,
        (_, "pip.conf" | "pip.ini") => Manager::Pip,
        (_, ".npmrc" | "npmrc") => Manager::Npm,
        (_, ".curlrc") => Manager::Curl,
        ("etc", "wgetrc") | (_, ".wgetrc") => Manager::Wget,
        ("etc", "gitconfig") | (_, ".gitconfig") => Manager::Git,
        ("etc", "gemrc") | (_, ".gemrc") => Manager::Gem,
        _ => return None,
    })
}

/// Whether the file has settings of a package manager.
pub fn is_settings(path: &str) -> bool {
    manager(path).is_some()
}

/// Whether both files have settings of the same package manager, or of none.
pub fn is_same_manager(a: &str, b: &str) -> bool {
    manager(a) == manager(b)
}

/// The lines that switch verification off.
pub fn settings_faults(path: &str, text: &str) -> Vec<Fault> {
    let Some(manager) = manager(path) else { return Vec::new() };
    let found: Vec<(usize, String)> = match manager {
        Manager::AptSources => apt_sources(text),
        Manager::AptSettings => apt_settings(text),
        Manager::Rpm => rpm(text),
        Manager::Curl => words(text, &["insecure", "-k", "--insecure"]),
        Manager::Pip => keys(text, |key, value| match key {
            "trusted-host" => !value.is_empty(),
            "index-url" | "extra-index-url" => value.starts_with("http://"),
            _ => false,
        }),
        Manager::Npm => keys(text, |key, value| match key {
            "strict-ssl" => value == "false",
            "registry" => value.starts_with("http://"),
            _ => key.ends_with(":registry") && value.starts_with("http://"),
        }),
        Manager::Wget => {
            keys(text, |key, value| matches!(key, "check_certificate" | "check-certificate") && value == "off")
        }
        Manager::Git => keys(text, |key, value| {
            key.eq_ignore_ascii_case("sslVerify") && matches!(value, "false" | "0" | "off" | "no")
        }),
        Manager::Gem => keys(text, |key, value| key.ends_with("ssl_verify_mode") && value == "0"),
    };
    let fault = |(line, setting): (usize, String)| Fault { line, setting: clean(&without_login(&setting), 100) };
    found.into_iter().map(fault).collect()
}

/// Without the login and the query of a URL.
fn without_login(setting: &str) -> String {
    let Some((before, url)) = setting.split_once("://") else { return setting.to_owned() };
    let (place, query) = url.split_once('?').map_or((url, ""), |(place, _)| (place, HIDDEN));
    // A password may have a slash.
    let (login, host) = place.rsplit_once('@').map_or(("", place), |(_, host)| (HIDDEN, host));
    let (at, mark) = (if login.is_empty() { "" } else { "@" }, if query.is_empty() { "" } else { "?" });
    format!("{before}://{login}{at}{host}{mark}{query}")
}

fn keys(text: &str, is_fault: impl Fn(&str, &str) -> bool) -> Vec<(usize, String)> {
    let faults = settings(text).filter(|(_, key, value)| is_fault(key, value));
    faults.map(|(line, key, value)| (line, format!("{key}={value}"))).collect()
}

fn words(text: &str, wanted: &[&str]) -> Vec<(usize, String)> {
    let faults = text.lines().enumerate().filter(|(_, line)| wanted.contains(&line.trim()));
    faults.map(|(index, line)| (index + 1, line.trim().to_owned())).collect()
}

/// `deb [trusted=yes] http://..`, and `Trusted: yes` in the newer format.
fn apt_sources(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let (options, source) = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).unwrap_or_default();
        // A folder of the image itself: nothing is loaded.
        if ["file:", "copy:", "cdrom:"].iter().any(|scheme| source.trim_start().starts_with(scheme)) {
            continue;
        }
        let old = options.split_whitespace().filter_map(|option| option.split_once('='));
        let new = line.split_once(':').filter(|_| !line.starts_with("deb"));
        for (key, value) in old.chain(new) {
            let is_off = ["trusted", "allow-insecure", "allow-weak"].iter().any(|off| key.eq_ignore_ascii_case(off));
            if is_off && is_yes(value.trim()) {
                found.push((index + 1, format!("{}={}", key.to_lowercase(), value.trim())));
            }
        }
    }
    found
}

/// Whether apt takes the value for true.
fn is_yes(value: &str) -> bool {
    ["true", "1", "yes", "on", "with", "enable"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

fn apt_settings(text: &str) -> Vec<(usize, String)> {
    const ON: [&str; 4] = [
        "allowunauthenticated",
        "allowinsecurerepositories",
        "allowweakrepositories",
        "allowdowngradetoinsecurerepositories",
    ];
    let is_fault = |setting: &apt_conf::Setting| {
        let last = setting.key.rsplit("::").next().unwrap_or_default().to_lowercase();
        let value = setting.value.to_lowercase();
        let is_on = is_yes(&value);
        let is_off = matches!(value.as_str(), "false" | "0" | "no" | "off" | "without" | "disable");
        (is_on && ON.contains(&last.as_str())) || (is_off && matches!(last.as_str(), "verify-peer" | "verify-host"))
    };
    let faults = apt_conf::settings(text).into_iter().filter(is_fault);
    faults.map(|setting| (setting.line, format!("{} \"{}\"", setting.key, setting.value))).collect()
}

/// In a section with `enabled=0`, nothing is installed from it.
fn rpm(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut section, mut enabled) = (Vec::new(), Vec::new(), true);
    for (index, line) in text.lines().chain(std::iter::once("[end]")).enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            if enabled {
                found.append(&mut section);
            }
            section.clear();
            enabled = true;
            continue;
        }
        let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else { continue };
        let is_off = matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off");
        match key {
            "enabled" => enabled = !is_off,
            "gpgcheck" | "pkg_gpgcheck" | "sslverify" if is_off => section.push((index + 1, format!("{key}={value}"))),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        settings_faults(path, text).into_iter().map(|fault| format!("{} {}", fault.line, fault.setting)).collect()
    }

    #[test]
    fn settings_that_verify_nothing_are_found() {
        for (path, text, fault) in [
            (
                "etc/apt/sources.list",
                "# deb [trusted=yes] a\ndeb [arch=amd64 trusted=yes] http://a b c\n",
                "2 trusted=yes",
            ),
            ("etc/apt/sources.list.d/a.sources", "Types: deb\nURIs: http://a\nTrusted: yes\n", "3 trusted=yes"),
            ("etc/apt/sources.list.d/b.sources", "Types: deb\nTrusted: true\n", "2 trusted=true"),
            ("etc/apt/sources.list", "deb [trusted=1] http://a b c\n", "1 trusted=1"),
            (
                "etc/apt/apt.conf.d/99a",
                "APT::Get::AllowUnauthenticated \"true\";\n",
                "1 APT::Get::AllowUnauthenticated \"true\"",
            ),
            ("etc/apt/apt.conf", "Acquire::https::Verify-Peer \"false\";", "1 Acquire::https::Verify-Peer \"false\""),
            (
                "etc/apt/apt.conf.d/a",
                "APT { Get { Assume-Yes \"true\";\n AllowUnauthenticated \"true\"; }; };",
                "2 APT::Get::AllowUnauthenticated \"true\"",
            ),
            (
                "etc/apt/apt.conf.d/a",
                "/* a */ Acquire { // b\n  https::Verify-Peer \"false\"; };\n",
                "2 Acquire::https::Verify-Peer \"false\"",
            ),
            ("etc/yum.repos.d/a.repo", "[a]\nname=a\ngpgcheck=0\n[b]\nenabled=0\ngpgcheck=0\n", "3 gpgcheck=0"),
            ("etc/dnf/dnf.conf", "[main]\nsslverify = False\n", "2 sslverify=False"),
            ("etc/pip.conf", "[global]\ntrusted-host = pypi.example.com\n", "2 trusted-host=pypi.example.com"),
            (
                "etc/pip.conf",
                "[global]\nindex-url=http://jane:hun/ter2@h/a?token=b\n",
                "2 index-url=http://(not repeated)@h/a?(not repeated)",
            ),
            ("root/.npmrc", "strict-ssl=false\n", "1 strict-ssl=false"),
            ("root/.curlrc", "insecure\n", "1 insecure"),
            ("etc/wgetrc", "check_certificate = off\n", "1 check_certificate=off"),
            ("etc/gitconfig", "[http]\n\tsslVerify = false\n", "2 sslVerify=false"),
            ("root/.gemrc", ":ssl_verify_mode: 0\n", "1 :ssl_verify_mode=0"),
        ] {
            assert_eq!(found(path, text), [fault], "{path}");
        }
    }

    #[test]
    fn settings_that_verify_are_none() {
        for (path, text) in [
            ("etc/apt/sources.list", "deb [signed-by=/a.gpg] https://a b c\n"),
            ("etc/apt/apt.conf.d/01a", "APT::Install-Recommends \"false\";\nAcquire::Retries \"1\";\n"),
            (
                "etc/apt/apt.conf.d/01a",
                "// APT::Get::AllowUnauthenticated \"true\";\n# a\n/* APT { Get { AllowUnauthenticated \"true\"; }; }; */",
            ),
            (
                "etc/apt/apt.conf.d/01a",
                "APT { NeverAutoRemove { \"^firmware\"; }; Get::AllowUnauthenticated \"false\"; };",
            ),
            ("etc/yum.repos.d/a.repo", "[a]\ngpgcheck=1\n[b]\ngpgcheck=0\nenabled=0\n"),
            ("etc/pip.conf", "[global]\nindex-url = https://pypi.example.com\n"),
            ("root/.npmrc", "registry=https://registry.example.com\n"),
        ] {
            assert_eq!(found(path, text), [""; 0], "{path}");
        }
    }
}
