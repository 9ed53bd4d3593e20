//! The file with facts of images: `podreeve image --facts` writes it, and `podreeve check --image-facts` reads it.

use crate::cli::exit::Failure;
use crate::facts::Images;
use crate::facts::images::{ImageDocument, ImageEntry};
use crate::image::{Digest, ImageFacts};
use crate::reference::ImageRef;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `may_be_tag` is whether a layout names it, which often has a tag alone.
///
/// # Errors
/// The name is none that a pod can have.
pub fn check_name(image: &str, may_be_tag: bool) -> Result<(), Failure> {
    let is_tag = may_be_tag && !image.contains(['/', ':', '@']);
    if ImageRef::parse(image).is_well_formed() && !is_tag {
        return Ok(());
    }
    Err(Failure::input(format!(
        "--facts needs the name by which pods pull the image, and `{}` is none; add --as registry.example.com/shop/web:1",
        crate::text::clean(image, 200)
    )))
}

/// Writes what is known of one image.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, image: &str, digest: &Digest, platforms: &[ImageFacts]) -> Result<(), Failure> {
    let entry = ImageEntry { image: image.to_owned(), digest: digest.clone(), platforms: platforms.to_vec() };
    let json = serde_json::to_string(&ImageDocument::new(vec![entry]));
    let json = json.map_err(|error| Failure::internal(format!("the facts cannot be written: {error}")))?;
    let failed = |error| Failure::input(format!("{}: cannot be written: {error}", path.display()));
    fs::write(path, json + "\n").map_err(failed)
}

/// Reads what is known of images; none without a file.
///
/// # Errors
/// A file that cannot be read.
pub fn read(paths: &[PathBuf]) -> Result<Option<Arc<Images>>, Failure> {
    let mut documents = Vec::new();
    for path in paths {
        let fail = |why: String| Failure::input(format!("{}: {why}", path.display()));
        let json = fs::read_to_string(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
        documents.push(ImageDocument::from_json(&json).map_err(fail)?);
    }
    Ok((!documents.is_empty()).then(|| Arc::new(Images::from_documents(documents))))
}
