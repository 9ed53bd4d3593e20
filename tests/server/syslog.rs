//! Decisions go to a receiver of syslog, which may be away for a while.

use crate::binary::{Process, command};
use crate::harness::{Http, get, pod, post};
use podreeve::server::certs::SelfSigned;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

/// Certificates of a receiver and of podreeve, in files.
pub struct Certificates {
    dir: TempDir,
    receiver: Arc<ServerConfig>,
}

impl Certificates {
    pub fn new() -> Self {
        let (receiver, sender) = (SelfSigned::make(&[]).unwrap(), Sender::new());
        let dir = TempDir::new().unwrap();
        for (name, text) in [
            ("ca", &receiver.ca),
            ("receiver-cert", &receiver.leaf.cert),
            ("receiver-key", &receiver.leaf.key),
            ("senders-ca", &sender.ca),
            ("cert", &sender.cert),
            ("key", &sender.key),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let mut clients = RootCertStore::empty();
        clients.add(CertificateDer::from_pem_slice(sender.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), Arc::clone(&provider));
        let chain = CertificateDer::pem_slice_iter(receiver.leaf.cert.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(receiver.leaf.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_client_cert_verifier(verifier.build().unwrap()).with_single_cert(chain, key).unwrap();
        Self { dir, receiver: Arc::new(config) }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn start(&self, to: impl ToString) -> Process {
        let (to, ca, cert, key) = (to.to_string(), self.path("ca"), self.path("cert"), self.path("key"));
        let tls = ["--syslog-ca", &ca, "--syslog-cert", &cert, "--syslog-key", &key];
        Process::start(&[&["--drain-delay", "0", "--syslog", &to, "--syslog-facility", "authpriv"], &tls[..]].concat())
    }

    fn accept(&self, listener: &TcpListener) -> Receiver {
        let (tcp, _) = listener.accept().unwrap();
        let tls = ServerConnection::new(Arc::clone(&self.receiver)).unwrap();
        Receiver(BufReader::new(StreamOwned::new(tls, tcp)))
    }
}

/// podreeve's own certificate, which is for clients.
struct Sender {
    ca: String,
    cert: String,
    key: String,
}

impl Sender {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "senders");
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(vec!["podreeve".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap().pem();
        Self { ca, cert, key: key.serialize_pem() }
    }
}

/// Reads frames of RFC 5425.
struct Receiver(BufReader<StreamOwned<ServerConnection, TcpStream>>);

impl Receiver {
    /// The next message: its head, and its text.
    fn next(&mut self) -> (String, Value) {
        let mut length = Vec::new();
        self.0.read_until(b' ', &mut length).unwrap();
        let length: usize = std::str::from_utf8(&length).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; length];
        self.0.read_exact(&mut message).unwrap();
        let message = String::from_utf8(message).unwrap();
        let (head, text) = message.split_once(" - ").unwrap();
        (head.to_owned(), serde_json::from_str(text).unwrap())
    }
}

async fn deny(process: &Process, uid: &str) {
    process.client.validate(Http::One, pod(uid, true)).await.denies(uid, "privileged");
}

async fn until_metric(process: &Process, line: &str) {
    while !get(process.admin, "/metrics").await.1.contains(line) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_goes_to_the_receiver_as_it_is_in_the_log() {
    let certificates = Certificates::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let process = certificates.start(listener.local_addr().unwrap());
    deny(&process, "u-1").await;
    process.client.ask(Http::One, post("/mutate", pod("u-2", false))).await.allows("u-2");
    let mut receiver = certificates.accept(&listener);
    // Threads have queues of their own, so the order is not that of the requests.
    let mut messages = [receiver.next(), receiver.next()];
    messages.sort_by_key(|(_, text)| text["uid"].to_string());
    let [(first, text), (second, _)] = messages;
    // Facility 10, severity 4 for what was denied and 5 for what was repaired.
    assert!(first.starts_with("<84>1 20") && first.contains(" podreeve ") && first.ends_with(" decision"), "{first}");
    assert!(second.starts_with("<85>1 20"), "{second}");
    process.signal("TERM");
    let (code, lines) = process.rest();
    assert_eq!(code, Some(0));
    let logged = lines.iter().find(|line| line["uid"] == "u-1").unwrap();
    assert_eq!(&text, logged);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_wait_for_a_receiver_that_is_away() {
    let certificates = Certificates::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let process = certificates.start(address);
    deny(&process, "u-1").await;
    let mut receiver = certificates.accept(&listener);
    assert_eq!(receiver.next().1["uid"], "u-1");
    until_metric(&process, "podreeve_syslog_failing 0\n").await;

    drop((receiver, listener));
    for uid in ["u-2", "u-3"] {
        deny(&process, uid).await;
    }
    until_metric(&process, "podreeve_syslog_failing 1\n").await;
    deny(&process, "u-4").await;

    let listener = TcpListener::bind(address).unwrap();
    let mut receiver = certificates.accept(&listener);
    let mut uids = [(); 3].map(|()| receiver.next().1["uid"].to_string());
    uids.sort();
    assert_eq!(uids, ["\"u-2\"", "\"u-3\"", "\"u-4\""]);
    until_metric(&process, "podreeve_syslog_failing 0\n").await;
    assert!(get(process.admin, "/metrics").await.1.contains("podreeve_syslog_messages_lost_total 0\n"));
    process.signal("TERM");
    let (_, lines) = process.rest();
    let said = |text: &str| lines.iter().filter(|line| line["message"].as_str().unwrap().contains(text)).count();
    assert!(said("decisions cannot be sent") >= 1 && said("decisions are sent again") == 1, "{lines:#?}");
}

/// A receiver with another certificate gets nothing, and requests are judged all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_not_trusted_gets_nothing() {
    let (certificates, other) = (Certificates::new(), Certificates::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let process = certificates.start(listener.local_addr().unwrap());
    deny(&process, "u-1").await;
    let mut stranger = other.accept(&listener);
    let heard = thread::spawn(move || {
        let mut heard = Vec::new();
        let _ = stranger.0.read_to_end(&mut heard);
        heard
    });
    until_metric(&process, "podreeve_syslog_failing 1\n").await;
    assert_eq!(heard.join().unwrap(), b"");
    deny(&process, "u-2").await;
    process.signal("TERM");
    let (_, lines) = process.rest();
    let why = lines.iter().find(|line| line["message"].as_str().unwrap().contains("cannot be sent")).unwrap();
    assert!(why["error"].as_str().unwrap().contains("certificate"), "{why}");
}

#[test]
fn a_wrong_file_or_address_ends_the_start() {
    let certificates = Certificates::new();
    let missing = certificates.path("missing");
    let key = certificates.path("key");
    for (arguments, wanted) in [
        (["--syslog", "siem:6514", "--syslog-ca", &missing], "missing: cannot be read"),
        (["--syslog", "siem:6514", "--syslog-ca", &key], "key: has no certificate"),
        (["--syslog", "udp://siem", "--syslog-ca", &key], "write HOST:PORT"),
    ] {
        let output =
            command(&[&arguments[..], &["--self-signed", &certificates.path("new")]].concat()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.contains(wanted)), (Some(2), true), "{said}");
    }
}

/// Decisions alone are on stdout, and the other lines on stderr.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_may_be_on_stdout() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let process = Process::start_with(&["--drain-delay", "0", "--decision-log", "stdout"], |command| {
        command.stdout(std::fs::File::create(&out).unwrap());
    });
    deny(&process, "u-1").await;
    process.signal("TERM");
    let (_, lines) = process.rest();
    assert!(lines.iter().all(|line| line["target"] != "podreeve::decision"), "{lines:#?}");
    let out = std::fs::read_to_string(out).unwrap();
    let decisions: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["uid"], "u-1");
}
