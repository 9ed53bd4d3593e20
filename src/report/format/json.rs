//! JSON: the report of `check -o json`, as its types in `report::types` describe it, object by object.

use super::{Ending, FileFindings, Format};
use crate::policy::document::API_VERSION;
use crate::report::fix::FixReport;
use crate::report::{FileError, KindCount, PassedOver, Summary, WaiverReport};
use serde::Serialize;

/// Writes a `CheckReport`.
#[derive(Debug, Default)]
pub struct JsonReport {
    has_objects: bool,
}

/// The members of the report behind `objects`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tail<'r> {
    errors: &'r [FileError],
    passed_over: &'r [PassedOver],
    without_pod: &'r [KindCount],
    #[serde(skip_serializing_if = "Option::is_none")]
    waivers: Option<&'r [WaiverReport]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixes: Option<&'r [FixReport]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'r str>,
    summary: &'r Summary,
}

impl Format for JsonReport {
    fn begin(&mut self) -> String {
        format!("{{\n  \"apiVersion\": \"{API_VERSION}\",\n  \"kind\": \"CheckReport\",\n  \"objects\": [")
    }

    fn file(&mut self, file: &FileFindings<'_>) -> String {
        let mut text = String::new();
        for object in &file.results.objects {
            text.push_str(if self.has_objects { ",\n" } else { "\n" });
            self.has_objects = true;
            text.push_str(&indented(object, 4));
        }
        text
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        let Ending { errors, passed_over, without_pod, waivers, fixes, summary, settings } = *ending;
        let tail = pretty(&Tail { errors, passed_over, without_pod, waivers, fixes, settings, summary });
        let tail = tail.strip_prefix('{').unwrap_or(&tail);
        format!("{}],{tail}\n", if self.has_objects { "\n  " } else { "" })
    }
}

fn pretty<T: Serialize>(value: &T) -> String {
    // Writing to a string cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The value in lines that all begin with `indent` spaces. No string of JSON has a line end.
pub(super) fn indented<T: Serialize>(value: &T, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let lines: Vec<String> = pretty(value).lines().map(|line| format!("{spaces}{line}")).collect();
    lines.join("\n")
}
