//! Secrets by the shape of a value, whatever the name of the variable.

use super::named::Secret;
use super::{assignments, encoded, tokens, urls};

/// What kind of secret this value is or contains, by its own shape.
pub fn secret_value(value: &str) -> Option<&'static str> {
    secret_in(value, &[]).map(|secret| secret.what)
}

/// The same without the settings whose names are allowed.
pub fn secret_in<'v>(value: &'v str, allow: &[String]) -> Option<Secret<'v>> {
    shape(value, allow).or_else(|| {
        let decoded = encoded::decoded(value)?;
        shape(&decoded, allow).map(|_| Secret::new(ENCODED))
    })
}

/// The length of the shortest shapes: `://:x@`, `pwd=x`.
const SHORTEST: usize = 5;

const URL: &str = "a URL with a password";
const HEADER: &str = "an Authorization header";
const SETTING: &str = "a setting with a password or key";
const ENCODED: &str = "a secret in base64";
/// A secret by the name of its variable alone.
pub const NAMED: &str = "a literal value";

/// Whether a kind of secret is one whatever its name: a private key, or a token of a service.
pub fn is_certain(what: &str) -> bool {
    ![URL, HEADER, SETTING, ENCODED, NAMED].contains(&what)
}

/// Whether it is a login in a URL.
pub fn is_url(what: &str) -> bool {
    what == URL
}

fn shape<'v>(value: &'v str, allow: &[String]) -> Option<Secret<'v>> {
    if value.len() < SHORTEST {
        return None;
    }
    if value.len() >= 22 && value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return Some(Secret::new("a private key"));
    }
    let plain = tokens::known_token(value)
        .or_else(|| urls::has_password(value).then_some(URL))
        .or_else(|| encoded::has_authorization(value).then_some(HEADER));
    plain.map(Secret::new).or_else(|| assignments::secret(value, allow).map(|name| Secret { what: SETTING, name }))
}
