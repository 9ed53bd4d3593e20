//! Certificates from their files. Of a key nothing is kept but whether it is that of the certificate.

use super::Host;
use crate::node::Read;
use crate::node::certificate::{Certificate, Used};
use rcgen::KeyPair;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The certificate of a file: the first one, or of several the one that ends first.
pub fn certificate(host: &dyn Host, used: &Used) -> Read<Certificate> {
    let public = used.key.as_deref().and_then(|path| public_key(host, path));
    host.read(&used.path).and_then(|bytes| {
        let blocks = Pem::iter_from_buffer(&bytes).filter_map(Result::ok).filter(|block| block.label == "CERTIFICATE");
        let all: Vec<Certificate> = blocks.filter_map(|block| read(&block.contents, public.as_deref())).collect();
        let chosen = match used.key {
            // A server sends its own certificate first, and those of authorities after it.
            Some(_) => all.into_iter().next(),
            None => all.into_iter().min_by_key(|certificate| certificate.not_after),
        };
        chosen.ok_or_else(|| "it has no certificate in PEM".to_owned())
    })
}

/// The public part of a key.
fn public_key(host: &dyn Host, path: &str) -> Option<Vec<u8>> {
    let bytes = host.read(path);
    let blocks = Pem::iter_from_buffer(bytes.is()?).filter_map(Result::ok);
    let mut keys = blocks.filter(|block| block.label.ends_with("PRIVATE KEY") && !block.label.starts_with("ENCRYPTED"));
    let der = rustls::pki_types::PrivateKeyDer::try_from(keys.next()?.contents).ok()?;
    Some(KeyPair::try_from(&der).ok()?.public_key_raw().to_vec())
}

fn read(der: &[u8], public: Option<&[u8]>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let info = certificate.public_key();
    let (key, rsa_bits) = match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => (format!("RSA {}", rsa.key_size()), Some(rsa.key_size())),
        Ok(PublicKey::EC(point)) => (format!("EC {}", point.key_size()), None),
        _ => ("another kind of key".to_owned(), None),
    };
    let uses = certificate.extended_key_usage().ok().flatten();
    Some(Certificate {
        subject: crate::text::clean(&certificate.subject().to_string(), 200),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        key,
        rsa_bits,
        server_auth: uses.is_none_or(|uses| uses.value.server_auth || uses.value.any),
        matches_key: public.map(|public| public == info.subject_public_key.data.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::node::certificate::Role;
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};

    fn pem(uses: &[ExtendedKeyUsagePurpose]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["n1".to_owned()]).unwrap();
        params.extended_key_usages = uses.to_vec();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn of(host: &Fake) -> Read<Certificate> {
        let used = Used { by: "d".to_owned(), path: "/c".to_owned(), key: Some("/k".to_owned()), role: Role::Server };
        certificate(host, &used)
    }

    #[test]
    fn a_certificate_and_its_key() {
        let (certificate, key) = pem(&[ExtendedKeyUsagePurpose::ServerAuth]);
        let (other, _) = pem(&[ExtendedKeyUsagePurpose::ClientAuth]);
        let found = of(&Fake::read(&format!("=== /c\n{certificate}=== /k\n{key}")));
        let found = found.is().unwrap();
        assert_eq!((found.key.as_str(), found.matches_key, found.server_auth), ("EC 256", Some(true), true));
        let found = of(&Fake::read(&format!("=== /c\n{other}{certificate}=== /k\n{key}")));
        let found = found.is().unwrap();
        assert_eq!((found.matches_key, found.server_auth), (Some(false), false), "the first one counts");
        let found = of(&Fake::read(&format!("=== /c\n{key}{certificate}=== /k denied\n")));
        assert_eq!(found.is().unwrap().matches_key, None);
        assert!(matches!(of(&Fake::read("=== /c\ngarbage\n=== /k\n")), Read::Denied(_)));
        assert!(of(&Fake::read("=== /k\n")).is_absent());
    }
}
