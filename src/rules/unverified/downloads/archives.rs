//! What is unpacked from an archive that nothing checked: `curl ... | tar xz -C /opt && /opt/install.sh`.

use super::super::scripts::{downloader, downloader_of};
use super::interpreters::{files_of, is_interpreter};
use super::outputs::name_of as name_in_url;
use super::releases::{has_program, program_of};
use super::unpacking::Unpacking;
use super::{Download, Downloads, MOST, Used, globs};
use crate::shell::Call;
use crate::text::clean;

const UNPACKED: &str = "an archive that is checked before it is unpacked";

/// Folders of the system, which have much from elsewhere. There only the files that a command names are followed, and what is named
/// as the archive is.
const SHARED: [&str; 16] = [
    "/",
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/root",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/sbin",
    "/var",
    "~",
];

/// In how many folders of `ENV PATH` a program is looked for.
const MOST_FOLDERS: usize = 16;

/// What the image has from other sources than archives without a check, as paths of files and folders.
#[derive(Debug, Default, Clone)]
pub struct Own(Vec<String>);

impl Own {
    pub fn add(&mut self, path: String) {
        if !self.0.contains(&path) {
            if self.0.len() >= MOST {
                self.0.remove(0);
            }
            self.0.push(path);
        }
    }

    pub fn keep(&mut self, is_left: impl Fn(&str) -> bool) {
        self.0.retain(|path| is_left(path));
    }

    /// The length of the longest of these paths that the file is, or is below of. None if there is none.
    fn depth(&self, path: &str) -> Option<usize> {
        self.0.iter().filter(|own| is_below(path, own)).map(String::len).max()
    }
}

/// The last part of the name of a member.
fn name_of(member: &str) -> &str {
    member.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Whether the path is that folder or below it. The folder in which a build begins has no name.
fn is_below(path: &str, folder: &str) -> bool {
    match path.strip_prefix(folder) {
        Some(rest) if folder.is_empty() || folder.ends_with('/') => !rest.starts_with(['/', '~', '$']),
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

impl Downloads {
    /// Notes what the call unpacks, and other files that it makes.
    pub(super) fn unpack(&mut self, call: &Call<'_>, allow: &[String]) {
        self.note_own(call);
        self.decompressed(call);
        let Some(Unpacking { archive, folder, members }) = Unpacking::of(call) else { return };
        let folder = self.folders.resolve(&folder);
        let Some((by, archive)) = self.source(call, archive.as_deref(), allow) else {
            self.own.add(folder);
            return;
        };
        let release = program_of(&archive);
        let is_named =
            !members.is_empty() && members.iter().all(|member| !name_of(member).trim_matches('*').is_empty());
        let is_shared = SHARED.contains(&folder.as_str()) && !is_named;
        // `go install` makes `~/go`, too.
        let is_from_anywhere = match folder.as_str() {
            "/" => true,
            "~" | "/root" | "/home" => release == "go",
            _ => release.is_empty(),
        };
        if is_shared && is_from_anywhere {
            return;
        }
        let members = if is_shared { vec![release.clone()] } else { members };
        self.add(Download { path: folder, by, is_unpacked: true, members, release, ..Download::default() });
    }

    /// What loaded the archive that nothing checked, and the name of the archive.
    fn source(&self, call: &Call<'_>, archive: Option<&str>, allow: &[String]) -> Option<(String, String)> {
        let given = call.words.iter().skip(1).flat_map(|word| &word.inner).find_map(|script| downloader(script, allow));
        if let Some(by) = given {
            return Some((by, String::new()));
        }
        let of = |file: &Download| (file.by.clone(), name_of(&file.path).to_owned());
        if let Some(archive) = archive.filter(|archive| *archive != "-") {
            return self.loaded(archive).map(of);
        }
        let mut sources = call.script.sources(call.command).into_iter();
        let loads = sources.find_map(|command| Some((downloader_of(call.script, command, allow)?, command)));
        let named = loads.map(|(by, command)| {
            let mut urls = command.words.iter().skip(1).map(|word| self.folders.value(&word.text));
            let url = urls.rfind(|word| word.contains("://")).unwrap_or_default();
            (by, name_in_url(&url).to_owned())
        });
        named.or_else(|| self.read_by(call).map(of))
    }

    /// Other files and folders: of Git and of redirections.
    fn note_own(&mut self, call: &Call<'_>) {
        let operands: Vec<&str> = call.args().filter(|arg| !arg.starts_with('-')).collect();
        match (call.name.as_str(), operands.as_slice()) {
            ("git", ["clone", .., last]) => {
                let folder = if last.contains("://") || last.contains('@') {
                    last.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default()
                } else {
                    last
                };
                self.own.add(self.folders.resolve(folder));
            }
            ("tee", paths) => paths.iter().for_each(|path| self.own.add(self.folders.resolve(path))),
            _ => {}
        }
        for (_, word) in call.command.redirections.iter().filter(|(operator, _)| operator.contains('>')) {
            if !word.text.starts_with("/dev/") {
                self.own.add(self.folders.resolve(&word.text));
            }
        }
    }

    /// `gunzip a.gz` makes `a` of it.
    fn decompressed(&mut self, call: &Call<'_>) {
        let has = |options: &[&str]| call.args().any(|arg| options.contains(&arg));
        let is_decompressing = match call.name.as_str() {
            "gunzip" | "bunzip2" | "unxz" | "unlzma" | "unzstd" => true,
            "gzip" | "bzip2" | "xz" | "lzma" | "zstd" => has(&["-d", "-dk", "-kd", "-df", "-fd", "--decompress"]),
            _ => false,
        };
        if !is_decompressing {
            return;
        }
        let operands = call.args().filter(|arg| !arg.starts_with('-'));
        let paths: Vec<String> = operands.map(|arg| self.folders.resolve(arg)).collect();
        for path in paths {
            let file = self.files.iter().find(|file| !file.is_checked && globs::is_match(&path, &file.path)).cloned();
            if let Some(file) = file
                && let Some((stem, _)) = file.path.rsplit_once('.')
            {
                self.add(Download { path: stem.to_owned(), ..file });
            }
        }
    }

    /// The archive that the file comes from, if nothing checked it, by its place in the list.
    pub(super) fn unpacked(&self, path: &str) -> Option<usize> {
        let own = self.own.depth(path);
        // Where it is not known in which folder a build begins, a file right there may be from anywhere.
        let is_known = |file: &Download| !file.path.is_empty() || !file.members.is_empty() || path.contains('/');
        let is_from = |file: &Download| {
            file.is_unpacked
                && is_known(file)
                && !file.is_checked
                && own.is_none_or(|depth| file.path.len() > depth)
                && is_below(path, &file.path)
                && file.has_member(path)
        };
        let from = self.files.iter().enumerate().filter(|(_, file)| is_from(file));
        from.max_by_key(|(_, file)| file.path.len()).map(|(at, _)| at)
    }

    /// The archive that is a release of the program, if it is in a folder of programs.
    fn released(&self, program: &str) -> Option<usize> {
        let is_release = |file: &Download| file.is_unpacked && has_program(&file.release, program);
        if !self.files.iter().any(is_release) {
            return None;
        }
        let places =
            ["/usr/local/bin", "/usr/bin", "/bin"].into_iter().chain(self.folders.on_path().take(MOST_FOLDERS));
        let mut found =
            places.filter_map(|folder| self.unpacked(&format!("{}/{program}", folder.trim_end_matches('/'))));
        found.find(|at| self.files.get(*at).is_some_and(is_release))
    }

    /// What the call runs of such an archive.
    pub(super) fn used_of_archive(&mut self, call: &Call<'_>) -> Option<Used> {
        if !self.files.iter().any(|file| file.is_unpacked && !file.is_checked) {
            return None;
        }
        let program = call.words.first().map_or("", |word| word.text.as_str());
        let mut named = if program.contains('/') { vec![program] } else { Vec::new() };
        if is_interpreter(&call.name) {
            named.extend(files_of(call));
        }
        let mut paths = named.iter().map(|file| self.folders.resolve(file));
        let by_path = paths.find_map(|path| Some((self.unpacked(&path)?, Some(path))));
        // Shells look for it in the folders of programs.
        let by_name = || {
            let is_open = |file: &Download| file.is_unpacked && !file.is_checked && file.is_program(program);
            let at = self.files.iter().position(is_open).or_else(|| self.released(program));
            Some((at.filter(|_| !program.contains('/'))?, None))
        };
        let (at, path) = by_path.or_else(by_name)?;
        let file = self.files.get_mut(at)?;
        // Once is enough.
        file.is_checked = true;
        let name = path.as_deref().unwrap_or(program);
        let how =
            if program.contains('/') || path.is_none() { "run".to_owned() } else { format!("run by {}", call.name) };
        Some((format!("{} from an archive by {} {how} without a check", clean(name, 80), file.by), UNPACKED))
    }
}

impl Download {
    /// Whether the command that unpacked the archive took the file out of it.
    fn has_member(&self, path: &str) -> bool {
        let rest = path.get(self.path.len()..).unwrap_or_default();
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        self.members.is_empty()
            || parts.any(|part| self.members.iter().any(|member| globs::is_match(name_of(member), part)))
    }

    /// Whether it is a program of this name in a folder of programs.
    fn is_program(&self, program: &str) -> bool {
        let is_bin = |folder: &str| folder.ends_with("bin") || folder.contains("/bin/");
        let is_named = |path: &str| path.rsplit('/').next() == Some(program);
        let (folder, _) = self.path.rsplit_once('/').unwrap_or_default();
        !program.is_empty()
            && ((is_named(&self.path) && is_bin(folder))
                || (is_bin(&self.path) && self.members.iter().any(|member| is_named(member))))
    }
}
