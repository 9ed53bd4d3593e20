//! Signatures of notation, judged by the roots and identities of a trust document.

use super::chain::{self, Roots};
use super::identity::Identity;
use super::jws::{self, Scheme};
use super::timestamp;
use jiff::Timestamp;

/// The trust policy of one authority.
#[derive(Debug, Clone, Default)]
pub struct NotaryAuthority {
    pub roots: Roots,
    pub signing_authorities: Roots,
    pub timestamp_roots: Roots,
    pub identities: Vec<Identity>,
}

/// A valid signature.
#[derive(Debug)]
pub struct Accepted {
    /// The subject of the signer's certificate.
    pub signer: String,
    /// When it was signed, as a time stamp authority or a signing service vouches.
    pub proved_at: Option<Timestamp>,
    /// The last moment at which the signer wants the image used. It can be past: that is another rule's finding.
    pub expiry: Option<Timestamp>,
    /// When a certificate expires, where nothing proves that it was signed before.
    pub valid_until: Option<Timestamp>,
}

impl Accepted {
    /// One that no time ends.
    pub const fn forever(signer: String, proved_at: Option<Timestamp>) -> Self {
        Self { signer, proved_at, expiry: None, valid_until: None }
    }
}

impl NotaryAuthority {
    /// Checks an envelope that is said to sign this digest.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, envelope: &[u8], digest: &str, now: Timestamp) -> Result<Accepted, String> {
        let envelope = jws::read(envelope)?;
        if envelope.digest != digest {
            return Err(format!("it is for {}", crate::text::clean(&envelope.digest, 80)));
        }
        let leaf = chain::leaf(envelope.chain.first().map_or(&[], Vec::as_slice))?;
        envelope.check_signature(&leaf)?;
        let (roots, proved_at) = match envelope.scheme {
            Scheme::SigningAuthority => (&self.signing_authorities, envelope.authentic_time),
            Scheme::X509 => (&self.roots, self.time_stamp(&envelope, now)?),
        };
        if roots.is_empty() {
            return Err(match envelope.scheme {
                Scheme::X509 => "no `roots` are configured for it".to_owned(),
                Scheme::SigningAuthority => {
                    "a signing service made it, and no `signingAuthorityRoots` are configured".to_owned()
                }
            });
        }
        if proved_at.is_some_and(|time| time > now) {
            return Err("its proved time lies in the future".to_owned());
        }
        roots.check(&envelope.chain, proved_at.unwrap_or(now))?;
        let subject = leaf.certificate.subject();
        if !self.identities.iter().any(|identity| identity.matches(subject)) {
            return Err(format!(
                "its signer is `{}`, none of the identities",
                crate::text::clean(&subject.to_string(), 160)
            ));
        }
        let valid_until = if proved_at.is_none() { chain::valid_until(&envelope.chain) } else { None };
        Ok(Accepted { signer: subject.to_string(), proved_at, expiry: envelope.expiry, valid_until })
    }

    /// The time that a time stamp proves. Where the certificate is still valid, a time stamp that nothing is configured for is left alone.
    fn time_stamp(&self, envelope: &jws::Envelope, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let Some(token) = &envelope.timestamp else { return Ok(None) };
        let valid = || self.roots.check(&envelope.chain, now).is_ok();
        if self.timestamp_roots.is_empty() && valid() {
            return Ok(None);
        }
        timestamp::time(token, &envelope.signature, &self.timestamp_roots.certificates).map(Some)
    }
}
