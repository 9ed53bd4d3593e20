//! A trust document, read: keys, roots and patterns are checked once, when the document loads.

use super::document::{
    Age, AuthorityDocument, CosignKey, Keyless, Log, Notary, Signed, Source, TrustDocument, TrustEntry,
};
use super::glob::Glob;
use super::identity::Identity;
use super::key::PublicKey;
use super::keyless::{Instance, KeylessAuthority};
use super::notation::NotaryAuthority;
use super::pem::{PRIVATE_KEY, has_private_key};
use super::requirement::Required;
use crate::reference::{ImageRef, grammar};
use serde::{Deserialize, Serialize};

/// Where a document is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct TrustError {
    /// A path in the document: `trust[0].anyOf[1].cosignKey`.
    pub at: String,
    pub message: String,
}

/// Brings the text that a source names: of a ConfigMap, or of a file.
pub type Resolve<'r> = &'r dyn Fn(&Source) -> Result<String, String>;

/// The entries of a document.
#[derive(Debug, Default)]
pub struct Trust {
    pub(super) entries: Vec<Entry>,
}

/// Who may sign the images below a prefix.
#[derive(Debug)]
pub struct Entry {
    /// As it was written.
    pub prefix: String,
    /// None: `*`.
    pattern: Option<ImageRef<'static>>,
    pub authorities: Vec<Authority>,
    pub signed: Signed,
    pub(super) signed_as: Option<ImageRef<'static>>,
    pub require: Vec<Required>,
    pub max_signature_age: Option<Age>,
}

/// One authority, and how messages name it.
#[derive(Debug)]
pub struct Authority {
    pub named: AuthorityName,
    pub kind: AuthorityKind,
}

/// What messages say of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityName {
    pub name: String,
    /// What makes the evidence that this authority accepts.
    pub tool: String,
}

impl Authority {
    fn new(name: String, tool: &str, kind: AuthorityKind) -> Self {
        Self { named: AuthorityName { name, tool: tool.to_owned() }, kind }
    }
}

#[derive(Debug)]
pub enum AuthorityKind {
    Key { key: PublicKey, instance: Option<Instance> },
    Notary(NotaryAuthority),
    Keyless(Box<KeylessAuthority>),
}

impl Trust {
    /// Reads a document, and the texts that it names.
    ///
    /// # Errors
    /// Everything that is wrong with it. A part of a trust document is never used.
    pub fn compile(document: &TrustDocument, resolve: Resolve<'_>) -> Result<Self, Vec<TrustError>> {
        let (mut entries, mut errors) = (Vec::<Entry>::new(), Vec::new());
        for (index, entry) in document.trust.iter().enumerate() {
            let at = format!("trust[{index}]");
            match read_entry(entry, &at, resolve, &mut errors) {
                Some(read) if entries.iter().any(|other| other.pattern == read.pattern) => {
                    let message =
                        format!("`{}` has an entry already; write its authorities into one `anyOf`", entry.prefix);
                    errors.push(TrustError { at: format!("{at}.prefix"), message });
                }
                read => entries.extend(read),
            }
        }
        if errors.is_empty() { Ok(Self { entries }) } else { Err(errors) }
    }

    /// Whether no image needs a signature.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry with the longest prefix that covers the image. None: it needs no signature.
    #[must_use]
    pub fn entry(&self, image: &ImageRef<'_>) -> Option<&Entry> {
        let length = |entry: &Entry| {
            entry.pattern.as_ref().map_or(0, |pattern| 1 + pattern.registry.len() + pattern.repository.len())
        };
        self.entries.iter().filter(|entry| entry.covers(image)).max_by_key(|entry| length(entry))
    }
}

impl Entry {
    fn covers(&self, image: &ImageRef<'_>) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| image.is_under(pattern) || is_official(image, pattern))
    }

    /// The name that the image had when it was signed.
    pub(super) fn name_when_signed<'i>(&self, image: &'i ImageRef<'i>) -> ImageRef<'i> {
        let (Some(former), Some(pattern)) = (&self.signed_as, &self.pattern) else { return image.clone() };
        let rest = image.repository.strip_prefix(&*pattern.repository).unwrap_or_default().trim_start_matches('/');
        let repository = match (former.repository.is_empty(), rest.is_empty()) {
            (true, _) => rest.to_owned(),
            (_, true) => former.repository.to_string(),
            _ => format!("{}/{rest}", former.repository),
        };
        ImageRef { registry: former.registry.clone(), repository: repository.into(), ..image.clone() }
    }
}

/// Whether the prefix is `docker.io/nginx` and the image is `nginx`. A pull of the first name gets the second, so a trust document that
/// did not cover it would let the image in without a signature.
fn is_official(image: &ImageRef<'_>, pattern: &ImageRef<'_>) -> bool {
    image.registry == "docker.io"
        && pattern.registry == "docker.io"
        && image.repository.strip_prefix("library/") == Some(&*pattern.repository)
}

fn read_entry(document: &TrustEntry, at: &str, resolve: Resolve<'_>, errors: &mut Vec<TrustError>) -> Option<Entry> {
    let before = errors.len();
    let mut fail = |at: String, message: String| errors.push(TrustError { at, message });
    let pattern = if document.prefix == "*" { Ok(None) } else { prefix(&document.prefix).map(Some) };
    let pattern = pattern.unwrap_or_else(|message| {
        fail(format!("{at}.prefix"), message);
        None
    });
    let signed_as = document.signed_as.as_deref().and_then(|former| match prefix(former) {
        Ok(_) if document.prefix == "*" => {
            fail(format!("{at}.signedAs"), "needs a `prefix` that it stands in for".to_owned());
            None
        }
        Ok(former) => Some(former),
        Err(message) => {
            fail(format!("{at}.signedAs"), message);
            None
        }
    });
    if document.any_of.is_empty() {
        fail(
            format!("{at}.anyOf"),
            "is empty, so no image could be run; name an authority, or remove the entry".to_owned(),
        );
    }
    let mut authorities = Vec::new();
    for (index, authority) in document.any_of.iter().enumerate() {
        match read_authority(authority, resolve) {
            Ok(authority) => authorities.push(authority),
            Err((below, message)) => fail(format!("{at}.anyOf[{index}]{below}"), message),
        }
    }
    let mut require = Vec::new();
    for (index, required) in document.require.iter().enumerate() {
        match Required::read(required) {
            Ok(required) => require.push(required),
            Err((key, message)) => fail(format!("{at}.require[{index}].{key}"), message),
        }
    }
    let (prefix, signed, max_signature_age) = (document.prefix.clone(), document.signed, document.max_signature_age);
    (errors.len() == before).then_some(Entry {
        prefix,
        pattern,
        authorities,
        signed,
        signed_as,
        require,
        max_signature_age,
    })
}

fn prefix(text: &str) -> Result<ImageRef<'static>, String> {
    if text.contains("://") {
        return Err(format!("`{text}` has a scheme; write the host alone, as references do"));
    }
    // A name without a host is one of Docker Hub. Who means another registry would get an entry that covers nothing.
    let host = text.split('/').next().unwrap_or_default();
    if !host.contains(['.', ':']) && host != "localhost" {
        return Err(format!("`{text}` has no registry; write `docker.io/library/nginx` for one of Docker Hub"));
    }
    let read = ImageRef::pattern(text.strip_suffix("/*").unwrap_or(text));
    let mut probe = read.clone();
    if probe.repository.is_empty() {
        probe.repository = "any".into();
    }
    if !probe.is_well_formed() || text.ends_with('/') {
        return Err(format!("`{text}` is no registry or repository such as `registry.example.com/shop`"));
    }
    if read.tag.is_some() || read.digest.is_some() {
        return Err(format!("`{text}` names a tag or a digest; name the repository, all images of it count"));
    }
    if !grammar::is_prefix(&format!("{}/{}", read.registry, probe.repository)) {
        return Err(format!("`{text}` is no registry or repository such as `registry.example.com/shop`"));
    }
    Ok(read.into_owned())
}

/// What is wrong, and where below the authority.
type Refused = (String, String);

fn read_authority(document: &AuthorityDocument, resolve: Resolve<'_>) -> Result<Authority, Refused> {
    match (&document.cosign_key, &document.notary, &document.keyless) {
        (Some(key), None, None) => read_key(key, resolve),
        (None, Some(notary), None) => read_notary(notary, resolve),
        (None, None, Some(keyless)) => read_keyless(keyless, resolve),
        _ => Err((String::new(), "must have exactly one of `cosignKey`, `notary` and `keyless`".to_owned())),
    }
}

/// The text of a source.
fn text(source: &Source, resolve: Resolve<'_>) -> Result<String, String> {
    let text = match (&source.pem, &source.config_map, &source.file) {
        (Some(_), None, None) if source.key.is_some() => Err("has a `key`, which belongs to a `configMap`".to_owned()),
        (Some(pem), None, None) => Ok(pem.clone()),
        (None, Some(_), None) => resolve(source),
        (None, None, Some(_)) if source.key.is_none() => resolve(source),
        _ => Err("must have exactly one of `pem`, `configMap` (with its `key`) and `file`".to_owned()),
    }?;
    if has_private_key(text.as_bytes()) { Err(format!("holds {PRIVATE_KEY}")) } else { Ok(text) }
}

fn read_key(document: &CosignKey, resolve: Resolve<'_>) -> Result<Authority, Refused> {
    let at = |message: String| (".cosignKey".to_owned(), message);
    let key = text(&document.source(), resolve).and_then(|text| PublicKey::from_pem(&text)).map_err(at)?;
    let instance = document.root.as_ref().map(|root| text(root, resolve).and_then(|text| Instance::read(&text)));
    let instance = instance.transpose().map_err(|message| (".cosignKey.root".to_owned(), message))?;
    let name = format!("cosignKey {}", key.fingerprint().get(..12).unwrap_or_default());
    Ok(Authority::new(name, "cosign with this key", AuthorityKind::Key { key, instance }))
}

fn read_notary(document: &Notary, resolve: Resolve<'_>) -> Result<Authority, Refused> {
    let mut authority = NotaryAuthority::default();
    for (name, sources, roots) in [
        ("roots", &document.roots, &mut authority.roots),
        ("signingAuthorityRoots", &document.signing_authority_roots, &mut authority.signing_authorities),
        ("timestampRoots", &document.timestamp_roots, &mut authority.timestamp_roots),
    ] {
        for (index, source) in sources.iter().enumerate() {
            text(source, resolve)
                .and_then(|text| roots.add(&text))
                .map_err(|message| (format!(".notary.{name}[{index}]"), message))?;
        }
    }
    if authority.roots.is_empty() && authority.signing_authorities.is_empty() {
        return Err((
            ".notary.roots".to_owned(),
            "is empty; name the certificates that signers' certificates lead to".to_owned(),
        ));
    }
    if document.identities.is_empty() {
        let message = "is empty; name the signers, or `*` for every certificate under the roots";
        return Err((".notary.identities".to_owned(), message.to_owned()));
    }
    for (index, identity) in document.identities.iter().enumerate() {
        let identity =
            Identity::parse(identity).map_err(|message| (format!(".notary.identities[{index}]"), message))?;
        authority.identities.push(identity);
    }
    let name = format!("notary {}", document.identities.join(" or "));
    Ok(Authority::new(name, "notation", AuthorityKind::Notary(authority)))
}

fn read_keyless(document: &Keyless, resolve: Resolve<'_>) -> Result<Authority, Refused> {
    let at = |key: &str| {
        let key = format!(".keyless.{key}");
        move |message: String| (key.clone(), message)
    };
    let instance = text(&document.root, resolve).and_then(|text| Instance::read(&text)).map_err(at("root"))?;
    if document.log == Log::Required && !instance.has_log {
        let message =
            "names no transparency log (`tlogs`), and `log: required` needs one; add it, or set `log: optional`";
        return Err(at("root")(message.to_owned()));
    }
    if document.ct_log.unwrap_or(document.log) == Log::Required && !instance.has_certificate_log {
        let message = "names no certificate log (`ctlogs`), so a certificate that its CA gave to another user would not be noticed; add it, or set \
                       `ctLog: optional` for a CA without such a log";
        return Err(at("root")(message.to_owned()));
    }
    let issuer = Glob::new(&document.issuer).map_err(at("issuer"))?;
    let subject = Glob::new(&document.subject).map_err(at("subject"))?;
    // Messages say what is not checked.
    let without = if instance.has_certificate_log { "" } else { " (no certificate log)" };
    let name = format!("keyless {subject} by {issuer}{without}");
    let authority = KeylessAuthority { instance, issuer, subject, log: document.log };
    Ok(Authority::new(name, "an identity", AuthorityKind::Keyless(Box::new(authority))))
}
