//! Probes and lifecycle handlers of a container.

use super::pod::{Container, EnvVar};
use super::text::{Scalar, Text, nullable};
use crate::json::fill;
use serde::Deserialize;

/// A probe or a lifecycle handler: what the kubelet does.
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
    pub command: Vec<Text<'a>>,
}

/// `httpGet`, `tcpSocket` or `grpc`, which has no host.
#[derive(Debug, Default, Deserialize)]
pub struct Request<'a> {
    #[serde(borrow)]
    pub host: Option<Text<'a>>,
    #[serde(borrow)]
    pub port: Option<Scalar<'a>>,
    /// Of `httpGet`: a name and a value each, as variables have.
    #[serde(borrow, default, rename = "httpHeaders", deserialize_with = "nullable")]
    pub http_headers: Vec<EnvVar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle<'a> {
    #[serde(borrow)]
    pub post_start: Option<Handler<'a>>,
    #[serde(borrow)]
    pub pre_stop: Option<Handler<'a>>,
}

fill!(Handler<'d> { "exec" => exec, "httpGet" => http_get, "tcpSocket" => tcp_socket, "grpc" => grpc });
fill!(Exec<'d> { "command" => command });
fill!(Request<'d> { "host" => host, "port" => port, "httpHeaders" => http_headers });
fill!(Lifecycle<'d> { "postStart" => post_start, "preStop" => pre_stop });

impl<'a> Container<'a> {
    /// The probes that are there, by their field.
    pub fn probes(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        [
            ("livenessProbe", &self.liveness_probe),
            ("readinessProbe", &self.readiness_probe),
            ("startupProbe", &self.startup_probe),
        ]
        .into_iter()
        .filter_map(|(field, probe)| Some((field, probe.as_deref()?)))
    }

    /// The lifecycle handlers that are there, by their field in `lifecycle`.
    pub fn lifecycle_handlers(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        self.lifecycle.iter().flat_map(|lifecycle| {
            [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)]
                .into_iter()
                .filter_map(|(field, handler)| Some((field, handler.as_ref()?)))
        })
    }
}
