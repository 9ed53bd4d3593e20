//! Certificates of daemons, without their keys.

use super::Node;
use super::config::Config;
use super::docker::Verification;
use serde::{Deserialize, Serialize};

/// What a certificate says, and whether its key is that of the file next to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    pub subject: String,
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    /// `RSA 2048`, `EC 256`, or another name.
    pub key: String,
    /// The size of an RSA key in bits.
    pub rsa_bits: Option<usize>,
    /// Whether it may be used for servers: a certificate that names no use may be used for all.
    pub server_auth: bool,
    /// Unknown where the key cannot be read, or is in a form that podreeve does not know.
    pub matches_key: Option<bool>,
}

/// A certificate that a daemon uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The daemon.
    pub by: String,
    pub path: String,
    /// The key of it; none for one of an authority.
    pub key: Option<String>,
    pub role: Role,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
    /// It signs certificates of clients.
    Authority,
}

/// All certificates that the settings name.
#[must_use]
pub fn used(node: &Node) -> Vec<Used> {
    let mut all = Vec::new();
    for docker in node.docker.iter().filter(|docker| docker.verification() != Verification::None) {
        let path = |key: &str, name: &str| {
            named(&docker.config, key).unwrap_or_else(|| format!("{}/.docker/{name}", docker.home))
        };
        add(&mut all, &docker.name, path("tlscert", "cert.pem"), Some(path("tlskey", "key.pem")), Role::Server);
        if docker.verification() == Verification::Client {
            add(&mut all, &docker.name, path("tlscacert", "ca.pem"), None, Role::Authority);
        }
    }
    for daemon in &node.containerd {
        let tcp = "plugins.\"io.containerd.server.v1.grpc-tcp\"";
        let path = |old: &str, new: &str| {
            named(&daemon.config, old).or_else(|| named(&daemon.config, &format!("{tcp}.{new}")))
        };
        if let Some(certificate) = path("grpc.tcp_tls_cert", "tls_cert") {
            add(&mut all, &daemon.name, certificate, path("grpc.tcp_tls_key", "tls_key"), Role::Server);
        }
        if let Some(authority) = path("grpc.tcp_tls_ca", "tls_ca") {
            add(&mut all, &daemon.name, authority, None, Role::Authority);
        }
    }
    for daemon in &node.crio {
        if let Some(certificate) = named(&daemon.config, "crio.api.stream_tls_cert") {
            let key = named(&daemon.config, "crio.api.stream_tls_key");
            add(&mut all, &daemon.name, certificate, key, Role::Server);
        }
    }
    for kubelet in &node.kubelet {
        let (certificate, key) = match named(&kubelet.config, "tlsCertFile") {
            Some(certificate) => (certificate, named(&kubelet.config, "tlsPrivateKeyFile")),
            None if kubelet.setting("serverTLSBootstrap").is_true() => {
                let both = format!("{}/kubelet-server-current.pem", kubelet.pki);
                (both.clone(), Some(both))
            }
            None => (format!("{}/kubelet.crt", kubelet.pki), Some(format!("{}/kubelet.key", kubelet.pki))),
        };
        add(&mut all, &kubelet.name, certificate, key, Role::Server);
        let client = format!("{}/kubelet-client-current.pem", kubelet.pki);
        add(&mut all, &kubelet.name, client.clone(), Some(client), Role::Client);
        if let Some(authority) = named(&kubelet.config, "authentication.x509.clientCAFile") {
            add(&mut all, &kubelet.name, authority, None, Role::Authority);
        }
    }
    all
}

fn add(all: &mut Vec<Used>, by: &str, path: String, key: Option<String>, role: Role) {
    all.push(Used { by: by.to_owned(), path, key, role });
}

fn named(config: &Config, key: &str) -> Option<String> {
    let text = config.get(key).and_then(|setting| setting.value.as_str());
    text.filter(|path| path.starts_with('/')).map(str::to_owned)
}
