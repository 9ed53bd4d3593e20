//! Secrets in the settings of daemons.

use super::Secrets;
use super::kept::{is_flag, is_kept, is_kept_name};
use super::names::{HIDDEN, Pairs, is_environment, is_group, is_open_value, is_secret};
use super::texts::{Words, pair, text};
use crate::node::config::{Config, Source};
use serde_json::Value;

/// Hides the secrets of all settings. Of texts that no rule reads nothing is known, so `only_read` hides them as a whole.
pub fn hide(config: &mut Config, only_read: bool, secrets: &mut Secrets) {
    let mut renamed = Vec::new();
    for (key, setting) in &mut config.settings {
        let (name, in_group) = name_of(key);
        hide_value(name, &mut setting.value, in_group, secrets);
        if only_read {
            // Before the name may be the path of its file.
            hide_unread(name.rsplit(' ').next().unwrap_or(name), &mut setting.value, secrets);
        }
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
                    Value::String(own) if !is_hidden && Pairs::of(name).is_some() => {
                        pair(Pairs::of(name).unwrap_or(Pairs::Variables), own, secrets);
                    }
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
            let pairs = Pairs::of(name);
            for (key, value) in keys {
                let keeps = |pairs: Pairs| value.as_str().is_none_or(|value| pairs.keep(key, value));
                let below = below || !pairs.is_none_or(keeps);
                hide_value(key, value, below, secrets);
            }
        }
    }
}

/// A shorter text that no rule reads may be a word of any sentence.
const SHORTEST_UNREAD: usize = 16;

/// Hides the texts of a value whose name no rule reads. A file, a number and a switch say nothing.
fn hide_unread(name: &str, value: &mut Value, secrets: &mut Secrets) {
    match value {
        Value::String(text) if !is_kept(name, text) => {
            if text.len() >= SHORTEST_UNREAD {
                secrets.add(text);
            }
            // Of an argument the name of the flag stays.
            let flag = text.split_once('=').map(|(flag, _)| flag).filter(|flag| is_flag(flag));
            *text = flag.map_or_else(|| HIDDEN.to_owned(), |flag| format!("{flag}={HIDDEN}"));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide_unread(name, item, secrets)),
        Value::Object(keys) => keys.iter_mut().for_each(|(key, value)| {
            // Below names that people gave, such as those of runtimes, the name of the whole counts.
            let own = if is_kept_name(name) && !is_arguments(key) { name } else { key };
            hide_unread(own, value, secrets);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_arguments(name: &str) -> bool {
    matches!(name, "args" | "runtimeArgs")
}
