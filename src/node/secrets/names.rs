//! Which names of settings, flags and variables say that their value is a secret.

/// What stands in the place of a secret. A shell does not run it, should a user paste it.
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
const LAST: &[&str] = &["auth", "auths", "authorization", "pass", "pwd", "psk", "dsn", "key", "pw"];

/// Names that sound like secrets, and say how a client is let in.
const OPEN: &[&str] = &["anonymousauth", "authenticationtokenwebhook", "authenticationtokenwebhookcachettl"];

/// Words of a name in small letters: `tls`, `private`, `key` of `tlsPrivateKey`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = !before.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase());
        if c.is_alphanumeric() {
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    words
}

/// Whether a part of a name says that it is secret, and not its last word alone.
fn has_part(name: &str) -> bool {
    let joined = words(name).concat();
    PARTS.iter().any(|part| joined.contains(part))
}

/// Whether the value of this name is a secret.
pub fn is_secret(name: &str) -> bool {
    // No program has a name that is longer.
    if name.len() > 200 {
        return false;
    }
    let words = words(name);
    let joined = words.concat();
    let ends = words.last().is_some_and(|last| LAST.contains(&last.as_str()));
    (ends || PARTS.iter().any(|part| joined.contains(part))) && !OPEN.contains(&joined.as_str())
}

/// Whether a name is that of a group whose values are secrets, whatever they are called.
pub fn is_group(name: &str) -> bool {
    matches!(name, "auth" | "auths" | "header" | "headers" | "http-headers" | "credentials" | "secrets")
}

/// Whether a name is that of variables of an environment.
pub fn is_environment(name: &str) -> bool {
    words(name).last().is_some_and(|last| matches!(last.as_str(), "env" | "environment" | "setenv"))
}

/// Whether a value of a secret name says nothing of the secret: true, false, or the file that has it.
pub fn is_open_value(name: &str, value: &str) -> bool {
    let is_place = || {
        let last = words(name).pop().unwrap_or_default();
        ["file", "path", "dir", "folder", "config"].iter().any(|end| last.ends_with(end))
            || (last == "key" && !has_part(name))
    };
    value.is_empty()
        || value == HIDDEN
        || matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "{}" | "[]")
        || (value.starts_with('/') && is_place())
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
