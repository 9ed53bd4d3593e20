//! Secrets by the shape of a value, whatever the name of the variable.

use super::{assignments, encoded, tokens, urls};

/// What kind of secret this value is or contains, by its own shape.
pub fn secret_value(value: &str) -> Option<&'static str> {
    shape(value).or_else(|| encoded::decoded(value).as_deref().and_then(shape).map(|_| "a secret in base64"))
}

/// The length of the shortest shapes: `://:x@`, `pwd=x`.
const SHORTEST: usize = 5;

fn shape(value: &str) -> Option<&'static str> {
    if value.len() < SHORTEST {
        return None;
    }
    if value.len() >= 22 && value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    tokens::known_token(value)
        .or_else(|| urls::has_password(value).then_some("a URL with a password"))
        .or_else(|| encoded::has_authorization(value).then_some("an Authorization header"))
        .or_else(|| assignments::has_secret(value).then_some("a setting with a password or key"))
}
