//! The least that a webhook can do: the same libraries, an accept loop of the same kind, and a handler
//! that reads the body and allows. The cost of podreeve is printed as a multiple of this.

use axum::{Router, body::Bytes, extract::DefaultBodyLimit, http::header, response::IntoResponse, routing::post};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const REPLY: &str =
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"","allowed":true}}"#;

/// Serves until it is killed. It writes the certificate to trust to `DIR/ca.crt`.
pub fn serve(listen: SocketAddr, dir: &Path) -> Result<(), Box<dyn Error>> {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    std::fs::write(dir.join("ca.crt"), key.cert.pem())?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(config));
    let app = Router::new()
        .route("/validate", post(allow))
        .route("/mutate", post(allow))
        .layer(DefaultBodyLimit::max(32 << 20));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(accept(listen, tls, app))
}

async fn allow(_body: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], REPLY)
}

async fn accept(listen: SocketAddr, tls: TlsAcceptor, app: Router) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let tls = tls.clone();
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let io = TokioIo::new(stream);
            // A client that closes its connection is no error.
            if h2 {
                let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
            } else {
                let _ = http1::Builder::new().serve_connection(io, service).await;
            }
        });
    }
}
