//! The settings of images: loaded at start, read again every few seconds. The last good ones stay when newer ones do not load.

use super::config::LoadImages;
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
}

impl ImageSettingsWatch {
    /// Loads the settings for the first time. While they do not load, no image is known: a replica that did not start for that reason
    /// would let nothing in at all.
    pub fn new(load: LoadImages, metrics: Arc<ImageMetrics>) -> Self {
        let service = Arc::new(ImageService::new(Arc::clone(&metrics)));
        let mut watch = Self { load, service, metrics, log: LogOnce::default() };
        watch.update();
        watch
    }

    pub fn service(&self) -> Arc<ImageService> {
        Arc::clone(&self.service)
    }

    fn update(&mut self) {
        match (self.load)() {
            Ok(None) => {}
            Ok(Some(setup)) => {
                self.metrics.settings_failed.set(0);
                let _ = self.log.recovered();
                tracing::info!(
                    registries = setup.registries,
                    trust = setup.trust.id.short(),
                    "settings of images are in force"
                );
                self.service.set_up(setup);
            }
            Err(error) => {
                self.metrics.settings_failed.set(1);
                if self.log.failed(&error) {
                    tracing::error!(
                        error,
                        "the settings of images do not load; the last good ones stay in force, and without any each image is unknown"
                    );
                }
            }
        }
    }

    /// Loads them again after each interval, as long as podreeve serves.
    pub async fn run(mut self, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            let updating = tokio::task::spawn_blocking(move || {
                self.update();
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
