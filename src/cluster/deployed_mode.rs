//! The mode that podreeve's own Deployment names. During an upgrade to a softer mode, a replica of the old version serves on
//! until no request can reach it. It must not deny what the new version admits, so each replica follows this annotation.

use super::api_health::ApiHealth;
use super::item::{Item, resource};
use super::state::StateSender;
use super::watch::{Sink, WatchNames, watch};
use crate::observe::LogOnce;
use kube::Client;
use kube::runtime::watcher::Config;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A [`Ceiling`](crate::policy::Ceiling) as JSON. The chart renders it from the same values as the arguments of `serve`.
pub const MODE: &str = "podreeve.dev/mode";

/// Watches the Deployment of this name, and never ends.
pub async fn run(client: &Client, namespace: &str, name: &str, api_health: &ApiHealth, state: StateSender) {
    let api =
        kube::Api::namespaced_with(client.clone(), namespace, &resource("apps", "v1", "Deployment", "deployments"));
    let names = WatchNames { what: "podreeve's Deployment", without: "the replica keeps its mode" };
    let config = Config::default().fields(&format!("metadata.name={name}"));
    watch(api, config, api_health, names, &mut ModeSink { state, log: LogOnce::default() }).await;
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deployment {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    annotations: BTreeMap<String, String>,
}

/// Publishes the annotation. A Deployment that is deleted, or an annotation that cannot be read, changes nothing.
struct ModeSink {
    state: StateSender,
    log: LogOnce,
}

impl Sink for ModeSink {
    fn list_begins(&mut self) {}

    fn apply(&mut self, item: &Item) {
        let annotations = item.read::<Deployment>().unwrap_or_default().metadata.annotations;
        let named = match annotations.get(MODE).map(|text| serde_json::from_str(text)).transpose() {
            Ok(named) => named,
            Err(error) => {
                let error = error.to_string();
                if self.log.failed(&error) {
                    tracing::warn!(
                        error,
                        "the annotation {MODE} of podreeve's Deployment cannot be read; the mode stays as it is"
                    );
                }
                return;
            }
        };
        self.log.recovered();
        self.state.send_if_modified(|state| std::mem::replace(&mut state.ceiling, named) != named);
    }

    fn delete(&mut self, _: &Item) {}

    fn list_ends(&mut self) {}

    async fn flush(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Ceiling, Mode};
    use serde_json::{Value, json};

    #[test]
    fn the_annotation_is_followed_and_nonsense_is_not() {
        let state = StateSender::default();
        let mut sink = ModeSink { state: state.clone(), log: LogOnce::default() };
        let mut apply = |annotations: Value| {
            let item = json!({"metadata": {"name": "podreeve", "annotations": annotations}});
            sink.apply(&serde_json::from_str(&item.to_string()).unwrap());
            state.borrow().ceiling
        };
        assert_eq!(apply(json!({})), None);
        let warn = Some(Ceiling { mode: Mode::Warn, ..Ceiling::default() });
        assert_eq!(apply(json!({MODE: r#"{"mode":"warn"}"#})), warn);
        for nonsense in ["warn", r#"{"mode":"off"}"#, r#"{"mode":"audit","x":1}"#] {
            assert_eq!(apply(json!({MODE: nonsense})), warn);
        }
        assert_eq!(apply(json!({"other": "x"})), None);
    }
}
