//! Metrics whose labels come from closed sets, as arrays: adding takes no hashing and no lock, and no client can add a series.

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// 0.1 ms to 10 s.
pub const SECONDS: [f64; 16] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// 10 us to 10 s: most decisions take less time than the first steps of [`SECONDS`].
pub const FINE_SECONDS: [f64; 19] = [
    0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// 1 KiB to 32 MiB.
pub const BYTES: [f64; 9] =
    [1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 33_554_432.0];

/// A label and all its values.
#[derive(Debug)]
pub struct Axis {
    label: &'static str,
    values: Vec<&'static str>,
}

impl Axis {
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Self {
        Self { label, values: values.into_iter().collect() }
    }
}

/// A counter for every combination of label values.
#[derive(Debug)]
pub struct Counters {
    axes: Vec<Axis>,
    cells: Vec<IntCounter>,
}

impl Counters {
    pub fn new(registry: &Registry, name: &str, help: &str, axes: Vec<Axis>) -> Result<Self, prometheus::Error> {
        let labels: Vec<&str> = axes.iter().map(|axis| axis.label).collect();
        let family = IntCounterVec::new(Opts::new(name, help), &labels)?;
        registry.register(Box::new(family.clone()))?;
        let mut rows: Vec<Vec<&str>> = vec![Vec::new()];
        for axis in &axes {
            let longer = |row: &Vec<&'static str>| {
                let row = row.clone();
                axis.values.iter().map(move |value| row.iter().copied().chain([*value]).collect())
            };
            rows = rows.iter().flat_map(longer).collect();
        }
        let cells = rows.iter().map(|row| family.get_metric_with_label_values(row)).collect::<Result<_, _>>()?;
        Ok(Self { axes, cells })
    }

    /// Adds to the cell at the position on each axis.
    pub fn add(&self, at: &[usize], count: u64) {
        let index = self.axes.iter().zip(at).fold(0, |index, (axis, at)| index * axis.values.len() + at);
        if let Some(cell) = self.cells.get(index) {
            cell.inc_by(count);
        }
    }
}

/// A histogram for every value of one label.
#[derive(Debug)]
pub struct Histograms {
    cells: Vec<Histogram>,
}

impl Histograms {
    pub fn new(
        registry: &Registry,
        name: &str,
        help: &str,
        buckets: &[f64],
        axis: Axis,
    ) -> Result<Self, prometheus::Error> {
        let family = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[axis.label])?;
        registry.register(Box::new(family.clone()))?;
        let cells =
            axis.values.iter().map(|value| family.get_metric_with_label_values(&[*value])).collect::<Result<_, _>>()?;
        Ok(Self { cells })
    }

    pub fn observe(&self, at: usize, value: f64) {
        if let Some(cell) = self.cells.get(at) {
            cell.observe(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_its_own_series() {
        let registry = Registry::new();
        let axes = vec![Axis::new("a", ["x", "y"]), Axis::new("b", ["1", "2", "3"])];
        let counters = Counters::new(&registry, "c", "help", axes).unwrap();
        counters.add(&[1, 0], 5);
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert_eq!(text.matches("c{").count(), 6);
        assert!(text.contains("c{a=\"y\",b=\"1\"} 5"), "{text}");
    }
}
