//! What podreeve keeps in its Secret.

use super::plan::Stored;
use crate::authority::{Pem, split};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

const CA_MADE: &str = "podreeve.dev/ca-made";
/// What an operator wants to have renewed: `ca` or `leaf`.
const RENEW: &str = "podreeve.dev/renew";

/// Reads the Secret. A field that is missing or cannot be read is empty.
pub fn read(secret: &Secret) -> Stored {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).unwrap_or_default()
    };
    let annotation = |key: &str| secret.metadata.annotations.as_ref().and_then(|all| all.get(key)).cloned();
    let bundle = text("ca.crt");
    let ca = Pem { cert: split(&bundle).into_iter().next().unwrap_or_default(), key: text("ca.key") };
    Stored {
        ca,
        bundle,
        leaf: Pem { cert: text("tls.crt"), key: text("tls.key") },
        ca_made: annotation(CA_MADE).and_then(|made| made.parse().ok()),
        renew: annotation(RENEW),
    }
}

/// The Secret with new content. Other keys of it stay.
pub fn update(mut secret: Secret, name: &str, new: &Stored) -> Secret {
    secret.metadata.name = Some(name.to_owned());
    let data = secret.data.get_or_insert_default();
    for (key, text) in
        [("ca.crt", &new.bundle), ("ca.key", &new.ca.key), ("tls.crt", &new.leaf.cert), ("tls.key", &new.leaf.key)]
    {
        data.insert(key.to_owned(), ByteString(text.clone().into_bytes()));
    }
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.remove(RENEW);
    if let Some(made) = new.ca_made {
        annotations.insert(CA_MADE.to_owned(), made.to_string());
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_written_is_read() {
        let stored = Stored {
            ca: Pem {
                cert: "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n".to_owned(),
                key: "k".to_owned(),
            },
            bundle: "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n".to_owned(),
            leaf: Pem { cert: "c".to_owned(), key: "l".to_owned() },
            ca_made: "2026-01-02T03:04:05Z".parse().ok(),
            renew: None,
        };
        let mut before = Secret::default();
        before.metadata.annotations = Some([(RENEW.to_owned(), "ca".to_owned())].into());
        before.data = Some([("other".to_owned(), ByteString(b"x".to_vec()))].into());
        assert_eq!(read(&before).renew.as_deref(), Some("ca"));
        let secret = update(before, "podreeve-tls", &stored);
        assert_eq!(read(&secret), stored);
        assert!(secret.data.unwrap().contains_key("other"));
        assert_eq!(read(&Secret::default()), Stored::default());
    }
}
