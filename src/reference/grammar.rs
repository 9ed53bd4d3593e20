//! How a registry, or a part of it, is written in settings: as patterns for the published schemas, and as code for what reads the settings.
//! tests/registry/names.rs holds both against one list.

/// As [`is_port`]: 1 to 65535.
macro_rules! port {
    () => {
        "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
    };
}
macro_rules! host {
    ($first:literal, $rest:literal) => {
        concat!(
            "(localhost|",
            $first,
            $rest,
            "*(\\.",
            $first,
            $rest,
            "*)+|",
            $first,
            $rest,
            "*(\\.",
            $first,
            $rest,
            "*)*:",
            port!(),
            "|\\[[0-9a-f:.]+\\](:",
            port!(),
            ")?)"
        )
    };
}
macro_rules! path {
    () => {
        "(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*"
    };
}

macro_rules! refused {
    () => {
        "(169\\.254\\.[0-9]+\\.[0-9]+|0\\.0\\.0\\.0|255\\.255\\.255\\.255|(22[4-9]|23[0-9])\\.[0-9]+\\.[0-9]+\\.[0-9]+)(:|/|$)|\\[(fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::\\]|::ffff:169\\.254\\.|::ffff:a9fe:|fd00:0?ec2::254\\])"
    };
}

/// A host, with a path or without.
pub const PREFIX: &str = concat!("^", host!("[a-z0-9]", "[a-z0-9_-]"), path!(), "$");
/// Addresses that podreeve never contacts, as far as a pattern can say it: link-local ones, and those that no host has.
pub const REFUSED: &str = concat!("^(", refused!(), ")");
/// The same with names of registries that no reference has, because it has another name of the same one.
pub const REFUSED_PREFIX: &str = concat!(
    "^(",
    refused!(),
    "|(index\\.docker\\.io|registry-1\\.docker\\.io|registry\\.hub\\.docker\\.com)(/|$)|[^/]*:443(/|$))"
);
/// What a trust document is about: capital letters in a host are the small ones.
pub const TRUST_PREFIX: &str = concat!("^(\\*|", host!("[A-Za-z0-9]", "[A-Za-z0-9_-]"), path!(), "(/\\*)?)$");
/// A host, with `*` for letters within one label.
pub const HOSTS: &str = concat!("^", host!("[a-z0-9*]", "[a-z0-9_*-]"), "$");
/// The name of a Secret or a ConfigMap.
pub const OBJECT: &str = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$";

/// Whether the text is what [`PREFIX`] describes.
#[must_use]
pub fn is_prefix(text: &str) -> bool {
    let mut parts = text.split('/');
    parts.next().is_some_and(is_host) && parts.all(is_segment)
}

/// Whether the text is what [`OBJECT`] describes.
#[must_use]
pub fn is_object(name: &str) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.starts_with(end)
        && name.ends_with(end)
        && name.chars().all(|c| end(c) || c == '-' || c == '.')
}

fn is_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_address = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b':' | b'.');
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return port && !address.is_empty() && address.bytes().all(is_address);
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_name = name.split('.').all(is_label);
    is_name && port.map_or(name.contains('.') || name == "localhost", is_port)
}

fn is_port(port: &str) -> bool {
    port.starts_with(|c: char| matches!(c, '1'..='9')) && port.parse::<u16>().is_ok()
}

fn is_label(label: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    label.starts_with(alnum) && label.chars().all(|c| alnum(c) || c == '_' || c == '-')
}

fn is_segment(segment: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    segment.starts_with(alnum)
        && segment.ends_with(alnum)
        && segment.chars().all(|c| alnum(c) || matches!(c, '.' | '_' | '-'))
}
