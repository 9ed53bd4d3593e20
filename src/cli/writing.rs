//! The files that a command writes. Each is replaced as a whole once the command has done its work, and stays as it was if the command
//! fails or is killed. What is no file, such as a pipe or a device, is written directly.

mod inputs;
mod place;
mod replace;
mod temporary;

pub use inputs::{Inputs, policies};
pub use replace::replace;

use super::exit::Failure;
use super::output;
use place::{Kind, Place};
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

/// What a command writes, and where: stdout without a path.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'w> {
    /// For messages: `a report`, `--facts`.
    pub what: &'static str,
    pub path: Option<&'w Path>,
}

/// A file that a command writes, with what it has written so far.
pub struct NewFile {
    place: Place,
    content: Content,
}

enum Content {
    Stdout,
    Stderr,
    /// Opened when something is written, because a pipe waits for its reader.
    Stream(Option<File>),
    /// In a file without a name next to the target, of which a killed run leaves nothing.
    Apart(BufWriter<File>),
    /// The folder cannot be written, and the file in it can.
    Memory(Vec<u8>),
}

/// Opens all that a command writes, in this order. Files stay as they are until [`finish`].
///
/// # Errors
/// Two of them go to one place, or one cannot be written.
pub fn open(wanted: &[Destination<'_>]) -> Result<Vec<NewFile>, Failure> {
    let mut places: Vec<(&str, Place)> = Vec::new();
    for Destination { what, path } in wanted {
        let place = Place::of(*path)?;
        if let Some((other, _)) = places.iter().find(|(_, other)| other.is_same(&place)) {
            let shown = place.shown();
            return Err(Failure::input(if other == what {
                format!("two formats go to {shown}; give one of them another file, such as `-o sarif=podreeve.sarif`")
            } else {
                format!("{what} and {other} go to {shown}; name another file")
            }));
        }
        places.push((what, place));
    }
    places.into_iter().map(|(_, place)| NewFile::new(place)).collect()
}

/// Writes one file as a whole.
///
/// # Errors
/// It cannot be written.
pub fn whole(path: &Path, text: &str) -> Result<(), Failure> {
    let mut files = open(&[Destination { what: "a file", path: Some(path) }])?;
    files.iter_mut().try_for_each(|file| file.write(text))?;
    finish(files)
}

/// Puts all files in their places, once each of them is whole on its disk.
///
/// # Errors
/// One cannot be written. If one of them has no room, all stay as they were.
pub fn finish(files: Vec<NewFile>) -> Result<(), Failure> {
    let whole = files.into_iter().map(NewFile::prepared).collect::<Result<Vec<_>, _>>()?;
    whole.into_iter().flatten().try_for_each(Prepared::put)
}

/// What a run without a verdict says of its files: they stay as they were. None if it writes to no file.
pub fn left<'f>(files: impl Iterator<Item = &'f NewFile>) -> Option<String> {
    let names: Vec<String> = files.filter(|file| file.is_file()).map(NewFile::shown).collect();
    (!names.is_empty())
        .then(|| format!("a run without a verdict writes no file, and leaves as it was: {}", names.join(", ")))
}

impl NewFile {
    fn new(place: Place) -> Result<Self, Failure> {
        let content = match place.kind {
            Kind::Stdout => Content::Stdout,
            Kind::Stderr => Content::Stderr,
            Kind::Stream => Content::Stream(None),
            Kind::File { exists } => apart(&place.path, exists).map_err(|error| place.failure(&error))?,
        };
        Ok(Self { place, content })
    }

    /// Its path as the user wrote it.
    pub fn shown(&self) -> String {
        self.place.shown()
    }

    /// Whether it is put in its place at the end, so that nothing is lost until then.
    pub const fn is_file(&self) -> bool {
        matches!(self.content, Content::Apart(_) | Content::Memory(_))
    }

    /// Whether it is stdout, which people may look at.
    pub const fn is_stdout(&self) -> bool {
        matches!(self.content, Content::Stdout)
    }

    /// Writes a part. Only stdout by its own name gets the colours of the text.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn write(&mut self, part: &str) -> Result<(), Failure> {
        if part.is_empty() {
            return Ok(());
        }
        if self.place.has_colours() {
            return output::print(part);
        }
        let plain = anstream::adapter::strip_str(part).to_string();
        let bytes = plain.as_bytes();
        let written = match &mut self.content {
            Content::Stdout => return output::print(&plain),
            Content::Stderr => io::stderr().lock().write_all(bytes),
            Content::Stream(file) => opened(file, &self.place.path).and_then(|file| file.write_all(bytes)),
            Content::Apart(file) => file.write_all(bytes),
            Content::Memory(all) => all.write_all(bytes),
        };
        written.map_err(|error| self.place.failure(&error))
    }

    fn prepared(self) -> Result<Option<Prepared>, Failure> {
        let Self { place, content } = self;
        let content = match content {
            Content::Stdout | Content::Stderr => return Ok(None),
            Content::Stream(mut file) => opened(&mut file, &place.path).map(|_| None),
            Content::Memory(all) => Ok(Some(Ready::Memory(all))),
            Content::Apart(file) => named(file, &place.path).map(|file| Some(Ready::Named(file))),
        };
        let content = content.map_err(|error| place.failure(&error))?;
        Ok(content.map(|content| Prepared { place, content }))
    }
}

/// Opens a stream. Where it leads to a file, as `/dev/fd/3` may, what others wrote there stays.
fn opened<'f>(file: &'f mut Option<File>, path: &Path) -> io::Result<&'f mut File> {
    if let Some(file) = file {
        return Ok(file);
    }
    Ok(file.insert(File::options().append(true).open(path)?))
}

fn apart(target: &Path, exists: bool) -> io::Result<Content> {
    if exists {
        // A rename would replace a file that is read-only.
        File::options().append(true).open(target)?;
    }
    match temporary::new(target, exists) {
        Ok((path, file)) => fs::remove_file(path).map(|()| Content::Apart(BufWriter::new(file))),
        Err(_) if exists => Ok(Content::Memory(Vec::new())),
        Err(error) => Err(error),
    }
}

/// The content with a name, next to the target.
fn named(content: BufWriter<File>, target: &Path) -> io::Result<temporary::Named> {
    let mut content = content.into_inner().map_err(io::IntoInnerError::into_error)?;
    content.rewind()?;
    temporary::Named::new(target, &mut content)
}

/// A file whose content is whole.
struct Prepared {
    place: Place,
    content: Ready,
}

enum Ready {
    Named(temporary::Named),
    Memory(Vec<u8>),
}

impl Prepared {
    fn put(self) -> Result<(), Failure> {
        let Self { place, content } = self;
        let put = match content {
            Ready::Memory(all) => temporary::in_place(&place.path, &mut all.as_slice()),
            Ready::Named(file) => file.put(&place.path),
        };
        put.map_err(|error| place.failure(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails after its first bytes, as a full disk does.
    struct Fails(bool);

    impl io::Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let first = buffer.first_mut().expect("room");
            *first = b'x';
            Ok(1)
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_written_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        fs::write(&path, "a long text").expect("it is written");
        let link = folder.path().join("b.json");
        fs::hard_link(&path, &link).expect("a link");
        let place = Place::of(Some(&path)).expect("a place");
        let mut file = NewFile { place, content: Content::Memory(Vec::new()) };
        file.write("new").expect("it is kept");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "a long text");
        finish(vec![file]).expect("it is written");
        assert_eq!(fs::read_to_string(&link).expect("the same file"), "new");
        assert!(temporary::in_place(&path, &mut Fails(false)).is_err());
        assert_eq!(fs::read_to_string(&link).expect("the same file"), "new", "the old content is back");
    }

    #[test]
    fn all_files_are_whole_before_one_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, gone) = (folder.path().join("a.json"), folder.path().join("gone"));
        fs::write(&one, "old").expect("it is written");
        fs::create_dir(&gone).expect("a folder");
        let other = gone.join("b.json");
        let wanted = [&one, &other].map(|path| Destination { what: "a report", path: Some(path) });
        let mut files = open(&wanted).expect("both can be written");
        files.iter_mut().try_for_each(|file| file.write("new")).expect("there is room");
        fs::remove_dir_all(&gone).expect("removed");
        assert!(finish(files).is_err());
        assert_eq!(fs::read_to_string(&one).expect("a file"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
    }
}
