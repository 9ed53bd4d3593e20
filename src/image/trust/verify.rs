//! The verdict on one image: which signatures and attestations of it are valid, and why the others are not.

use super::attested::{Attested, Facts};
use super::bundle::Bundle;
use super::compile::{Authority, AuthorityKind, AuthorityName, Entry, Trust};
use super::document::{Age, Signed};
use super::dsse::{Envelope, Opened, base64};
use super::evidence::{Annotations, Content, Evidence, MAX_EVIDENCE};
use super::key::PublicKey;
use super::keyless::Instance;
use super::notation::Accepted;
use super::predicate::Predicate;
use super::requirement::Required;
use super::simple;
use super::vex::Subject;
use crate::reference::ImageRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The image that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// As it is pulled. A tag in it is known, and decides nothing.
    pub image: &'t ImageRef<'t>,
    /// Of the index, or of the manifest where there is no index.
    pub digest: &'t str,
    /// The manifests of the index, one for each platform. Empty without an index.
    pub leaves: &'t [String],
}

/// A valid signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// The digest that was signed.
    pub digest: String,
    pub authority: String,
    pub signer: String,
    /// When it was signed, as someone other than the signer vouches.
    pub proved_at: Option<Timestamp>,
    /// The last moment at which the signer wants the image used.
    pub expiry: Option<Timestamp>,
    /// When a certificate expires, where nothing proves that it was signed before: then it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// Why one authority refuses one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub digest: String,
    pub authority: String,
    pub evidence: String,
    pub why: String,
}

/// What is valid of an image, and what its entry asks for. It borrows nothing, so that facts can hold it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Verdict {
    /// The prefix of the entry that counts.
    pub prefix: String,
    pub authorities: Vec<AuthorityName>,
    pub require: Vec<Required>,
    pub max_signature_age: Option<Age>,
    /// The digest of the image, and those of its platforms.
    pub digest: String,
    pub leaves: Vec<String>,
    /// The digests that must be signed.
    pub wanted: Vec<String>,
    pub signatures: Vec<Signature>,
    pub attested: Vec<Attested>,
    pub refusals: Vec<Refusal>,
    /// How much evidence was left out.
    pub left_out: usize,
    /// The tag led to an image before that was signed later than this one: at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_back: Option<Timestamp>,
    /// When it was judged. Until [`Self::changes_at`] the same holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<Timestamp>,
}

/// Judges the evidence of an image. None: no entry covers it, and it needs no signature.
#[must_use]
pub fn verify(trust: &Trust, target: Target<'_>, evidence: &[Evidence], now: Timestamp) -> Option<Verdict> {
    let entry = trust.entry(target.image)?;
    let wanted = match entry.signed {
        Signed::Leaves if !target.leaves.is_empty() => target.leaves.to_vec(),
        _ => vec![target.digest.to_owned()],
    };
    let mut verdict = Verdict {
        prefix: entry.prefix.clone(),
        authorities: entry.authorities.iter().map(|authority| authority.named.clone()).collect(),
        require: entry.require.clone(),
        max_signature_age: entry.max_signature_age,
        digest: target.digest.to_owned(),
        leaves: target.leaves.to_vec(),
        wanted,
        left_out: evidence.len().saturating_sub(MAX_EVIDENCE),
        judged_at: Some(now),
        ..Verdict::default()
    };
    let name = entry.name_when_signed(target.image);
    for one in evidence.iter().take(MAX_EVIDENCE) {
        if one.subject == target.digest || target.leaves.contains(&one.subject) {
            judge(&mut verdict, entry, (target, &name), one, now);
        }
    }
    Some(verdict)
}

/// What a piece of evidence is, read once for all authorities.
enum Read<'e> {
    /// A statement about the image, and the bundle that it is in.
    Statement {
        opened: Opened,
        predicate: Predicate,
        bundle: Option<&'e str>,
        by_certificate: bool,
    },
    /// The manifest's bytes, signed.
    Message {
        bundle: Bundle<'e>,
        text: &'e str,
    },
    Payload {
        payload: &'e [u8],
        annotations: &'e Annotations,
    },
    Jws(&'e [u8]),
}

/// What one authority says of one piece of evidence.
enum Answer {
    Valid(Accepted),
    /// Evidence of another kind than the authority makes.
    NotMine,
    Refused(String),
}

/// Judges one piece of evidence of an image, which was called `signed_as` when it was signed.
fn judge(
    verdict: &mut Verdict,
    entry: &Entry,
    (target, signed_as): (Target<'_>, &ImageRef<'_>),
    evidence: &Evidence,
    now: Timestamp,
) {
    let name = evidence.name.get(..19).unwrap_or(&evidence.name);
    let read = match read(evidence, signed_as, entry.signed_as.is_some()) {
        Ok(read) => read,
        Err(why) => {
            return verdict.refusals.push(Refusal {
                digest: evidence.subject.clone(),
                authority: String::new(),
                evidence: name.to_owned(),
                why,
            });
        }
    };
    let attests = matches!(&read, Read::Statement { predicate, .. } if *predicate != Predicate::Signature);
    for authority in &entry.authorities {
        match ask(authority, &read, &evidence.subject, now) {
            Answer::NotMine => {}
            Answer::Refused(why) => verdict.refusals.push(Refusal {
                digest: evidence.subject.clone(),
                authority: authority.named.name.clone(),
                evidence: name.to_owned(),
                why,
            }),
            Answer::Valid(Accepted { proved_at, .. }) if attests => {
                let Read::Statement { opened, predicate, .. } = &read else { return };
                let names = [target.image, signed_as];
                let subject = Subject { names, digest: target.digest, leaves: target.leaves };
                let facts = Facts::read(predicate, opened, &subject, now);
                return verdict.attested.push(Attested {
                    digest: evidence.subject.clone(),
                    predicate: predicate.clone(),
                    authority: authority.named.name.clone(),
                    evidence: name.to_owned(),
                    proved_at,
                    facts,
                });
            }
            Answer::Valid(Accepted { signer, proved_at, expiry, valid_until }) => {
                let (digest, authority) = (evidence.subject.clone(), authority.named.name.clone());
                let signature = Signature { digest, authority, signer, proved_at, expiry, valid_until };
                return verdict.signatures.push(signature);
            }
        }
    }
}

/// Reads a piece of evidence, and checks that it is about the manifest that it is attached to.
fn read<'e>(evidence: &'e Evidence, signed_as: &ImageRef<'_>, is_former: bool) -> Result<Read<'e>, String> {
    match &evidence.content {
        Content::Bundle(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
            let bundle = Bundle::read(bytes)?;
            match &bundle.dsse_envelope {
                Some(envelope) => statement(envelope, evidence, Some(text), bundle.has_certificate()),
                None => Ok(Read::Message { bundle, text }),
            }
        }
        Content::Dsse { envelope, annotations } => {
            let read: Envelope<'_> = serde_json::from_slice(envelope).map_err(|_| "it is no DSSE envelope")?;
            statement(&read, evidence, None, annotations.certificate.is_some())
        }
        Content::SimpleSigning { payload, annotations } => {
            simple::check(payload, &evidence.subject, signed_as, is_former)?;
            Ok(Read::Payload { payload, annotations })
        }
        Content::Jws(bytes) => Ok(Read::Jws(bytes)),
        Content::Unread(format) => Err(format!("it is of a format that is not read: {format}")),
        Content::Missing(why) => Err(why.clone()),
    }
}

fn statement<'e>(
    envelope: &Envelope<'_>,
    evidence: &Evidence,
    bundle: Option<&'e str>,
    by_certificate: bool,
) -> Result<Read<'e>, String> {
    let opened = envelope.open()?;
    let statement = opened.statement()?;
    if !statement.is_about(&evidence.subject) {
        return Err("its statement is about another image".to_owned());
    }
    let predicate = Predicate::of(&statement.predicate_type);
    Ok(Read::Statement { opened, predicate, bundle, by_certificate })
}

fn ask(authority: &Authority, read: &Read<'_>, digest: &str, now: Timestamp) -> Answer {
    match &authority.kind {
        AuthorityKind::Notary(notary) => match read {
            Read::Jws(bytes) => match notary.check(bytes, digest, now) {
                Ok(found) => Answer::Valid(found),
                Err(why) => Answer::Refused(why),
            },
            _ => Answer::NotMine,
        },
        AuthorityKind::Keyless(keyless) => {
            let answer = match read {
                Read::Statement { bundle: Some(bundle), by_certificate: true, .. } => {
                    keyless.check_bundle(bundle, digest)
                }
                Read::Message { bundle, text } if bundle.has_certificate() => keyless.check_bundle(text, digest),
                Read::Statement { bundle: None, by_certificate: true, .. } => {
                    Err("it is an attestation in cosign's older format, of which keys alone are read; attest again with cosign 3".to_owned())
                }
                Read::Payload { payload, annotations } if annotations.certificate.is_some() => {
                    keyless.check_payload(payload, annotations)
                }
                _ => return Answer::NotMine,
            };
            match answer {
                Ok(found) => Answer::Valid(Accepted::forever(found.identity, found.proved_at)),
                Err(why) => Answer::Refused(why),
            }
        }
        AuthorityKind::Key { key, instance } => match read {
            Read::Jws(_) => Answer::NotMine,
            _ if !is_by_key(key, read, digest) => {
                Answer::Refused("it is signed by another key, or was changed since".to_owned())
            }
            _ => {
                // A time without a proof is no reason to refuse: `maxSignatureAge` asks for one.
                let time = instance.as_ref().and_then(|instance| time_by_key(instance, key, read, digest));
                let proved_at = time.filter(|time| *time <= now);
                Answer::Valid(Accepted::forever(authority.named.name.clone(), proved_at))
            }
        },
    }
}

fn is_by_key(key: &PublicKey, read: &Read<'_>, digest: &str) -> bool {
    match read {
        Read::Statement { opened, .. } => opened.is_signed_by(key),
        Read::Message { bundle, .. } => {
            bundle.message_signature.as_ref().is_some_and(|message| message.is_by(key, digest))
        }
        Read::Payload { payload, annotations } => {
            let signature = annotations.signature.as_deref().and_then(base64);
            signature.is_some_and(|signature| key.verifies(payload, &signature))
        }
        Read::Jws(_) => false,
    }
}

/// When the key signed, as the log or a time stamp authority of the instance vouches.
fn time_by_key(instance: &Instance, key: &PublicKey, read: &Read<'_>, digest: &str) -> Option<Timestamp> {
    match read {
        Read::Statement { bundle: Some(text), .. } | Read::Message { text, .. } => {
            instance.time_of_bundle(text, digest, &key.spki).ok()?
        }
        Read::Payload { payload, annotations } => instance.time_of_payload(payload, annotations, &key.spki).ok()?,
        Read::Statement { bundle: None, .. } | Read::Jws(_) => None,
    }
}
