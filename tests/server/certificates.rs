//! Certificates from files. A new pair is served as soon as it is good, and the last good pair until then.

use crate::harness::{Client, Http, Running, Setup, get, pod};
use podreeve::server::certs::{CertificateError, Certificates, SelfSigned};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A CA that issues into a folder.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    cert: rcgen::Certificate,
    dir: TempDir,
}

/// A certificate and its key, PEM.
struct Issued {
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), cert, dir: TempDir::new().unwrap() }
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Issued { cert: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn write(&self, pair: &Issued) {
        fs::write(self.path("tls.crt"), &pair.cert).unwrap();
        fs::write(self.path("tls.key"), &pair.key).unwrap();
    }

    fn load(&self) -> Result<Certificates, CertificateError> {
        Certificates::from_files(self.path("tls.crt"), self.path("tls.key"), None)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.cert.der().clone()).unwrap();
        roots
    }

    fn serve(&self) -> Running {
        let certificates = Some((self.load().unwrap(), self.roots()));
        Running::with(Setup { certificates, ..Setup::default() })
    }
}

/// The common name of the certificate of a new connection.
async fn served(client: &Client) -> String {
    let stream = client.tls(Http::One).await;
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    let (_, cert) = x509_parser::parse_x509_certificate(&chain[0]).unwrap();
    cert.subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pair_is_served_to_new_connections() {
    let authority = Authority::new();
    authority.write(&authority.issue("first", |_| {}));
    let server = authority.serve();
    let mut old = server.client.connect(Http::One).await;
    assert_eq!(served(&server.client).await, "first");
    authority.write(&authority.issue("second", |_| {}));
    while served(&server.client).await != "second" {}
    old.ask(crate::harness::post("/validate", pod("u", false))).await.allows("u");
    assert!(server.metric("podreeve_certificate_reloads_total{result=\"ok\"}").await >= 1.0);
    assert!(server.metric("podreeve_certificate_expiry_timestamp_seconds").await > 1.0e9);
    server.client.works(Http::Two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_symlink_is_noticed() {
    // As the kubelet mounts a Secret: the files are links into a folder that is replaced.
    let authority = Authority::new();
    let put = |version: &str, pair: &Issued| {
        let folder = authority.path(version);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("tls.crt"), &pair.cert).unwrap();
        fs::write(folder.join("tls.key"), &pair.key).unwrap();
        symlink(version, authority.path("new")).unwrap();
        fs::rename(authority.path("new"), authority.path("..data")).unwrap();
    };
    put("v1", &authority.issue("first", |_| {}));
    symlink("..data/tls.crt", authority.path("tls.crt")).unwrap();
    symlink("..data/tls.key", authority.path("tls.key")).unwrap();
    let server = authority.serve();
    assert_eq!(served(&server.client).await, "first");
    put("v2", &authority.issue("second", |_| {}));
    while served(&server.client).await != "second" {}
    let failed = server.metric("podreeve_certificate_reloads_total{result=\"failed\"}").await;
    assert!(failed.abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_serve_is_refused_and_the_last_good_one_kept() {
    let authority = Authority::new();
    let good = authority.issue("good", |_| {});
    authority.write(&good);
    let server = authority.serve();
    let expired = authority.issue("expired", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let future = authority.issue("future", |params| params.not_before = date_time_ymd(2999, 1, 1));
    let nameless = authority.issue("nameless", |params| params.subject_alt_names.clear());
    let other = authority.issue("other", |_| {});
    let mismatch = Issued { cert: good.cert.clone(), key: other.key.clone() };
    let cases = [
        (Issued { cert: "what".to_owned(), key: good.key.clone() }, "no PEM certificate in it"),
        (Issued { cert: good.cert.clone(), key: String::new() }, "no PEM private key in it"),
        (mismatch, "does not belong to"),
        (expired, "expired at 2020-01-01T00:00:00Z; renew it"),
        (future, "valid only from 2999-01-01T00:00:00Z"),
        (nameless, "no subject alternative names"),
    ];
    let mut failures = 0.0;
    for (pair, why) in &cases {
        authority.write(pair);
        // The server is ready as long as the last good pair is valid, and the text has the error.
        assert_eq!(server.until_readyz(why).await, 200);
        assert!(authority.load().err().is_some_and(|error| error.to_string().contains(why)), "{why}");
        assert_eq!(served(&server.client).await, "good");
        failures = server.metric("podreeve_certificate_reloads_total{result=\"failed\"}").await;
    }
    assert!(failures >= 6.0, "{failures}");
    fs::remove_file(authority.path("tls.crt")).unwrap();
    assert_eq!(server.until_readyz("No such file").await, 200);
    authority.write(&other);
    while served(&server.client).await != "other" {}
    while get(server.admin, "/readyz").await.1.contains("refused") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn only_clients_of_the_ca_are_served_when_one_is_named() {
    let authority = Authority::new();
    authority.write(&authority.issue("server", |_| {}));
    let (cert, key) = (authority.path("tls.crt"), authority.path("tls.key"));
    let of_files = |ca: PathBuf| (Certificates::from_files(cert, key, Some(ca)).unwrap(), authority.roots());
    only_clients_of_the_ca_are_served(of_files).await;
    // As with a certificate from the cluster, no file has the certificate, and a file has the clients' CA.
    only_clients_of_the_ca_are_served(|ca| {
        let made = SelfSigned::make(&[]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(made.ca.as_bytes()).unwrap()).unwrap();
        (Certificates::from_self_signed(made, None, Some(ca)).unwrap(), roots)
    })
    .await;
}

async fn only_clients_of_the_ca_are_served(certificates: impl FnOnce(PathBuf) -> (Certificates, RootCertStore)) {
    let (clients, strangers) = (Authority::new(), Authority::new());
    let ca = clients.path("client-ca.crt");
    fs::write(&ca, clients.cert.pem()).unwrap();
    let setup = Setup { certificates: Some(certificates(ca.clone())), ..Setup::default() };
    let server = Running::with(setup);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = async |authority: Option<&Authority>| {
        let builder = ClientConfig::builder().with_root_certificates(server.client.roots.clone());
        let config = match authority {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut params = CertificateParams::default();
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                let key = KeyPair::generate().unwrap();
                let cert: CertificateDer<'static> = params.signed_by(&key, &authority.issuer).unwrap().into();
                let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
                builder.with_client_auth_cert(vec![cert], key).unwrap()
            }
        };
        let mut stream = server.client.tls_with(config).await?;
        stream.write_all(request).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    assert!(answer(Some(&clients)).await.unwrap().starts_with("HTTP/1.1 404"));
    assert!(answer(None).await.is_err());
    assert!(answer(Some(&strangers)).await.is_err());
    // A CA that cannot be read changes nothing.
    fs::write(&ca, "what").unwrap();
    assert_eq!(server.until_readyz("no PEM certificate in it").await, 200);
    assert!(answer(Some(&clients)).await.is_ok());
    // The clients' CA is read again too.
    fs::write(&ca, strangers.cert.pem()).unwrap();
    while answer(Some(&strangers)).await.is_err() {}
    assert!(answer(Some(&clients)).await.is_err());
}

#[test]
fn the_ca_file_is_complete_and_has_no_key() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("a/b");
    let made = SelfSigned::make(&["podreeve.podreeve.svc".to_owned(), "10.0.0.1".to_owned()]).unwrap();
    let path = made.write_ca(&deep).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), made.ca);
    assert!(made.ca.starts_with("-----BEGIN CERTIFICATE-----") && !made.ca.contains("PRIVATE KEY"));
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 1);
    let (_, pem) = x509_parser::pem::parse_x509_pem(made.leaf.cert.as_bytes()).unwrap();
    let leaf = pem.parse_x509().unwrap();
    assert_ne!(leaf.subject(), leaf.issuer());
    assert_eq!(leaf.subject_alternative_name().unwrap().unwrap().value.general_names.len(), 5);
    assert!(SelfSigned::make(&["not a name\u{e9}".to_owned()]).is_err());
    fs::write(dir.path().join("file"), "").unwrap();
    let error = made.write_ca(&dir.path().join("file")).unwrap_err();
    assert!(error.to_string().contains("file/ca.crt"), "{error}");
}
