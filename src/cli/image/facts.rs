//! The file with facts of images: `podreeve image --facts` writes it, and `podreeve check --image-facts` reads it.

use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::writing::NewFile;
use crate::facts::Images;
use crate::facts::images::{ImageDocument, ImageEntry};
use crate::image::{Digest, ImageFacts};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes what is known of one image.
///
/// # Errors
/// The file cannot be written.
pub fn write(mut file: NewFile, image: &str, digest: &Digest, platforms: &[ImageFacts]) -> Result<NewFile, Failure> {
    let entry = ImageEntry { image: image.to_owned(), digest: digest.clone(), platforms: platforms.to_vec() };
    let json = serde_json::to_string(&ImageDocument::new(vec![entry]));
    let json = json.map_err(|error| Failure::internal(format!("the facts cannot be written: {error}")))?;
    file.write(&(json + "\n"))?;
    Ok(file)
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

/// How many images without facts a note names.
const NAMED: usize = 5;

/// Says of which images the files had no facts, so that no reader takes a green report for one about them.
pub fn note_missing(images: Option<&Images>) {
    let missing = images.map(Images::missing).unwrap_or_default();
    let Some((first, others)) = missing.split_first() else { return };
    let named = others.iter().take(NAMED - 1).fold(first.clone(), |all, one| format!("{all}, {one}"));
    let (count, more) = (missing.len(), missing.len().saturating_sub(NAMED));
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let s = if count == 1 { "" } else { "s" };
    output::diagnose(
        "note",
        &format!(
            "--image-facts has no facts of {count} image{s}, so no rule judged what is in them: {named}{more}; `podreeve image IMAGE --facts FILE` \
             writes them"
        ),
    );
}
