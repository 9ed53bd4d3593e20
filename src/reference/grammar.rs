//! How a registry, or a part of it, is written in settings: as patterns for the published schemas, and as code for what reads the settings.
//! tests/registry/names.rs holds both against one list.

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
            "*)*:[0-9]+|",
            "\\[[0-9a-f:.]+\\](:[0-9]+)?)"
        )
    };
}
macro_rules! path {
    () => {
        "(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*"
    };
}

/// A host, with a path or without.
pub const PREFIX: &str = concat!("^", host!("[a-z0-9]", "[a-z0-9_-]"), path!(), "$");
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
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
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
