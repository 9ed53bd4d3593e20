//! The CA of a certificate that another program makes: the leader keeps it in the webhook configurations.

use crate::authority::split;
use std::time::{Duration, Instant};

/// How long the API server trusts a former CA. By then each replica serves the new certificate: the kubelet brings it to all of them
/// within two minutes.
const OVERLAP: Duration = Duration::from_secs(300);

/// What is known of the file with the CA.
#[derive(Debug, Default)]
pub struct KeptCa {
    /// The CAs in the file, and since when this process has seen them there.
    seen: Option<(Vec<String>, Instant)>,
}

impl KeptCa {
    /// What the webhooks should trust: the CAs of the file, and for a while those of `trusted`, which they trust now. None if the file
    /// has no certificate.
    pub fn bundle(&mut self, file: &str, trusted: &[String], now: Instant) -> Option<String> {
        let mut bundle = split(file);
        if bundle.is_empty() {
            return None;
        }
        let since = match &self.seen {
            Some((seen, since)) if *seen == bundle => *since,
            _ => now,
        };
        self.seen = Some((bundle.clone(), since));
        if now.saturating_duration_since(since) < OVERLAP {
            for former in trusted.iter().flat_map(|trusted| split(trusted)) {
                if !bundle.contains(&former) {
                    bundle.push(former);
                }
            }
        }
        Some(bundle.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ca(name: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn a_former_ca_stays_until_all_replicas_have_the_new_certificate() {
        let (old, new, begin) = (ca("old"), ca("new"), Instant::now());
        let mut kept = KeptCa::default();
        assert_eq!(kept.bundle("", &[], begin), None);
        assert_eq!(kept.bundle("no PEM", std::slice::from_ref(&old), begin), None);
        assert_eq!(kept.bundle(&old, &[], begin), Some(old.clone()));

        let later = begin + Duration::from_secs(86_400);
        let both = format!("{new}{old}");
        assert_eq!(kept.bundle(&new, std::slice::from_ref(&old), later), Some(both.clone()));
        let trusted = [both.clone(), both.clone()];
        assert_eq!(kept.bundle(&new, &trusted, later + OVERLAP / 2), Some(both));
        assert_eq!(kept.bundle(&new, &trusted, later + OVERLAP), Some(new));
    }

    #[test]
    fn only_certificates_of_the_file_are_published() {
        let file = format!("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\nsubject=CN a\n{}", ca("a"));
        assert_eq!(KeptCa::default().bundle(&file, &[], Instant::now()), Some(ca("a")));
    }
}
