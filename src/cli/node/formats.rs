//! The formats that a node has of its own: text, a page, JSON, and JUnit with a case for each result.

use crate::report::format::{Ending, FileFindings, Format};
use crate::report::node::{NodeReport, html, junit, text};

/// A report that is written at once.
pub struct Whole(String);

impl Whole {
    pub fn text(report: &NodeReport, all: bool, place: Option<&str>) -> Self {
        Self(text::text(report, all, place))
    }

    pub fn html(report: &NodeReport) -> Self {
        Self(html::html(report))
    }

    pub fn json(report: &NodeReport) -> Self {
        // Writing to a string cannot fail.
        Self(serde_json::to_string_pretty(report).unwrap_or_default() + "\n")
    }

    pub fn junit(report: &NodeReport, strict: bool) -> Self {
        Self(junit::junit(report, strict))
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
