//! Files that a build loads, and runs or installs before anything checked them: `curl -o a.sh ... && sh a.sh`.

mod archives;
mod checks;
mod folders;
mod installs;
mod outputs;
mod places;
mod unpacking;

use super::options::is_local;
use super::scripts::{
    INTERPRETERS, PROGRAM_OPTIONS, downloader_of, is_allowed, is_open, is_shell, is_short, runs_input,
};
use crate::shell::{Call, Command, Script, calls};
use crate::text::clean;
use folders::{Folders, is_same};

/// How many files are followed at once, the oldest ones are forgotten; and how many words of a `cat` are read.
const MOST: usize = 64;

/// The files that a build loaded so far.
#[derive(Debug, Default, Clone)]
pub struct Downloads {
    files: Vec<Download>,
    folders: Folders,
    own: archives::Own,
}

/// What is done with a file that nothing checked, and what would pass.
pub type Used = (String, &'static str);

const RUN: &str = "a file that is checked before it runs";
const INSTALLED: &str = "a package that is checked before it is installed";

#[derive(Debug, Clone)]
struct Download {
    /// Relative to the root where it is not known where the build begins, or with variables.
    path: String,
    /// What loaded it: `curl`.
    by: String,
    /// Its checksum was computed. A comparison that follows is a check.
    is_summed: bool,
    is_checked: bool,
    /// The path is a folder into which an archive was unpacked, or what was taken out of it.
    is_unpacked: bool,
    /// What was taken out of the archive; empty for all.
    members: Vec<String>,
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
    pub fn follow(&mut self, call: &Call<'_>, allow: &[String]) -> Vec<Used> {
        self.folders.follow(call);
        let address = installs::address(call, allow).map(|found| (found, INSTALLED));
        let found = self.used(call).into_iter().chain(address).collect();
        if !self.files.is_empty() {
            checks::note(&mut self.files, call, &self.folders);
            self.moved(call);
        }
        self.unpack(call, allow);
        let is_open = is_open(call, allow) && !is_local(call);
        if is_open || outputs::is_downloader(&call.name) {
            for path in outputs::of(call) {
                self.load(&path, &call.name, is_open);
            }
        }
        if let Some((by, targets)) = outputs::piped(call, |command| downloader_of(call.script, command, allow)) {
            for path in targets {
                self.load(&path, &by, true);
            }
        }
        found
    }

    /// What `ENTRYPOINT` and `CMD` start.
    pub fn started(&mut self, script: &Script, each: &mut dyn FnMut(&Call<'_>, Used)) {
        self.begin();
        calls(script, &mut |call| {
            self.folders.follow(call);
            self.used(call).into_iter().for_each(|used| each(call, used));
        });
    }

    /// `ADD` of a URL.
    pub fn added(&mut self, url: &str, target: &str, allow: &[String]) {
        self.begin();
        let path = self.in_image(target, outputs::name_of(url));
        self.load(&path, "ADD", !is_allowed(url, allow));
    }

    /// `COPY` of files that the build did not load.
    pub fn copied<'w>(&mut self, sources: impl Iterator<Item = &'w str>, target: &str) {
        self.begin();
        for source in sources {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let path = self.in_image(target, name);
            self.files.retain(|file| !is_same(&file.path, &path));
            self.own.add(path);
            // Of a folder, what is in it is copied.
            if !name.trim_start_matches('.').contains('.') || name.contains('*') {
                self.own.add(self.folders.resolve(target));
            }
        }
    }

    /// `COPY --from` another stage.
    pub fn copied_from<'w>(&mut self, from: &Self, sources: impl Iterator<Item = &'w str>, target: &str) {
        self.begin();
        let mut root = Folders::default();
        root.begin_at("/");
        for source in sources {
            let folder = root.resolve(source);
            for file in &from.files {
                let path = root.resolve(&file.path);
                let name = path.rsplit('/').next().unwrap_or_default();
                let below = path.strip_prefix(folder.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
                let place = match below {
                    // Of a folder, what is in it is copied.
                    Some(below) => format!("{}/{below}", target.trim_end_matches('/')),
                    None if installs::is_file(&folder, &path) => self.in_image(target, name),
                    None => continue,
                };
                let place = self.folders.resolve(&place);
                self.files.retain(|known| !is_same(&known.path, &place));
                self.add(Download { path: place, ..file.clone() });
            }
            self.copied_of_archive(from, &folder, target);
        }
    }

    fn load(&mut self, path: &str, by: &str, is_open: bool) {
        let place = self.folders.resolve(path);
        self.files.retain(|file| !is_same(&file.path, &place));
        if !path.is_empty() {
            self.own.add(place.clone());
        }
        if is_open && !place.is_empty() && path != "-" && !place.starts_with("/dev/") {
            let (is_summed, is_checked, is_unpacked) = (false, false, false);
            self.add(Download {
                path: place,
                by: by.to_owned(),
                is_summed,
                is_checked,
                is_unpacked,
                members: Vec::new(),
            });
        }
    }

    fn add(&mut self, file: Download) {
        if self.files.len() >= MOST {
            self.files.remove(0);
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
        let operands: Vec<String> =
            installs::operands(call).into_iter().flatten().map(|arg| folders.resolve(arg)).collect();
        let programs: Vec<String> = programs(call).iter().map(|path| folders.resolve(path)).collect();
        let runs =
            |path: &str| is_on_path(call, path, folders) || programs.iter().any(|program| is_same(program, path));
        let is_installed = |path: &str| operands.iter().any(|arg| installs::is_file(arg, path));
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
            file.is_checked = true;
            return Some((format!("{} from {} {how} without a check", clean(&file.path, 80), file.by), wanted));
        }
        None
    }

    /// `mv`, `cp`, `install` and `ln` give a file another name, `rm` removes it.
    fn moved(&mut self, call: &Call<'_>) {
        if !matches!(call.name.as_str(), "cp" | "install" | "ln" | "mv" | "rm" | "unlink") {
            return;
        }
        let operands = call.args().filter(|arg| !arg.starts_with('-'));
        let mut operands: Vec<String> = operands.map(|arg| self.folders.resolve(arg)).collect();
        let has = |operands: &[String], path: &str| operands.iter().any(|arg| is_same(arg, path));
        if matches!(call.name.as_str(), "rm" | "unlink") {
            self.files.retain(|file| !has(&operands, &file.path));
            return;
        }
        let (Some(_), Some(target)) = (operands.pop(), call.args().filter(|arg| !arg.starts_with('-')).last()) else {
            return;
        };
        let moved = self.files.iter().filter(|file| has(&operands, &file.path));
        let new: Vec<Download> = moved
            .map(|file| Download { path: self.folders.resolve(&self.placed(&file.path, target)), ..file.clone() })
            .collect();
        self.moved_of_archive(call);
        if call.name == "mv" {
            self.files.retain(|file| !has(&operands, &file.path));
        }
        self.files.extend(new);
        self.files.truncate(2 * MOST);
    }
}

/// `python3.12` is python.
fn is_interpreter(name: &str) -> bool {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    is_shell(name)
        || matches!(name, "." | "source" | "java")
        || INTERPRETERS.contains(&base)
        || INTERPRETERS.contains(&name)
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

/// The files that the call runs, as it names them: its program, or the script that an interpreter gets.
fn programs<'c>(call: &'c Call<'_>) -> Vec<&'c str> {
    let program = call.words.first().map(|word| word.text.as_str()).filter(|program| program.contains('/'));
    let mut programs: Vec<&str> = program.into_iter().collect();
    if !is_interpreter(&call.name) {
        return programs;
    }
    programs.extend(file_of(call));
    if runs_input(call) {
        let reads = call.command.redirections.iter().filter(|(operator, _)| operator == "<");
        programs.extend(reads.map(|(_, word)| word.text.as_str()));
        let is_printed = |command: &&Command| command.words.first().is_some_and(|word| word.text == "cat");
        let printed = call.script.sources(call.command).into_iter().filter(is_printed);
        let words = printed.flat_map(|command| command.words.iter().skip(1)).take(MOST);
        programs.extend(words.map(|word| word.text.as_str()));
    }
    programs
}

/// The file that an interpreter runs.
fn file_of<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    let is_shell = is_shell(&call.name);
    let mut args = call.args();
    while let Some(arg) = args.next() {
        if call.name == "java" {
            if arg == "-jar" {
                return args.next();
            }
        } else if !arg.starts_with(['-', '+']) {
            return Some(arg);
        } else if is_shell && is_short(arg) && arg.contains('c')
            || !is_shell && (arg == "-m" || PROGRAM_OPTIONS.contains(&arg))
        {
            return None;
        } else if is_shell && is_short(arg) && arg.ends_with(['o', 'O']) {
            args.next();
        }
    }
    None
}
