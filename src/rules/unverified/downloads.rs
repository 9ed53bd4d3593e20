//! Files that a build loads, and runs before anything checked them: `curl -o a.sh ... && sh a.sh`.

mod checks;
mod outputs;

use super::options::is_local;
use super::scripts::{
    INTERPRETERS, PROGRAM_OPTIONS, downloader_of, is_allowed, is_open, is_shell, is_short, runs_input,
};
use crate::shell::Call;
use crate::text::clean;

/// How many files are followed at once; the oldest ones are forgotten.
const MOST: usize = 64;

/// The files that a build loaded so far.
#[derive(Debug, Default, Clone)]
pub struct Downloads(Vec<Download>);

#[derive(Debug, Clone)]
struct Download {
    /// As it is written: relative to a folder that is not known, or with variables.
    path: String,
    /// What loaded it: `curl`.
    by: String,
    /// Its checksum was computed. A comparison that follows is a check.
    is_summed: bool,
    is_checked: bool,
}

impl Downloads {
    /// Follows a call, and says which file it runs that nothing checked.
    pub fn follow(&mut self, call: &Call<'_>, allow: &[String]) -> Option<String> {
        let found = self.run(call);
        checks::note(&mut self.0, call);
        self.moved(call);
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

    /// `ADD` of a URL.
    pub fn added(&mut self, url: &str, target: &str, allow: &[String]) {
        let path = if target.ends_with('/') { format!("{target}{}", outputs::name_of(url)) } else { target.to_owned() };
        self.load(&path, "ADD", !is_allowed(url, allow));
    }

    fn load(&mut self, path: &str, by: &str, is_open: bool) {
        let path = normal(path);
        self.0.retain(|file| !is_same(&file.path, path));
        if !is_open || path.is_empty() || path == "-" || path.starts_with("/dev/") {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Download { path: path.to_owned(), by: by.to_owned(), is_summed: false, is_checked: false });
    }

    fn run(&mut self, call: &Call<'_>) -> Option<String> {
        let file = self.0.iter_mut().find(|file| !file.is_checked && runs(call, &file.path))?;
        // Once is enough.
        file.is_checked = true;
        let by = if is_interpreter(&call.name) { format!("run by {}", call.name) } else { "run".to_owned() };
        Some(format!("{} from {} {by} without a check", clean(&file.path, 80), file.by))
    }

    /// `mv`, `cp`, `install` and `ln` give a file another name, `rm` removes it.
    fn moved(&mut self, call: &Call<'_>) {
        let operands = || call.args().filter(|arg| !arg.starts_with('-')).map(normal);
        match call.name.as_str() {
            "rm" | "unlink" => self.0.retain(|file| !operands().any(|arg| is_same(arg, &file.path))),
            "mv" | "cp" | "install" | "ln" => {
                let Some(target) = operands().last() else { return };
                let mut new = Vec::new();
                for file in self.0.iter().filter(|file| operands().any(|arg| arg != target && is_same(arg, &file.path)))
                {
                    new.push(Download { path: placed(&file.path, target), ..file.clone() });
                }
                if call.name == "mv" {
                    self.0.retain(|file| !operands().any(|arg| arg != target && is_same(arg, &file.path)));
                }
                self.0.extend(new);
                self.0.truncate(2 * MOST);
            }
            _ => {}
        }
    }
}

/// Where a file is that goes to `target`: in it, if that is a folder.
fn placed(path: &str, target: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_folder =
        target.ends_with('/') || matches!(target.rsplit('/').next(), Some("bin" | "sbin" | "tmp" | "." | ".."));
    if is_folder { format!("{}/{name}", target.trim_end_matches('/')) } else { target.to_owned() }
}

/// Without `./` at the beginning.
fn normal(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Whether two paths are those of one file, as far as they say: one of them may be relative.
fn is_same(a: &str, b: &str) -> bool {
    let is_relative = |path: &str| !path.starts_with(['/', '~', '$']);
    let ends = |long: &str, short: &str| {
        is_relative(short) && !is_relative(long) && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'))
    };
    a == b || ends(a, b) || ends(b, a)
}

/// `python3.12` is python.
fn is_interpreter(name: &str) -> bool {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    is_shell(name)
        || matches!(name, "." | "source" | "java")
        || INTERPRETERS.contains(&base)
        || INTERPRETERS.contains(&name)
}

/// Whether the call runs the file.
fn runs(call: &Call<'_>, path: &str) -> bool {
    let program = call.words.first().map_or("", |word| word.text.as_str());
    let is = |arg: &str| is_same(normal(arg), path);
    if program.contains('/') && is(program) {
        return true;
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    // Shells look for it in the folders of programs.
    if !program.contains('/') && program == name && (folder.ends_with("bin") || folder.contains("/bin/")) {
        return true;
    }
    if !is_interpreter(&call.name) {
        return false;
    }
    let reads = call.command.redirections.iter().filter(|(operator, _)| operator == "<");
    if file_of(call).is_some_and(is) || (runs_input(call) && reads.map(|(_, word)| word.text.as_str()).any(is)) {
        return true;
    }
    let is_printed = |command: &&crate::shell::Command| command.words.first().is_some_and(|word| word.text == "cat");
    let sources = call.script.sources(call.command).into_iter().filter(is_printed);
    runs_input(call) && sources.flat_map(|command| command.words.iter().skip(1)).any(|word| is(&word.text))
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
