//! What is unpacked from an archive that nothing checked: `curl ... | tar xz -C /opt && /opt/install.sh`.

use super::super::scripts::{downloader, downloader_of};
use super::unpacking::Unpacking;
use super::{Download, Downloads, MOST, Used, file_of, installs, is_interpreter};
use crate::shell::Call;
use crate::text::clean;

const UNPACKED: &str = "an archive that is checked before it is unpacked";

/// Folders of the system, which have much from elsewhere. There only the files that a command names are followed.
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

/// The words that are no options and, for `install`, no values of them.
fn operands<'c>(call: &'c Call<'_>) -> Vec<&'c str> {
    let mut is_value = false;
    let mut operands = Vec::new();
    for arg in call.args() {
        if !arg.starts_with('-') && !is_value {
            operands.push(arg);
        }
        is_value = call.name == "install" && matches!(arg, "-m" | "-o" | "-g" | "--mode" | "--owner" | "--group");
    }
    operands
}

impl Downloads {
    /// Notes what the call unpacks, and other files that it makes.
    pub(super) fn unpack(&mut self, call: &Call<'_>, allow: &[String]) {
        self.note_own(call);
        self.decompressed(call);
        let Some(Unpacking { archive, folder, members }) = Unpacking::of(call) else { return };
        let folder = self.folders.resolve(&folder);
        let Some(by) = self.source(call, archive.as_deref(), allow) else {
            self.own.add(folder);
            return;
        };
        let is_named =
            !members.is_empty() && members.iter().all(|member| !name_of(member).trim_matches('*').is_empty());
        if is_named || !SHARED.contains(&folder.as_str()) {
            self.add(Download { path: folder, by, is_summed: false, is_checked: false, is_unpacked: true, members });
        }
    }

    /// What loaded the archive that nothing checked.
    fn source(&self, call: &Call<'_>, archive: Option<&str>, allow: &[String]) -> Option<String> {
        let given = call.words.iter().skip(1).flat_map(|word| &word.inner).find_map(|script| downloader(script, allow));
        if let Some(archive) = archive.filter(|archive| *archive != "-" && given.is_none()) {
            let path = self.folders.resolve(archive);
            let is_open =
                |file: &&Download| !file.is_checked && !file.is_unpacked && installs::is_file(&path, &file.path);
            return self.files.iter().find(is_open).map(|file| file.by.clone());
        }
        let sources = || call.script.sources(call.command).into_iter();
        given.or_else(|| sources().find_map(|command| downloader_of(call.script, command, allow)))
    }

    /// Other files and folders: of Git, of redirections, and of commands that copy.
    fn note_own(&mut self, call: &Call<'_>) {
        let operands = operands(call);
        match (call.name.as_str(), operands.as_slice()) {
            ("git", ["clone", .., last]) => {
                let folder = if last.contains("://") || last.contains('@') {
                    last.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default()
                } else {
                    last
                };
                self.own.add(self.folders.resolve(folder));
            }
            ("cp" | "mv" | "install" | "ln", [sources @ .., target])
                if sources.iter().all(|source| self.unpacked(&self.folders.resolve(source)).is_none()) =>
            {
                for source in sources {
                    self.own.add(self.folders.resolve(&self.placed(source, target)));
                }
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
            let file = self.files.iter().find(|file| !file.is_checked && installs::is_file(&path, &file.path)).cloned();
            if let Some(file) = file
                && let Some((stem, _)) = file.path.rsplit_once('.')
            {
                self.add(Download { path: stem.to_owned(), ..file });
            }
        }
    }

    /// The archive that the file comes from, if nothing checked it, by its place in the list.
    fn unpacked(&self, path: &str) -> Option<usize> {
        let own = self.own.depth(path);
        let is_from = |file: &Download| {
            file.is_unpacked
                && !file.is_checked
                && own.is_none_or(|depth| file.path.len() > depth)
                && is_below(path, &file.path)
                && file.has_member(path)
        };
        let from = self.files.iter().enumerate().filter(|(_, file)| is_from(file));
        from.max_by_key(|(_, file)| file.path.len()).map(|(at, _)| at)
    }

    /// What the call runs of such an archive.
    pub(super) fn used_of_archive(&mut self, call: &Call<'_>) -> Option<Used> {
        if !self.files.iter().any(|file| file.is_unpacked && !file.is_checked) {
            return None;
        }
        let program = call.words.first().map_or("", |word| word.text.as_str());
        let file =
            if program.contains('/') { Some(program) } else { file_of(call).filter(|_| is_interpreter(&call.name)) };
        let path = file.map(|file| self.folders.resolve(file));
        let at = match &path {
            Some(path) => self.unpacked(path)?,
            // Shells look for it in the folders of programs.
            None => {
                self.files.iter().position(|file| file.is_unpacked && !file.is_checked && file.is_program(program))?
            }
        };
        let file = self.files.get_mut(at)?;
        // Once is enough.
        file.is_checked = true;
        let name = path.as_deref().unwrap_or(program);
        let how =
            if program.contains('/') || path.is_none() { "run".to_owned() } else { format!("run by {}", call.name) };
        Some((format!("{} from an archive by {} {how} without a check", clean(name, 80), file.by), UNPACKED))
    }

    /// `mv`, `cp`, `install` and `ln` of what was unpacked.
    pub(super) fn moved_of_archive(&mut self, call: &Call<'_>) {
        let operands = operands(call);
        let Some((target, sources)) = operands.split_last() else { return };
        for source in sources {
            let path = self.folders.resolve(source);
            let Some(file) = self.unpacked(&path).and_then(|at| self.files.get(at)).cloned() else { continue };
            // The folder itself is moved as any other file.
            if file.path != path {
                let path = self.folders.resolve(&self.placed(&path, target));
                self.add(Download { path, members: Vec::new(), ..file });
            }
        }
    }

    /// What `COPY --from` takes out of a folder in which the other stage unpacked an archive.
    pub(super) fn copied_of_archive(&mut self, from: &Self, source: &str, target: &str) {
        let Some(file) = from.unpacked(source).and_then(|at| from.files.get(at)) else { return };
        if file.path != source {
            let name = source.rsplit('/').next().unwrap_or_default();
            let path = self.in_image(target, name);
            self.add(Download { path, members: Vec::new(), ..file.clone() });
        }
    }
}

impl Download {
    /// Whether the command that unpacked the archive took the file out of it.
    fn has_member(&self, path: &str) -> bool {
        let rest = path.get(self.path.len()..).unwrap_or_default();
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        self.members.is_empty()
            || parts.any(|part| self.members.iter().any(|member| installs::is_file(name_of(member), part)))
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
