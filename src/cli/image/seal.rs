//! `podreeve image --seal`: the facts as an object for a cluster whose podreeve does not reach the registry.

use super::Args;
use super::argument::Argument;
use super::name;
use super::registry::{Deadline, Repository};
use super::trust::Place;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::cluster::images::by_hand;
use crate::image::{ImageFacts, OpenedImage};
use crate::reference::ImageRef;
use std::fs;
use std::path::Path;

/// What sealing needs, before the layers are read.
pub struct Seal {
    /// The name by which pods name the image.
    name: ImageRef<'static>,
    key: Vec<u8>,
}

impl Seal {
    /// # Errors
    /// There is no such name, or the key cannot be read.
    pub fn new(given: Option<&str>, key: &Path) -> Result<Self, Failure> {
        let name = ImageRef::parse(name::needed("--seal", given, None)?).into_owned();
        let failed = |error| Failure::input(format!("{}: {error}", key.display()));
        Ok(Self { name, key: fs::read(key).map_err(failed)? })
    }

    /// Prints the object.
    ///
    /// # Errors
    /// The signatures cannot be read, or the facts do not fit.
    pub fn print(
        &self,
        args: &Args,
        argument: &Argument,
        image: &OpenedImage,
        facts: &[ImageFacts],
        deadline: Deadline,
    ) -> Result<Exit, Failure> {
        let evidence = if argument.is_file {
            let folder = Path::new(&argument.text);
            // The archive of `docker save` has no signatures.
            if folder.is_dir() { Place::Folder(folder).of(image)? } else { Vec::new() }
        } else {
            Place::Registry(&Repository::new(&argument.text, &args.registry, deadline)?).of(image)?
        };
        let object = by_hand::object(image, facts, &self.name, evidence, &self.key, jiff::Timestamp::now());
        let object = object.map_err(|error| Failure::input(format!("{}: {error}", argument.text)))?;
        output::print(&format!("{object}\n"))?;
        Ok(Exit::Clean)
    }
}
