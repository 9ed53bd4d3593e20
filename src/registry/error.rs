//! Why a registry gave no answer that can be used.

use super::settings::Fault;
use crate::image::Digest;
use std::time::Duration;

/// Why a registry gave no answer that can be used. The texts name host and object, and never credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    #[error("{host} is not a registry that podreeve may contact; list it under `registries`")]
    NotListed { host: String },
    #[error("{host} is not asked, since {} cannot be used: {}", .fault.at, .fault.why)]
    Unusable { host: String, fault: Fault },
    #[error("{host} has the address {address}, which podreeve does not contact: {why}")]
    Address { host: String, address: String, why: &'static str },
    #[error("{host} cannot be reached: {cause}")]
    Connect { host: String, cause: String },
    #[error("{host} cannot be reached: {problem}")]
    Tls { host: String, problem: TlsProblem },
    #[error("{host} did not answer within {} s", .limit.as_secs_f32())]
    TimedOut { host: String, limit: Duration },
    #[error("{host} refuses access to {repository}, {credential}")]
    Refused { host: String, repository: String, credential: String },
    #[error("{host} does not have {what}")]
    NotFound { host: String, what: String },
    #[error("{host} allows no more requests for now{}", match .retry_after { Some(time) => format!("; it says to wait {} s", time.as_secs()), None => String::new() })]
    TooManyRequests { host: String, retry_after: Option<Duration> },
    #[error("{host} answers {status} for {what}")]
    Status { host: String, what: String, status: u16 },
    #[error("{what} is larger than {limit} bytes")]
    TooBig { what: String, limit: u64 },
    #[error("{host} sent other bytes than {expected}: they have the digest {found}")]
    WrongDigest { host: String, expected: Digest, found: Digest },
    #[error("{host} stopped before the end of {what}: {cause}")]
    Interrupted { host: String, what: String, cause: String },
    #[error("{host} sends {what} too slowly: a few bytes now and then")]
    TooSlow { host: String, what: String },
    #[error("{what} cannot be read: {why}")]
    Malformed { what: String, why: String },
    #[error("{host} leads to {to}, where podreeve does not follow: {why}")]
    Redirect { host: String, to: String, why: &'static str },
    #[error("{host} wants a token of {realm}, which podreeve does not ask: {why}")]
    Realm { host: String, realm: String, why: &'static str },
    #[error("the token service {host} gives no token for {repository}: {why}")]
    Token { host: String, repository: String, why: String },
    #[error("no credentials for {image}: {why}")]
    Credentials { image: String, why: String },
}

/// What is wrong with the TLS of a host. A person can do something about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    #[error("it answers without TLS")]
    None,
    #[error("it closes the connection when TLS begins")]
    Closed,
    #[error("it gives no answer in HTTP")]
    Wanted,
    #[error("its certificate is signed by an authority that is not trusted here")]
    UnknownAuthority,
    #[error("its certificate has expired")]
    Expired,
    #[error("its certificate is for another name")]
    OtherName,
    #[error("its certificate is that of an authority (CA:TRUE), which is not trusted here itself")]
    OfAuthority,
}

impl RegistryError {
    /// A word for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotListed { .. } => "not_listed",
            Self::Unusable { .. } => "settings",
            Self::Address { .. } | Self::Redirect { .. } | Self::Realm { .. } => "not_allowed",
            Self::Connect { .. } | Self::Tls { .. } => "connect",
            Self::TimedOut { .. } | Self::TooSlow { .. } => "timeout",
            Self::Refused { .. } | Self::Token { .. } | Self::Credentials { .. } => "refused",
            Self::NotFound { .. } => "not_found",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Status { .. } => "status",
            Self::TooBig { .. } => "too_big",
            Self::WrongDigest { .. } => "wrong_digest",
            Self::Interrupted { .. } => "interrupted",
            Self::Malformed { .. } => "malformed",
        }
    }

    /// Whether the same request may succeed soon. The others stay as they are until a person changes something.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::TimedOut { .. }
            | Self::TooSlow { .. }
            | Self::TooManyRequests { .. }
            | Self::Interrupted { .. } => true,
            Self::Status { status, .. } => matches!(status, 500 | 502..=504),
            _ => false,
        }
    }
}
