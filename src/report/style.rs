//! What the parts of a report as text share: styles, and names of containers.

use super::entry::Level;
use crate::decide::Effect;
use crate::text::clean;
use anstyle::{AnsiColor, Style};

/// The longest value that is repeated, in characters.
pub const FOUND_MAX: usize = 200;
pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();

/// The colour of a violation, by its effect.
pub fn style_of(effect: Effect) -> Style {
    match effect {
        Effect::Deny => AnsiColor::Red.on_default(),
        Effect::Patch => AnsiColor::Cyan.on_default(),
        Effect::Warn => AnsiColor::Yellow.on_default(),
        Effect::Audit | Effect::Exempt => DIM,
    }
}

/// The colour of an entry, by its level.
pub fn style_of_level(level: Level) -> Style {
    match level {
        Level::Denied | Level::Error => AnsiColor::Red.on_default().bold(),
        Level::Repaired => AnsiColor::Cyan.on_default(),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Note => BOLD,
        Level::Audit | Level::Exempt => DIM,
    }
}

/// The container that has a violation, by its list and name, or `pod`.
pub fn holder(container: Option<&str>, list: Option<&str>) -> String {
    match (container, list) {
        (Some(name), Some(list)) => format!("{} \"{}\"", noun(list), clean(name, 63)),
        _ => "pod".to_owned(),
    }
}

fn noun(list: &str) -> &'static str {
    match list {
        "initContainers" => "init container",
        "ephemeralContainers" => "ephemeral container",
        _ => "container",
    }
}

/// The number with its noun: `1 object`, `2 objects`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
