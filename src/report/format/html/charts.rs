//! Bar charts: how many findings each rule or namespace has.

use crate::report::entry::Level;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most bars of a chart.
const MAX_BARS: usize = 15;

/// The counts of each name.
#[derive(Debug, Default)]
pub struct Totals(BTreeMap<String, [usize; 3]>);

#[derive(Debug)]
pub struct Chart {
    pub title: &'static str,
    pub bars: Vec<Bar>,
    /// How many bars are left out.
    pub more: usize,
}

#[derive(Debug)]
pub struct Bar {
    pub name: String,
    pub denied: usize,
    pub warned: usize,
    pub other: usize,
    /// The total of the longest bar.
    longest: usize,
}

impl Totals {
    pub fn add(&mut self, name: &str, level: Level) {
        let counts = match self.0.get_mut(name) {
            Some(counts) => counts,
            None => self.0.entry(name.to_owned()).or_default(),
        };
        let [denied, warned, other] = counts;
        *match level {
            Level::Denied | Level::Error => denied,
            Level::Warning => warned,
            _ => other,
        } += 1;
    }

    /// The longest bars first.
    pub fn chart(&self, title: &'static str) -> Chart {
        let total = |counts: &[usize; 3]| counts.iter().sum::<usize>();
        let longest = self.0.values().map(total).max().unwrap_or_default();
        let mut rows: Vec<(&String, &[usize; 3])> = self.0.iter().collect();
        rows.sort_by_key(|(name, counts)| (Reverse((total(counts), counts[0])), *name));
        let more = rows.len().saturating_sub(MAX_BARS);
        let bars = rows.into_iter().take(MAX_BARS).map(|(name, [denied, warned, other])| Bar {
            name: name.clone(),
            denied: *denied,
            warned: *warned,
            other: *other,
            longest,
        });
        Chart { title, bars: bars.collect(), more }
    }
}

impl Bar {
    pub const fn total(&self) -> usize {
        self.denied + self.warned + self.other
    }

    pub fn denied_width(&self) -> String {
        self.width(self.denied)
    }

    pub fn warned_width(&self) -> String {
        self.width(self.warned)
    }

    pub fn other_width(&self) -> String {
        self.width(self.other)
    }

    /// The width of a part, in percent of the chart.
    fn width(&self, count: usize) -> String {
        let thousandths = count * 1000 / self.longest.max(1);
        format!("{}.{}", thousandths / 10, thousandths % 10)
    }
}
