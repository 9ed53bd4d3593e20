//! Probes and lifecycle handlers of a container.

use super::env::EnvVar;
use super::list::List;
use super::text::{Scalar, Text, nullable};
use serde::Deserialize;

/// A probe or a lifecycle handler: an action of the kubelet.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handler<'a> {
    #[serde(borrow)]
    pub exec: Option<Exec<'a>>,
    #[serde(borrow)]
    pub http_get: Option<Request<'a>>,
    #[serde(borrow)]
    pub tcp_socket: Option<Request<'a>>,
    #[serde(borrow)]
    pub grpc: Option<Request<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Exec<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub command: List<Text<'a>>,
}

/// `httpGet`, `tcpSocket` or `grpc`. The last has no host.
#[derive(Debug, Default, Deserialize)]
pub struct Request<'a> {
    #[serde(borrow)]
    pub host: Option<Text<'a>>,
    #[serde(borrow)]
    pub port: Option<Scalar<'a>>,
    /// Only in `httpGet`. A header has a name and a value, as an environment variable has.
    #[serde(borrow, default, rename = "httpHeaders", deserialize_with = "nullable")]
    pub http_headers: List<EnvVar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle<'a> {
    #[serde(borrow)]
    pub post_start: Option<Handler<'a>>,
    #[serde(borrow)]
    pub pre_stop: Option<Handler<'a>>,
}
