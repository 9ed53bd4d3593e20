//! The mode of podreeve: the most that happens because of a violation, whatever the policies say.

use crate::rule::Severity;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most that podreeve does, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Mode {
    /// Nothing is denied or changed, and no user is warned. Audit annotations, metrics and the log have the violations.
    Audit,
    /// Nothing is denied or changed. Users are warned of what mode deny would deny.
    Warn,
    /// What the policies say happens.
    #[default]
    Deny,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Audit, Self::Warn, Self::Deny];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The mode, and from which severity and day on it denies. It holds for all policies, and for the labels of Pod Security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ceiling {
    pub mode: Mode,
    /// In mode deny, milder violations only warn.
    #[serde(default = "mildest")]
    pub deny_from: Severity,
    /// In mode deny, the last day that only warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_after: Option<Date>,
}

const fn mildest() -> Severity {
    Severity::Low
}

impl Default for Ceiling {
    /// Softens nothing.
    fn default() -> Self {
        Self { mode: Mode::Deny, deny_from: mildest(), deny_after: None }
    }
}

/// The most that happens because of one violation on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    Audit,
    /// It is not denied, for this reason.
    Warn(HeldBy),
    Deny,
}

/// What holds a denial back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldBy {
    /// The mode.
    Mode,
    /// [`Ceiling::deny_from`]: the violation is milder.
    Severity,
    /// [`Ceiling::deny_after`]: up to this day.
    Until(Date),
}

impl Ceiling {
    /// The most that happens because of a violation of this severity.
    #[must_use]
    pub fn cap(self, severity: Severity, today: Date) -> Cap {
        match (self.mode, self.deny_after) {
            (Mode::Audit, _) => Cap::Audit,
            (Mode::Warn, _) => Cap::Warn(HeldBy::Mode),
            // It will be held back after the date, too.
            (Mode::Deny, _) if severity < self.deny_from => Cap::Warn(HeldBy::Severity),
            (Mode::Deny, Some(last)) if today <= last => Cap::Warn(HeldBy::Until(last)),
            (Mode::Deny, _) => Cap::Deny,
        }
    }

    /// The most that happens because of something that could not be judged. It may be anything, so it counts as critical.
    #[must_use]
    pub fn cap_of_unjudged(self, today: Date) -> Cap {
        self.cap(Severity::Critical, today)
    }

    /// The ceiling that denies only what both deny.
    #[must_use]
    pub fn softer(self, other: Self) -> Self {
        Self {
            mode: self.mode.min(other.mode),
            deny_from: self.deny_from.max(other.deny_from),
            deny_after: self.deny_after.max(other.deny_after),
        }
    }
}

impl fmt::Display for Ceiling {
    /// `warn (nothing is denied or changed)`, `deny (from severity high, after 2027-01-31)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mode < Mode::Deny {
            return write!(f, "{} (nothing is denied or changed)", self.mode);
        }
        f.write_str("deny")?;
        match (self.deny_from, self.deny_after) {
            (Severity::Low, None) => Ok(()),
            (Severity::Low, Some(last)) => write!(f, " (after {last})"),
            (from, None) => write!(f, " (from severity {from})"),
            (from, Some(last)) => write!(f, " (from severity {from}, after {last})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const LAST: Date = date(2027, 1, 31);

    #[test]
    fn a_violation_is_denied_from_a_severity_and_a_day_on() {
        let ceiling = Ceiling { deny_from: Severity::High, deny_after: Some(LAST), ..Ceiling::default() };
        let after = date(2027, 2, 1);
        assert_eq!(ceiling.cap(Severity::High, after), Cap::Deny);
        assert_eq!(ceiling.cap(Severity::High, LAST), Cap::Warn(HeldBy::Until(LAST)));
        assert_eq!(ceiling.cap(Severity::Medium, LAST), Cap::Warn(HeldBy::Severity));
        assert_eq!(ceiling.cap(Severity::Medium, after), Cap::Warn(HeldBy::Severity));
        assert_eq!(ceiling.cap_of_unjudged(after), Cap::Deny);
        assert_eq!(ceiling.cap_of_unjudged(LAST), Cap::Warn(HeldBy::Until(LAST)));
        for mode in [Mode::Audit, Mode::Warn] {
            let capped = Ceiling { mode, ..ceiling }.cap(Severity::Critical, after);
            assert_eq!(capped, if mode == Mode::Audit { Cap::Audit } else { Cap::Warn(HeldBy::Mode) });
        }
    }

    #[test]
    fn the_softer_of_two_denies_what_both_deny() {
        let all = || {
            Mode::ALL.into_iter().flat_map(|mode| {
                Severity::WORST_FIRST.into_iter().flat_map(move |deny_from| {
                    [None, Some(LAST), Some(date(2027, 2, 2))].map(|deny_after| Ceiling { mode, deny_from, deny_after })
                })
            })
        };
        for (one, other) in all().flat_map(|one| all().map(move |other| (one, other))) {
            for severity in Severity::WORST_FIRST {
                for today in [LAST, date(2027, 2, 2), date(2027, 2, 3)] {
                    let denies = |ceiling: Ceiling| ceiling.cap(severity, today) == Cap::Deny;
                    assert_eq!(denies(one.softer(other)), denies(one) && denies(other), "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn it_is_read_and_written_as_json_and_as_words() {
        let text = r#"{"mode":"deny","denyFrom":"critical","denyAfter":"2027-01-31"}"#;
        let ceiling: Ceiling = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ceiling).unwrap(), text);
        assert_eq!(ceiling.to_string(), "deny (from severity critical, after 2027-01-31)");
        let warn: Ceiling = serde_json::from_str(r#"{"mode":"warn"}"#).unwrap();
        assert_eq!(warn, Ceiling { mode: Mode::Warn, ..Ceiling::default() });
        assert_eq!(warn.to_string(), "warn (nothing is denied or changed)");
        assert_eq!(Ceiling::default().to_string(), "deny");
        assert!(serde_json::from_str::<Ceiling>(r#"{"mode":"deny","from":"low"}"#).is_err());
    }
}
