//! Texts with PEM blocks, as tools write keys and certificates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use x509_parser::pem::Pem;

/// What is wrong with a place that holds a private key, after `holds`.
pub const PRIVATE_KEY: &str = "a private key, which signs and must not be here; give the public key (`cosign public-key --key cosign.key`), and \
                               regard the private one as known to others";

/// Whether a text holds a private key, wherever in it: a PEM or PGP block, or a JSON Web Key, as they are or as base64.
#[must_use]
pub fn has_private_key(text: &[u8]) -> bool {
    let is_key = |text: &[u8]| has_block(text) || is_private_jwk(text);
    is_key(text) || std::str::from_utf8(text).ok().and_then(base64).is_some_and(|decoded| is_key(&decoded))
}

/// The label of a block stands on one line, between dashes: `-----BEGIN EC PRIVATE KEY-----`, `-----BEGIN PGP PRIVATE KEY BLOCK-----`.
fn has_block(text: &[u8]) -> bool {
    let label = b"PRIVATE KEY";
    let is_label = |rest: &[u8]| {
        let end = rest.iter().position(|byte| matches!(byte, b'-' | b'\n' | b'\r')).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|name| name.windows(label.len()).any(|window| window == label))
    };
    // A block whose beginning is broken has an end.
    [&b"-----BEGIN "[..], b"-----END "].into_iter().any(|edge| {
        let mut edges = text.windows(edge.len()).enumerate().filter(|(_, window)| *window == edge);
        edges.any(|(at, _)| text.get(at + edge.len()..).is_some_and(is_label))
    })
}

/// The names of the secret parts: of a key pair, and of a key that both sides share.
const SECRET_PARTS: [&str; 2] = ["d", "k"];

fn is_private_jwk(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return false;
    }
    serde_json::from_slice(text).is_ok_and(|value| holds_private_jwk(&value))
}

/// Whether one of the objects in it is a private key. The parser limits how deep they are.
fn holds_private_jwk(value: &Value) -> bool {
    match value {
        Value::Object(keys) => {
            (keys.contains_key("kty") && SECRET_PARTS.iter().any(|part| keys.contains_key(*part)))
                || keys.values().any(holds_private_jwk)
        }
        Value::Array(values) => values.iter().any(holds_private_jwk),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => false,
    }
}

/// Base64 of either alphabet, with line breaks and with or without its end.
fn base64(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_ascii_whitespace().collect();
    let plain = joined.trim_end_matches('=').replace('-', "+").replace('_', "/");
    STANDARD_NO_PAD.decode(plain).ok()
}

/// The PEM blocks of a text. A private key refuses the whole text.
///
/// # Errors
/// What is wrong with the text.
pub fn blocks(text: &str) -> Result<Vec<Pem>, String> {
    // Looked for first: a broken block in front of it must not hide it.
    if has_private_key(text.as_bytes()) {
        return Err(format!("holds {PRIVATE_KEY}"));
    }
    Pem::iter_from_buffer(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| "is no PEM text: a block does not end, or its base64 is broken".to_owned())
}

/// The certificates of a text, DER.
///
/// # Errors
/// What is wrong with the text.
pub fn certificates(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    for block in blocks(text)? {
        if !matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE") {
            return Err(format!(
                "holds a block `{}` where a certificate is expected",
                crate::text::clean(&block.label, 40)
            ));
        }
        certificates.push(block.contents);
    }
    if certificates.is_empty() {
        return Err("holds no certificate; it must begin with -----BEGIN CERTIFICATE-----".to_owned());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn a_private_key_is_found_in_each_of_its_forms() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n";
        let jwk = r#"{"kty":"EC","crv":"P-256","d":"abc","x":"a","y":"b"}"#;
        for text in [
            pem,
            "# -----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\r\nab",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            "-----BEGIN PRIVATE KEY ----",
            "MIGH\n-----END PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nab\n-----END PUBLIC KEY-----\n-----BEGIN PRIVATE KEY-----",
            jwk,
            &format!(r#"{{"keys":[{jwk}]}}"#),
            r#" [{"kty":"oct","k":"abc"}]"#,
            &STANDARD.encode(pem),
            &URL_SAFE_NO_PAD.encode(jwk),
            &STANDARD.encode(pem).replace("tLS0t", "tLS\n0t"),
        ] {
            assert!(has_private_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_speaks_of_one_is_no_private_key() {
        for text in [
            "# BEGIN PRIVATE KEY----- does not belong here",
            "never put a PRIVATE KEY here",
            "-----BEGIN PUBLIC KEY-----\nab\n-----END PUBLIC KEY-----\nno PRIVATE KEY----- here",
            r#"{"kty":"EC","crv":"P-256","x":"a","y":"b"}"#,
            r#"{"d":"abc","k":1}"#,
            &STANDARD.encode("-----BEGIN PUBLIC KEY-----"),
            "",
        ] {
            assert!(!has_private_key(text.as_bytes()), "{text}");
        }
    }
}
