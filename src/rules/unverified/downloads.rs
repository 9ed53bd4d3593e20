//! Files that a build loads, and runs or installs before anything checked them: `curl -o a.sh ... && sh a.sh`.

mod archives;
mod checks;
mod copies;
mod folders;
mod globs;
mod installs;
mod interpreters;
mod moving;
mod outputs;
mod releases;
mod runners;
mod stages;
mod unpacking;
mod written;

pub use stages::{Caches, Mounted};

use super::loaders::display;
use super::options::is_local_url;
use super::scripts::{downloader_of, is_allowed, is_open, is_short};
use crate::shell::Call;
use crate::text::clean;
use folders::{Folders, is_same};
use interpreters::{is_interpreter, programs};
use std::rc::Rc;

/// How many files are followed at once, the oldest ones are forgotten; and how many words of a `cat` are read.
const MOST: usize = 64;

/// The longest path that is followed.
const LONGEST: usize = 512;

/// The files that a build loaded so far.
#[derive(Debug, Default, Clone)]
pub struct Downloads {
    files: Vec<Download>,
    folders: Folders,
    own: archives::Own,
    scripts: written::Reading,
}

/// What is done with a file that nothing checked, and what would pass.
pub type Used = (String, &'static str);

const RUN: &str = "a file that is checked before it runs";
const ENDS: &str = "a check that ends the step when it fails: `&&` behind it, or `set -e` before it";
const INSTALLED: &str = "a package that is checked before it is installed";

#[derive(Debug, Clone, Default)]
struct Download {
    /// Relative to the root where it is not known where the build begins, or with variables.
    path: String,
    /// What loaded it: `curl`.
    by: String,
    /// Its checksum was computed. A comparison that follows is a check.
    is_summed: bool,
    is_checked: bool,
    /// The list that its own checksum was written to. To compare it with that is no check.
    sums: String,
    /// Its check counts until the list of commands ends that it is in.
    is_guarded: bool,
    /// A check of it may fail, and the commands behind it run all the same.
    is_passed_over: bool,
    /// The path is a folder into which an archive was unpacked, or what was taken out of it.
    is_unpacked: bool,
    /// What was taken out of the archive; empty for all.
    members: Vec<String>,
    /// The name of what the archive is a release of, as its own name says: `go` of `go1.22.linux-amd64.tar.gz`.
    release: String,
    /// What the build itself wrote there. Nothing loaded it, and it needs no check.
    text: Option<Rc<str>>,
}

impl Downloads {
    /// `WORKDIR`.
    pub fn begin_at(&mut self, folder: &str) {
        self.folders.begin_at(folder);
    }

    /// A new shell begins.
    pub fn begin(&mut self) {
        self.folders.begin();
    }

    /// `ENV` and `ARG`.
    pub fn set(&mut self, name: &str, value: &str) {
        self.folders.set(name, value);
    }

    /// Follows a call, and says what it runs or installs that nothing checked.
    fn follow(&mut self, call: &Call<'_>, allow: &[String]) -> Vec<Used> {
        if call.command.begins_list {
            for file in self.files.iter_mut().filter(|file| file.is_guarded) {
                (file.is_checked, file.is_guarded, file.is_passed_over) = (false, false, true);
            }
        }
        self.folders.assign(call);
        if call.words.is_empty() {
            self.copy(call, allow);
            return Vec::new();
        }
        self.folders.follow(call);
        let address = installs::address(call, &self.folders, allow).map(|found| (found, INSTALLED));
        let found = self.used(call).into_iter().chain(address).collect();
        checks::note(&mut self.files, call, &self.folders);
        self.moved(call);
        self.unpack(call, allow);
        self.copy(call, allow);
        if let Some((url, path)) = outputs::by_program(call) {
            self.load(path, &call.name, !is_allowed(url, allow) && !is_local_url(url));
        }
        let is_verified = call.name == "aria2c" && call.args().any(|arg| arg.starts_with("--checksum"));
        let is_open = is_open(call, allow) && !is_verified;
        for path in outputs::of(call, &self.folders) {
            self.load(&path, &display(call), is_open);
        }
        if let Some((by, targets)) = outputs::piped(call, |command| downloader_of(call.script, command, allow)) {
            for path in targets {
                self.load(&path, &by, true);
            }
        }
        found
    }

    /// Whether all packages that a call of apk adds are files that were loaded and checked. What apk would verify then needs no signature.
    pub fn are_checked(&self, call: &Call<'_>) -> bool {
        let packages = call.args().skip_while(|arg| *arg != "add").skip(1).filter(|arg| !arg.starts_with('-'));
        let mut paths = packages.map(|arg| self.folders.resolve(arg)).peekable();
        let is_checked =
            |path: String| self.files.iter().any(|file| file.is_checked && globs::is_match(&path, &file.path));
        paths.peek().is_some() && paths.all(is_checked)
    }

    fn load(&mut self, path: &str, by: &str, is_open: bool) {
        let place = self.folders.resolve(path);
        self.files.retain(|file| !is_same(&file.path, &place));
        if !path.is_empty() {
            self.own.add(place.clone());
        }
        if is_open && !place.is_empty() && path != "-" && !place.starts_with("/dev/") {
            self.add(Download { path: place, by: by.to_owned(), ..Download::default() });
        }
    }

    fn add(&mut self, file: Download) {
        // Moved again and again, a path may grow.
        if file.path.len() > LONGEST {
            return;
        }
        if self.files.len() >= MOST {
            self.files.remove(self.files.iter().position(|file| file.text.is_some()).unwrap_or_default());
        }
        self.files.push(file);
    }

    fn used(&mut self, call: &Call<'_>) -> Option<Used> {
        if let Some(used) = self.used_of_archive(call) {
            return Some(used);
        }
        let Self { files, folders, .. } = self;
        if files.iter().all(|file| file.is_checked) {
            return None;
        }
        let takes_folders = installs::takes_folders(call);
        let operands = installs::operands(call, folders).into_iter().flatten();
        let operands: Vec<String> = operands.map(|operand| folders.resolve(&operand)).collect();
        let programs: Vec<String> = programs(call).iter().map(|path| folders.resolve(path)).collect();
        let runs = |path: &str| {
            is_on_path(call, path, folders) || programs.iter().any(|program| globs::is_match(program, path))
        };
        let is_installed = |path: &str| {
            let is_in = |operand: &String| {
                globs::covered(operand, path).is_some_and(|(_, rest)| takes_folders || rest.is_empty())
            };
            operands.iter().any(is_in)
        };
        for file in files.iter_mut().filter(|file| !file.is_checked && !file.is_unpacked) {
            let (how, wanted) = if is_installed(&file.path) {
                (format!("installed by {}", call.name), INSTALLED)
            } else if !runs(&file.path) {
                continue;
            } else if is_interpreter(&call.name) {
                (format!("run by {}", call.name), RUN)
            } else {
                ("run".to_owned(), RUN)
            };
            // Once is enough.
            (file.is_checked, file.is_guarded) = (true, false);
            let (without, wanted) =
                if file.is_passed_over { ("even if its check failed", ENDS) } else { ("without a check", wanted) };
            return Some((format!("{} from {} {how} {without}", clean(&file.path, 80), file.by), wanted));
        }
        None
    }
}

/// Whether a shell that looks for the program in the folders of programs finds the file.
fn is_on_path(call: &Call<'_>, path: &str, folders: &Folders) -> bool {
    let program = call.words.first().map_or("", |word| word.text.as_str());
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let is_usual = || {
        let folder = folder.trim_start_matches('/').trim_start_matches("usr/").trim_start_matches("local/");
        matches!(folder, "bin" | "sbin") || folder.ends_with(".local/bin") || folder == "~/bin"
    };
    program == name && !name.is_empty() && (is_usual() || folders.is_on_path(folder))
}
