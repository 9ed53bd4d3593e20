//! Where the images of a reference are.

use super::error::RegistryError;
use super::settings::{Fault, RegistrySettings};
use super::transport::Transport;
use crate::workload::image::ImageRef;
use http::Uri;

/// Docker's registry answers at another host than the one in references.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// A registry that may be contacted.
#[derive(Clone)]
pub struct Registry {
    pub settings: RegistrySettings,
    pub transport: Transport,
    /// Why it is not contacted all the same.
    pub fault: Option<Fault>,
}

/// A repository, at the host that has it.
pub struct Place<'r> {
    pub registry: &'r Registry,
    /// Host and port.
    pub host: String,
    /// The path of the repository there.
    pub repository: String,
    /// The name under which credentials are looked up.
    pub name: String,
}

impl<'r> Place<'r> {
    /// The host and the path for an image.
    pub fn of(registry: &'r Registry, image: &ImageRef<'_>) -> Self {
        let name = format!("{}/{}", image.registry, image.repository);
        let Some(mirror) = &registry.settings.mirror else {
            let host = if image.registry == HUB.0 { HUB.1.to_owned() } else { image.registry.clone().into_owned() };
            return Self { registry, host, repository: image.repository.clone().into_owned(), name };
        };
        // The mirror takes the place of the prefix. What the prefix leaves of the name follows.
        let rest = name.get(registry.settings.covers(&name).unwrap_or(0)..).unwrap_or("");
        let name = format!("{}/{}", mirror.trim_end_matches('/'), rest.trim_start_matches('/'));
        let (host, repository) = name.split_once('/').unwrap_or((name.as_str(), ""));
        Self { registry, host: host.to_owned(), repository: repository.to_owned(), name: name.clone() }
    }

    pub fn scheme(&self) -> &'static str {
        if self.registry.settings.plain_http { "http" } else { "https" }
    }

    /// The address of an object of the repository, such as `manifests/1.2`.
    ///
    /// # Errors
    /// When the reference holds what no address can.
    pub fn uri(&self, object: &str) -> Result<Uri, RegistryError> {
        let text = format!("{}://{}/v2/{}/{object}", self.scheme(), self.host, self.repository);
        text.parse().map_err(|_| RegistryError::Malformed {
            what: format!("the reference of {}", self.name),
            why: "it is no name of a repository".to_owned(),
        })
    }

    /// Whether credentials may be sent. Without TLS every host on the way could read them.
    pub fn is_confidential(&self) -> bool {
        if !self.registry.settings.plain_http {
            return true;
        }
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}
