//! Each kubelet at its own address (KEP-2862). The API server's proxy to kubelets takes nodes/proxy, which reaches every
//! container of a node; a kubelet itself gives /configz to every user who has nodes/configz.
//!
//! Most kubelets sign their certificates themselves, so podreeve cannot check who answers. It shows them no token of its own,
//! but one of a ServiceAccount that may read /configz and nothing else.

use super::kubelet::get;
use crate::cluster::api_error::ApiError;
use crate::text::{clean, with_causes};
use http_body_util::{BodyExt, Limited};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::client::Body;
use kube::{Api, Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// How long a token holds, in seconds. The API server takes no less, and a round takes a minute at most.
const TOKEN: i64 = 600;
/// The largest answer of a kubelet. A real one has some kilobytes.
const ANSWER_MAX: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(5);
/// Kinds of addresses of a node, the best first.
const ADDRESSES: [&str; 4] = ["InternalIP", "ExternalIP", "InternalDNS", "Hostname"];

#[derive(Debug, Clone)]
pub struct DirectAccess {
    pub namespace: String,
    /// The ServiceAccount whose token kubelets see.
    pub service_account: String,
    /// The CA of the kubelets' certificates, PEM. None: any certificate will do.
    pub ca: Option<PathBuf>,
}

/// What all calls of a round have in common.
pub struct Caller {
    token: String,
    ca: Option<Vec<Vec<u8>>>,
}

impl DirectAccess {
    /// Makes a token and reads the CA.
    ///
    /// # Errors
    /// The API server makes no token, or the CA cannot be read.
    pub async fn caller(&self, client: &Client) -> Result<Caller, ApiError> {
        let ca = match &self.ca {
            Some(file) => {
                let text = tokio::fs::read(file).await.map_err(|error| {
                    ApiError::Unavailable(format!("{}: the CA of the kubelets cannot be read: {error}", file.display()))
                })?;
                let certificates: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(&text).map(|pem| pem.map(|der| der.to_vec())).collect();
                Some(certificates.map_err(|error| {
                    ApiError::Unavailable(format!("{}: the CA of the kubelets is no PEM: {error}", file.display()))
                })?)
            }
            None => None,
        };
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &self.namespace);
        // Without audiences it is for the API server, which the kubelet asks whose token it is.
        let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request(&self.service_account, &PostParams::default(), &request).await?;
        Ok(Caller { token: answer.status.unwrap_or_default().token.unwrap_or_default(), ca })
    }
}

impl Caller {
    pub async fn configz(&self, client: &Client, node: &str) -> Result<String, ApiError> {
        let text = client.request_text(get(format!("/api/v1/nodes/{node}"))?).await?;
        let unavailable = |what: &str| ApiError::Unavailable(what.to_owned());
        let url = url(&text).ok_or_else(|| unavailable("the node has no address of its kubelet"))?;
        let kubelet = self.connect(&url).map_err(ApiError::Unavailable)?;
        let request = http::Request::get("/configz").body(Body::empty());
        let request = request.map_err(|error| unavailable(&error.to_string()))?;
        let answer = kubelet.send(request).await?;
        let code = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| unavailable(&format!("{url}: {error}")))?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        if code == 200 {
            return Ok(text.into_owned());
        }
        Err(ApiError::Refused { code, message: format!("{url}/configz answers {code}: {}", clean(text.trim(), 300)) })
    }

    fn connect(&self, url: &str) -> Result<Client, String> {
        let mut config = Config::new(url.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?);
        config.connect_timeout = Some(PATIENCE);
        config.read_timeout = Some(PATIENCE);
        config.write_timeout = Some(PATIENCE);
        config.default_retry = false;
        config.auth_info.token = Some(self.token.clone().into());
        // Without a list the client would look for the CAs of the system, and the image has none.
        config.root_cert = Some(self.ca.clone().unwrap_or_default());
        config.accept_invalid_certs = self.ca.is_none();
        Client::try_from(config).map_err(|error| with_causes(&error))
    }
}

/// Where the kubelet of a node listens.
fn url(node: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Node {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        addresses: Vec<Address>,
        daemon_endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Address {
        r#type: String,
        address: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Endpoints {
        kubelet_endpoint: Endpoint,
    }
    #[derive(Deserialize)]
    struct Endpoint {
        #[serde(rename = "Port")]
        port: u16,
    }
    let Status { addresses, daemon_endpoints } = serde_json::from_str::<Node>(node).ok()?.status;
    let of_kind = |kind: &str| addresses.iter().find(|address| address.r#type == kind);
    let address = &ADDRESSES.iter().find_map(|kind| of_kind(kind))?.address;
    let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
    Some(format!("https://{host}:{}", daemon_endpoints.kubelet_endpoint.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_listens_at_an_address_of_its_node() {
        let node = |addresses: &str| {
            url(&format!(
                r#"{{"status": {{"images": [], "addresses": [{addresses}], "daemonEndpoints": {{"kubeletEndpoint": {{"Port": 10250}}}}}}}}"#
            ))
        };
        let (name, inside) =
            (r#"{"type": "Hostname", "address": "a"}"#, r#"{"type": "InternalIP", "address": "10.0.0.7"}"#);
        assert_eq!(node(&format!("{name}, {inside}")).as_deref(), Some("https://10.0.0.7:10250"));
        assert_eq!(node(name).as_deref(), Some("https://a:10250"));
        assert_eq!(node(r#"{"type": "InternalIP", "address": "fd00::7"}"#).as_deref(), Some("https://[fd00::7]:10250"));
        assert_eq!(node(""), None);
        assert_eq!(url(r#"{"metadata": {"name": "a"}}"#), None);
    }
}
