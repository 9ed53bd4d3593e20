//! The formats that an image has of its own: the picture of its layers, and JSON.

use crate::report::format::{Ending, FileFindings, Format};
use crate::report::image::{ImageReport, text};

/// The picture.
pub struct TextImage(String);

impl TextImage {
    pub fn new(report: &ImageReport, all: bool, width: Option<usize>) -> Self {
        Self(text::text(report, all, width))
    }
}

impl Format for TextImage {
    fn file(&mut self, _: &FileFindings<'_>) -> String {
        std::mem::take(&mut self.0)
    }

    fn end(&mut self, _: &Ending<'_>) -> String {
        String::new()
    }
}

/// The whole report.
pub struct JsonImage(String);

impl JsonImage {
    pub fn new(report: &ImageReport) -> Self {
        // Writing to a string cannot fail.
        Self(serde_json::to_string_pretty(report).unwrap_or_default() + "\n")
    }
}

impl Format for JsonImage {
    fn file(&mut self, _: &FileFindings<'_>) -> String {
        std::mem::take(&mut self.0)
    }

    fn end(&mut self, _: &Ending<'_>) -> String {
        String::new()
    }
}
