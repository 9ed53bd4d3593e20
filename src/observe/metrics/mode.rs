//! The running mode, and what it holds back.

use super::grid::{Axis, Counters};
use super::seconds;
use crate::decide::Effect;
use crate::outcome::Outcome;
use crate::policy::{Ceiling, Mode};
use crate::rule::Severity;
use crate::rules::of_requests;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use prometheus::{Gauge, IntGaugeVec, Opts, Registry};

#[derive(Debug)]
pub struct ModeMetrics {
    running: IntGaugeVec,
    denies_since: Gauge,
    held_back: Counters,
}

impl ModeMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "1 for the mode that runs, and the least severity that it denies.";
        let running = IntGaugeVec::new(Opts::new("podreeve_mode", help), &["mode", "deny_from"])?;
        registry.register(Box::new(running.clone()))?;
        let metrics = Self {
            running,
            denies_since: seconds(
                registry,
                "podreeve_deny_after_timestamp_seconds",
                "When the last day of --deny-after ends, and mode deny begins to deny; 0 without that date.",
            )?,
            held_back: Counters::new(
                registry,
                "podreeve_violations_held_back_total",
                "Violations that mode deny would have denied or patched, where the running mode did not.",
                vec![
                    Axis::new("rule", of_requests().map(|rule| rule.id)),
                    Axis::new("action", [Effect::Deny, Effect::Patch].map(Effect::as_str)),
                ],
            )?,
        };
        metrics.set(Ceiling::default());
        Ok(metrics)
    }

    /// Records the mode that runs. All series stay, so that an alert sees the change.
    pub fn set(&self, ceiling: Ceiling) {
        for (mode, from) in Mode::ALL.into_iter().flat_map(|mode| Severity::WORST_FIRST.map(|from| (mode, from))) {
            let runs = (mode, from) == (ceiling.mode, ceiling.deny_from);
            self.running.with_label_values(&[mode.as_str(), from.as_str()]).set(i64::from(runs));
        }
        let begin = ceiling.deny_after.and_then(day_after);
        self.denies_since.set(begin.map_or(0.0, super::serving::unix_seconds));
    }

    /// Records what the mode held back of one request.
    pub fn answered(&self, outcome: &Outcome) {
        for tally in &outcome.tallies {
            for (action, count) in [tally.held_back.deny, tally.held_back.patch].into_iter().enumerate() {
                let rule = if count > 0 { of_requests().position(|rule| rule.id == tally.rule) } else { None };
                if let Some(rule) = rule {
                    self.held_back.add(&[rule, action], count as u64);
                }
            }
        }
    }
}

fn day_after(last: Date) -> Option<Timestamp> {
    let begin = last.checked_add(1.day()).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(begin.timestamp())
}
