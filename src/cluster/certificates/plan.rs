//! What to do next with what is in the Secret. Pure: the clock comes in.
//!
//! A new CA is trusted before it signs: it goes into the bundle first, and signs the certificate only
//! after every webhook configuration has had the bundle for a while.

use crate::authority::{CertificateInfo, Pem, make_ca, make_leaf, split};
use jiff::{SignedDuration, Timestamp};

const CA_DAYS: i64 = 3 * 365;
const LEAF_DAYS: i64 = 90;
/// How long the API servers are given to hear of a new bundle.
const HEARD: SignedDuration = SignedDuration::from_secs(60);

/// What the Secret holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The CA that signs.
    pub ca: Pem,
    /// Every CA that is trusted, PEM, the one that signs first.
    pub bundle: String,
    pub leaf: Pem,
    /// When the CA was made.
    pub ca_made: Option<Timestamp>,
    /// An operator asks for new ones: `ca` or `leaf`.
    pub renew: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// A new CA beside the old ones; the certificate stays.
    RotateCa,
    /// A new certificate from the CA that there is.
    Leaf,
    /// Nothing of it can be used.
    Bootstrap,
}

impl Stored {
    /// `trusted`: every webhook configuration has the bundle.
    #[must_use]
    pub fn next(&self, names: &[String], trusted: bool, now: Timestamp) -> Step {
        let ca = CertificateInfo::of(&self.ca.cert).filter(|ca| ca.until > now && !self.ca.key.is_empty());
        let leaf = CertificateInfo::of(&self.leaf.cert).filter(|leaf| {
            leaf.until > now && !self.leaf.key.is_empty() && names.iter().all(|name| leaf.dns_names.contains(name))
        });
        let trusts = |leaf: &CertificateInfo| {
            split(&self.bundle)
                .iter()
                .filter_map(|ca| CertificateInfo::of(ca))
                .any(|ca| ca.key == leaf.signer && ca.until > now)
        };
        let Some(leaf) = leaf.filter(trusts) else {
            return if ca.is_some() { Step::Leaf } else { Step::Bootstrap };
        };
        let Some(ca) = ca else { return Step::RotateCa };
        if leaf.signer != ca.key {
            // The new CA waits until it is known.
            let known = self.ca_made.is_none_or(|made| now.duration_since(made) >= HEARD);
            return if trusted && known { Step::Leaf } else { Step::Nothing };
        }
        match self.renew.as_deref() {
            Some("ca") => Step::RotateCa,
            Some("leaf") => Step::Leaf,
            _ if ca.is_ageing(now) => Step::RotateCa,
            _ if leaf.is_ageing(now) => Step::Leaf,
            _ => Step::Nothing,
        }
    }

    /// Takes the step.
    ///
    /// # Errors
    /// What cannot be made.
    pub fn after(&self, step: Step, names: &[String], now: Timestamp) -> Result<Self, String> {
        let mut new = Self { renew: None, ..self.clone() };
        if matches!(step, Step::RotateCa | Step::Bootstrap) {
            new.ca = make_ca(now, CA_DAYS)?;
            new.ca_made = Some(now);
        }
        if matches!(step, Step::Leaf | Step::Bootstrap) {
            new.leaf = make_leaf(&new.ca, names, now, LEAF_DAYS)?;
        }
        // Old CAs stay as long as the certificate may be theirs.
        let signer = CertificateInfo::of(&new.leaf.cert).map(|leaf| leaf.signer);
        let kept = split(&self.bundle).into_iter().filter(|ca| {
            CertificateInfo::of(ca)
                .is_some_and(|ca| ca.until > now && (step != Step::Nothing && Some(&ca.key) == signer.as_ref()))
        });
        let mut bundle = vec![new.ca.cert.clone()];
        bundle.extend(kept.filter(|ca| ca.trim() != new.ca.cert.trim()));
        // The one that signed until now is still on its way out of other replicas.
        if step == Step::Leaf {
            let before = CertificateInfo::of(&self.leaf.cert).map(|leaf| leaf.signer);
            let old = split(&self.bundle).into_iter();
            bundle.extend(old.filter(|ca| {
                ca.trim() != new.ca.cert.trim()
                    && CertificateInfo::of(ca).is_some_and(|ca| ca.until > now && Some(&ca.key) == before.as_ref())
            }));
        }
        new.bundle = bundle.concat();
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn names() -> Vec<String> {
        vec!["podreeve.podreeve.svc".to_owned()]
    }

    fn now() -> Timestamp {
        Timestamp::now()
    }

    fn fresh(at: Timestamp) -> Stored {
        Stored::default().after(Step::Bootstrap, &names(), at).unwrap()
    }

    fn signs(stored: &Stored) -> bool {
        CertificateInfo::of(&stored.leaf.cert).unwrap().signer == CertificateInfo::of(&stored.ca.cert).unwrap().key
    }

    #[test]
    fn nothing_is_made_anew_and_then_left_alone() {
        assert_eq!(Stored::default().next(&names(), false, now()), Step::Bootstrap);
        let stored = fresh(now());
        assert!(signs(&stored));
        assert_eq!(split(&stored.bundle).len(), 1);
        for trusted in [false, true] {
            assert_eq!(stored.next(&names(), trusted, now()), Step::Nothing);
        }
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_third_of_its_life() {
        let stored = fresh(now());
        assert_eq!(stored.next(&names(), true, now() + DAY * 55), Step::Nothing);
        assert_eq!(stored.next(&names(), true, now() + DAY * 65), Step::Leaf);
        let other = vec!["other.podreeve.svc".to_owned()];
        assert_eq!(stored.next(&other, true, now()), Step::Leaf);
    }

    #[test]
    fn a_new_authority_is_trusted_before_it_signs() {
        let first = fresh(now());
        let later = now() + DAY * 800;
        let first = first.after(Step::Leaf, &names(), later).unwrap();
        assert_eq!(first.next(&names(), true, later), Step::RotateCa);
        let both = first.after(Step::RotateCa, &names(), later).unwrap();
        assert_eq!((&both.leaf, split(&both.bundle).len(), signs(&both)), (&first.leaf, 2, false));
        let heard = later + HEARD;
        assert_eq!(both.next(&names(), true, later), Step::Nothing);
        assert_eq!(both.next(&names(), false, heard), Step::Nothing);
        assert_eq!(both.next(&names(), true, heard), Step::Leaf);
        let second = both.after(Step::Leaf, &names(), heard).unwrap();
        assert!(signs(&second));
        // Replicas that still serve the old certificate are trusted, too.
        assert_eq!(split(&second.bundle).len(), 2);
        assert_eq!(second.next(&names(), true, heard), Step::Nothing);
        let third = second.after(Step::Leaf, &names(), heard).unwrap();
        assert_eq!(split(&third.bundle).len(), 1);
    }

    #[test]
    fn what_was_lost_is_made_again() {
        let stored = fresh(now());
        let no_key = Stored { ca: Pem { key: String::new(), ..stored.ca.clone() }, ..stored.clone() };
        assert_eq!(no_key.next(&names(), true, now()), Step::RotateCa);
        let no_leaf = Stored { leaf: Pem::default(), ..stored.clone() };
        assert_eq!(no_leaf.next(&names(), true, now()), Step::Leaf);
        let no_bundle = Stored { bundle: String::new(), ..stored.clone() };
        assert_eq!(no_bundle.next(&names(), true, now()), Step::Leaf);
        let asked = Stored { renew: Some("ca".to_owned()), ..stored.clone() };
        assert_eq!(asked.next(&names(), true, now()), Step::RotateCa);
        assert_eq!(asked.after(Step::RotateCa, &names(), now()).unwrap().renew, None);
        let gone = now().checked_add((4 * 365 * 24).hours()).unwrap();
        assert_eq!(stored.next(&names(), true, gone), Step::Bootstrap);
    }
}
