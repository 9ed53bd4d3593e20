//! `serve --images`: the settings of images, with the keys, certificates and credentials that they name.
//!
//! They are [`files`], so that podreeve needs no right to read Secrets. [`compile`] makes settings of them, in which what one registry names
//! and cannot be used is a fault of that registry alone. [`loader`] knows which document is in force, and [`kept`] what of it stays in the
//! cluster for a replica that starts later.

mod compile;
pub mod document;
mod files;
mod kept;
mod loader;

use crate::cluster::images::ImageSharing;
use crate::cluster::last_good::KeptImages;
use crate::cluster::{Access, ClusterSettings};
use crate::server::LoadImages;
use loader::Loader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Images")]
pub struct ImageArgs {
    /// Judge what is behind images, by this document: registries, who must have signed, credentials
    ///
    /// It is read again when it changes, with all that it names. The log and /readyz say what does not load; it changes nothing. What one
    /// registry names and cannot be used makes its images unknown, and no others. A replica that never loaded any settings is not ready.
    #[arg(long, value_name = "FILE", requires = "cluster", value_hint = clap::ValueHint::FilePath)]
    images: Option<PathBuf>,

    /// The folder with the Secrets and ConfigMaps that the document names, as secrets/NAME and configmaps/NAME [default: that of the
    /// document]
    #[arg(long, value_name = "DIR", requires = "images", value_hint = clap::ValueHint::DirPath)]
    images_files: Option<PathBuf>,

    /// The Secret with the key that seals facts of images, which replicas share as imagefacts.podreeve.dev
    ///
    /// The leader makes the key. Without this option each replica reads images for itself.
    #[arg(long, value_name = "NAME", requires = "images")]
    images_secret: Option<String>,

    /// A ConfigMap in which the leader keeps the document that loaded last, with the ConfigMaps that it names
    ///
    /// A replica whose document does not load when it starts serves this one, by the Secrets of now. The log, /readyz and the metric
    /// podreeve_image_settings_failed say so.
    #[arg(long, value_name = "NAME", requires = "images")]
    last_good_images: Option<String>,

    /// The document that this replica was rolled out with, as a hash: `sha256sum` of the file
    ///
    /// If it starts with this document it must load, so that a rollout of a wrong one stops. While the leader keeps another document, it
    /// must also have no faults.
    #[arg(long, value_name = "SHA256", requires = "last_good_images")]
    rolled_out_images: Option<String>,
}

impl ImageArgs {
    #[must_use]
    pub fn sharing(&self) -> Option<ImageSharing> {
        self.images_secret.clone().map(|secret| ImageSharing { secret })
    }

    /// The loader, and what it loaded for the leader to keep. None where podreeve does not look behind images.
    #[must_use]
    pub fn source(&self) -> Option<ImageSource> {
        let path = self.images.clone()?;
        let folder = self.images_files.clone().or_else(|| path.parent().map(Path::to_owned)).unwrap_or_default();
        let found = Arc::new(OnceLock::new());
        let loader = Loader::new(path, folder, self.rolled_out_images.clone(), Arc::clone(&found));
        Some(ImageSource { loader, found, config_map: self.last_good_images.clone() })
    }
}

/// Where the settings of images come from.
pub struct ImageSource {
    loader: Loader,
    /// What the leader kept, once that was read.
    found: Arc<OnceLock<kept::Kept>>,
    config_map: Option<String>,
}

impl ImageSource {
    /// What the leader is to keep, and where.
    #[must_use]
    pub fn to_keep(&self) -> Option<KeptImages> {
        let config_map = self.config_map.clone()?;
        Some(KeptImages { config_map, files: self.loader.good() })
    }

    /// Reads what the leader kept, if the files of this replica do not all load.
    pub async fn find_kept(&self, settings: Option<&ClusterSettings>) {
        let (Some(config_map), Some(ClusterSettings { access, namespace, .. })) = (&self.config_map, settings) else {
            return;
        };
        if self.loader.is_whole() {
            return;
        }
        let access: Access = access.clone();
        kept::find(access, namespace.clone(), config_map.clone(), Arc::clone(&self.found)).await;
    }

    #[must_use]
    pub fn into_loader(self) -> LoadImages {
        let mut loader = self.loader;
        Box::new(move || loader.load())
    }
}

#[cfg(test)]
mod tests;
