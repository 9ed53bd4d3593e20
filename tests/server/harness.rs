//! A server in this process, and clients that speak to it as the API server does.

use crate::common::{review, snapshot};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use podreeve::admit::Snapshot;
use podreeve::policy::Ceiling;
use podreeve::server::certs::{Certificates, SelfSigned};
use podreeve::server::policies::Policies;
use podreeve::server::{Config, Limits, LoadImages, Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than any test takes.
pub const NEVER: Duration = Duration::from_secs(3600);
/// Short, so that a test can wait for it.
pub const SOON: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    One,
    Two,
}

impl Http {
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    fn alpn(self) -> Vec<u8> {
        match self {
            Self::One => b"http/1.1".to_vec(),
            Self::Two => b"h2".to_vec(),
        }
    }
}

/// A running server.
pub struct Running {
    pub client: Client,
    pub admin: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// The address of a server, and the CA of its certificate.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub roots: Arc<RootCertStore>,
}

/// The options of a test's server. The others have their defaults, and time-outs that never end.
pub struct Setup {
    pub limits: Limits,
    pub policies: Policies,
    pub certificates: Option<(Certificates, RootCertStore)>,
    pub drain_delay: Duration,
    pub exit_within: Duration,
    pub ceiling: Ceiling,
    pub images: Option<LoadImages>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits {
                handshake: NEVER,
                idle: NEVER,
                headers: NEVER,
                request: NEVER,
                patience: NEVER,
                grace: NEVER,
                ..Limits::default()
            },
            policies: Policies::fixed(rules()),
            certificates: None,
            drain_delay: Duration::ZERO,
            exit_within: NEVER,
            ceiling: Ceiling::default(),
            images: None,
        }
    }
}

/// Privileged containers are denied, privilege escalation is repaired.
pub fn rules() -> Snapshot {
    snapshot(json!({"privileged": {"action": "deny"}, "allow-privilege-escalation": {"action": "patch"}}))
}

impl Running {
    pub fn start() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let (certificates, roots) = setup.certificates.unwrap_or_else(|| {
            let made = SelfSigned::make(&[]).unwrap();
            let roots = roots(&made.ca);
            (Certificates::from_self_signed(made, None, None).unwrap(), roots)
        });
        let any = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            listen: any,
            admin_listen: any,
            certificates,
            limits: setup.limits,
            drain_delay: setup.drain_delay,
            exit_within: setup.exit_within,
            poll: Duration::from_millis(5),
            ceiling: setup.ceiling,
            cluster: None,
            images: setup.images,
            full_answers: false,
        };
        let server = Server::bind(config, setup.policies, None).unwrap();
        let (address, admin) = (server.address().unwrap(), server.admin_address().unwrap());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { client: Client { address, roots: Arc::new(roots) }, admin, stop, task }
    }

    /// Starts the end of the server. The handle finishes when the server has ended.
    pub fn stop(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.task
    }

    pub async fn metrics(&self) -> String {
        let (status, text) = get(self.admin, "/metrics").await;
        assert_eq!(status, 200);
        text
    }

    /// The value of a series on /metrics.
    pub async fn metric(&self, series: &str) -> f64 {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
    }

    /// Waits until a series has a value.
    pub async fn until_metric(&self, series: &str, value: f64) {
        while (self.metric(series).await - value).abs() > 0.1 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a series has a value or more.
    pub async fn until_more(&self, series: &str, value: f64) {
        while self.metric(series).await < value {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until /readyz has this text, and returns the status.
    pub async fn until_readyz(&self, text: &str) -> u16 {
        loop {
            let (status, body) = get(self.admin, "/readyz").await;
            if body.contains(text) {
                return status;
            }
        }
    }
}

/// GET over plain HTTP.
pub async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

/// An answer with its body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn response(&self) -> Value {
        assert_eq!((self.status.as_u16(), &*self.text).0, 200, "{}", self.text);
        assert_eq!(self.headers[CONTENT_TYPE], "application/json");
        let review: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(review["kind"], "AdmissionReview");
        review["response"].clone()
    }

    #[track_caller]
    pub fn allows(&self, uid: &str) {
        let response = self.response();
        assert_eq!((&response["uid"], &response["allowed"]), (&json!(uid), &json!(true)), "{response:#}");
    }

    /// Checks for an explicit denial with this text.
    #[track_caller]
    pub fn denies(&self, uid: &str, says: &str) {
        let response = self.response();
        assert_eq!((&response["uid"], &response["allowed"]), (&json!(uid), &json!(false)), "{response:#}");
        assert_eq!((&response["status"]["code"], &response["status"]["reason"]), (&json!(403), &json!("Forbidden")));
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(says), "`{says}` is not in: {message}");
    }
}

async fn handshake(config: ClientConfig, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// One connection, over either protocol.
pub enum Connection<B> {
    One(http1::SendRequest<B>),
    Two(http2::SendRequest<B>),
}

impl Client {
    pub async fn tls(&self, http: Http) -> TlsStream<TcpStream> {
        self.tls_over(http, TcpStream::connect(self.address).await.unwrap()).await.unwrap()
    }

    /// On a connection that is there already.
    async fn tls_over(&self, http: Http, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder().with_root_certificates(Arc::clone(&self.roots));
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![http.alpn()];
        handshake(config, stream).await
    }

    pub async fn tls_with(&self, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        handshake(config, TcpStream::connect(self.address).await?).await
    }

    pub async fn connect<B>(&self, http: Http) -> Connection<B>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
    {
        self.connect_over(http, TcpStream::connect(self.address).await.unwrap()).await
    }

    pub async fn connect_over<B>(&self, http: Http, stream: TcpStream) -> Connection<B>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
    {
        let io = TokioIo::new(self.tls_over(http, stream).await.unwrap());
        match http {
            Http::One => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                Connection::One(sender)
            }
            Http::Two => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                Connection::Two(sender)
            }
        }
    }

    /// One request on a connection of its own.
    pub async fn ask<B>(&self, http: Http, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
    {
        self.connect(http).await.ask(request).await
    }

    pub async fn validate(&self, http: Http, body: impl Into<Bytes>) -> Answer {
        self.ask(http, post("/validate?timeout=30s", body)).await
    }

    /// Checks that a good pod is admitted and a bad one is denied.
    pub async fn works(&self, http: Http) {
        self.validate(http, pod("good", false)).await.allows("good");
        self.validate(http, pod("bad", true)).await.denies("bad", "privileged");
    }
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    pub async fn ask(&mut self, request: Request<B>) -> Answer {
        self.try_ask(request).await.unwrap()
    }

    /// Returns an error when the server closes the connection instead.
    pub async fn try_ask(&mut self, mut request: Request<B>) -> hyper::Result<Answer> {
        let path = request.uri().path_and_query().unwrap().to_string();
        let response = match self {
            Self::One(sender) => {
                request.headers_mut().insert("host", "localhost".parse().unwrap());
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Two(sender) => {
                *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
        Ok(Answer { status: head.status, headers: head.headers, text })
    }
}

pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path).header(CONTENT_TYPE, "application/json").body(Full::new(body.into())).unwrap()
}

/// A review of a pod with one container.
pub fn pod(uid: &str, privileged: bool) -> String {
    pod_with(
        uid,
        &json!([{"name": "app", "image": "app:1", "securityContext": {
            "privileged": privileged, "allowPrivilegeEscalation": privileged,
        }}]),
    )
}

/// A review of a pod with these `containers`.
pub fn pod_with(uid: &str, containers: &Value) -> String {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": containers},
    });
    with_uid(uid, review("CREATE", &pod, None))
}

pub fn with_uid(uid: &str, mut review: Value) -> String {
    review["request"]["uid"] = json!(uid);
    // The API server writes the uid first; serde_json sorts keys.
    let request = review["request"].as_object_mut().unwrap();
    request.remove("uid");
    let rest = serde_json::to_string(request).unwrap();
    let rest = rest.strip_prefix('{').unwrap();
    format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{uid}",{rest}}}"#)
}
