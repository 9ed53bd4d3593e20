//! Which registries may be contacted, and how: `images.registries`.

use super::address::{self, Reach};
use super::host_pattern;
use super::transport;
use crate::reference::grammar;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;

/// One registry, or a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistrySettings {
    /// The images that this entry is for: a host with its port (`registry.example.com:5000`), or a path on it
    /// (`registry.example.com/shop`). Whole segments are compared, and the longest prefix wins.
    #[schemars(regex(pattern = grammar::PREFIX), extend("not" = {"pattern": grammar::REFUSED_PREFIX}))]
    pub prefix: String,
    /// A host and path that podreeve contacts in place of `prefix`: `mirror.example.com/cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = grammar::PREFIX), extend("not" = {"pattern": grammar::REFUSED}))]
    pub mirror: Option<String>,
    /// The authorities that sign the registry's certificate, in addition to those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CaSource>,
    /// A Secret with credentials for it, of the type `kubernetes.io/dockerconfigjson`, in podreeve's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = grammar::OBJECT))]
    pub pull_secret: Option<String>,
    /// Other hosts that may give tokens for it: `auth.example.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = grammar::HOSTS)))]
    pub auth_hosts: Vec<String>,
    /// Other hosts in a private network that may send its layers: `storage.example.com`, `*.storage.example.com`. A
    /// host with public addresses needs no entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = grammar::HOSTS)))]
    pub redirect_hosts: Vec<String>,
    /// Whether it speaks HTTP without TLS. Credentials then go to a loopback address only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain_http: bool,
}

/// Where certificates are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum CaSource {
    /// PEM text.
    Pem(String),
    /// A file with PEM text.
    File(PathBuf),
    /// A ConfigMap in podreeve's own namespace, with PEM text in its only key.
    ConfigMap(#[schemars(regex(pattern = grammar::OBJECT))] String),
}

/// All registries.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub registries: Vec<RegistrySettings>,
    /// Whether a host without an entry is contacted as well. True only where a person types the reference.
    pub any_host: bool,
}

/// What an entry names cannot be used. podreeve then sends no request for the images of the entry: neither without its credentials nor by
/// other authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub of: FaultOf,
    /// The key in the settings: `registries[0].pullSecret`.
    pub at: String,
    pub why: String,
}

/// What cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOf {
    /// podreeve's own. Pods may bring others.
    Credentials,
    Authorities,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("registries[{index}].{field}: {why}")]
    Field { index: usize, field: &'static str, why: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Settings {
    /// Checks all fields of all entries, and nothing that they name.
    ///
    /// # Errors
    /// With the first field that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        for (index, entry) in self.registries.iter().enumerate() {
            entry.check(index)?;
            let same = |other: &RegistrySettings| other.prefix == entry.prefix;
            if let Some(first) = self.registries.iter().take(index).position(same) {
                let why = format!("{:?} is that of registries[{first}], too, and one would never count", entry.prefix);
                return Err(SettingsError::Field { index, field: "prefix", why });
            }
        }
        Ok(())
    }
}

impl RegistrySettings {
    /// Checks all fields.
    ///
    /// # Errors
    /// With the field that is wrong.
    pub(super) fn check(&self, index: usize) -> Result<(), SettingsError> {
        let wrong = |field, why: String| Err(SettingsError::Field { index, field, why });
        let secret = "has credentials; put them into a Secret, and name that as `pullSecret`";
        for (field, name) in [("prefix", Some(&self.prefix)), ("mirror", self.mirror.as_ref())] {
            // The name is not shown.
            if name.is_some_and(|name| name.contains('@')) {
                return wrong(field, secret.to_owned());
            }
        }
        if let Some(why) = wrong_name(&self.prefix).or_else(|| other_name(&self.prefix)) {
            return wrong("prefix", format!("{:?} {why}", self.prefix));
        }
        if let Some(mirror) = &self.mirror
            && let Some(why) = wrong_name(mirror).or_else(|| refused(mirror))
        {
            return wrong("mirror", format!("{mirror:?} {why}"));
        }
        if let Some(name) = self.pull_secret.as_ref().filter(|name| !grammar::is_object(name)) {
            return wrong("pullSecret", format!("{name:?} is no name of a Secret"));
        }
        if let Some(CaSource::ConfigMap(name)) = self.ca.as_ref()
            && !grammar::is_object(name)
        {
            return wrong("ca", format!("{name:?} is no name of a ConfigMap"));
        }
        let hosts = [("authHosts", &self.auth_hosts), ("redirectHosts", &self.redirect_hosts)];
        for (field, hosts) in hosts {
            for host in hosts {
                if host.contains('/') || wrong_name(&host.replace('*', "x")).is_some() {
                    return wrong(
                        field,
                        format!("{host:?} must be a host: storage.example.com, *.example.com or auth.example.com:5001"),
                    );
                }
            }
        }
        Ok(())
    }

    /// Why no connection can be made by the certificates of `ca`; none where it can.
    #[must_use]
    pub fn unusable_ca(&self) -> Option<String> {
        let roots = self.certificates(0).and_then(|own| Ok(transport::roots(&own)?));
        roots.err().map(|error| match error {
            SettingsError::Field { why, .. } => why,
            SettingsError::Tls(error) => format!("it has what is no certificate: {error}"),
        })
    }

    /// The certificates of `ca`.
    ///
    /// # Errors
    /// When a file cannot be read, or has no certificate.
    pub(super) fn certificates(&self, index: usize) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
        let wrong = |why: String| SettingsError::Field { index, field: "ca", why };
        let pem = match &self.ca {
            None => return Ok(Vec::new()),
            Some(CaSource::Pem(text)) => text.clone().into_bytes(),
            Some(CaSource::File(path)) => {
                std::fs::read(path).map_err(|error| wrong(format!("{}: {error}", path.display())))?
            }
            Some(CaSource::ConfigMap(name)) => {
                return Err(wrong(format!("the ConfigMap `{name}` is read in a cluster only; write `file` or `pem`")));
            }
        };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(format!("its PEM cannot be read: {error}")))?;
        if certificates.is_empty() {
            return Err(wrong("it has no certificate".to_owned()));
        }
        Ok(certificates)
    }

    /// How much of `name` (a reference without tag and digest) the prefix covers.
    pub(super) fn covers(&self, name: &str) -> Option<usize> {
        let prefix = self.prefix.trim_end_matches('/');
        let rest = name.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(prefix.len())
    }

    pub(super) fn allows_auth(&self, host: &str) -> bool {
        self.auth_hosts.iter().any(|pattern| host_pattern::covers(pattern, host))
    }

    pub(super) fn allows_redirect(&self, host: &str) -> bool {
        self.redirect_hosts.iter().any(|pattern| host_pattern::covers(pattern, host))
    }
}

fn wrong_name(name: &str) -> Option<&'static str> {
    if grammar::is_prefix(name) {
        return None;
    }
    let (host, path) = name.split_once('/').unwrap_or((name, ""));
    Some(if name.contains("://") {
        "has a scheme; write the host alone (`plainHttp: true` for HTTP)"
    } else if name.contains('*') {
        "has a `*`; leave it out: all images below a prefix are meant"
    } else if name.bytes().any(|b| b.is_ascii_uppercase()) {
        "has capital letters; write small ones, as references have them"
    } else if name.ends_with('/') {
        "ends with a slash; leave it out"
    } else if path.contains(':') {
        "names a tag; leave it out: all images of a repository are meant"
    } else if !host.is_empty() && !host.contains(['.', ':']) {
        "has no host: begin with one, such as registry.example.com"
    } else {
        "must be a host in lower case, with a path or without: registry.example.com/shop"
    })
}

/// Names that no reference has, because it has the other name of the same registry.
fn other_name(prefix: &str) -> Option<&'static str> {
    let host = prefix.split('/').next().unwrap_or("");
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => {
            Some("has another name in references: write docker.io")
        }
        _ if host.ends_with(":443") => Some("has the port that is meant without one; leave it out"),
        _ => refused(host),
    }
}

/// Why nothing would ever be read from there.
fn refused(name: &str) -> Option<&'static str> {
    address_of(name.split('/').next()?).and_then(|address| address::refused(address, Reach::Listed))
}

/// The address, where a host is written as one.
fn address_of(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?.parse().ok(),
        None => host.split(':').next()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(prefix: &str) -> RegistrySettings {
        RegistrySettings { prefix: prefix.to_owned(), ..RegistrySettings::default() }
    }

    #[test]
    fn fields_are_checked() {
        for good in ["registry.example.com", "localhost:5000/a", "docker.io/library", "[::1]:5000"] {
            assert!(entry(good).check(0).is_ok(), "{good}");
        }
        for bad in ["", "shop/web", "https://registry.example.com", "registry.example.com/../x", "REGISTRY.example.com"]
        {
            assert!(entry(bad).check(0).is_err(), "{bad}");
        }
        // No reference has these names.
        let error = entry("https://robot:hunter2@registry.example.com").check(0).unwrap_err().to_string();
        assert!(error.contains("pullSecret") && !error.contains("hunter2"), "{error}");
        for bad in ["index.docker.io", "registry-1.docker.io/shop", "registry.example.com:443/shop"] {
            assert!(entry(bad).check(0).is_err(), "{bad}");
        }
        // Nothing would ever be read from them.
        for bad in ["169.254.169.254", "169.254.169.254:80/x", "[fe80::1]:5000", "0.0.0.0:5000"] {
            assert!(entry(bad).check(0).is_err(), "{bad}");
        }
        for (bad, says) in [
            ("Registry.example.com", "small ones"),
            ("*.example.com", "has a `*`"),
            ("registry.example.com/shop/", "ends with a slash"),
            ("registry.example.com/shop:1", "names a tag"),
            ("shop/web", "has no host"),
        ] {
            let error = entry(bad).check(1).unwrap_err().to_string();
            assert!(error.starts_with("registries[1].prefix: ") && error.contains(says), "{error}");
        }
        let settings =
            RegistrySettings { auth_hosts: vec!["auth.example.com/token".to_owned()], ..entry("a.example.com") };
        assert!(settings.check(3).unwrap_err().to_string().starts_with("registries[3].authHosts: "));
        let settings = RegistrySettings { ca: Some(CaSource::Pem("no PEM".to_owned())), ..entry("a.example.com") };
        assert!(settings.certificates(0).unwrap_err().to_string().contains("no certificate"));
    }

    #[test]
    fn an_unknown_key_does_not_load() {
        let read = serde_json::from_str::<RegistrySettings>(r#"{"prefix": "a.example.com", "insecure": true}"#);
        assert!(read.unwrap_err().to_string().contains("insecure"));
    }

    #[test]
    fn prefixes_end_with_a_segment() {
        assert_eq!(entry("a.example.com/shop").covers("a.example.com/shop/web"), Some(18));
        assert_eq!(entry("a.example.com/shop").covers("a.example.com/shopping"), None);
        assert_eq!(entry("a.example.com").covers("a.example.com:5000/x"), None);
    }
}
