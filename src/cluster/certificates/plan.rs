//! The next step of the certificates in the Secret. Pure: the time is an argument.
//!
//! A new CA is trusted before it signs. First it is added to the bundle. It signs the certificate only after every webhook
//! configuration has had the bundle for a while.

use crate::authority::{AuthorityError, CertificateInfo, Pem, make_ca, make_leaf, split};
use jiff::{SignedDuration, Timestamp};

const CA_DAYS: i64 = 3 * 365;
const LEAF_DAYS: i64 = 90;
/// How long it may take until every API server trusts a new bundle.
const SPREAD: SignedDuration = SignedDuration::from_secs(60);

/// What the Secret holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The CA that signs the next certificate.
    pub ca: Pem,
    /// All trusted CAs, PEM. The one that signs comes first.
    pub bundle: String,
    pub leaf: Pem,
    /// When the CA was made.
    pub ca_made: Option<Timestamp>,
    /// What an operator wants to have renewed: `ca` or `leaf`.
    pub renew: Option<String>,
}

/// What the leader does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Adds a new CA to the bundle. The certificate stays.
    RotateCa,
    /// Makes a new certificate, signed by the CA of the Secret.
    RenewLeaf,
    /// Makes a CA and a certificate, because nothing in the Secret can be used.
    Bootstrap,
}

impl Stored {
    /// `trusted` is whether every webhook configuration has the bundle.
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
            return if ca.is_some() { Step::RenewLeaf } else { Step::Bootstrap };
        };
        let Some(ca) = ca else { return Step::RotateCa };
        if leaf.signer != ca.key {
            // The new CA does not sign before the API servers trust it.
            let known = self.ca_made.is_none_or(|made| now.duration_since(made) >= SPREAD);
            return if trusted && known { Step::RenewLeaf } else { Step::Nothing };
        }
        match self.renew.as_deref() {
            Some("ca") => Step::RotateCa,
            Some("leaf") => Step::RenewLeaf,
            _ if ca.is_ageing(now) => Step::RotateCa,
            _ if leaf.is_ageing(now) => Step::RenewLeaf,
            _ => Step::Nothing,
        }
    }

    /// What the Secret holds after the step.
    ///
    /// # Errors
    /// When a CA or certificate cannot be made.
    pub fn after(&self, step: Step, names: &[String], now: Timestamp) -> Result<Self, AuthorityError> {
        let mut new = Self { renew: None, ..self.clone() };
        if matches!(step, Step::RotateCa | Step::Bootstrap) {
            new.ca = make_ca(now, CA_DAYS)?;
            new.ca_made = Some(now);
        }
        if matches!(step, Step::RenewLeaf | Step::Bootstrap) {
            new.leaf = make_leaf(&new.ca, names, now, LEAF_DAYS)?;
        }
        // A CA stays in the bundle as long as the certificate is signed by it.
        let signer = CertificateInfo::of(&new.leaf.cert).map(|leaf| leaf.signer);
        let kept = split(&self.bundle).into_iter().filter(|ca| {
            CertificateInfo::of(ca)
                .is_some_and(|ca| ca.until > now && (step != Step::Nothing && Some(&ca.key) == signer.as_ref()))
        });
        let mut bundle = vec![new.ca.cert.clone()];
        bundle.extend(kept.filter(|ca| ca.trim() != new.ca.cert.trim()));
        // Other replicas may still serve the certificate that the last CA signed.
        if step == Step::RenewLeaf {
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
    fn an_empty_secret_is_filled_and_then_left_alone() {
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
        assert_eq!(stored.next(&names(), true, now() + DAY * 65), Step::RenewLeaf);
        let other = vec!["other.podreeve.svc".to_owned()];
        assert_eq!(stored.next(&other, true, now()), Step::RenewLeaf);
    }

    #[test]
    fn a_new_ca_is_trusted_before_it_signs() {
        let first = fresh(now());
        let later = now() + DAY * 800;
        let first = first.after(Step::RenewLeaf, &names(), later).unwrap();
        assert_eq!(first.next(&names(), true, later), Step::RotateCa);
        let both = first.after(Step::RotateCa, &names(), later).unwrap();
        assert_eq!((&both.leaf, split(&both.bundle).len(), signs(&both)), (&first.leaf, 2, false));
        let spread = later + SPREAD;
        assert_eq!(both.next(&names(), true, later), Step::Nothing);
        assert_eq!(both.next(&names(), false, spread), Step::Nothing);
        assert_eq!(both.next(&names(), true, spread), Step::RenewLeaf);
        let second = both.after(Step::RenewLeaf, &names(), spread).unwrap();
        assert!(signs(&second));
        // Replicas that still serve the old certificate are still trusted.
        assert_eq!(split(&second.bundle).len(), 2);
        assert_eq!(second.next(&names(), true, spread), Step::Nothing);
        let third = second.after(Step::RenewLeaf, &names(), spread).unwrap();
        assert_eq!(split(&third.bundle).len(), 1);
    }

    #[test]
    fn missing_parts_are_made_again() {
        let stored = fresh(now());
        let no_key = Stored { ca: Pem { key: String::new(), ..stored.ca.clone() }, ..stored.clone() };
        assert_eq!(no_key.next(&names(), true, now()), Step::RotateCa);
        let no_leaf = Stored { leaf: Pem::default(), ..stored.clone() };
        assert_eq!(no_leaf.next(&names(), true, now()), Step::RenewLeaf);
        let no_bundle = Stored { bundle: String::new(), ..stored.clone() };
        assert_eq!(no_bundle.next(&names(), true, now()), Step::RenewLeaf);
        let requested = Stored { renew: Some("ca".to_owned()), ..stored.clone() };
        assert_eq!(requested.next(&names(), true, now()), Step::RotateCa);
        assert_eq!(requested.after(Step::RotateCa, &names(), now()).unwrap().renew, None);
        let gone = now().checked_add((4 * 365 * 24).hours()).unwrap();
        assert_eq!(stored.next(&names(), true, gone), Step::Bootstrap);
    }
}
