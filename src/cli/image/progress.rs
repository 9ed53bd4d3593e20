//! How much of an image is read, where stderr is a terminal.

use crate::image::OpenedImage;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;

/// Smaller images are read at once.
const LARGE: u64 = 20_000_000;

pub struct Progress {
    bar: ProgressBar,
    read: u64,
    /// The bar moves with every megabyte.
    shown: u64,
}

impl Progress {
    pub fn new(image: &OpenedImage) -> Self {
        let layers = image.platforms.iter().flat_map(|platform| &platform.manifest.layers);
        // Platforms share layers, and each is read once.
        let sizes: BTreeMap<&str, u64> = layers.map(|layer| (layer.digest.as_str(), layer.size)).collect();
        let total: u64 = sizes.values().fold(0, |all, size| all.saturating_add(*size));
        // An archive of `docker save` does not say how large its layers are.
        let bar = match total {
            0 => ProgressBar::new_spinner(),
            LARGE.. => ProgressBar::new(total),
            _ => ProgressBar::hidden(),
        };
        let template = if total == 0 {
            "{spinner} {decimal_bytes} of layers, {elapsed}"
        } else {
            "{bar:30} {decimal_bytes} of {decimal_total_bytes}, {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, read: 0, shown: 0 }
    }

    pub fn read(&mut self, bytes: u64) {
        self.read += bytes;
        if self.read - self.shown >= 1_000_000 {
            self.shown = self.read;
            self.bar.set_position(self.read);
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
