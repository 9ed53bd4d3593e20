//! Sockets on which a process listens: `/proc/1/net/{tcp,tcp6,udp,udp6,unix}`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};

/// A port of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listener {
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
    pub inode: u64,
    /// The process that holds the socket. Unknown where podreeve may not look into other processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// Rows of `/proc/net/tcp` in state LISTEN, or of `/proc/net/udp` without a peer. Rows that cannot be read are left out.
#[must_use]
pub fn listeners(text: &str, protocol: Protocol) -> Vec<Listener> {
    let state = match protocol {
        Protocol::Tcp => "0A",
        Protocol::Udp => "07",
    };
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        let peer = fields.get(2)?.rsplit_once(':')?.1;
        if *fields.get(3)? != state || peer != "0000" {
            return None;
        }
        let port = u16::from_str_radix(port, 16).ok()?;
        Some(Listener {
            protocol,
            address: self::address(address)?,
            port,
            inode: fields.get(9)?.parse().ok()?,
            pid: None,
        })
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// The kernel prints each 32 bits in the order of the machine's bytes, which is little endian on all that run Kubernetes but one.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = Vec::with_capacity(16);
            for at in 0..4 {
                bytes.extend(word(at)?);
            }
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

/// Paths of `/proc/net/unix` on which a process listens. Abstract names begin with `@`.
#[must_use]
pub fn unix_listeners(text: &str) -> Vec<String> {
    let row = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        // Flags with the bit of SO_ACCEPTCON.
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        let path = fields.nth(3)?;
        (flags & 0x1_0000 != 0).then(|| path.to_owned())
    };
    let mut all: Vec<String> = text.lines().skip(1).filter_map(row).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_kernel() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 0100007F:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0\n\
   1: 0100007F:0948 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0\n broken\n";
        let found = listeners(tcp, Protocol::Tcp);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].address.to_string().as_str(), found[0].port, found[0].inode), ("127.0.0.1", 2375, 12345));
        let six = "h\n 0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1\n\
 1: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 8 1\n";
        let found: Vec<String> = listeners(six, Protocol::Tcp).iter().map(|row| row.address.to_string()).collect();
        assert_eq!(found, ["::", "127.0.0.1"]);
        let unix = "Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 00000000 00010000 0001 01 1 /run/docker.sock\n\
0: 00000003 00000000 00000000 0001 03 2 /run/docker.sock\n0: 00000002 00000000 00010000 0001 01 3\n";
        assert_eq!(unix_listeners(unix), ["/run/docker.sock"]);
    }
}
