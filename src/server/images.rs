//! The settings of images: loaded at start, read again every few seconds. The last good ones stay when newer ones do not load. A registry whose own
//! settings cannot be used is not asked, and the others are.

use super::config::{LoadImages, LoadedImages};
use super::health::{CheckStatus, Health};
use super::state::ServerState;
use crate::cluster::images::ImageService;
use crate::observe::LogOnce;
use crate::observe::metrics::images::ImageMetrics;
use crate::text::in_one_line;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// Before what does not load, at /readyz.
const NEWER: &str = "; newer ones do not load: ";
const OLDER: &str = "the settings of images do not load; the last good ones are in force";

/// The settings, and the service that they are for.
pub struct ImageSettingsWatch {
    load: LoadImages,
    service: Arc<ImageService>,
    metrics: Arc<ImageMetrics>,
    log: LogOnce,
    /// The settings in force, for /readyz; none before any loaded.
    in_force: Option<String>,
}

impl ImageSettingsWatch {
    /// Loads the settings for the first time. While they do not load, no image is known, and the replica is not ready. It runs all the
    /// same: a Secret or ConfigMap that is made later is seen without a restart.
    pub fn new(load: LoadImages, metrics: Arc<ImageMetrics>, health: &Health) -> Self {
        let service = Arc::new(ImageService::new(Arc::clone(&metrics)));
        let mut watch = Self { load, service, metrics, log: LogOnce::default(), in_force: None };
        watch.update(health);
        watch
    }

    pub fn service(&self) -> Arc<ImageService> {
        Arc::clone(&self.service)
    }

    fn update(&mut self, health: &Health) {
        match (self.load)() {
            Ok(None) => {}
            Ok(Some(loaded)) => self.put_into_force(loaded, health),
            Err(error) => self.fail(&error, health),
        }
    }

    fn put_into_force(&mut self, loaded: LoadedImages, health: &Health) {
        let LoadedImages { setup, faults, error, kept_at } = loaded;
        let (registries, trust) = (setup.registries, setup.trust.id.short().to_owned());
        tracing::info!(registries, trust, faults = faults.len(), "settings of images are in force");
        let mut text = format!("settings with {registries} registries, trust {trust}");
        if let Some(at) = kept_at {
            let _ = write!(text, "; these are the last good ones, which the leader kept on {at}");
        }
        for fault in &faults {
            let _ = write!(text, "; {}", in_one_line(fault));
        }
        self.in_force = Some(text.clone());
        if let Some(error) = &error {
            let _ = write!(text, "{NEWER}{}", in_one_line(error));
        }
        health.set_images(CheckStatus::ready(text));
        let failures: Vec<String> = error.iter().cloned().chain(faults).collect();
        self.metrics.settings_failed.set(i64::from(!failures.is_empty()));
        if failures.is_empty() {
            self.log.recovered();
        } else if self.log.failed(&failures.join("\n")) {
            let what = if error.is_some() { OLDER } else { "a part of the settings of images cannot be used" };
            tracing::error!(error = failures.join("\n"), "{what}");
        }
        self.service.set_whole(failures.is_empty());
        self.service.set_up(setup);
    }

    fn fail(&mut self, error: &str, health: &Health) {
        self.metrics.settings_failed.set(1);
        self.service.set_whole(false);
        let shown = in_one_line(error);
        let is_new = self.log.failed(error);
        if let Some(text) = &self.in_force {
            health.set_images(CheckStatus::ready(format!("{text}{NEWER}{shown}")));
            if is_new {
                tracing::error!(error, "{OLDER}");
            }
            return;
        }
        health.set_images(CheckStatus::not_ready(format!("the settings do not load: {shown}")));
        if is_new {
            tracing::error!(
                error,
                "the settings of images do not load, and none did since this replica started; it is not ready until they do"
            );
        }
    }

    /// Loads them again after each interval, as long as podreeve serves.
    pub async fn run(mut self, interval: Duration, state: Arc<ServerState>) {
        loop {
            tokio::time::sleep(interval).await;
            let server = Arc::clone(&state);
            let updating = tokio::task::spawn_blocking(move || {
                self.update(&server.health);
                self
            });
            match updating.await {
                Ok(back) => self = back,
                Err(_) => {
                    return tracing::error!(
                        "settings of images are no longer reloaded: loading them panicked; the last good ones stay in force"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::images::Setup;

    /// A replica with less hands the Lease to one that has them.
    #[test]
    fn settings_are_whole_without_faults_and_not_by_an_older_document() {
        let loaded = |faults: &[&str], error: Option<&str>| {
            let faults = faults.iter().map(|&fault| fault.to_owned()).collect();
            Ok(Some(LoadedImages { setup: Setup::of_tests(), faults, error: error.map(str::to_owned), kept_at: None }))
        };
        let whole = || (loaded(&[], None), true);
        let wrong = || (Err("no document".to_owned()), false);
        let steps = [
            wrong(),
            whole(),
            (Ok(None), true),
            (loaded(&["no Secret"], None), false),
            whole(),
            (loaded(&[], Some("no YAML")), false),
            (Ok(None), false),
            whole(),
            wrong(),
        ];
        let (answers, expected): (Vec<_>, Vec<bool>) = steps.into_iter().unzip();
        let (count, mut answers) = (answers.len(), answers.into_iter());
        let load = move || answers.next().expect("as many as updates");
        let metrics = Arc::new(ImageMetrics::new(&prometheus::Registry::new()).unwrap());
        let health = Health::new(None);
        let mut watch = ImageSettingsWatch::new(Box::new(load), metrics, &health);
        let mut found = vec![watch.service.is_whole()];
        for _ in 1..count {
            watch.update(&health);
            found.push(watch.service.is_whole());
        }
        assert_eq!(found, expected);
    }
}
