//! Which names of settings, flags and variables say that their value is a secret.

use crate::text::name_words;

/// What stands in the place of a secret, as one word, since arguments are split again. A shell does not run it, should a user paste it.
pub const HIDDEN: &str = "(hidden)";

/// Parts of names, without what separates words.
const PARTS: &[&str] = &[
    "token",
    "passw",
    "passphrase",
    "secret",
    "credential",
    "apikey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "sharedkey",
    "sessionkey",
    "authkey",
    "privatekey",
    "keydata",
    "connectionstring",
    "datastoreendpoint",
    "header",
    "cookie",
];

/// Last words of names.
const LAST: &[&str] = &["auth", "auths", "authorization", "pass", "pwd", "psk", "dsn", "key", "keys", "pw"];

/// Names that sound like secrets, and say how a client is let in.
const OPEN: &[&str] = &["anonymousauth", "authenticationtokenwebhook", "authenticationtokenwebhookcachettl"];

/// A name in small letters, without what separates its words: `tlsprivatekey` of `tlsPrivateKey`.
fn joined(name: &str) -> String {
    name_words(name).flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

/// Whether the last word of a name is one of these, in any letters.
fn ends_with(name: &str, last: &[&str]) -> bool {
    name_words(name).last().is_some_and(|word| last.iter().any(|one| one.eq_ignore_ascii_case(word)))
}

/// Whether a part of a name says that it is secret, and not its last word alone.
fn has_part(name: &str) -> bool {
    let joined = joined(name);
    PARTS.iter().any(|part| joined.contains(part))
}

/// Whether the value of this name is a secret.
pub fn is_secret(name: &str) -> bool {
    // No program has a name that is longer.
    if name.len() > 200 {
        return false;
    }
    let joined = joined(name);
    (ends_with(name, LAST) || PARTS.iter().any(|part| joined.contains(part))) && !OPEN.contains(&joined.as_str())
}

/// Whether a name is that of a group whose values are secrets, whatever they are called.
pub fn is_group(name: &str) -> bool {
    matches!(name, "auth" | "auths" | "header" | "headers" | "http-headers" | "credentials" | "secrets")
}

/// Whether a name is that of variables of an environment.
pub fn is_environment(name: &str) -> bool {
    ends_with(name, &["env", "environment", "setenv"])
}

/// Whether a value of a secret name says nothing of the secret: true, false, or the file that has it.
pub fn is_open_value(name: &str, value: &str) -> bool {
    let is_place = || {
        let last = name_words(name).last().unwrap_or_default().to_lowercase();
        ["file", "path", "dir", "folder", "config"].iter().any(|end| last.ends_with(end))
            || (matches!(last.as_str(), "key" | "keys") && !has_part(name))
    };
    value.is_empty()
        || value == HIDDEN
        || matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "{}" | "[]")
        || (value.starts_with('/') && is_place())
}

/// Pairs of a name and a value whose name says nothing of whether they are secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// Variables of an environment.
    Variables,
    /// Labels of a daemon, which may be anything.
    Labels,
    /// Options of a driver of logs: each plugin has its own.
    LogOptions,
    /// Options of what starts containers.
    ExecOptions,
}

/// Last words of options of logs that say where logs go, and in which form.
const OF_LOGS: &[&str] = &[
    "address",
    "url",
    "size",
    "file",
    "mode",
    "tag",
    "format",
    "facility",
    "region",
    "group",
    "stream",
    "env",
    "regex",
    "labels",
    "compress",
    "compression",
    "disabled",
    "type",
    "level",
    "verify",
    "timeout",
    "wait",
    "limit",
    "retries",
    "async",
    "name",
];

impl Pairs {
    /// The pairs that a flag or a key has.
    pub fn of(name: &str) -> Option<Self> {
        match name.trim_start_matches('-') {
            "label" | "labels" => Some(Self::Labels),
            "log-opt" | "log-opts" => Some(Self::LogOptions),
            "exec-opt" | "exec-opts" => Some(Self::ExecOptions),
            _ if matches!(name, "-e" | "--env" | "--setenv") || is_environment(name) => Some(Self::Variables),
            _ => None,
        }
    }

    /// Whether the value of a pair stays as it is.
    pub fn keep(self, name: &str, value: &str) -> bool {
        match self {
            _ if is_open_value("", value) => true,
            Self::Variables | Self::Labels => false,
            Self::LogOptions => !is_secret(name) && ends_with(name, OF_LOGS),
            Self::ExecOptions => matches!(value, "systemd" | "cgroupfs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_others() {
        for name in [
            "token",
            "agent-token",
            "splunk-token",
            "logentries_token",
            "identityToken",
            "http-password",
            "PGPASSWORD",
            "auth",
            "vpn-auth",
            "etcd-s3-secret-key",
            "AWS_SECRET_ACCESS_KEY",
            "staticPodURLHeader",
            "awslogs-credentials-endpoint",
            "datastore-endpoint",
            "apiKey",
            "gelf-key",
            "pw",
            "tls_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "authorization-plugins",
            "authorization-mode",
            "anonymous-auth",
            "authentication",
            "tlskey",
            "log-opts",
            "kubelet-arg",
            "node-name",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(is_open_value("token-file", "/etc/token") && is_open_value("tlsPrivateKeyFile", "/k"));
        assert!(is_open_value("tls_key", "/k") && !is_open_value("gelf-key", "abcd") && !is_open_value("pw", "/k"));
        assert!(!is_open_value("AWS_SECRET_ACCESS_KEY", "/abcd"), "it is of any letters");
        assert!(is_open_value("token", "true") && !is_open_value("token", "/abc") && !is_open_value("password", "12"));
    }
}
