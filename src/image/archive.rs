//! Images in an archive: of `docker save`, or an OCI layout in a tar. The archive is read from its beginning, as often as needed.

mod docker;

use super::media;
use super::source::{Root, Source, Visit};
use super::tar::{Kind, Skip, Tar};
use super::{Descriptor, Digest, ImageError, keys, limits, paths};
use docker::SavedImage;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;

/// Opens the archive at its beginning.
pub type Open<'a> = Box<dyn FnMut() -> Result<Box<dyn Skip + 'a>, ImageError> + 'a>;

/// An archive.
pub struct Archive<'a> {
    open: Open<'a>,
    contents: Option<Contents>,
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("contents", &self.contents).finish_non_exhaustive()
    }
}

/// What the first reading finds.
#[derive(Debug, Default)]
struct Contents {
    /// Small files, such as manifests.
    small: BTreeMap<String, Vec<u8>>,
    sizes: BTreeMap<String, u64>,
    /// Old archives have links in place of layers that come twice.
    links: BTreeMap<String, String>,
    roots: Vec<Root>,
    /// The path of a blob, where it is not that of a layout.
    blobs: BTreeMap<Digest, String>,
}

/// A file that is kept in memory, and all of them together.
const SMALL: u64 = 1 << 20;
const ALL_SMALL: u64 = 64 << 20;
/// The most files of an archive.
const FILES: usize = 20_000;

/// `index.json` of a layout.
#[derive(Deserialize)]
struct Layout {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// The images that an `index.json` names.
///
/// # Errors
/// The file cannot be read.
pub fn layout_roots(json: &[u8]) -> Result<Vec<Root>, ImageError> {
    let layout = keys::MANIFEST.spelled(json).and_then(|json| serde_json::from_slice::<Layout>(&json));
    let layout = layout.map_err(|error| ImageError::malformed("index.json", error.to_string()))?;
    if layout.manifests.len() > limits::MANIFESTS {
        return Err(ImageError::too_large("index.json", format!("{} manifests", limits::MANIFESTS)));
    }
    let named = |descriptor: &Descriptor| {
        let keys = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        keys.iter().find_map(|key| descriptor.annotations.get(*key)).cloned()
    };
    let roots = layout.manifests.into_iter().filter(|descriptor| !descriptor.is_attestation());
    Ok(roots.map(|descriptor| Root { name: named(&descriptor), descriptor }).collect())
}

impl<'a> Archive<'a> {
    #[must_use]
    pub fn new(open: Open<'a>) -> Self {
        Self { open, contents: None }
    }

    /// Reads the archive once, unless it is read.
    fn contents(&mut self) -> Result<&mut Contents, ImageError> {
        if self.contents.is_none() {
            let contents = Contents::read(&mut Tar::new((self.open)()?)).map_err(of_archive)?;
            self.contents = Some(contents);
        }
        self.contents.as_mut().ok_or_else(|| ImageError::Choice("there is no image in it".to_owned()))
    }
}

impl Contents {
    fn read<R: Skip>(tar: &mut Tar<R>) -> Result<Self, ImageError> {
        let (mut contents, mut kept, mut is_first) = (Self::default(), 0, true);
        while let Some(entry) = tar.next_entry().map_err(|error| if is_first { no_archive(error) } else { error })? {
            is_first = false;
            if contents.sizes.len() >= FILES {
                return Err(ImageError::too_large("the archive", format!("{FILES} files")));
            }
            let (path, size) = (entry.path.clone(), entry.size);
            match entry.kind {
                Kind::File => {}
                Kind::Symlink => {
                    let folder = paths::split(&path).0;
                    contents.links.insert(path.clone(), paths::clean(&paths::join(folder, &entry.link)));
                    continue;
                }
                Kind::HardLink => {
                    contents.links.insert(path, entry.link.clone());
                    continue;
                }
                Kind::Folder | Kind::Other => continue,
            }
            if size <= SMALL && kept + size <= ALL_SMALL {
                kept += size;
                contents.small.insert(path.clone(), whole(tar, size)?);
            }
            contents.sizes.insert(path, size);
        }
        contents.find_images(tar.has_end())?;
        Ok(contents)
    }

    /// A layout first: it has the digests that a registry has, too.
    fn find_images(&mut self, has_end: bool) -> Result<(), ImageError> {
        if let Some(json) = self.small.get("index.json") {
            self.roots = layout_roots(json)?;
            return Ok(());
        }
        let Some(json) = self.small.get("manifest.json") else {
            if !has_end && !self.sizes.is_empty() {
                return Err(ImageError::malformed("the archive", "it is cut off: it ends before its list of images"));
            }
            return Err(ImageError::Choice(
                "there is no image in it: neither index.json of an OCI layout, nor manifest.json of `docker save`"
                    .to_owned(),
            ));
        };
        for image in SavedImage::list(json)? {
            let converted = image.convert(|path| self.file(path), |path| self.sizes.get(self.real(path)).copied())?;
            for (digest, bytes) in converted.documents {
                let path = format!("blobs/{}/{}", digest.algorithm(), digest.hex());
                self.small.insert(path.clone(), bytes);
            }
            self.blobs.extend(converted.layers);
            let names =
                if converted.names.is_empty() { vec![None] } else { converted.names.into_iter().map(Some).collect() };
            let root = converted.root;
            self.roots.extend(names.into_iter().map(|name| Root { name, descriptor: root.clone() }));
        }
        Ok(())
    }

    fn file(&self, path: &str) -> Option<&[u8]> {
        self.small.get(self.real(path)).map(Vec::as_slice)
    }

    /// The path behind links.
    fn real<'p>(&'p self, path: &'p str) -> &'p str {
        let mut path = path;
        for _ in 0..8 {
            match self.links.get(path) {
                Some(next) => path = next,
                None => break,
            }
        }
        path
    }

    fn path_of(&self, digest: &Digest) -> String {
        let usual = || format!("blobs/{}/{}", digest.algorithm(), digest.hex());
        let path = self.blobs.get(digest).cloned().unwrap_or_else(usual);
        self.real(&path).to_owned()
    }
}

/// What does not begin as an archive is none.
fn no_archive(error: ImageError) -> ImageError {
    match error {
        ImageError::Malformed { .. } => ImageError::Choice(
            "it is no archive with an image: neither a tar, nor one in gzip or zstd, such as `docker save` and `podman save` write"
                .to_owned(),
        ),
        error => error,
    }
}

/// The reader of archives speaks of layers, and this archive is around them.
fn of_archive(error: ImageError) -> ImageError {
    let renamed = |what: String| if what == "the layer" { "the archive".to_owned() } else { what };
    match error {
        ImageError::Read { what, error } => ImageError::Read { what: renamed(what), error },
        ImageError::Malformed { what, why } => ImageError::Malformed { what: renamed(what), why },
        error => error,
    }
}

/// The whole of a small file.
fn whole<R: Skip>(tar: &mut Tar<R>, size: u64) -> Result<Vec<u8>, ImageError> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match tar.read_data(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

impl Source for Archive<'_> {
    fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
        Ok(self.contents()?.roots.clone())
    }

    fn is_docker_save(&self) -> bool {
        self.contents.as_ref().is_some_and(|contents| contents.small.contains_key("manifest.json"))
    }

    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
        let contents = self.contents()?;
        let mut by_path: BTreeMap<String, Vec<(usize, bool)>> = BTreeMap::new();
        for (index, descriptor) in wanted.iter().enumerate() {
            let path = contents.path_of(&descriptor.digest);
            // Old archives name layers by the digest of what they unpack to.
            let unpack = contents.blobs.contains_key(&descriptor.digest) && descriptor.media_type == media::TAR;
            match contents.small.get(&path) {
                Some(bytes) => read(&mut bytes.as_slice(), unpack, index, visit)?,
                None if contents.sizes.contains_key(&path) => by_path.entry(path).or_default().push((index, unpack)),
                None => return Err(ImageError::Missing { what: format!("the blob {}", descriptor.digest) }),
            }
        }
        if by_path.is_empty() {
            return Ok(());
        }
        let mut tar = Tar::new((self.open)()?);
        while let Some(entry) = tar.next_entry()? {
            let Some(indexes) = by_path.remove(&entry.path) else { continue };
            // A blob that is wanted twice is given once: the reader cannot go back.
            if let [(index, unpack), ..] = *indexes {
                read(&mut Data(&mut tar), unpack, index, visit)?;
            }
            if by_path.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

fn read(reader: &mut dyn Read, unpack: bool, index: usize, visit: Visit<'_>) -> Result<(), ImageError> {
    if !unpack {
        return visit(index, reader);
    }
    let mut unpacked = super::layer::decompress(std::io::BufReader::with_capacity(limits::CHUNK, reader))?;
    visit(index, &mut unpacked)
}

/// The data of the entry at which the archive is.
struct Data<'t, R>(&'t mut Tar<R>);

impl<R: Skip> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.0.read_data(buffer)?)
    }
}
