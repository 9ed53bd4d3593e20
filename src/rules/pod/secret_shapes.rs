//! What passwords, tokens and keys look like, by the name of a variable or an option and by the value.
//!
//! All of it takes linear time: whatever is looked for from several places of a value is looked for in a bounded part.

mod assignments;
mod commands;
mod encoded;
mod names;
mod tokens;
mod urls;
mod values;

pub use commands::secrets_in_words;
pub use names::is_named_secret;

/// What kind of secret this value is, or holds, by its own shape.
pub fn secret_value(value: &str) -> Option<&'static str> {
    shape(value).or_else(|| encoded::decoded(value).as_deref().and_then(shape).map(|_| "a secret in base64"))
}

/// No shape is shorter: `://:x@`, `pwd=x`.
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

#[cfg(test)]
mod tests;
