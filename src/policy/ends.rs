//! When exemptions end.

use super::{CompiledExemption, PolicySet};
use jiff::{ToSpan, civil::Date};

/// Within so many days before its end, an exemption is reported.
pub const EXPIRY_NOTICE: i64 = 14;

/// How near the end of an exemption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has no end, or one that is far.
    Far,
    /// Its last day is within [`EXPIRY_NOTICE`].
    Soon(Date),
    /// Its last day is over.
    Over(Date),
}

impl End {
    /// How near the end of the exemption is today.
    #[must_use]
    pub fn of(exemption: &CompiledExemption, today: Date) -> Self {
        match exemption.until() {
            Some(until) if until < today => Self::Over(until),
            Some(until) if until <= today.saturating_add(EXPIRY_NOTICE.days()) => Self::Soon(until),
            Some(_) | None => Self::Far,
        }
    }
}

/// How many exemptions there are, and which of them end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    pub far: usize,
    /// Those that end soon: where each is, and its last day.
    pub soon: Vec<String>,
    pub over: Vec<String>,
}

impl Ends {
    /// The exemptions of all policies, and the Exemption objects.
    #[must_use]
    pub fn of(policies: &PolicySet, today: Date) -> Self {
        let mut ends = Self::default();
        for policy in &policies.policies {
            for (index, exemption) in policy.exemptions.iter().enumerate() {
                ends.add(End::of(exemption, today), || format!("Policy {}: spec.exemptions[{index}]", policy.name));
            }
        }
        for object in &policies.exemptions {
            ends.add(End::of(&object.exemption, today), || format!("Exemption {}", object.name));
        }
        ends
    }

    fn add(&mut self, end: End, place: impl Fn() -> String) {
        match end {
            End::Far => self.far += 1,
            End::Soon(until) => self.soon.push(format!("{} (last day {until})", place())),
            End::Over(until) => self.over.push(format!("{} (last day {until})", place())),
        }
    }
}

/// The exemption of a policy that ended first or will end first, as a sentence for its condition, and whether it is over.
#[must_use]
pub fn of_policy(exemptions: &[CompiledExemption], today: Date) -> Option<(bool, String)> {
    let all = || exemptions.iter().map(|exemption| End::of(exemption, today)).enumerate();
    let over = all().find_map(|(index, end)| match end {
        End::Over(until) => {
            Some((true, format!("spec.exemptions[{index}] exempts nothing any more: its last day was {until}")))
        }
        End::Far | End::Soon(_) => None,
    });
    let soon = || {
        all().find_map(|(index, end)| match end {
            End::Soon(until) => Some((false, format!("the last day of spec.exemptions[{index}] is {until}"))),
            End::Far | End::Over(_) => None,
        })
    };
    over.or_else(soon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Cluster, CompiledPolicy, ObjectExemption};
    use jiff::civil::date;
    use serde_json::json;
    use std::sync::Arc;

    fn object(until: &str) -> Arc<ObjectExemption> {
        let spec = json!({"rules": ["privileged"], "reason": "a test", "until": until}).to_string();
        Arc::new(ObjectExemption::new("shop", "a", Some(&spec)).unwrap())
    }

    #[test]
    fn the_last_day_counts() {
        let today = date(2026, 11, 27);
        let end = |until: &str| End::of(&object(until).exemption, today);
        assert_eq!(end("2026-11-26"), End::Over(date(2026, 11, 26)));
        assert_eq!(end("2026-11-27"), End::Soon(date(2026, 11, 27)));
        assert_eq!(end("2026-12-11"), End::Soon(date(2026, 12, 11)));
        assert_eq!(end("2026-12-12"), End::Far);
    }

    #[test]
    fn policies_and_objects_are_counted() {
        let exemption =
            |until: Option<&str>| json!({"rules": ["privileged"], "namespaces": ["a"], "reason": "r", "until": until});
        let spec = json!({"rules": {}, "exemptions": [exemption(None), exemption(Some("2026-12-01")), exemption(Some("2026-01-01"))]});
        let policy = CompiledPolicy::from_object("p", Some(&spec.to_string()), Cluster::Without).unwrap();
        let (over, sentence) = of_policy(&policy.exemptions, date(2026, 11, 27)).unwrap();
        assert!(over && sentence.contains("spec.exemptions[2] exempts nothing any more"), "{sentence}");
        let (over, sentence) = of_policy(&policy.exemptions[..2], date(2026, 11, 27)).unwrap();
        assert!(!over && sentence.contains("the last day of spec.exemptions[1] is 2026-12-01"), "{sentence}");
        assert_eq!(of_policy(&policy.exemptions[..1], date(2026, 11, 27)), None);
        let mut policies = PolicySet::new(vec![policy], 1);
        policies.exemptions.push(object("2026-11-01"));
        let ends = Ends::of(&policies, date(2026, 11, 27));
        assert_eq!(ends.far, 1);
        assert_eq!(ends.soon, ["Policy p: spec.exemptions[1] (last day 2026-12-01)"]);
        assert_eq!(
            ends.over,
            ["Policy p: spec.exemptions[2] (last day 2026-01-01)", "Exemption shop/a (last day 2026-11-01)"]
        );
    }
}
