//! The exemptions that need attention, as text.

use crate::report::style::{BOLD, DIM, FOUND_MAX};
use crate::report::{WaiverReport, WaiverState};
use crate::text::clean;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

pub fn render(text: &mut String, waivers: &[WaiverReport]) {
    text.push('\n');
    if waivers.is_empty() {
        text.push_str("Every exemption is needed, and none ends within 14 days.\n");
        return;
    }
    let _ = writeln!(text, "{BOLD}Exemptions to look at{BOLD:#}");
    for waiver in waivers {
        render_waiver(text, waiver);
    }
}

fn render_waiver(text: &mut String, waiver: &WaiverReport) {
    let of = match (&waiver.policy, &waiver.exemption) {
        (_, Some(object)) => format!("Exemption {}", clean(object, 512)),
        (policy, None) => format!("policy \"{}\"", clean(policy.as_deref().unwrap_or_default(), 253)),
    };
    let states: Vec<String> = waiver.states.iter().map(|state| word(*state)).collect();
    let _ = writeln!(
        text,
        "    {file}:{line}:{column}  {states}  {BOLD}{rules}{BOLD:#}, {of}",
        file = clean(&waiver.file, 4096),
        line = waiver.line,
        column = waiver.column,
        states = states.join(", "),
        rules = waiver.rules.join(", "),
    );
    let mut row = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "      {DIM}{label:11}{DIM:#} {}", clean(value, FOUND_MAX * 2));
        }
    };
    row("namespaces:", &waiver.namespaces.join(", "));
    row("containers:", &waiver.containers.join(", "));
    row("images:", &waiver.images.join(", "));
    row("reason:", &waiver.reason);
    row("until:", waiver.until.as_deref().unwrap_or("(no end)"));
    row("note:", &waiver.message);
}

fn word(state: WaiverState) -> String {
    let (style, word) = match state {
        WaiverState::Expired => (AnsiColor::Red.on_default(), "expired"),
        WaiverState::Expiring => (AnsiColor::Yellow.on_default(), "expiring"),
        WaiverState::Unused => (Style::new().dimmed(), "unused"),
        WaiverState::PartlyUnused => (Style::new().dimmed(), "partly unused"),
    };
    format!("{style}{word}{style:#}")
}
