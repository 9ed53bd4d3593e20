//! Secrets in the settings of daemons.

use super::Secrets;
use super::names::{HIDDEN, is_environment, is_group, is_open_value, is_secret};
use super::texts::{Words, text, variable};
use crate::node::config::{Config, Source};
use serde_json::Value;

pub fn hide(config: &mut Config, secrets: &mut Secrets) {
    let mut renamed = Vec::new();
    for (key, setting) in &mut config.settings {
        let (name, in_group) = name_of(key);
        hide_value(name, &mut setting.value, in_group, secrets);
        source(&mut setting.source, secrets);
        if key.contains("://") {
            let mut other = key.clone();
            text(&mut other, secrets);
            if other != *key {
                renamed.push((key.clone(), other));
            }
        }
    }
    for (key, mut other) in renamed {
        if let Some(setting) = config.settings.remove(&key) {
            // Two keys may differ in their secret alone.
            while config.settings.contains_key(&other) {
                other = other.replacen(HIDDEN, &format!("{HIDDEN}+"), 1);
            }
            config.settings.insert(other, setting);
        }
    }
}

/// The last part of a key with dots, and whether a part before is a group of secrets. Parts in quotes are names that people gave.
fn name_of(key: &str) -> (&str, bool) {
    let (mut begin, mut in_quotes, mut in_group) = (0, false, false);
    for (at, c) in key.char_indices() {
        match c {
            '"' => in_quotes = !in_quotes,
            '.' if !in_quotes => {
                in_group |= is_group(key.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
    }
    (key.get(begin..).unwrap_or(key).trim_matches('"'), in_group)
}

pub fn source(source: &mut Source, secrets: &mut Secrets) {
    if let Source::Flag { argument, .. } = source {
        text(argument, secrets);
    }
}

/// Hides the secrets of a value that stands for itself.
pub fn value(name: &str, value: &mut Value, secrets: &mut Secrets) {
    hide_value(name, value, false, secrets);
}

fn hide_value(name: &str, value: &mut Value, in_group: bool, secrets: &mut Secrets) {
    let is_hidden = in_group || is_secret(name);
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            if is_hidden {
                secrets.add(&number.to_string());
                *value = Value::from(HIDDEN);
            }
        }
        Value::String(secret) if is_hidden => {
            if !is_open_value(name, secret) {
                secrets.add(secret);
                HIDDEN.clone_into(secret);
            }
        }
        Value::String(plain) => text(plain, secrets),
        Value::Array(items) => {
            let mut words = Words::default();
            for item in items {
                match item {
                    Value::String(pair) if !is_hidden && is_environment(name) => variable(pair, secrets),
                    // A list of texts may be a command.
                    Value::String(word) if !is_hidden => {
                        words.hide(word, secrets);
                        text(word, secrets);
                    }
                    other => hide_value(name, other, is_hidden, secrets),
                }
            }
        }
        Value::Object(keys) => {
            let below = is_hidden || is_group(name) || is_environment(name);
            let is_url = |key: &String| key.contains("://");
            if keys.keys().any(is_url) {
                let all = std::mem::take(keys);
                keys.extend(all.into_iter().map(|(mut key, value)| {
                    text(&mut key, secrets);
                    (key, value)
                }));
            }
            for (key, value) in keys {
                hide_value(key, value, below, secrets);
            }
        }
    }
}
