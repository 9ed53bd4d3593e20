//! What `podreeve image` reads: a file, a folder or a registry, as people and skopeo write it.

use crate::cli::exit::Failure;
use crate::image::{ImageError, Source};
use crate::image_files::open_path;
use crate::reference::ImageRef;
use crate::text::clean;
use std::path::Path;

/// The image that the argument names.
#[derive(Debug)]
pub struct Argument {
    /// A path, or a reference.
    pub text: String,
    pub is_file: bool,
    /// The name that stands behind a path: `oci:web:1`.
    pub name: Option<String>,
}

/// What skopeo calls a transport, in front of a path. A name may stand behind it.
const FILES: [&str; 3] = ["oci", "oci-archive", "docker-archive"];

/// Places that podreeve does not read, and the command that makes a file of them.
const OTHERS: [(&str, &str, &str); 3] = [
    ("docker-daemon", "docker save -o web.tar {rest}", "web.tar"),
    ("containers-storage", "podman save -o web.tar {rest}", "web.tar"),
    ("dir", "skopeo copy --all dir:{rest} oci:web", "oci:web"),
];

impl Argument {
    /// # Errors
    /// It is none of them, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let file = |path: &str, name: Option<&str>| {
            Ok(Self { text: path.to_owned(), is_file: true, name: name.map(str::to_owned) })
        };
        if Path::new(text).exists() {
            return file(text, None);
        }
        let Some((before, rest)) = text.split_once(':') else {
            return if is_path(text) { file(text, None) } else { Self::reference(text) };
        };
        let before = before.to_ascii_lowercase();
        let scheme = rest.strip_prefix("//").filter(|path| !path.starts_with('/'));
        let is_file = FILES.contains(&before.as_str());
        if scheme == Some("") || (is_file && rest.is_empty()) {
            return Err(Failure::input(format!("`{}` names nothing; write the image behind it", clean(text, 200))));
        }
        match (before.as_str(), scheme) {
            ("docker", Some(reference)) => return Self::reference(reference),
            // Helm writes `oci://` before a registry.
            ("http" | "https" | "oci", Some(reference)) => {
                let reference = without_login(reference.trim_end_matches('/'));
                let option = if before == "http" { ", and add --plain-http" } else { "" };
                return Err(Failure::input(format!(
                    "a reference has no {before}:// before it; write {reference}{option}"
                )));
            }
            _ => {}
        }
        if is_file {
            return match rest.split_once(':') {
                // A path may have a colon itself.
                Some((path, name)) if !Path::new(rest).exists() => file(path, Some(name)),
                _ => file(rest, None),
            };
        }
        if let Some((_, command, file)) = OTHERS.iter().find(|(other, ..)| *other == before) {
            let command = command.replace("{rest}", &clean(rest, 200));
            return Err(Failure::input(format!(
                "{}: podreeve reads files, folders and registries; write the image to one first: `{command}`, and then \
                 `podreeve image {file}`",
                clean(text, 200)
            )));
        }
        if is_path(text) { file(text, None) } else { Self::reference(text) }
    }

    fn reference(text: &str) -> Result<Self, Failure> {
        let argument = || Self { text: text.to_owned(), is_file: false, name: None };
        if ImageRef::parse(text).is_well_formed() {
            return Ok(argument());
        }
        if text == "-" {
            return Err(Failure::input(
                "an archive is read more than once, so not from stdin; write it to a file first, such as `docker save -o web.tar shop/web:1`",
            ));
        }
        let advice = match &ImageRef::parse(text).digest {
            _ if ImageRef::parse(&text.to_lowercase()).is_well_formed() => {
                "; the names of registries and repositories are in lower case"
            }
            Some(digest) if digest.starts_with("sha") => "; a digest is sha256: and 64 hexadecimal digits",
            _ => "",
        };
        Err(Failure::input(format!(
            "{}: there is no such file, and it is no reference such as registry.example.com/shop/web:1{advice}",
            without_login(text)
        )))
    }

    /// The file or the folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self) -> Result<Box<dyn Source>, Failure> {
        open_path(Path::new(&self.text)).map_err(|error| self.unreadable(&error))
    }

    /// Errors of files begin with the path themselves.
    pub fn unreadable(&self, error: &ImageError) -> Failure {
        let error = error.to_string();
        let error = error.strip_prefix(&self.text).map_or(error.as_str(), |rest| rest.trim_start_matches([':', ' ']));
        Failure::input(format!("{}: {error}", self.text))
    }
}

/// The reference for a message. A login in front of the host is not repeated.
pub fn without_login(reference: &str) -> String {
    // Also one that is wrong.
    let is_digest =
        |text: &str| ["sha256:", "sha512:"].iter().any(|name| text.starts_with(name)) && !text.contains('/');
    let digest = reference.rsplit_once('@').map(|(_, behind)| behind).filter(|behind| is_digest(behind));
    let name = digest.map_or(reference, |digest| reference.strip_suffix(digest).unwrap_or_default());
    let start = name.trim_end_matches('@').rfind('@').map_or(0, |at| at + 1);
    clean(reference.get(start..).unwrap_or_default(), 200)
}

/// Whether the argument is meant as a path, even if there is no such file.
fn is_path(image: &str) -> bool {
    let ends = [".tar", ".tgz", ".oci", "/"];
    let name = image.rsplit('/').next().unwrap_or_default();
    image.starts_with(['.', '/', '~']) || name.contains(".tar.") || ends.iter().any(|end| image.ends_with(end))
}
