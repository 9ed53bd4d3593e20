//! What the image as a whole still has of the files that were read.

use super::Merge;
use crate::image::facts::Secret;
use crate::image::layer::LinkedFile;
use crate::image::limits;
use crate::image::listing::Origin;
use crate::image::overlay::Target;
use crate::text::clean;
use std::collections::BTreeMap;

/// The files that were read, by their entries.
pub struct Remains(BTreeMap<Origin, Remaining>);

#[derive(Default)]
struct Remaining {
    /// Whether the entry is in the image at its own path.
    is_there: bool,
    /// The path of a hard link that has its content.
    link: Option<String>,
}

impl Remains {
    /// Whether the image has the entry at its own path.
    pub fn has(&self, layer: usize, order: u32) -> bool {
        self.get(layer, order).is_some_and(|remaining| remaining.is_there)
    }

    /// The path of a hard link that has the content, where its own path is gone.
    fn link(&self, layer: usize, order: u32) -> Option<&str> {
        self.get(layer, order).filter(|remaining| !remaining.is_there)?.link.as_deref()
    }

    fn get(&self, layer: usize, order: u32) -> Option<&Remaining> {
        self.0.get(&origin(layer, order))
    }
}

fn origin(layer: usize, order: u32) -> Origin {
    (u16::try_from(layer).unwrap_or(u16::MAX), order)
}

impl Merge<'_> {
    /// Looks once through the root.
    pub(super) fn remains(&self) -> Remains {
        let of_layers = self.layers.iter().enumerate().flat_map(|(layer, of_layer)| {
            let captures = of_layer.captures.iter().map(|capture| capture.order);
            captures.chain(of_layer.secrets.iter().map(|secret| secret.order)).map(move |order| origin(layer, order))
        });
        let linked = self.linked.iter().map(|file| origin(file.linked.layer, file.linked.order));
        let mut all: BTreeMap<Origin, Remaining> =
            of_layers.chain(linked).map(|key| (key, Remaining::default())).collect();
        if all.is_empty() {
            return Remains(all);
        }
        for (path, node) in self.overlay.root.iter() {
            if !node.is_hard_link() {
                all.entry(node.origin()).and_modify(|remaining| remaining.is_there = true);
            } else if let Some(Target::Files(Some(file), _)) = self.overlay.target(node.origin())
                && let Some(remaining) = all.get_mut(file)
            {
                remaining.link.get_or_insert_with(|| path.to_owned());
            }
        }
        Remains(all)
    }

    /// All secrets. One that a hard link still has is not removed.
    pub(super) fn secrets(&self, remains: &Remains) -> Vec<Secret> {
        let by_link = || self.linked.iter().filter_map(|file| file.said.secret.map(|kind| (file, kind)));
        let mut secrets = Vec::new();
        for (layer, of_layer) in self.layers.iter().enumerate() {
            for found in of_layer.secrets.iter().take(limits::FOUND) {
                let (mut kind, mut removed_in) = (found.kind.clone(), None);
                if let Some(link) = remains.link(layer, found.order) {
                    let is_it = |file: &LinkedFile| file.linked.layer == layer && file.linked.order == found.order;
                    // It is listed below, with its new name.
                    if by_link().any(|(file, kind)| file.linked.is_final && is_it(file) && kind == found.kind) {
                        continue;
                    }
                    kind = format!("{kind}, which is still at /{}", clean(link, 200));
                } else if !remains.has(layer, found.order) {
                    removed_in = self.removed_in(&found.path, layer);
                }
                secrets.push(Secret { path: found.path.clone(), layer, kind, removed_in });
            }
        }
        for (file, kind) in by_link() {
            let linked = &file.linked;
            let is_there = linked.is_final
                || remains.has(linked.layer, linked.order)
                || remains.link(linked.layer, linked.order).is_some();
            let removed_in = if is_there { None } else { self.removed_in(&linked.path, linked.layer) };
            let kind = format!("{kind}, to which /{} leads", clean(&linked.name, 200));
            secrets.push(Secret { path: linked.path.clone(), layer: linked.layer, kind, removed_in });
        }
        secrets
    }
}
