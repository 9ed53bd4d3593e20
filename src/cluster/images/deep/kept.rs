//! Layers that other images may have, too.

use crate::cluster::images::service::lock;
use crate::image::Digest;
use crate::image::layer::Layer;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// How many layers are kept for other images: most images of a cluster share their first ones.
const LAYERS: usize = 24;
/// The most bytes of the lists of layers that are kept.
const LAYER_BYTES: usize = 24 << 20;

/// Layers that were read last.
#[derive(Default)]
pub struct Layers(Mutex<VecDeque<(Digest, Arc<Layer>)>>);

impl Layers {
    pub fn get(&self, diff_id: &Digest) -> Option<Arc<Layer>> {
        let layers = lock(&self.0);
        layers.iter().find(|(known, _)| known == diff_id).map(|(_, layer)| Arc::clone(layer))
    }

    pub fn add(&self, diff_id: &Digest, layer: &Arc<Layer>) {
        let mut layers = lock(&self.0);
        if layer.memory() <= LAYER_BYTES / 4 && !layers.iter().any(|(known, _)| known == diff_id) {
            layers.push_back((diff_id.clone(), Arc::clone(layer)));
        }
        while layers.len() > LAYERS || layers.iter().map(|(_, layer)| layer.memory()).sum::<usize>() > LAYER_BYTES {
            layers.pop_front();
        }
    }
}
