//! TLS: an own authority, a wrong certificate, and a server that ends without a word.

use crate::fake::{client, client_with};
use podreeve::image::Digest;
use podreeve::registry::{CaSource, Client, Credentials, Limits, RegistryError, RegistrySettings};
use podreeve::workload::image::ImageRef;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that sends these bytes to each request, and closes without `close_notify`. Returns its port and its CA.
async fn serve(name: &str, answer: &'static [u8]) -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (serve_with(leaf.der().clone(), &key, answer).await, ca)
}

/// The same with this certificate.
async fn serve_with(certificate: CertificateDer<'static>, key: &KeyPair, answer: &'static [u8]) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let mut request = [0; 4096];
                if tls.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let _ = tls.write_all(answer).await;
                    let _ = tls.flush().await;
                }
            });
        }
    });
    port
}

fn registry(port: u16, ca: Option<String>) -> RegistrySettings {
    RegistrySettings { prefix: format!("localhost:{port}"), ca: ca.map(CaSource::Pem), ..RegistrySettings::default() }
}

async fn ask(client: &Client, port: u16, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
    client.config(&ImageRef::parse(&format!("localhost:{port}/shop/web:1")), digest).await
}

#[tokio::test]
async fn an_own_authority_and_a_body_that_just_ends() {
    let (port, ca) = serve("localhost", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nlayer").await;
    let trusted = client(registry(port, Some(ca)), Credentials::default());
    assert_eq!(ask(&trusted, port, &Digest::sha256(b"layer")).await.unwrap(), b"layer");
    // The same ending in the middle is an error.
    let error = ask(&trusted, port, &Digest::sha256(b"layer and more")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Interrupted { .. } | RegistryError::WrongDigest { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_certificate_is_refused() {
    let once = Limits { tries: 1, ..Limits::default() };
    let (port, _) = serve("localhost", b"").await;
    let error =
        ask(&client_with(registry(port, None), Credentials::default(), once.clone()), port, &Digest::sha256(b""))
            .await
            .unwrap_err();
    assert!(error.to_string().ends_with("signed by an authority that is not trusted here"), "{error}");
    let (port, ca) = serve("other.example.com", b"").await;
    let error =
        ask(&client_with(registry(port, Some(ca)), Credentials::default(), once.clone()), port, &Digest::sha256(b""))
            .await
            .unwrap_err();
    assert!(error.to_string().ends_with("its certificate is for another name"), "{error}");
}

/// What `openssl req -x509` makes is the certificate of an authority. Nodes pull from a registry that shows one which they trust.
#[tokio::test]
async fn the_certificate_of_an_authority_is_trusted_if_the_authority_is() {
    let own = |name: &str, until: i32| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), key)
    };
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlayer";
    let other = own("localhost", 3000).0.pem();
    for (name, until, is_named, says) in [
        ("localhost", 3000, true, None),
        ("localhost", 3000, false, Some("which is not trusted here itself")),
        ("localhost", 2020, true, Some("its certificate has expired")),
        ("other.example.com", 3000, true, Some("its certificate is for another name")),
    ] {
        let (certificate, key) = own(name, until);
        let port = serve_with(certificate.der().clone(), &key, answer).await;
        let ca = if is_named { certificate.pem() } else { other.clone() };
        let once = Limits { tries: 1, ..Limits::default() };
        let client = client_with(registry(port, Some(ca)), Credentials::default(), once);
        let read = ask(&client, port, &Digest::sha256(b"layer")).await;
        match says {
            None => assert_eq!(read.unwrap(), b"layer"),
            Some(says) => {
                let error = read.unwrap_err().to_string();
                assert!(error.ends_with(says), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_registry_with_tls_is_told_from_one_that_is_down() {
    let (port, _) = serve("localhost", b"").await;
    let settings = RegistrySettings { plain_http: true, ..registry(port, None) };
    let error = client(settings, Credentials::default())
        .digest(&ImageRef::parse(&format!("localhost:{port}/shop/web:1")))
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("it gives no answer in HTTP") && error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_registry_without_tls_is_told_from_one_that_is_down() {
    let fake = crate::fake::Fake::start().await;
    let settings = RegistrySettings { plain_http: false, ..fake.settings() };
    let error = client(settings, Credentials::default()).digest(&fake.image(":1")).await.unwrap_err();
    assert!(error.to_string().ends_with("it answers without TLS") && error.is_transient(), "{error}");
}
