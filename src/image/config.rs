//! The configuration of an image: how it is started, its history, and the digests of its layers.

use super::gap::FULL;
use super::{Digest, Gap, ImageError, Part, Platform, keys, limits};
use crate::text::end_of_commands;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The configuration as it is stored, as far as podreeve reads it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub platform: Platform,
    #[serde(deserialize_with = "timestamp")]
    pub created: Option<Timestamp>,
    pub config: Option<RunConfig>,
    pub rootfs: RootFs,
    #[serde(deserialize_with = "nullable")]
    pub history: Vec<History>,
    /// What it has more of than is read.
    #[serde(skip)]
    pub gaps: Vec<Gap>,
}

/// How a container of the image is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunConfig {
    #[serde(deserialize_with = "nullable")]
    pub user: String,
    /// `80/tcp`.
    #[serde(deserialize_with = "keys", skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<String>,
    /// `NAME=value`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    #[serde(deserialize_with = "keys", skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub working_dir: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Instructions that run in a build that begins with the image.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    /// The shell of commands that are one text.
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

/// Docker's HEALTHCHECK, which the kubelet does not run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    #[serde(deserialize_with = "nullable")]
    pub test: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RootFs {
    #[serde(deserialize_with = "nullable")]
    pub diff_ids: Vec<Digest>,
}

/// A step of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    #[serde(deserialize_with = "nullable")]
    pub created_by: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// A null is as good as nothing.
fn nullable<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Docker writes a set as an object with empty values, and podreeve as a list.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Keys {
        Set(BTreeMap<String, serde_json::Value>),
        List(Vec<String>),
    }
    Ok(match Option::<Keys>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Keys::Set(set)) => set.into_keys().collect(),
        Some(Keys::List(list)) => list,
    })
}

/// Old images have one text in place of a list.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Option::<Words>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::List(list)) => list,
        Some(Words::Text(text)) => vec![text],
    })
}

/// A date that cannot be read is unknown.
fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Takes away what is behind the last command that rules judge. The steps stay: layers are counted by them. Whether anything was
/// taken away.
fn cut_commands<'h>(steps: impl Iterator<Item = &'h mut String>) -> bool {
    let mut left = limits::COMMANDS;
    let mut is_cut = false;
    for step in steps {
        if let Some(end) = end_of_commands(step, &mut left) {
            step.truncate(end);
            is_cut = true;
        }
    }
    is_cut
}

/// Shortens a text to a number of bytes.
fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.shrink_to_fit();
    }
}

impl Config {
    /// Reads a configuration. Texts stay whole, since a rule may find something at their ends: the document is bounded as a whole.
    ///
    /// # Errors
    /// No JSON, other types than a runtime reads, or more layers than an image can have.
    pub fn parse(json: &[u8]) -> Result<Self, ImageError> {
        let parsed = keys::CONFIG.spelled(json).and_then(|json| serde_json::from_slice::<Self>(&json));
        let mut config = parsed.map_err(|error| ImageError::malformed("the configuration", error.to_string()))?;
        if config.rootfs.diff_ids.len() > limits::LAYERS {
            return Err(ImageError::too_large("the configuration", format!("{} layers", limits::LAYERS)));
        }
        config.platform = config.platform.normal();
        // Builders keep whole documents in labels.
        for label in config.config.iter_mut().flat_map(|run| run.labels.values_mut()) {
            shorten(label, limits::LABEL);
        }
        // Rules compare these two with each other.
        if config.history.len() > limits::LIST {
            config.history.truncate(limits::LIST);
            Gap::new(&[Part::History], FULL).add(&mut config.gaps);
        }
        let steps = config.history.iter_mut().map(|step| &mut step.created_by);
        if cut_commands(steps.chain(config.config.iter_mut().flat_map(|run| &mut run.on_build))) {
            Gap::new(&[Part::History], FULL).add(&mut config.gaps);
        }
        if let Some(run) = config.config.as_mut().filter(|run| run.env.len() > limits::LIST) {
            run.env.truncate(limits::LIST);
            // PATH may be one of those that are left out.
            Gap::new(&[Part::Variables, Part::Programs], FULL).add(&mut config.gaps);
        }
        Ok(config)
    }

    /// How a container is started; the defaults where the image says nothing.
    #[must_use]
    pub fn run(&self) -> RunConfig {
        self.config.clone().unwrap_or_default()
    }

    /// The step that made each layer. None where the history has not one step for each layer: some builders write it wrong.
    #[must_use]
    pub fn steps(&self) -> Option<Vec<&str>> {
        let steps: Vec<&str> =
            self.history.iter().filter(|step| !step.empty_layer).map(|step| step.created_by.as_str()).collect();
        (steps.len() == self.rootfs.diff_ids.len()).then_some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_whatever_is_null() {
        let config = Config::parse(
            br#"{"os":"linux","architecture":"aarch64","created":"2026-01-02T03:04:05.678Z","history":null,"unknown":1,
            "config":{"User":"app:app","Env":null,"Cmd":"run","Entrypoint":["/a","b"],"ExposedPorts":{"80/tcp":{}},
            "Volumes":{"/data":{}},"Labels":null,"Healthcheck":{"Test":["CMD","x"]}},"rootfs":{"type":"layers","diff_ids":null}}"#,
        )
        .unwrap();
        let run = config.run();
        assert_eq!((config.platform.to_string().as_str(), run.user.as_str()), ("linux/arm64", "app:app"));
        assert_eq!((run.cmd, run.entrypoint), (vec!["run".to_owned()], vec!["/a".to_owned(), "b".to_owned()]));
        assert_eq!((run.exposed_ports, run.volumes), (vec!["80/tcp".to_owned()], vec!["/data".to_owned()]));
        assert_eq!(config.created.unwrap().to_string(), "2026-01-02T03:04:05.678Z");
        let empty = Config::parse(br#"{"config":null,"created":"yesterday"}"#).unwrap();
        assert_eq!((empty.run(), empty.created), (RunConfig::default(), None));
        assert!(Config::parse(b"[]").is_err());
    }

    #[test]
    fn texts_stay_whole_and_what_is_left_out_is_a_gap() {
        let of = |count: usize| {
            let text = format!("{}end", "a".repeat(100_000));
            let (env, history) =
                (vec![text.clone(); count], vec![History { created_by: text, empty_layer: false }; count]);
            let labels = serde_json::json!({"short": "a", "long": "a".repeat(limits::LABEL + 1)});
            let json = serde_json::json!({"config": {"Env": env, "Labels": labels}, "history": history});
            Config::parse(json.to_string().as_bytes()).unwrap()
        };
        let few = of(2);
        assert_eq!(few.run().labels.values().map(String::len).collect::<Vec<_>>(), [limits::LABEL, 1]);
        assert!(few.gaps.is_empty() && few.run().env[1].ends_with("end") && few.history[1].created_by.ends_with("end"));
        let many = |name: &str| {
            let json = match name {
                "env" => serde_json::json!({"config": {"Env": vec!["a=b"; limits::LIST + 1]}}),
                _ => serde_json::json!({"history": vec![serde_json::json!({"created_by": "a"}); limits::LIST + 1]}),
            };
            let gaps = Config::parse(json.to_string().as_bytes()).unwrap().gaps;
            gaps.into_iter().flat_map(|gap| gap.parts).collect::<Vec<_>>()
        };
        assert_eq!((many("env"), many("history")), (vec![Part::Variables, Part::Programs], vec![Part::History]));
    }

    #[test]
    fn the_commands_of_a_history_are_bounded() {
        let of = |count: usize| {
            let step = |text: String| serde_json::json!({"created_by": text});
            let steps = [step("RUN a".to_owned()), step("cat|sh|".repeat(count)), step("RUN b".to_owned())];
            Config::parse(serde_json::json!({"history": steps}).to_string().as_bytes()).unwrap()
        };
        let (few, many) = (of(1000), of(limits::COMMANDS));
        assert!(few.gaps.is_empty() && few.history[1].created_by.len() == 7000);
        assert_eq!(many.gaps, [Gap::new(&[Part::History], FULL)]);
        assert_eq!((many.history.len(), many.history[1].created_by.matches('|').count()), (3, limits::COMMANDS));
    }

    #[test]
    fn history_is_of_layers_only_if_there_is_a_step_for_each() {
        let of = |steps: &str, layers: usize| {
            let digest = format!("\"{}\"", Digest::sha256(b""));
            let layers = vec![digest; layers].join(",");
            let json = format!(r#"{{"history":[{steps}],"rootfs":{{"diff_ids":[{layers}]}}}}"#);
            Config::parse(json.as_bytes()).unwrap().steps().map(|steps| steps.len())
        };
        let steps = r#"{"created_by":"ADD"},{"created_by":"ENV","empty_layer":true},{"created_by":"RUN"}"#;
        assert_eq!((of(steps, 2), of(steps, 3)), (Some(2), None));
    }
}
