//! Certificates of daemons: valid, for the right use, strong, and of the key next to them.

use crate::node::certificate::{Certificate, Role, Used, used};
use crate::node::{Node, Read};
use crate::rule::{About, Evidence, Results, Severity};

/// A certificate must be valid for so many seconds more.
const NOTICE: i64 = 30 * 24 * 3600;

pub fn judge(node: &Node, results: &mut Results) {
    for used in used(node) {
        let subject = format!("{}: {}", used.by, used.path);
        let about = About::new(&subject, &["D2.7"]);
        match node.certificates.get(&used.path) {
            Some(Read::Is(certificate)) => one(node.taken, &used, certificate, &subject, results),
            // Files that a kubelet makes itself are there once it has run.
            None | Some(Read::Absent) => {}
            Some(other) => results.unknown(about, format!("the certificate {}", other.unknown().unwrap_or_default())),
        }
    }
}

fn one(now: i64, used: &Used, certificate: &Certificate, subject: &str, results: &mut Results) {
    let faults = faults(now, used, certificate);
    let Some((worst, ..)) = faults.iter().max_by_key(|(severity, ..)| *severity) else {
        let is_alone = used.key.is_some() && certificate.matches_key.is_none();
        let alone = if is_alone { ", not compared with its key" } else { "" };
        let found = format!("{}, valid until {}{alone}", certificate.key, day(certificate.not_after));
        return results.pass(About::new(subject, &["D2.7"]), Evidence::new(found, &used.path));
    };
    let found: Vec<&str> = faults.iter().map(|(_, found, _)| found.as_str()).collect();
    let wanted: Vec<&str> = faults.iter().map(|(.., wanted)| *wanted).collect();
    let fix = match used.role {
        Role::Authority => format!("put a certificate of an authority that is valid and strong into {}", used.path),
        Role::Client => "let the kubelet ask for a new one: set rotateCertificates, and restart it".to_owned(),
        Role::Server => format!(
            "issue a new certificate with the use serverAuth and its key, put them into {}, and restart the daemon",
            used.path
        ),
    };
    results.fail(
        About::new(subject, &["D2.7"]),
        *worst,
        Evidence::new(found.join(", "), &used.path),
        wanted.join(", "),
        fix,
    );
}

/// Each with its severity, what was found and what is wanted.
fn faults(now: i64, used: &Used, certificate: &Certificate) -> Vec<(Severity, String, &'static str)> {
    let mut faults = Vec::new();
    let Certificate { not_before, not_after, .. } = *certificate;
    if not_after < now {
        faults.push((Severity::High, format!("it ended at {}", day(not_after)), "a valid certificate"));
    } else if not_after < now.saturating_add(NOTICE) {
        faults.push((Severity::Medium, format!("it ends at {}", day(not_after)), "30 days of validity"));
    } else if not_before > now {
        faults.push((Severity::High, format!("it begins at {}", day(not_before)), "a valid certificate"));
    }
    if used.role == Role::Server && !certificate.server_auth {
        faults.push((Severity::Medium, "it is not for servers".to_owned(), "the use serverAuth"));
    }
    if certificate.matches_key == Some(false) {
        let key = used.key.as_deref().unwrap_or_default();
        faults.push((
            Severity::High,
            format!("{key} is the key of another certificate"),
            "the certificate of this key",
        ));
    }
    if certificate.rsa_bits.is_some_and(|bits| bits < 2048) {
        faults.push((Severity::High, certificate.key.clone(), "an RSA key of 2048 bits or more"));
    }
    faults
}

fn day(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate() {
        let used =
            Used { by: "dockerd".to_owned(), path: "/c".to_owned(), key: Some("/k".to_owned()), role: Role::Server };
        let good = Certificate {
            subject: "CN=n1".to_owned(),
            not_before: 0,
            not_after: 100 + 2 * NOTICE,
            key: "RSA 2048".to_owned(),
            rsa_bits: Some(2048),
            server_auth: true,
            matches_key: Some(true),
        };
        let found = |certificate: &Certificate| {
            faults(100, &used, certificate)
                .into_iter()
                .map(|(severity, found, _)| (severity, found))
                .collect::<Vec<_>>()
        };
        assert_eq!(found(&good), []);
        assert_eq!(found(&Certificate { matches_key: None, ..good.clone() }), []);
        let one = |certificate: Certificate| found(&certificate).remove(0);
        assert_eq!(one(Certificate { not_after: 99, ..good.clone() }).0, Severity::High);
        assert_eq!(one(Certificate { not_after: 101, ..good.clone() }).0, Severity::Medium);
        assert_eq!(one(Certificate { not_before: 101, ..good.clone() }).0, Severity::High);
        assert_eq!(one(Certificate { server_auth: false, ..good.clone() }).1, "it is not for servers");
        assert_eq!(
            one(Certificate { matches_key: Some(false), ..good.clone() }).1,
            "/k is the key of another certificate"
        );
        assert_eq!(one(Certificate { rsa_bits: Some(1024), key: "RSA 1024".to_owned(), ..good }).1, "RSA 1024");
    }
}
