//! Effective settings of a daemon: each value knows where it comes from.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Reasons that are kept. One is enough for every verdict to be unknown.
const MOST_DOUBTS: usize = 100;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An argument of the running process, or of the `ExecStart` of a unit that does not run.
    Flag {
        pid: Option<u32>,
        argument: String,
    },
    File {
        path: String,
        line: Option<usize>,
    },
    /// What the product does without a setting.
    Default {
        product: String,
        version: Option<String>,
    },
    /// The reason why no file and no argument shows what the product does.
    Unknown(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { pid: Some(pid), argument } => write!(f, "{argument} of process {pid}"),
            Self::Flag { pid: None, argument } => write!(f, "{argument} in the unit"),
            Self::File { path, line: Some(line) } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Default { product, version: Some(version) } => write!(f, "the default of {product} {version}"),
            Self::Default { product, version: None } => write!(f, "the default of {product}"),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// A value and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub value: Value,
    pub source: Source,
}

impl Setting {
    #[must_use]
    pub fn new(value: impl Into<Value>, source: Source) -> Self {
        Self { value: value.into(), source }
    }

    /// True where the value is the boolean `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.value == Value::Bool(true)
    }

    /// The texts of a list, or the one text.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The value for a message: a text without quotes.
    #[must_use]
    pub fn display(&self) -> String {
        match &self.value {
            Value::String(text) if text.is_empty() => "\"\"".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// All settings of one daemon, by the key that its documentation uses. Nested keys have dots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    pub settings: BTreeMap<String, Setting>,
    /// Why the settings may not be those of the running daemon. Every verdict by them is then `unknown`.
    pub doubts: Vec<String>,
}

impl Config {
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// The setting, or what the product does without it.
    #[must_use]
    pub fn or_default(&self, key: &str, default: impl Into<Value>, product: &str, version: Option<&str>) -> Setting {
        let otherwise = || Source::Default { product: product.to_owned(), version: version.map(str::to_owned) };
        self.get(key).cloned().unwrap_or_else(|| Setting::new(default, otherwise()))
    }

    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>, source: Source) {
        self.settings.insert(key.into(), Setting::new(value, source));
    }

    pub fn doubt(&mut self, why: impl Into<String>) {
        let why = why.into();
        if self.doubts.len() < MOST_DOUBTS && !self.doubts.contains(&why) {
            self.doubts.push(why);
        }
    }

    /// Settings whose key begins with `prefix` and a dot.
    pub fn under<'c>(&'c self, prefix: &'c str) -> impl Iterator<Item = (&'c str, &'c Setting)> {
        self.settings.iter().filter_map(move |(key, setting)| {
            let rest = key.strip_prefix(prefix)?.strip_prefix('.')?;
            Some((rest, setting))
        })
    }
}
