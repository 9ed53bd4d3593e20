//! The receiver's name and port.

use std::fmt;
use std::str::FromStr;

/// The port of syslog over TLS (RFC 5425).
const PORT: u16 = 6514;

/// `HOST`, `HOST:PORT` or `[IPV6]:PORT`, with or without `tls://` before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A DNS name or an IP address: what the receiver's certificate must be for.
    pub host: String,
    pub port: u16,
}

#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no receiver of syslog: {why}; write HOST:PORT, as in syslog.example.com:6514")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = |why| AddressError { text: text.to_owned(), why };
        let rest = match text.split_once("://") {
            None | Some(("tls", _)) => text.trim_start_matches("tls://"),
            Some(_) => return Err(error("messages go over TLS alone")),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (host, after) = inside.split_once(']').ok_or_else(|| error("a bracket is missing"))?;
                if host.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err(error("what stands in brackets is no IPv6 address"));
                }
                (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
            }
            None if rest.matches(':').count() > 1 => return Err(error("an IPv6 address needs brackets")),
            None => rest.split_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some("") if !rest.ends_with(':') => PORT,
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| error("the port is no port"))?,
            None => return Err(error("behind the bracket comes a colon with the port")),
        };
        if rustls::pki_types::ServerName::try_from(host).is_err() {
            return Err(error("the host is neither a DNS name nor an IP address"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_a_host_and_perhaps_a_port() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string()).ok();
        for (text, address) in [
            ("siem.example.com", "siem.example.com:6514"),
            ("siem.example.com:1514", "siem.example.com:1514"),
            ("tls://siem.example.com", "siem.example.com:6514"),
            ("192.0.2.7:6514", "192.0.2.7:6514"),
            ("[2001:db8::7]", "[2001:db8::7]:6514"),
            ("[2001:db8::7]:99", "[2001:db8::7]:99"),
        ] {
            assert_eq!(read(text).as_deref(), Some(address), "{text}");
        }
        for text in
            ["", ":6514", "a:", "a:0", "a:70000", "a:b", "2001:db8::7", "[a]:1", "[::1", "[::1]1", "udp://a:514", "a b"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
