//! What a policy says of the names of secrets.

use super::names::is_named_secret;
use super::public::{is_of_pages, is_published, is_throw_away};
use super::shape::{NAMED, is_certain, is_url, secret_in};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A kind of secret, and the name of the option or the setting that has it; empty if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret<'v> {
    pub what: &'static str,
    pub name: &'v str,
}

impl Secret<'_> {
    pub const fn new(what: &'static str) -> Self {
        Self { what, name: "" }
    }
}

/// What a policy says of names.
#[derive(Debug, Default, Clone, Copy)]
pub struct Names<'n> {
    /// Further words with which the name of a secret ends, in capitals.
    pub more: &'n [String],
    /// Names that are named like a secret and are none.
    pub allow: &'n [String],
}

impl Names<'_> {
    pub fn is_allowed(&self, name: &str) -> bool {
        is_allowed(self.allow, name)
    }

    /// The secret that a variable has. A private key or a token of a service is one in an allowed variable, too.
    pub fn secret<'v>(&self, name: &str, value: &'v str) -> Option<Secret<'v>> {
        let is_public = |secret: &Secret<'_>| is_of_pages(secret.what) && is_published(name);
        let shape = secret_in(value, self.allow).filter(|secret| !is_public(secret));
        if let Some(certain) = shape.filter(|secret| is_certain(secret.what)) {
            return Some(certain);
        }
        if shape.is_none() && !is_named_secret(name, value, self.more) {
            return None;
        }
        Some(shape.unwrap_or(Secret::new(NAMED))).filter(|_| !self.is_allowed(name))
    }

    /// The secret in a text by its shape.
    pub fn in_text<'v>(&self, text: &'v str) -> Option<Secret<'v>> {
        secret_in(text, self.allow)
    }

    /// The same of a variable that one command of a build has, where a login to the machine itself leads nowhere else.
    pub fn secret_of_command<'v>(&self, name: &str, value: &'v str) -> Option<Secret<'v>> {
        self.secret(name, value).filter(|secret| !(is_url(secret.what) && is_throw_away(value)))
    }
}

pub fn is_allowed(allow: &[String], name: &str) -> bool {
    allow.iter().any(|allowed| bare(allowed) == bare(name))
}

/// The name without what a command line writes before it: `--token`, `-Djavax.net.ssl.trustStorePassword`.
fn bare(name: &str) -> &str {
    match name.strip_prefix("-D") {
        Some(property) if property.contains('.') => property,
        _ => name.trim_start_matches('-'),
    }
}

/// Reads the names that a policy allows. An entry that can match nothing would be taken for one that works.
pub fn allowed_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find_map(|name| Some((name, fault(name)?))) {
        Some((name, why)) => Err(D::Error::custom(format!("`{name}` is no name: it {why}"))),
        None => Ok(names),
    }
}

/// Why nothing has this name.
pub fn fault(name: &str) -> Option<&'static str> {
    if bare(name).is_empty() {
        Some("is empty")
    } else if name.contains('=') {
        Some("has a value; write what is before `=` alone")
    } else if name.contains(char::is_whitespace) {
        Some("has a blank; write each name as an entry of its own")
    } else {
        None
    }
}
