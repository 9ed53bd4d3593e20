//! One request and the head of its answer, over TLS.

use super::address::{Reach, RefusedAddress, Resolver, refused};
use super::error::{RegistryError, TlsProblem};
use super::limits::Limits;
use super::settings::SettingsError;
use super::verifier::{Verifier, is_of_authority};
use crate::text::with_causes;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

type Pool = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Connections to one registry and to the hosts that it leads to. They are kept and used again.
#[derive(Clone)]
pub struct Transport {
    listed: Pool,
    public: Pool,
    answer: Duration,
}

impl Transport {
    /// `own` are certificates in addition to those of the system.
    pub fn new(own: &[CertificateDer<'static>], limits: &Limits) -> Result<Self, SettingsError> {
        let tls = Arc::new(tls(own)?);
        let pool = |reach| {
            let mut connector = HttpConnector::new_with_resolver(Resolver::new(reach));
            connector.enforce_http(false);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(limits.connect));
            let config = ClientConfig::clone(&tls);
            let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(8)
                .build(https.wrap_connector(connector))
        };
        Ok(Self { listed: pool(Reach::Listed), public: pool(Reach::Public), answer: limits.answer })
    }

    /// Sends a request, and waits for the head of the answer.
    pub async fn send(&self, reach: Reach, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, RegistryError> {
        let host = host_of(request.uri());
        let is_plain = request.uri().scheme_str() == Some("http");
        // The connector asks the resolver for names only.
        let literal = request.uri().host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        if let Some(address) = literal.and_then(|host| host.parse::<IpAddr>().ok())
            && let Some(why) = refused(address, reach)
        {
            return Err(RegistryError::Address { host, address: address.to_string(), why });
        }
        let pool = match reach {
            Reach::Listed => &self.listed,
            Reach::Public => &self.public,
        };
        match tokio::time::timeout(self.answer, pool.request(request)).await {
            Err(_) => Err(RegistryError::TimedOut { host, limit: self.answer }),
            Ok(answer) => answer.map_err(|error| explain(host, &error, is_plain)),
        }
    }
}

/// Host and port, for messages and comparisons.
pub fn host_of(uri: &Uri) -> String {
    uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default()
}

fn explain(host: String, error: &(dyn Error + 'static), is_plain: bool) -> RegistryError {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(RefusedAddress { address, why }) = find(cause) {
            return RegistryError::Address { host, address: address.to_string(), why };
        }
        if let Some(problem) = find(cause).and_then(tls_problem) {
            return RegistryError::Tls { host, problem };
        }
        if is_closed(cause) {
            return RegistryError::Tls { host, problem: TlsProblem::Closed };
        }
        if is_plain && find(cause).is_some_and(is_no_answer) {
            return RegistryError::Tls { host, problem: TlsProblem::Wanted };
        }
        source = cause.source();
    }
    RegistryError::Connect { host, cause: with_causes(error) }
}

/// An `io::Error` hides the error inside it from `source`.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut error = error;
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        error = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

/// Whether the host closed the connection when it was to answer with TLS. Only the text of the error shows when it closed.
fn is_closed(error: &(dyn Error + 'static)) -> bool {
    let mut next = error.downcast_ref::<std::io::Error>();
    while let Some(io) = next {
        if io.kind() == std::io::ErrorKind::UnexpectedEof && io.to_string().contains("handshake") {
            return true;
        }
        next = io.get_ref().and_then(|inner| inner.downcast_ref());
    }
    false
}

/// Whether the host, which was reached, answers in something else than HTTP or ends the connection: servers with TLS do one of these.
fn is_no_answer(error: &hyper::Error) -> bool {
    let io = error.source().and_then(find::<std::io::Error>);
    let is_reset = io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset);
    error.is_parse() || error.is_incomplete_message() || is_reset
}

fn tls_problem(error: &rustls::Error) -> Option<TlsProblem> {
    use rustls::{CertificateError as Certificate, Error, InvalidMessage};
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(TlsProblem::None),
        Error::InvalidCertificate(Certificate::UnknownIssuer) => Some(TlsProblem::UnknownAuthority),
        Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            Some(TlsProblem::Expired)
        }
        Error::InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. }) => {
            Some(TlsProblem::OtherName)
        }
        error => is_of_authority(error).then_some(TlsProblem::OfAuthority),
    }
}

/// # Errors
/// One of them is no certificate.
pub fn roots(own: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in own {
        roots.add(certificate.clone())?;
    }
    Ok(roots)
}

fn tls(own: &[CertificateDer<'static>]) -> Result<ClientConfig, SettingsError> {
    let mut roots = roots(own)?;
    // An image without certificates of the system has none here, and then `ca` alone is trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let verifier = Arc::new(Verifier { roots, algorithms: provider.signature_verification_algorithms });
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}
