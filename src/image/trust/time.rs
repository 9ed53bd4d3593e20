//! The time by which a verdict is judged, and when time alone changes what the rules say of it.

use super::attested::Facts;
use super::verify::Verdict;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// The time at which a day begins, for rules that know the day alone.
#[must_use]
pub fn start_of(day: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
}

/// Ages are whole hours.
const HOUR: i64 = 3600;

/// By how much the clocks of two machines differ at most.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Whether a time is still to come. What says so has a wrong clock, or was made to count forever.
#[must_use]
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > SKEW
}

impl Verdict {
    /// The time by which rules judge: when the verdict was made, or the beginning of today where that is later.
    #[must_use]
    pub fn time(&self, today: Date) -> Option<Timestamp> {
        start_of(today).max(self.judged_at)
    }

    /// When the rules may say something else though nothing new is known: a signature or its certificate expires, or a signature or a scan has an age that a
    /// limit can name. None if that never happens.
    #[must_use]
    pub fn changes_at(&self) -> Option<Timestamp> {
        let now = self.judged_at?;
        let expiries = self.signatures.iter().filter_map(|one| one.expiry).filter(|expiry| *expiry > now);
        // A certificate is valid in its last second, too.
        let certified =
            self.signatures.iter().filter_map(|one| one.valid_until?.checked_add(SignedDuration::from_secs(1)).ok());
        let signed = self.signatures.iter().filter_map(|one| one.proved_at);
        let scanned = self.attested.iter().filter_map(|one| match &one.facts {
            Facts::Scan(scan) => scan.finished,
            _ => None,
        });
        // What was ahead counts from then on.
        let ahead = scanned.clone().filter(move |at| is_ahead(*at, now)).filter_map(|at| at.checked_sub(SKEW).ok());
        expiries
            .chain(ahead)
            .chain(certified.filter(|end| *end > now))
            .chain(signed.chain(scanned).filter_map(|from| older_at(from, now)))
            .min()
    }
}

/// When it becomes older by the next whole hour.
pub fn older_at(from: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let passed = now.as_second().saturating_sub(from.as_second()).max(0);
    // An age is passed one second after its last hour ended.
    let hours = (passed - 1).max(0) / HOUR + 1;
    from.checked_add(SignedDuration::from_secs(hours * HOUR + 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::trust::{Age, Signature};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn verdict(judged_at: &str, proved_at: Option<&str>, expiry: Option<&str>) -> Verdict {
        let signature = Signature {
            digest: "sha256:aa".to_owned(),
            authority: String::new(),
            signer: String::new(),
            proved_at: proved_at.map(at),
            expiry: expiry.map(at),
            valid_until: None,
        };
        let (digest, wanted) = (signature.digest.clone(), vec![signature.digest.clone()]);
        Verdict { digest, wanted, signatures: vec![signature], judged_at: Some(at(judged_at)), ..Verdict::default() }
    }

    #[test]
    fn a_signature_counts_to_the_second_of_its_expiry() {
        let day = jiff::civil::date(2026, 11, 27);
        let problems = |judged_at: &str| {
            let verdict = verdict(judged_at, None, Some("2026-11-27T10:00:00Z"));
            verdict.freshness_problems(verdict.time(day).unwrap(), None).len()
        };
        assert_eq!(problems("2026-11-27T09:59:59Z"), 0);
        assert_eq!(problems("2026-11-27T10:00:00Z"), 1);
        // A verdict of yesterday is judged as of today.
        assert_eq!(verdict("2026-11-01T00:00:00Z", None, None).time(day), start_of(day));
        let before = verdict("2026-11-27T09:00:00Z", None, Some("2026-11-27T10:00:00Z"));
        assert_eq!(before.changes_at(), Some(at("2026-11-27T10:00:00Z")));
        assert_eq!(verdict("2026-11-27T11:00:00Z", None, Some("2026-11-27T10:00:00Z")).changes_at(), None);
    }

    #[test]
    fn an_age_is_passed_when_its_last_hour_has_ended() {
        let day = jiff::civil::date(2026, 11, 27);
        let age: Age = "12h".to_owned().try_into().unwrap();
        let of = |judged_at: &str| {
            let verdict = verdict(judged_at, Some("2026-11-27T01:30:00Z"), None);
            (verdict.freshness_problems(verdict.time(day).unwrap(), Some(age)).len(), verdict.changes_at())
        };
        for (judged_at, problems, changes_at) in [
            ("2026-11-27T01:00:00Z", 0, "2026-11-27T02:30:01Z"),
            ("2026-11-27T01:30:00Z", 0, "2026-11-27T02:30:01Z"),
            ("2026-11-27T12:45:00Z", 0, "2026-11-27T13:30:01Z"),
            ("2026-11-27T13:30:00Z", 0, "2026-11-27T13:30:01Z"),
            ("2026-11-27T13:30:01Z", 1, "2026-11-27T14:30:01Z"),
        ] {
            assert_eq!(of(judged_at), (problems, Some(at(changes_at))), "{judged_at}");
        }
    }
}
