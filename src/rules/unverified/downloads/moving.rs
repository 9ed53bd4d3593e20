//! Commands that give files another place: `mv`, `cp`, `install`, `ln` and `rsync`; and those that remove them.

use super::folders::is_same;
use super::{Download, Downloads, MOST, globs};
use crate::shell::Call;

/// What a command puts where.
struct Moving<'c> {
    sources: Vec<&'c str>,
    target: &'c str,
    /// An option says that the target is a folder.
    is_folder: bool,
}

impl<'c> Moving<'c> {
    fn of(call: &'c Call<'_>) -> Option<Self> {
        let values: &[&str] = match call.name.as_str() {
            "install" => &["--group", "--mode", "--owner", "--suffix", "-S", "-g", "-m", "-o"],
            "cp" | "ln" | "mv" => &["--suffix", "-S"],
            "rsync" => &["--chmod", "--chown", "--exclude", "--include", "--rsh", "-e", "-f"],
            _ => return None,
        };
        let is_install = call.name == "install";
        let (mut sources, mut target) = (Vec::new(), None);
        let mut args = call.args();
        while let Some(arg) = args.next() {
            let is_short = arg.starts_with('-') && !arg.starts_with("--");
            if !arg.starts_with('-') {
                sources.push(arg);
            } else if is_install && (arg == "--directory" || (is_short && arg.contains('d'))) {
                return None;
            } else if matches!(arg, "-t" | "--target-directory") && call.name != "rsync" {
                target = args.next();
            } else if let Some(folder) = arg.strip_prefix("--target-directory=") {
                target = Some(folder);
            } else if values.contains(&arg) || (is_install && is_short && arg.ends_with(['g', 'm', 'o'])) {
                args.next();
            }
        }
        let is_folder = target.is_some() || sources.len() > 2;
        // `ln -s FILE` puts the link here.
        let target = if call.name == "ln" && sources.len() == 1 { target.or(Some(".")) } else { target };
        let target = target.or_else(|| sources.pop())?;
        Some(Self { sources, target, is_folder })
    }
}

/// Folders that each image has: what goes to one of them goes into it.
const SYSTEM: [&str; 22] = [
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/mnt",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/usr/src",
    "/var",
    "/var/lib",
];

impl Downloads {
    /// Follows what the call moves, copies, links or removes.
    pub(super) fn moved(&mut self, call: &Call<'_>) {
        if matches!(call.name.as_str(), "rm" | "unlink") {
            // The folder of the shell itself stays, and without `-r` each folder does.
            let is_left =
                |arg: &str| matches!(arg.rsplit('/').next(), Some("" | "." | "..") | None) && !arg.ends_with('/');
            let all = call.args().any(|arg| arg == "--recursive" || (super::is_short(arg) && arg.contains(['R', 'r'])));
            let removed = call.args().filter(|arg| !arg.starts_with('-') && !is_left(arg));
            let removed: Vec<String> = removed.map(|arg| self.folders.resolve(arg)).collect();
            for removed in &removed {
                self.remove(removed, all);
            }
            return;
        }
        let Some(Moving { sources, target, is_folder }) = Moving::of(call) else { return };
        let is_link = call.name == "ln"
            && call.args().any(|arg| arg == "--symbolic" || (super::is_short(arg) && arg.contains('s')));
        let mut new: Vec<Download> = Vec::new();
        let mut own: Vec<String> = Vec::new();
        for source in sources {
            let from = match target.rsplit_once('/') {
                // A link begins where it is.
                Some((folder, _)) if is_link && !source.starts_with(['/', '~', '$']) => {
                    self.folders.resolve(&format!("{folder}/{source}"))
                }
                _ => self.folders.resolve(source),
            };
            let is_content = source.ends_with("/.") || (call.name == "rsync" && source.ends_with('/'));
            let place = |name: &str, rest: &str, is_file: bool| {
                let places = self.placed(name, target, is_file, is_folder && !is_content);
                let places = places.into_iter().take(if is_content { 1 } else { 2 });
                places
                    .map(move |place| if rest.is_empty() { place } else { format!("{place}/{rest}") })
                    .collect::<Vec<_>>()
            };
            let mut is_loaded = false;
            for file in &self.files {
                let Some((name, rest)) = globs::covered(&from, &file.path) else { continue };
                is_loaded |= rest.is_empty();
                let places = place(name, rest, rest.is_empty() && !file.is_unpacked);
                new.extend(places.into_iter().map(|path| Download { path, ..file.clone() }));
            }
            let name = from.rsplit('/').next().unwrap_or_default();
            if let Some(file) = self.unpacked(&from).and_then(|at| self.files.get(at)) {
                if !is_loaded {
                    let places = if globs::has_star(name) { self.in_own_folder(target) } else { place(name, "", true) };
                    new.extend(places.into_iter().map(|path| Download { path, members: Vec::new(), ..file.clone() }));
                }
            } else {
                own.extend(place(name, "", true));
            }
            if call.name == "mv" {
                self.files.retain(|file| globs::covered(&from, &file.path).is_none());
            }
        }
        for path in own {
            self.rewritten(&path);
            self.own.add(path);
        }
        for file in new.into_iter().take(MOST) {
            self.files.retain(|known| !is_same(&known.path, &file.path) || known.is_unpacked);
            self.add(file);
        }
    }

    /// What was at this place is there no longer; with `all`, folders neither.
    fn remove(&mut self, removed: &str, all: bool) {
        // All that is in a folder is as good as the folder.
        let content = removed.strip_suffix("/*");
        let is_removed = |path: &str, is_folder: bool| match globs::covered(removed, path) {
            Some((_, rest)) => all || (rest.is_empty() && !is_folder),
            None => all && is_folder && content.is_some_and(|content| is_same(path, content)),
        };
        self.files.retain(|file| !is_removed(&file.path, file.is_unpacked));
        self.own.keep(|path| !is_removed(path, all));
    }

    /// The folder, unless that is one of the system.
    fn in_own_folder(&self, target: &str) -> Vec<String> {
        let target = self.folders.resolve(target);
        if SYSTEM.contains(&target.as_str()) { Vec::new() } else { vec![target] }
    }

    /// The places where something of this name may be that goes to `target`: that is a folder, or its new name.
    pub(super) fn placed(&self, name: &str, target: &str, is_file: bool, is_folder: bool) -> Vec<String> {
        let place = self.folders.resolve(target);
        if matches!(name, "" | "." | "..") {
            return vec![place];
        }
        let inside = if place.is_empty() { name.to_owned() } else { format!("{}/{name}", place.trim_end_matches('/')) };
        let last = target.rsplit('/').next().unwrap_or_default();
        let is_usual = matches!(last, "bin" | "sbin" | "tmp" | "." | "..");
        let is_known = |file: &Download| file.is_unpacked && is_same(&file.path, &place);
        if is_folder
            || is_usual
            || (is_file && target.ends_with('/'))
            || SYSTEM.contains(&place.as_str())
            || self.folders.is_here(target)
            || self.files.iter().any(is_known)
        {
            return vec![inside];
        }
        // The name of a file, and not that of a folder.
        let is_program = || target.trim_end_matches(last).trim_end_matches('/').ends_with("bin");
        if is_file && (last == name || is_program() || last.trim_start_matches('.').contains('.')) {
            return vec![place];
        }
        vec![place, inside]
    }
}
