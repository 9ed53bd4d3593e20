//! The settings of images: loaded at start, read again every few seconds. The last good ones stay when newer ones do not load.

use super::config::LoadImages;
use super::health::{CheckStatus, Health};
use super::state::ServerState;
use crate::cluster::images::ImageService;
use crate::observe::LogOnce;
use crate::observe::metrics::images::ImageMetrics;
use std::sync::Arc;
use std::time::Duration;

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
            Ok(Some(setup)) => {
                self.metrics.settings_failed.set(0);
                let _ = self.log.recovered();
                let (registries, trust) = (setup.registries, setup.trust.id.short().to_owned());
                tracing::info!(registries, trust, "settings of images are in force");
                let text = format!("settings with {registries} registries, trust {trust}");
                health.set_images(CheckStatus::ready(text.as_str()));
                self.in_force = Some(text);
                self.service.set_up(setup);
            }
            Err(error) => {
                self.metrics.settings_failed.set(1);
                let shown = error.replace('\n', "; ");
                let is_new = self.log.failed(&error);
                if let Some(text) = &self.in_force {
                    health.set_images(CheckStatus::ready(format!("{text}; newer ones do not load: {shown}")));
                    if is_new {
                        tracing::error!(error, "the settings of images do not load; the last good ones stay in force");
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
