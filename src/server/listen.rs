//! Listening sockets. `[::]` is every address of the host, of both families, or of IPv4 alone where the kernel has no IPv6.

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// Connections that wait to be accepted, as in tokio.
const BACKLOG: i32 = 1024;

/// Listens on an address.
///
/// # Errors
/// When the address cannot be used.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    bind_with(address, bind)
}

/// Tries every IPv4 address in place of `[::]`. An address of one interface is never replaced.
fn bind_with<L>(address: SocketAddr, bind: impl Fn(SocketAddr) -> Result<L>) -> Result<L> {
    match bind(address) {
        Err(error) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && is_without_ipv6(&error) => {
            let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            let listener = bind(ipv4)?;
            tracing::info!(%error, instead = %ipv4, "{address} cannot be used; this host has no IPv6");
            Ok(listener)
        }
        bound => bound,
    }
}

/// The kernel has different errors for it. These two mean that the address is there, and that IPv4 would not help.
fn is_without_ipv6(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Not the default of every system (net.ipv6.bindv6only).
        socket.set_only_v6(false)?;
    }
    // A restart takes the port of connections that have not timed out yet.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn one_socket_has_both_families() {
        let listener = listen(address("[::]:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "::1"] {
            TcpStream::connect((host, port)).await.unwrap();
            listener.accept().await.unwrap();
        }
        assert_eq!(listen(address(&format!("[::]:{port}"))).unwrap_err().kind(), ErrorKind::AddrInUse);
        let listener = listen(address("127.0.0.1:0")).unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    }

    #[test]
    fn without_ipv6_every_ipv4_address_is_used() {
        // EAFNOSUPPORT, as Linux has it for ipv6.disable=1.
        let without = |address: SocketAddr| {
            if address.is_ipv6() { Err(Error::from_raw_os_error(97)) } else { Ok(address) }
        };
        assert_eq!(bind_with(address("[::]:8443"), without).unwrap(), address("0.0.0.0:8443"));
        assert!(bind_with(address("[::1]:8443"), without).is_err());
        assert_eq!(bind_with(address("127.0.0.1:8443"), without).unwrap(), address("127.0.0.1:8443"));
        let taken = |_: SocketAddr| Err::<(), _>(Error::from(ErrorKind::AddrInUse));
        assert_eq!(bind_with(address("[::]:8443"), taken).unwrap_err().kind(), ErrorKind::AddrInUse);
    }
}
