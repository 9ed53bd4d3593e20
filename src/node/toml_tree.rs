//! TOML files of daemons as one flat map of dotted keys, each with its line.

use super::config::{Config, Setting, Source};
use super::lines::Lines;
use serde_json::Value;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How a later file changes what an earlier one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// An imported file of containerd up to 1.7: a plugin's section replaces the earlier section of that name as a whole.
    Sections,
    /// An imported file of containerd from 2.0: each key of a plugin replaces the earlier key.
    Deep,
    /// Each key replaces the earlier key (cri-o, podman).
    Keys,
}

/// Items of a list that grows with each file.
const MOST_ITEMS: usize = 10_000;

/// Reads a file into dotted keys. Keys of plugins hold dots themselves, so they are quoted: `plugins."io.containerd.cri.v1.images".x`.
///
/// # Errors
/// The line and the reason, when the text is no TOML.
pub fn read(path: &str, text: &str) -> Result<Config, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| Lines::of(text).at(span.start));
        format!("{path}:{line}: {}", error.message())
    })?;
    let mut config = Config::default();
    add(&mut config, path, &Lines::of(text), "", table.get_ref());
    Ok(config)
}

fn add(config: &mut Config, path: &str, lines: &Lines, prefix: &str, table: &DeTable<'_>) {
    for (key, value) in table {
        let name = key.get_ref();
        let quoted = if name.contains('.') { format!("\"{name}\"") } else { name.to_string() };
        let full = if prefix.is_empty() { quoted } else { format!("{prefix}.{quoted}") };
        let line = lines.at(value.span().start.max(key.span().start));
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => add(config, path, lines, &full, inner),
            other => {
                let source = Source::File { path: path.to_owned(), line: Some(line) };
                config.set(full, json(other), source);
            }
        }
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::from),
        DeValue::Float(number) => Value::String(number.to_string()),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(Spanned::get_ref).map(json).collect()),
        DeValue::Table(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect())
        }
    }
}

/// Puts a later file over an earlier one.
pub fn merge(into: &mut Config, later: Config, how: Merge) {
    if how == Merge::Sections {
        let sections: BTreeSet<&str> = later.settings.keys().filter_map(|key| section(key)).collect();
        into.settings.retain(|key, _| section(key).is_none_or(|own| !sections.contains(own)));
    }
    for (key, setting) in later.settings {
        if how == Merge::Keys || key.starts_with("plugins.") {
            into.settings.insert(key, setting);
        } else {
            merge_top(into, key, setting, how);
        }
    }
    for doubt in later.doubts {
        into.doubt(doubt);
    }
}

/// A key outside of plugins: an empty value overrides nothing, and lists grow, from 2.0 on without what they have already.
fn merge_top(into: &mut Config, key: String, later: Setting, how: Merge) {
    let is_empty = match &later.value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(keys) => keys.is_empty(),
    };
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    let earlier = into.get(&key).map_or(0, |setting| length(&setting.value));
    if earlier > 0 && earlier + length(&later.value) > MOST_ITEMS {
        return into.doubt(format!("{key} has more items than podreeve reads"));
    }
    match into.settings.get_mut(&key) {
        None => _ = into.settings.insert(key, later),
        Some(_) if is_empty => {}
        Some(earlier) => match (&mut earlier.value, later.value) {
            (Value::Array(items), Value::Array(more)) => {
                for item in more {
                    if how == Merge::Sections || !items.contains(&item) {
                        items.push(item);
                    }
                }
            }
            (_, value) => *earlier = Setting { value, source: later.source },
        },
    }
}

/// `plugins."name"` of a key.
fn section(key: &str) -> Option<&str> {
    let rest = key.strip_prefix("plugins.")?;
    let length = match rest.strip_prefix('"') {
        Some(quoted) => quoted.find('"')? + 2,
        None => rest.find('.').unwrap_or(rest.len()),
    };
    key.get(.."plugins.".len() + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_keys_and_their_lines() {
        let config = read("c.toml", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  x = [1, \"a\"]\n  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc\"\n").unwrap();
        let setting = config.get("plugins.\"io.containerd.grpc.v1.cri\".registry.config_path").unwrap();
        assert_eq!((setting.display(), setting.source.to_string()), ("/etc".to_owned(), "c.toml:5".to_owned()));
        assert_eq!(config.get("version").unwrap().value, 2);
        assert!(read("c.toml", "a = 1\nb = = 2\n").unwrap_err().starts_with("c.toml:2: "));
    }

    #[test]
    fn two_ways_to_merge() {
        let first = || read("a", "[plugins.\"p.q\"]\nx = 1\ny = false\n[plugins.other]\nz = 1\n").unwrap();
        let second = || read("b", "[plugins.\"p.q\"]\nx = 2\n").unwrap();
        let mut sections = first();
        merge(&mut sections, second(), Merge::Sections);
        assert!(sections.get("plugins.\"p.q\".y").is_none() && sections.get("plugins.other.z").is_some());
        let mut keys = first();
        merge(&mut keys, second(), Merge::Deep);
        assert!(keys.get("plugins.\"p.q\".y").is_some());
        assert_eq!(keys.get("plugins.\"p.q\".x").unwrap().value, 2);
    }
}
