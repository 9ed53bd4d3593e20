//! What a verdict means for the rules: problems with an image, each with what was found and what would pass.

use super::attested::{Attested, Facts};
use super::document::Age;
use super::predicate::Predicate;
use super::verify::{Signature, Verdict};
use jiff::Timestamp;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub found: String,
    pub wanted: String,
}

/// How many refusals a message has of one authority.
const MAX_REFUSALS: usize = 3;

impl Verdict {
    /// The valid signatures of one digest that must be signed.
    fn signatures_of(&self, digest: &str) -> impl Iterator<Item = &Signature> {
        self.signatures.iter().filter(move |signature| signature.digest == digest)
    }

    /// The newest time at which a valid signature is proved to have been made.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.signatures.iter().filter_map(|signature| signature.proved_at).max()
    }

    /// The newest time at which all of the image is proved to have been signed. Of an index whose platforms are signed, the platform
    /// that was signed first counts: a new index could name an old one.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        let newest = |digest: &String| self.signatures_of(digest).filter_map(|signature| signature.proved_at).max();
        self.wanted.iter().map(newest).min().flatten()
    }

    /// Whether all that must be signed is signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.wanted.iter().all(|digest| self.signatures_of(digest).next().is_some())
    }

    /// For `image-signature`: a signature or a required attestation that is missing.
    #[must_use]
    pub fn signature_problems(&self) -> Vec<Problem> {
        let unsigned = self.wanted.iter().find(|digest| self.signatures_of(digest).next().is_none());
        let mut problems: Vec<Problem> = unsigned
            .map(|digest| Problem {
                found: format!("no valid signature of {}: {}", short(digest), self.refusals_of(digest)),
                wanted: format!("a signature by {}{}", self.authorities(), self.if_leaves_are_signed(digest)),
            })
            .into_iter()
            .collect();
        for required in &self.require {
            if required.predicate.is_sbom()
                || matches!(required.predicate, Predicate::Sbom | Predicate::Vulnerabilities)
            {
                continue;
            }
            let by = |one: &Attested| match (&required.builder, &one.facts) {
                (Some(wanted), Facts::Provenance { builder: Some(builder) }) => wanted.matches(builder),
                (wanted, _) => wanted.is_none(),
            };
            if self.has(&required.predicate, by) {
                continue;
            }
            let others = self.readable(&required.predicate).filter(|one| !by(one));
            let builders: Vec<&str> = others.filter_map(builder).collect();
            let found = match builders.first() {
                Some(builder) => format!("provenance of the builder `{}`", crate::text::clean(builder, 120)),
                None => self.unattested(&required.predicate),
            };
            let builder = required.builder.as_ref().map(|glob| format!(" of the builder `{glob}`")).unwrap_or_default();
            problems.push(Problem { found, wanted: format!("a signed {}{builder}", required.predicate) });
        }
        problems
    }

    /// What to do where the platforms of an index are signed, and the index is not.
    fn if_leaves_are_signed(&self, digest: &str) -> &'static str {
        let is_signed = |leaf: &String| self.signatures_of(leaf).next().is_some();
        if digest == self.digest && !self.leaves.is_empty() && self.leaves.iter().all(is_signed) {
            "; the manifests of its platforms have one, which `signed: leaves` accepts: `cosign sign --recursive` signs the index, too"
        } else {
            ""
        }
    }

    /// For `image-freshness`: signatures that are past their time. `default` holds where the entry has no `maxSignatureAge`.
    #[must_use]
    pub fn freshness_problems(&self, now: Timestamp, default: Option<Age>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.moved_back_problem().into_iter().collect();
        for digest in &self.wanted {
            let mut expired = self.signatures_of(digest).map(|one| one.expiry.filter(|expiry| *expiry <= now));
            let first = expired.next();
            if let Some(Some(at)) = first
                && expired.all(|expiry| expiry.is_some())
            {
                let wanted = "a signature that its signer still stands by; sign the image again".to_owned();
                problems.push(Problem { found: format!("the signature expired on {}", day(at)), wanted });
            }
            let Some(most) = self.max_signature_age.or(default) else { continue };
            if self.signatures_of(digest).next().is_none() {
                continue;
            }
            let newest = self.signatures_of(digest).filter_map(|signature| signature.proved_at).max();
            let found = match newest {
                Some(at) if !most.is_passed(at, now) => continue,
                Some(at) => format!("the newest signature is of {}", day(at)),
                None => "no time stamp and no transparency log proves when it was signed".to_owned(),
            };
            problems
                .push(Problem { found, wanted: format!("a signature of the last {most}, with a proof of its time") });
        }
        problems
    }

    fn moved_back_problem(&self) -> Option<Problem> {
        let before = self.moved_back.filter(|_| self.is_signed())?;
        let found = match self.signed_at() {
            Some(at) => format!("the tag went back to an image that was signed at {at}"),
            None => "the tag went back to an image of which nothing proves when it was signed".to_owned(),
        };
        let wanted = format!(
            "an image that was signed at {before} or later, as the one to which the tag led before; to go back on purpose, sign the old image again"
        );
        Some(Problem { found, wanted })
    }

    /// For `image-sbom`: the list of what is in the image.
    #[must_use]
    pub fn sbom_problems(&self) -> Vec<Problem> {
        let mut wanted: Vec<&Predicate> = self
            .require
            .iter()
            .map(|one| &one.predicate)
            .filter(|one| one.is_sbom() || **one == Predicate::Sbom)
            .collect();
        if wanted.is_empty() {
            wanted.push(&Predicate::Sbom);
        }
        let missing = wanted.into_iter().filter(|predicate| !self.has(predicate, |_| true));
        missing
            .map(|predicate| Problem { found: self.unattested(predicate), wanted: format!("a signed {predicate}") })
            .collect()
    }

    /// The readable attestations of this kind, of whichever digest.
    pub(super) fn readable<'v>(&'v self, required: &'v Predicate) -> impl Iterator<Item = &'v Attested> + Clone {
        let fits =
            move |one: &&Attested| one.predicate.satisfies(required) && !matches!(one.facts, Facts::Unreadable(_));
        self.attested.iter().filter(fits)
    }

    /// Whether the digest, or the manifest of every platform, has a readable attestation of this kind that fits.
    pub(super) fn has(&self, required: &Predicate, fits: impl Fn(&Attested) -> bool) -> bool {
        let about = |digest: &str| self.readable(required).any(|one| one.digest == digest && fits(one));
        about(&self.digest) || (!self.leaves.is_empty() && self.leaves.iter().all(|leaf| about(leaf)))
    }

    pub(super) fn unattested(&self, required: &Predicate) -> String {
        let unreadable = self.attested.iter().find_map(|one| match &one.facts {
            Facts::Unreadable(why) if one.predicate.satisfies(required) => {
                Some(format!("; {} is signed, and {why}", one.evidence))
            }
            _ => None,
        });
        format!("no {required} that one of the authorities signed{}", unreadable.unwrap_or_default())
    }

    fn authorities(&self) -> String {
        let names: Vec<String> = self.authorities.iter().map(|one| crate::text::clean(&one.name, 200)).collect();
        names.join(", or ")
    }

    /// What each authority says of the evidence for a digest.
    fn refusals_of(&self, digest: &str) -> String {
        let about = || self.refusals.iter().filter(|one| one.digest == digest);
        let attested = self.attested.iter().filter(|one| one.digest == digest).count();
        let unread = about().filter(|one| one.authority.is_empty()).take(MAX_REFUSALS);
        let mut parts: Vec<String> = unread.map(|one| format!("{}: {}", one.evidence, one.why)).collect();
        let else_ = if parts.is_empty() { " " } else { " else " };
        for authority in &self.authorities {
            let own = about().filter(|one| one.authority == authority.name);
            let said: Vec<String> =
                own.clone().take(MAX_REFUSALS).map(|one| format!("{}: {}", one.evidence, one.why)).collect();
            let more = own.count().saturating_sub(MAX_REFUSALS);
            let said = match (said.is_empty(), more) {
                (true, _) => format!("nothing{else_}attached that {} could have signed", authority.tool),
                (false, 0) => said.join("; "),
                (false, more) => format!("{}; and {more} more", said.join("; ")),
            };
            parts.push(format!("{}: {said}", crate::text::clean(&authority.name, 200)));
        }
        if attested > 0 {
            let attestations = if attested == 1 { "1 attestation is" } else { &format!("{attested} attestations are") };
            parts.push(format!("{attestations} valid, and no signature"));
        }
        if self.left_out > 0 {
            parts.push(format!("{} more pieces of evidence are left out", self.left_out));
        }
        parts.join(". ")
    }
}

fn builder(one: &Attested) -> Option<&str> {
    if let Facts::Provenance { builder } = &one.facts { builder.as_deref() } else { None }
}

/// A digest as messages show it.
fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

pub(super) fn day(at: Timestamp) -> String {
    jiff::tz::Offset::UTC.to_datetime(at).date().to_string()
}
