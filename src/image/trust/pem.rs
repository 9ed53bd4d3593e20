//! Texts with PEM blocks, as tools write keys and certificates.

use x509_parser::pem::Pem;

/// What is wrong with a place that holds a private key, after `holds`.
pub const PRIVATE_KEY: &str = "a private key, which signs and must not be here; give the public key (`cosign public-key --key cosign.key`), and \
                               regard the private one as known to others";

/// Whether a text holds a private key, wherever in it.
#[must_use]
pub fn has_private_key(text: &[u8]) -> bool {
    let end = b"PRIVATE KEY-----";
    text.windows(end.len()).any(|window| window == end)
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
