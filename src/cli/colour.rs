//! When output has colours, beyond a terminal, NO_COLOR and CLICOLOR_FORCE, which `anstream` knows.

use anstream::ColorChoice;
use std::ffi::OsStr;

/// Follows FORCE_COLOR, which CI systems set: 0 and false mean no colours, any other value means colours. NO_COLOR is stronger.
pub fn by_environment() {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(value) = std::env::var_os("FORCE_COLOR")
        && !is_set("NO_COLOR")
        && let Some(choice) = choice(&value)
    {
        choice.write_global();
    }
}

fn choice(value: &OsStr) -> Option<ColorChoice> {
    match value.to_str() {
        Some("") => None,
        Some("0" | "false") => Some(ColorChoice::Never),
        _ => Some(ColorChoice::AlwaysAnsi),
    }
}
