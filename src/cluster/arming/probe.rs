//! Asks podreeve one review through its Service, as the API server will.

use super::lists::ServiceAddress;
use crate::cluster::api_error::ApiError;
use crate::text::with_causes;
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::time::Duration;

/// A replica that is well answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);
const UID: &str = "podreeve-probe";

/// Why the API server should not call yet.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the Service {0} cannot be read: {1}")]
    Unread(String, ApiError),
    #[error("the Service {0} has no address")]
    NoAddress(String),
    #[error("nothing answers at the Service {0} with a certificate of this CA: {1}")]
    NoAnswer(String, String),
    #[error("what answers at the Service {0} is no podreeve: {1}")]
    Stranger(String, String),
}

/// Sends a review to the Service's own address, and takes only a certificate of `bundle` that is made for the Service.
///
/// Without a bundle the API server trusts public CAs, which podreeve does not know, so any certificate is taken.
///
/// # Errors
/// Why the API server should not call yet.
pub async fn probe(client: &Client, service: &ServiceAddress, bundle: Option<&str>) -> Result<(), ProbeError> {
    let ServiceAddress { name, namespace, port } = service;
    let shown = format!("{namespace}/{name}");
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let found = services.get(name).await.map_err(|error| ProbeError::Unread(shown.clone(), error.into()))?;
    // As the API server finds it: by its address, or by the name of an ExternalName.
    let spec = found.spec.unwrap_or_default();
    let address = spec.external_name.or(spec.cluster_ip).filter(|address| !address.is_empty() && address != "None");
    let Some(address) = address else { return Err(ProbeError::NoAddress(shown)) };
    let no_answer = |why: String| ProbeError::NoAnswer(shown.clone(), why);
    let webhook = connect(&address, *port, &format!("{name}.{namespace}.svc"), bundle).map_err(no_answer)?;
    match tokio::time::timeout(PATIENCE, webhook.request::<Value>(review())).await {
        Err(_) => Err(no_answer(format!("no answer within {PATIENCE:?}"))),
        // The certificate was taken; podreeve wants one of its caller, which only the API server has.
        Ok(Err(error)) if with_causes(&error).contains("CertificateRequired") => Ok(()),
        Ok(Err(error)) => Err(no_answer(with_causes(&error))),
        Ok(Ok(answer)) if answer.pointer("/response/uid").and_then(Value::as_str) == Some(UID) => Ok(()),
        Ok(Ok(answer)) => Err(ProbeError::Stranger(shown, crate::text::clean(&answer.to_string(), 200))),
    }
}

fn connect(address: &str, port: u16, server_name: &str, bundle: Option<&str>) -> Result<Client, String> {
    let url = url(address, port).parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let mut config = Config::new(url);
    config.tls_server_name = Some(server_name.to_owned());
    config.connect_timeout = Some(PATIENCE);
    config.read_timeout = Some(PATIENCE);
    config.write_timeout = Some(PATIENCE);
    config.default_retry = false;
    if let Some(bundle) = bundle {
        let certificates = CertificateDer::pem_slice_iter(bundle.as_bytes()).map(|pem| Ok(pem?.to_vec()));
        let certificates = certificates.collect::<Result<_, rustls::pki_types::pem::Error>>();
        config.root_cert = Some(certificates.map_err(|error| format!("the CA is no PEM: {error}"))?);
    } else {
        // Without a list the client would look for the CAs of the system, and the image has none.
        config.root_cert = Some(Vec::new());
        config.accept_invalid_certs = true;
    }
    Client::try_from(config).map_err(|error| with_causes(&error))
}

/// The address is of IPv4 or IPv6, or a name.
fn url(address: &str, port: u16) -> String {
    if address.contains(':') { format!("https://[{address}]:{port}") } else { format!("https://{address}:{port}") }
}

/// A deletion, which every policy allows.
fn review() -> http::Request<Vec<u8>> {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let request = json!({
        "uid": UID, "kind": kind, "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": "podreeve-probe",
        "namespace": "default", "operation": "DELETE", "dryRun": true, "userInfo": {"username": "podreeve-probe"},
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let request = http::Request::post("/validate").header(http::header::CONTENT_TYPE, "application/json");
    request.body(review.to_string().into_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_either_family_is_called() {
        for (address, wanted) in [
            ("10.0.0.7", "https://10.0.0.7:8443"),
            ("fd00:10::7", "https://[fd00:10::7]:8443"),
            ("webhook.example.com", "https://webhook.example.com:8443"),
        ] {
            let url = url(address, 8443);
            assert_eq!(url, wanted);
            assert_eq!(url.parse::<http::Uri>().unwrap().port_u16(), Some(8443));
        }
    }
}
