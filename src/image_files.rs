//! Images in files: an archive, with or without compression, or the folder of an OCI layout.

use crate::image::archive::{Archive, layout_roots};
use crate::image::layer::Compression;
use crate::image::tar::Skip;
use crate::image::{Descriptor, Digest, ImageError, Root, Source, Visit, limits};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Opens an image on disk: a folder, or a file.
///
/// # Errors
/// There is no such file, or no image in the folder.
pub fn open_path(path: &Path) -> Result<Box<dyn Source>, ImageError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if metadata.is_dir() {
        return Ok(Box::new(Folder { path: path.to_owned() }));
    }
    if !metadata.is_file() {
        let what = path.display();
        return Err(ImageError::Choice(format!(
            "{what}: it is no file, and an archive is read more than once; write it to a file first"
        )));
    }
    let path = path.to_owned();
    let is_compressed = is_compressed(&path)?;
    Ok(Box::new(Archive::new(Box::new(move || {
        let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
        let buffered = BufReader::with_capacity(limits::CHUNK, file);
        Ok(if is_compressed {
            let unpacked = crate::image::layer::decompress(buffered)?;
            Box::new(BufReader::with_capacity(limits::CHUNK, unpacked)) as Box<dyn Skip>
        } else {
            Box::new(Seekable(buffered))
        })
    }))))
}

fn unreadable(path: &Path, error: std::io::Error) -> ImageError {
    ImageError::Read { what: path.display().to_string(), error }
}

/// Opens a file of a folder. A folder of a stranger may have a pipe there, which would block, or a device.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn open_file(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no file"))
}

/// Whether the file is compressed in a way that podreeve reads.
fn is_compressed(path: &Path) -> Result<bool, ImageError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut first = Vec::new();
    file.take(8).read_to_end(&mut first).map_err(|error| unreadable(path, error))?;
    match Compression::of(&first) {
        Compression::None => Ok(false),
        Compression::Gzip | Compression::Zstd => Ok(true),
        Compression::Other(program) => {
            let what = path.display();
            Err(ImageError::Choice(format!(
                "{what}: it is compressed by {program}, which podreeve does not read in an archive; unpack it first (`{program} -d`)"
            )))
        }
    }
}

/// A file, in which bytes are passed over without reading them.
struct Seekable(BufReader<File>);

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Skip for Seekable {
    fn skip(&mut self, count: u64) -> std::io::Result<()> {
        match i64::try_from(count) {
            Ok(count) => self.0.seek_relative(count),
            Err(_) => self.0.seek(SeekFrom::End(0)).map(|_| ()),
        }
    }
}

/// The folder of an OCI layout.
struct Folder {
    path: PathBuf,
}

/// The largest `index.json`.
const INDEX: u64 = limits::DOCUMENT;

impl Folder {
    fn blob(&self, digest: &Digest) -> PathBuf {
        self.path.join("blobs").join(digest.algorithm()).join(digest.hex())
    }
}

impl Source for Folder {
    fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
        let path = self.path.join("index.json");
        let file = open_file(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                let what = self.path.display();
                ImageError::Choice(format!("{what}: the folder has no index.json, so it is no OCI layout"))
            } else {
                unreadable(&path, error)
            }
        })?;
        let mut json = Vec::new();
        file.take(INDEX + 1).read_to_end(&mut json).map_err(|error| unreadable(&path, error))?;
        if json.len() as u64 > INDEX {
            return Err(ImageError::TooLarge { what: path.display().to_string(), limit: format!("{INDEX} bytes") });
        }
        layout_roots(&json)
    }

    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
        for (index, descriptor) in wanted.iter().enumerate() {
            let path = self.blob(&descriptor.digest);
            let mut file = open_file(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => ImageError::Missing { what: format!("the blob {}", descriptor.digest) },
                _ => unreadable(&path, error),
            })?;
            visit(index, &mut file)?;
        }
        Ok(())
    }
}
