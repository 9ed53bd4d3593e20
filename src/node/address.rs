//! Addresses of receivers: whether one is the host itself.

use core::net::IpAddr;

/// Whether a receiver is this host, where what it gets stays. `address` may have a scheme, a port and a path.
#[must_use]
pub fn is_own(address: &str, node: &str) -> bool {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let end = rest.find(['/', ';', '?']).unwrap_or(rest.len());
    let rest = rest.get(..end).unwrap_or(rest).trim();
    if scheme.starts_with("unix") || rest.is_empty() {
        return true;
    }
    let host = match rest.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        None if rest.parse::<IpAddr>().is_ok() => rest,
        None => rest.split(':').next().unwrap_or(rest),
    };
    match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => is_own_name(host.trim_end_matches('.'), node),
    }
}

fn is_own_name(host: &str, node: &str) -> bool {
    let is_first_label = |short: &str, long: &str| {
        let first = long.split('.').next().unwrap_or(long);
        !short.contains('.') && first.eq_ignore_ascii_case(short)
    };
    let usual = ["", "localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"];
    host.starts_with("127.")
        || usual.iter().any(|own| own.eq_ignore_ascii_case(host))
        || !node.is_empty()
            && (host.eq_ignore_ascii_case(node) || is_first_label(host, node) || is_first_label(node, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers() {
        for own in [
            "udp://0.0.0.0:514",
            "udp://[::]:12201",
            "::1",
            "[::ffff:127.0.0.1]:1",
            "127.1:514",
            "localhost:24224",
            "unix:///run/x",
            "/dev/log",
            "",
            "N1:514",
            "n1.example.com",
            "https://127.0.0.1:8088/x",
        ] {
            assert!(is_own(own, "n1"), "{own}");
        }
        for other in ["udp://10.0.0.1:514", "logs", "n10:514", "tcp://[fd00::1]:514", "n2.n1:514"] {
            assert!(!is_own(other, "n1"), "{other}");
        }
        assert!(is_own("n1", "n1.example.com") && !is_own("logs", ""));
    }
}
