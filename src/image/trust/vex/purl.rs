//! Package URLs: `pkg:deb/debian/openssl@3.0.1?arch=amd64`, `pkg:oci/web@sha256:…?repository_url=registry.example.com/shop/web`.

/// A package URL, without percent encoding.
#[derive(Debug)]
pub struct Purl {
    pub kind: String,
    /// Namespace and name.
    pub path: String,
    pub version: Option<String>,
    qualifiers: Vec<(String, String)>,
}

impl Purl {
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, path) = path.split_once('/')?;
        let (path, version) = match path.rsplit_once('@') {
            // The name of a scope is written `@scope/name`, too.
            Some((path, version)) if !version.contains('/') => {
                (path, Some(decoded(version)).filter(|version| !version.is_empty()))
            }
            _ => (path, None),
        };
        let pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        let qualifiers = pairs.map(|(key, value)| (key.to_ascii_lowercase(), decoded(value))).collect();
        Some(Self { kind: kind.to_ascii_lowercase(), path: decoded(path.trim_end_matches('/')), version, qualifiers })
    }

    pub fn is_image(&self) -> bool {
        matches!(self.kind.as_str(), "oci" | "docker")
    }

    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Whether a key stands twice in it: tools do not agree which one counts.
    pub fn is_ambiguous(&self) -> bool {
        let mut keys: Vec<&str> = self.qualifiers.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.iter().zip(keys.iter().skip(1)).any(|(one, next)| one == next)
    }

    pub fn names_platform(&self) -> bool {
        ["arch", "os", "platform", "variant"].iter().any(|key| self.qualifier(key).is_some())
    }

    /// The version with its epoch, as package managers write it: `1:3.0.1`.
    pub fn full_version(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        let epoch = self.qualifier("epoch").filter(|_| !version.contains(':'));
        Some(epoch.map_or_else(|| version.clone(), |epoch| format!("{epoch}:{version}")))
    }
}

/// The text without percent encoding.
pub fn decoded(text: &str) -> String {
    let Some((before, rest)) = text.split_once('%') else { return text.to_owned() };
    let mut out = before.as_bytes().to_vec();
    for part in rest.split('%') {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte {
            out.push(byte);
            out.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
        } else {
            out.push(b'%');
            out.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
