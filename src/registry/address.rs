//! Which addresses are contacted.
//!
//! A name is resolved here, the addresses are compared with the list, and the connection goes to these addresses: a name
//! that resolves to something else a moment later gains nothing.

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

/// How far a host may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A host that the settings name. Addresses of a private network are what most registries have.
    Listed,
    /// A host that a registry named. It must not lead podreeve into the network it runs in.
    Public,
}

/// Why an address is not contacted.
pub fn refused(address: IpAddr, reach: Reach) -> Option<&'static str> {
    let address = address.to_canonical();
    if is_metadata(address) {
        return Some("link-local addresses belong to the metadata services of clouds");
    }
    if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        return Some("no host has this address");
    }
    if reach == Reach::Public && (address.is_loopback() || is_private(address)) {
        return Some("it is an address of a private network, and no host in the settings");
    }
    None
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        // The second is the metadata service of a cloud in its private range, the third reaches IPv4 through NAT64.
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || embedded_v4(v6).is_some_and(|v4| is_metadata(IpAddr::V4(v4)))
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // Carrier-grade NAT (100.64/10), "this network" (0/8) and the reserved ones (240/4), which some clusters give to pods, are no
            // public addresses either.
            v4.is_private()
                || first == 0
                || first >= 240
                || (first == 100 && second & 0xc0 == 64)
                || (first == 198 && second & 0xfe == 18)
        }
        IpAddr::V6(v6) => {
            let site_local = v6.segments().first().is_some_and(|first| first & 0xffc0 == 0xfec0);
            v6.is_unique_local()
                || site_local
                || embedded_v4(v6).is_some_and(|v4| v4.is_loopback() || is_private(IpAddr::V4(v4)))
        }
    }
}

/// The IPv4 address inside one of NAT64 (`64:ff9b::/96`, and `64:ff9b:1::/48` of local networks), of 6to4 (`2002::/16`) or of SIIT
/// (`::ffff:0:0:0/96`), or in the last bits after zeros.
fn embedded_v4(v6: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let of = |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, .., high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(of(high, low)),
        _ => None,
    }
}

/// Resolves names as the system does, and leaves out what is refused.
#[derive(Clone)]
pub struct Resolver {
    reach: Reach,
    system: GaiResolver,
}

impl Resolver {
    pub fn new(reach: Reach) -> Self {
        Self { reach, system: GaiResolver::new() }
    }
}

/// Text of the error for a name whose addresses are all refused. [`super::transport`] looks for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{address} is not contacted: {why}")]
pub struct RefusedAddress {
    pub address: IpAddr,
    pub why: &'static str,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        let resolving = self.system.call(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            // One refused address refuses the name: who mixes them wants the other to be tried when the first fails.
            match found.iter().find_map(|address| Some((address.ip(), refused(address.ip(), reach)?))) {
                Some((address, why)) => Err(io::Error::other(RefusedAddress { address, why })),
                None => Ok(found.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(address: &str, reach: Reach) -> bool {
        refused(address.parse().unwrap(), reach).is_some()
    }

    #[test]
    fn metadata_services_are_never_contacted() {
        let ways = [
            "169.254.169.254",
            "fe80::1",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::a9fe:a9fe",
            "::ffff:0:a9fe:a9fe",
            "::a9fe:a9fe",
        ];
        for address in ways {
            assert!(is_refused(address, Reach::Listed), "{address}");
        }
        for address in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"] {
            assert!(is_refused(address, Reach::Listed), "{address}");
        }
    }

    #[test]
    fn private_networks_only_for_listed_hosts() {
        let private = [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "fec0::1",
            "64:ff9b::a00:1",
            "::ffff:10.0.0.1",
            "64:ff9b:1::a00:1",
            "240.0.0.1",
        ];
        for address in private {
            assert!(!is_refused(address, Reach::Listed), "{address}");
            assert!(is_refused(address, Reach::Public), "{address}");
        }
        for address in ["1.1.1.1", "2606:4700::1111", "100.128.0.1", "64:ff9b::101:101"] {
            assert!(!is_refused(address, Reach::Public), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_with_a_refused_address_is_not_resolved() {
        let name: Name = "localhost".parse().unwrap();
        assert!(Resolver::new(Reach::Listed).call(name.clone()).await.unwrap().len() > 0);
        let error = Resolver::new(Reach::Public).call(name).await.unwrap_err();
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
