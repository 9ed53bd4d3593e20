//! One connection to the receiver.

use super::address::Address;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longest time for a connection, for a handshake, and for a receiver that takes nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be silent before the system asks whether its other end is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// Whom podreeve trusts, and who it is.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The CA of the receiver's certificate, PEM. None: those of the system.
    pub ca: Option<PathBuf>,
    /// Certificate and key of podreeve, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{}: cannot be read: {error}", path.display())]
    File {
        path: PathBuf,
        #[source]
        error: rustls::pki_types::pem::Error,
    },
    #[error("{}: has no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("the system has no certificates of CAs; name that of the receiver with --syslog-ca FILE")]
    NoRoots,
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("{to} does not resolve: {error}")]
    Resolve {
        to: Address,
        #[source]
        error: io::Error,
    },
    #[error("{to} cannot be reached: {error}")]
    Connect {
        to: Address,
        #[source]
        error: io::Error,
    },
    #[error("{to}: the connection ended: {error}")]
    Ended {
        to: Address,
        #[source]
        error: io::Error,
    },
}

impl Tls {
    /// Reads the files, which may have changed.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn config(&self) -> Result<Arc<ClientConfig>, ConnectError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(self.roots()?);
        Ok(Arc::new(match &self.client {
            None => config.with_no_client_auth(),
            Some((cert, key)) => {
                let private = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| ConnectError::File { path: key.clone(), error })?;
                config.with_client_auth_cert(certificates(cert)?, private)?
            }
        }))
    }

    fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            for certificate in certificates(ca)? {
                roots.add(certificate)?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(ConnectError::NoRoots);
            }
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let error = |error| ConnectError::File { path: path.to_owned(), error };
    let all: Vec<_> = CertificateDer::pem_file_iter(path).map_err(error)?.collect::<Result<_, _>>().map_err(error)?;
    if all.is_empty() { Err(ConnectError::NoCertificate { path: path.to_owned() }) } else { Ok(all) }
}

/// An open connection.
pub struct Connection {
    tls: ClientConnection,
    tcp: TcpStream,
}

impl Connection {
    /// Connects, and finishes the handshake.
    pub fn open(to: &Address, config: Arc<ClientConfig>) -> Result<Self, ConnectError> {
        // The address was checked when it was read.
        let name = ServerName::try_from(to.host.clone())
            .map_err(|error| ConnectError::Connect { to: to.clone(), error: io::Error::other(error) })?;
        let tls = ClientConnection::new(config, name)?;
        let mut opened = Self { tls, tcp: tcp(to)? };
        let ended = |error| ConnectError::Ended { to: to.clone(), error };
        opened.tcp.set_read_timeout(Some(PATIENCE)).map_err(ended)?;
        opened.tcp.set_write_timeout(Some(PATIENCE)).map_err(ended)?;
        while opened.tls.is_handshaking() {
            opened.tls.complete_io(&mut opened.tcp).map_err(ended)?;
        }
        Ok(opened)
    }

    /// Sends bytes, all of them or none for sure.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_closed()? {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the receiver closed it"));
        }
        let mut stream = Stream::new(&mut self.tls, &mut self.tcp);
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Whether the receiver has closed it. Nothing else shows it: what is written to such a connection is lost without an error.
    fn is_closed(&mut self) -> io::Result<bool> {
        self.tcp.set_nonblocking(true)?;
        let read = loop {
            match self.tls.read_tls(&mut self.tcp) {
                Ok(0) => break Ok(true),
                Ok(_) => match self.tls.process_new_packets() {
                    Ok(state) if state.peer_has_closed() => break Ok(true),
                    // A receiver has nothing to say, and what it says is passed over.
                    Ok(_) => self.pass_over(),
                    Err(error) => break Err(io::Error::other(error)),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        self.tcp.set_nonblocking(false)?;
        read
    }

    fn pass_over(&mut self) {
        let _ = io::copy(&mut self.tls.reader(), &mut io::sink());
    }
}

fn tcp(to: &Address) -> Result<TcpStream, ConnectError> {
    let addresses = (to.host.as_str(), to.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| ConnectError::Resolve { to: to.clone(), error })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(tcp) => {
                let _ = tcp.set_nodelay(true);
                let _ = SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE));
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Connect { to: to.clone(), error: last })
}
