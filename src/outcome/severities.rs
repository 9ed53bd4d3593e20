//! How many violations there are, by effect and severity, and which of them are displayed.

use crate::decide::Effect;
use crate::rule::Severity;

/// Counts by effect and severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Severities([[usize; 4]; 5]);

impl Severities {
    fn get_mut(&mut self, effect: Effect, severity: Severity) -> Option<&mut usize> {
        self.0.get_mut(effect as usize)?.get_mut(severity as usize)
    }

    pub fn add(&mut self, effect: Effect, severity: Severity, number: usize) {
        if let Some(count) = self.get_mut(effect, severity) {
            *count += number;
        }
    }

    /// Subtracts one; none when the count is 0.
    pub fn take(&mut self, effect: Effect, severity: Severity) -> Option<()> {
        let count = self.get_mut(effect, severity)?;
        *count = count.checked_sub(1)?;
        Some(())
    }

    #[must_use]
    pub fn of(&self, effect: Effect, severity: Severity) -> usize {
        self.0.get(effect as usize).and_then(|counts| counts.get(severity as usize)).copied().unwrap_or_default()
    }

    /// `2 critical, 7 low`, the worst first.
    #[must_use]
    pub fn listed(&self, effect: Effect) -> String {
        let counts = Severity::WORST_FIRST.into_iter().map(|severity| (self.of(effect, severity), severity));
        let counts: Vec<String> =
            counts.filter(|(count, _)| *count > 0).map(|(count, severity)| format!("{count} {severity}")).collect();
        counts.join(", ")
    }
}

/// Selects the items to display, and keeps their order. At most `limit` denials are selected, and at most `limit` others; of
/// these, repairs come before warnings, and warnings before audits. Of items with the same effect, the worst are selected.
pub fn displayed<T>(items: &[T], limit: usize, rank: impl Fn(&T) -> (Effect, Severity)) -> impl Iterator<Item = &T> {
    let mut places = Severities::default();
    for (effect, severity) in items.iter().map(&rank) {
        places.add(effect, severity, 1);
    }
    for effects in [&[Effect::Deny][..], &[Effect::Patch, Effect::Warn, Effect::Audit, Effect::Exempt]] {
        let mut room = limit;
        for effect in effects {
            for severity in Severity::WORST_FIRST {
                if let Some(count) = places.get_mut(*effect, severity) {
                    *count = room.min(*count);
                    room -= *count;
                }
            }
        }
    }
    items.iter().filter(move |item| {
        let (effect, severity) = rank(item);
        places.take(effect, severity).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_displayed_in_their_order() {
        use {Effect::*, Severity::*};
        let items = [
            (Audit, Critical),
            (Warn, Low),
            (Deny, Low),
            (Warn, High),
            (Deny, Critical),
            (Exempt, Critical),
            (Deny, Low),
            (Warn, Low),
        ];
        let displayed = |limit| displayed(&items, limit, |item| *item).copied().collect::<Vec<_>>();
        assert_eq!(displayed(0), []);
        assert_eq!(displayed(1), [(Warn, High), (Deny, Critical)]);
        assert_eq!(displayed(2), [(Warn, Low), (Deny, Low), (Warn, High), (Deny, Critical)]);
        assert_eq!(displayed(4).iter().filter(|(effect, _)| *effect == Audit).count(), 1);
        assert_eq!(displayed(5), items);
    }

    #[test]
    fn counts_are_listed_from_the_worst() {
        let mut counts = Severities::default();
        counts.add(Effect::Deny, Severity::Low, 7);
        counts.add(Effect::Deny, Severity::Critical, 2);
        counts.add(Effect::Warn, Severity::High, 1);
        assert_eq!(counts.listed(Effect::Deny), "2 critical, 7 low");
        assert_eq!(counts.listed(Effect::Audit), "");
        assert_eq!(counts.take(Effect::Warn, Severity::High), Some(()));
        assert_eq!(counts.take(Effect::Warn, Severity::High), None);
    }
}
