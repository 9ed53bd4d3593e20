//! The load: what kube-apiserver does to a webhook, with every answer awaited and checked.
//!
//! To a Service it keeps up to 25 HTTP/1.1 connections; to 127.0.0.1 it speaks HTTP/2 on one.

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Requests under way at any time, in both protocols.
const AT_ONCE: usize = 25;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// What one connection or stream sends, and what must come back.
#[derive(Clone)]
struct Exchange {
    path: &'static str,
    body: Bytes,
    wanted: Vec<String>,
}

impl Exchange {
    /// The request as bytes of HTTP/1.1.
    fn request(&self) -> Vec<u8> {
        let mut request = format!(
            "POST {}?timeout=10s HTTP/1.1\r\nHost: podreeve.podreeve.svc:443\r\nUser-Agent: kube-apiserver-admission\r\n\
             Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
             Accept-Encoding: gzip\r\n\r\n",
            self.path,
            self.body.len()
        )
        .into_bytes();
        request.extend_from_slice(&self.body);
        request
    }
}

/// Connections that stay open from round to round.
pub enum Client {
    Http1(Vec<Http1>),
    Http2(h2::client::SendRequest<Bytes>),
}

impl Client {
    pub async fn connect(address: SocketAddr, ca: &Path, protocol: Protocol) -> Result<Self, Failure> {
        let alpn: &[u8] = if protocol == Protocol::Http1 { b"http/1.1" } else { b"h2" };
        let tls = connector(ca, alpn)?;
        Ok(match protocol {
            Protocol::Http1 => {
                let mut connections = Vec::new();
                for _ in 0..AT_ONCE {
                    let stream = open(address, &tls).await?;
                    connections.push(Http1 { stream, read: Vec::with_capacity(16 << 10) });
                }
                Self::Http1(connections)
            }
            Protocol::Http2 => {
                let stream = open(address, &tls).await?;
                let (send, connection) = h2::client::Builder::new()
                    // The settings of Go's client.
                    .initial_window_size(4 << 20)
                    .initial_connection_window_size(1 << 30)
                    .handshake(stream)
                    .await?;
                // If the connection breaks, its requests fail.
                tokio::spawn(connection);
                Self::Http2(send)
            }
        })
    }

    /// Sends the body `count` times, with a uid of its own for each of the requests at once.
    ///
    /// The body contains `uid`, and `echoed` says whether the answer must repeat it.
    pub async fn run(
        &mut self,
        path: &'static str,
        (body, uid): (&str, &str),
        (allowed, echoed): (bool, bool),
        count: usize,
    ) -> Result<(), Failure> {
        let at_once = AT_ONCE.min(count);
        let exchange = |n: usize| {
            let own = format!("{}{n:04}", &uid[..uid.len() - 4]);
            let mut wanted = vec![format!("\"allowed\":{allowed}")];
            if echoed {
                wanted.push(format!("\"uid\":\"{own}\""));
            }
            Exchange { path, body: Bytes::from(body.replacen(uid, &own, 1)), wanted }
        };
        let share = |n: usize| count / at_once + usize::from(n < count % at_once);
        match self {
            Self::Http1(connections) => {
                let mut tasks = JoinSet::new();
                let idle = connections.split_off(at_once);
                for (n, mut connection) in connections.drain(..).enumerate() {
                    let (exchange, share) = (exchange(n), share(n));
                    tasks.spawn(async move { connection.repeat(&exchange, share).await.map(|()| connection) });
                }
                while let Some(done) = tasks.join_next().await {
                    connections.push(done??);
                }
                connections.extend(idle);
            }
            Self::Http2(send) => {
                let mut tasks = JoinSet::new();
                for n in 0..at_once {
                    let (exchange, share, mut send) = (exchange(n), share(n), send.clone());
                    tasks.spawn(async move {
                        for _ in 0..share {
                            send = http2(send, &exchange).await?;
                        }
                        Ok::<(), Failure>(())
                    });
                }
                while let Some(done) = tasks.join_next().await {
                    done??;
                }
            }
        }
        Ok(())
    }
}

pub fn connector(ca: &Path, alpn: &[u8]) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // Go offers AES-128 first, rustls AES-256; the server takes the client's word.
    provider.cipher_suites.sort_by_key(|suite| !format!("{:?}", suite.suite()).contains("AES_128"));
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

pub async fn open(address: SocketAddr, tls: &TlsConnector) -> Result<TlsStream<TcpStream>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(tls.connect(ServerName::from(address.ip()), stream).await?)
}

pub struct Http1 {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

impl Http1 {
    pub const fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// One request, and the status of its answer.
    pub async fn ask(&mut self, body: &str) -> Result<String, Failure> {
        let exchange =
            Exchange { path: "/validate", body: Bytes::copy_from_slice(body.as_bytes()), wanted: Vec::new() };
        self.stream.write_all(&exchange.request()).await?;
        self.stream.flush().await?;
        self.status().await.map(|(status, _)| status)
    }

    async fn repeat(&mut self, exchange: &Exchange, times: usize) -> Result<(), Failure> {
        let request = exchange.request();
        for _ in 0..times {
            self.stream.write_all(&request).await?;
            self.stream.flush().await?;
            self.answer(&exchange.wanted).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, wanted: &[String]) -> Result<(), Failure> {
        let (status, end) = self.status().await?;
        check(&status, &self.read[end..], wanted)
    }

    /// Reads an answer; its status, and where its body begins.
    async fn status(&mut self) -> Result<(String, usize), Failure> {
        self.read.clear();
        let end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.read[..end])?;
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let length: usize = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .ok_or("an answer without a length")?
            .1
            .trim()
            .parse()?;
        while self.read.len() < end + length {
            self.more().await?;
        }
        Ok((status, end))
    }

    async fn more(&mut self) -> Result<(), Failure> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err("the server closed a kept connection".into());
        }
        Ok(())
    }
}

type Sender = h2::client::SendRequest<Bytes>;

async fn http2(send: Sender, exchange: &Exchange) -> Result<Sender, Failure> {
    let mut send = send.ready().await?;
    let request = hyper::Request::post(format!("https://podreeve.podreeve.svc{}?timeout=10s", exchange.path))
        .header("user-agent", "kube-apiserver-admission")
        .header("content-length", exchange.body.len())
        .header("accept", "application/json, */*")
        .header("content-type", "application/json")
        .header("accept-encoding", "gzip")
        .body(())?;
    let (response, mut stream) = send.send_request(request, false)?;
    stream.send_data(exchange.body.clone(), true)?;
    let (head, mut body) = response.await?.into_parts();
    let mut read = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        read.extend_from_slice(&chunk);
    }
    check(head.status.as_str(), &read, &exchange.wanted)?;
    Ok(send)
}

fn check(status: &str, body: &[u8], wanted: &[String]) -> Result<(), Failure> {
    if status == "200" && wanted.iter().all(|part| find(body, part.as_bytes()).is_some()) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    Err(format!("wanted 200 and {}, got {status}: {text}", wanted.join(", ")).into())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
