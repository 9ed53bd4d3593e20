//! A base that a policy allows, by the digests of its layers.

use crate::image::{Digest, ImageFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// An allowed base.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct AllowedBase {
    /// For messages: `debian-13`.
    pub name: String,
    /// The digests of its unpacked layers, the lowest first.
    #[schemars(length(min = 1))]
    layers: Vec<Digest>,
}

impl AllowedBase {
    /// How many layers of the image are those of the base; none if it is built on another one.
    pub fn layers_below(&self, image: &ImageFacts) -> Option<usize> {
        let layers = image.layers.iter().map(|layer| &layer.diff_id);
        // A base without layers would allow every image.
        let is_below = !self.layers.is_empty()
            && self.layers.len() <= image.layers.len()
            && self.layers.iter().zip(layers).all(|(a, b)| a == b);
        is_below.then_some(self.layers.len())
    }
}
