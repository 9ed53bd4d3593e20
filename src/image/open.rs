//! From a source to the images of its platforms: index, manifests, configurations.

use super::config::Config;
use super::trust::is_evidence;
use super::{Descriptor, Digest, Document, ImageError, Manifest, Platform, Root, Source, limits, media, small};
use crate::text::clean;

/// Which image of a source, and which of its platforms.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The name of the image; needed only where the source has several.
    pub name: Option<String>,
    /// Only this platform; all without one.
    pub platform: Option<Platform>,
}

/// An image with its platforms.
#[derive(Debug, Clone)]
pub struct OpenedImage {
    pub name: Option<String>,
    /// The digest that a pod would name: of the index, or of the only manifest.
    pub digest: Digest,
    pub platforms: Vec<PlatformImage>,
    /// Platforms that the index names, and that the source does not have.
    pub absent: Vec<AbsentPlatform>,
}

/// A platform whose image is not there. It may be there later, under the same digest of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentPlatform {
    pub platform: Platform,
    pub digest: Digest,
}

impl OpenedImage {
    /// Whether a layer is stored unpacked. A tool that pushes the image packs it, which changes the digest of the image.
    #[must_use]
    pub fn has_unpacked_layers(&self) -> bool {
        self.platforms.iter().any(|platform| {
            let layers = platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids);
            layers.into_iter().any(|(layer, diff_id)| layer.digest == *diff_id)
        })
    }

    /// The digests of the manifests of all platforms, where there is an index. Those that are absent count: once they are pushed, a node
    /// runs them.
    #[must_use]
    pub fn leaves(&self) -> Vec<String> {
        match self.platforms.as_slice() {
            [only] if only.digest == self.digest => Vec::new(),
            platforms => {
                let absent = self.absent.iter().map(|absent| &absent.digest);
                platforms.iter().map(|platform| &platform.digest).chain(absent).map(Digest::to_string).collect()
            }
        }
    }
}

/// The image of one platform.
#[derive(Debug, Clone)]
pub struct PlatformImage {
    /// As the index says, which is what a runtime compares, and nothing where it does not say; without an index, as the
    /// configuration says.
    pub platform: Platform,
    pub digest: Digest,
    pub manifest: Manifest,
    pub config: Config,
}

/// The deepest nesting of indexes.
const DEPTH: usize = 3;

/// Opens the wanted image.
///
/// # Errors
/// The source cannot be read, or does not have exactly one image that fits.
pub fn open(source: &mut dyn Source, wanted: &Wanted) -> Result<OpenedImage, ImageError> {
    let roots = source.roots()?;
    let roots = if wanted.name.is_none() && roots.len() > 1 { without_attached(source, roots) } else { roots };
    let root = choose(roots, wanted.name.as_deref())?;
    let mut walk =
        Walk { source, wanted: wanted.platform.as_ref(), found: Vec::new(), others: Vec::new(), absent: Vec::new() };
    walk.collect(&root.descriptor, DEPTH)?;
    let Walk { found: platforms, others, absent, .. } = walk;
    if platforms.is_empty() {
        let absent = absent.iter().map(|absent| &absent.platform);
        let has: Vec<String> = others.iter().chain(absent).map(Platform::to_string).collect();
        return Err(ImageError::Choice(match &wanted.platform {
            Some(platform) => format!("the image has no platform {platform}; it has {}", listed(&has)),
            None => format!("the content of no platform is there; the index names {}", listed(&has)),
        }));
    }
    Ok(OpenedImage { name: root.name, digest: root.descriptor.digest, platforms, absent })
}

/// The roots without those that sign or describe another one: tools leave them next to the image.
fn without_attached(source: &mut dyn Source, roots: Vec<Root>) -> Vec<Root> {
    let is_attached = |root: &Root| {
        let bytes = small(source, &root.descriptor).ok()?;
        let Document::Manifest(manifest) = Document::parse(&bytes, &root.descriptor.media_type).ok()? else {
            return None;
        };
        let signs = |layers: &[Descriptor]| !layers.is_empty() && layers.iter().all(|one| is_evidence(&one.media_type));
        Some(manifest.subject.is_some() || signs(&manifest.layers))
    };
    let attached: Vec<bool> = roots.iter().map(is_attached).map(|known| known == Some(true)).collect();
    roots.into_iter().zip(attached).filter(|(_, attached)| !attached).map(|(root, _)| root).collect()
}

fn choose(roots: Vec<Root>, name: Option<&str>) -> Result<Root, ImageError> {
    let names: Vec<String> =
        roots.iter().filter_map(|root| root.name.as_deref()).map(|name| clean(name, 200)).collect();
    let count = roots.len();
    let mut fitting = roots.into_iter().filter(|root| name.is_none_or(|name| is_named(root, name)));
    match (fitting.next(), fitting.next()) {
        (Some(root), None) => Ok(root),
        (Some(root), Some(other)) if root.descriptor.digest == other.descriptor.digest => Ok(root),
        (None, _) if count == 0 => Err(ImageError::Choice("there is no image in it".to_owned())),
        (None, _) => Err(ImageError::Choice(format!(
            "there is no image `{}` in it; it has {}",
            clean(name.unwrap_or_default(), 200),
            listed(&names)
        ))),
        (Some(_), Some(_)) => {
            Err(ImageError::Choice(format!("it has several images; choose one with --name: {}", listed(&names))))
        }
    }
}

/// A layout names tags, an archive names references. The tag alone is enough for both.
fn is_named(root: &Root, wanted: &str) -> bool {
    root.name
        .as_deref()
        .is_some_and(|name| name == wanted || name.rsplit_once([':', '/']).is_some_and(|(_, end)| end == wanted))
        || root.descriptor.digest.as_str() == wanted
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none with a name".to_owned() } else { names.join(", ") }
}

/// Registries keep charts and signatures as manifests, too.
fn refuse_other_content(manifest: &Manifest) -> Result<(), ImageError> {
    let Some(first) = manifest.layers.first() else { return Ok(()) };
    if !manifest.layers.iter().all(|layer| media::is_no_layer(&layer.media_type)) {
        return Ok(());
    }
    let why = format!("its layers have the type `{}`", clean(&first.media_type, 120));
    Err(ImageError::Unsupported { what: "this is no container image".to_owned(), why })
}

/// The way from the root to the images of the platforms.
struct Walk<'w> {
    source: &'w mut dyn Source,
    wanted: Option<&'w Platform>,
    found: Vec<PlatformImage>,
    others: Vec<Platform>,
    absent: Vec<AbsentPlatform>,
}

impl Walk<'_> {
    /// Adds the images that `descriptor` leads to.
    fn collect(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), ImageError> {
        let json = small(self.source, descriptor)?;
        match Document::parse(&json, &descriptor.media_type)? {
            Document::Manifest(manifest) => {
                refuse_other_content(&manifest)?;
                let config = Config::parse(&small(self.source, &manifest.config)?)?;
                let named = descriptor.platform.clone().map(Platform::normal).filter(|named| !named.os.is_empty());
                // For which an index names no platform, some runtimes take on every node, whatever the configuration says.
                let anywhere = depth < DEPTH && self.wanted.is_none();
                let said = || if anywhere { Platform::default() } else { config.platform.clone() };
                let (platform, digest) = (named.unwrap_or_else(said), descriptor.digest.clone());
                if self.wanted.is_none_or(|wanted| platform.is(wanted)) {
                    self.found.push(PlatformImage { platform, digest, manifest: *manifest, config });
                } else {
                    self.others.push(platform);
                }
            }
            Document::Index(_) if depth == 0 => {
                return Err(ImageError::malformed("the index", "it names indexes that name indexes"));
            }
            Document::Index(index) => {
                index
                    .manifests
                    .iter()
                    .filter(|next| !next.is_attestation())
                    .try_for_each(|next| self.child(next, depth))?;
            }
        }
        Ok(())
    }

    /// One manifest of an index. What the index says of its platform spares the reading of those that are not wanted.
    fn child(&mut self, next: &Descriptor, depth: usize) -> Result<(), ImageError> {
        if self.found.len() >= limits::MANIFESTS {
            return Err(ImageError::too_large("the index", format!("{} manifests", limits::MANIFESTS)));
        }
        let named = next.platform.clone().map(Platform::normal).filter(|named| !named.os.is_empty());
        match (named, self.wanted) {
            (Some(named), Some(wanted)) if !named.is(wanted) => self.others.push(named),
            (named, _) => match (self.collect(next, depth - 1), named) {
                // An export of one platform keeps the index of all.
                (Err(ImageError::Missing { .. }), Some(platform)) => {
                    self.absent.push(AbsentPlatform { platform, digest: next.digest.clone() });
                }
                (result, _) => result?,
            },
        }
        Ok(())
    }
}
