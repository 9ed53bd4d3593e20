//! The formats that an image has of its own: the picture of its layers, as text and as a page, and JSON.

use crate::report::format::{Ending, FileFindings, Format};
use crate::report::image::{ImageReport, html, text};

/// A report that is written at once.
pub struct Whole(String);

impl Whole {
    pub fn text(report: &ImageReport, all: bool, width: Option<usize>) -> Self {
        Self(text::text(report, all, width))
    }

    pub fn html(report: &ImageReport, all: bool) -> Self {
        Self(html::html(report, all))
    }

    pub fn json(report: &ImageReport) -> Self {
        // Writing to a string cannot fail.
        Self(serde_json::to_string_pretty(report).unwrap_or_default() + "\n")
    }
}

impl Format for Whole {
    fn file(&mut self, _: &FileFindings<'_>) -> String {
        std::mem::take(&mut self.0)
    }

    fn end(&mut self, _: &Ending<'_>) -> String {
        String::new()
    }
}
