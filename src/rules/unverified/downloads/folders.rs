//! In which folder each command of a build runs, as far as the text says.

mod paths;

pub use paths::is_same;

use crate::shell::Call;
use paths::{is_address, is_of_name, normal, of_linux, without_braces};
use std::borrow::Cow;

/// The most variables that are kept.
const VARIABLES: usize = 64;

/// The most loops whose files are known, and the longest pattern of these files.
const LOOPS: usize = 8;
const LONGEST_LOOP: usize = 256;

/// The most folders that a shell remembers.
const BEFORE: usize = 16;

/// The most shells that are open. Each one has a folder.
const SHELLS: usize = 64;

/// The longest folder, and the longest value of a variable, as in Linux.
const LONGEST: usize = 4096;

/// The folder where the text does not say which one it is. Nothing leads out of it.
const UNKNOWN: &str = "$";

/// The folders of the shells that are open, the outermost first.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Where each command begins. Empty where it is not known: where the base image does.
    start: String,
    shells: Vec<Shell>,
    /// Whether the last command runs in more shells than are kept.
    is_too_deep: bool,
    variables: Vec<(String, String)>,
    /// Variables of loops with their `$`, and the files that they go through.
    loops: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct Shell {
    /// How many scripts and how many parentheses it is in, and the number of the last one.
    place: (usize, usize, usize),
    folder: String,
    /// Where it was before.
    before: Vec<String>,
}

impl Default for Folders {
    fn default() -> Self {
        let shell = Shell { place: (0, 0, 0), folder: String::new(), before: Vec::new() };
        Self { start: String::new(), shells: vec![shell], is_too_deep: false, variables: Vec::new(), loops: Vec::new() }
    }
}

impl Folders {
    /// `WORKDIR`: where each command begins.
    pub fn begin_at(&mut self, folder: &str) {
        self.begin();
        self.start = bounded(self.resolve(folder));
        self.begin();
    }

    /// A new shell, in the folder where each command begins.
    pub fn begin(&mut self) {
        self.shells.truncate(1);
        self.is_too_deep = false;
        if let Some(shell) = self.shells.first_mut() {
            shell.folder.clone_from(&self.start);
            shell.before.clear();
        }
    }

    /// A script begins in a shell of its own. The shells that were open go on behind it.
    pub fn enter(&mut self) -> Vec<Shell> {
        let shell = Shell { place: (0, 0, 0), folder: self.folder().to_owned(), before: Vec::new() };
        std::mem::replace(&mut self.shells, vec![shell])
    }

    /// The script has ended.
    pub fn leave(&mut self, shells: Vec<Shell>) {
        self.shells = shells;
    }

    /// A variable of the build.
    pub fn set(&mut self, name: &str, value: &str) {
        let before = self.variables.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        // What stood there before stays in it.
        let value = match name {
            "PATH" => value.replacen("${PATH}", "$PATH", 1).replacen("$PATH", before, 1),
            _ => value.to_owned(),
        };
        self.variables.retain(|(known, _)| known != name);
        // Of an address, the beginning says enough.
        let is_known = !value.contains('$') || is_address(&value);
        if self.variables.len() < VARIABLES && value.len() <= LONGEST && is_known {
            self.variables.push((name.to_owned(), value));
        }
    }

    /// Goes where the call runs, and where it leads to: `cd`, `pushd`, `popd`.
    pub fn follow(&mut self, call: &Call<'_>) {
        let (parentheses, number) = call.command.within;
        let place = (call.depth, parentheses, number);
        while self.shells.len() > 1
            && self.shells.last().is_some_and(|shell| (shell.place.0, shell.place.1) > (place.0, place.1))
        {
            self.shells.pop();
        }
        // Parentheses next to those of the last command.
        let is_next = |shell: &Shell| (shell.place.0, shell.place.1) == (place.0, place.1) && shell.place != place;
        if self.shells.len() > 1 && self.shells.last().is_some_and(is_next) {
            self.shells.pop();
        }
        let is_new = self.shells.last().is_some_and(|shell| shell.place != place);
        self.is_too_deep = is_new && self.shells.len() >= SHELLS;
        if self.is_too_deep {
            return;
        }
        if let Some(last) = self.shells.last().filter(|_| is_new) {
            let shell = Shell { place, folder: last.folder.clone(), before: Vec::new() };
            self.shells.push(shell);
        }
        let target = call.args().find(|arg| !arg.starts_with('-') || *arg == "-");
        let next = match (call.name.as_str(), target) {
            ("cd", None) => Some("~".to_owned()),
            ("cd", Some("-")) | ("popd", _) => self.shells.last_mut().and_then(|shell| shell.before.pop()),
            ("cd" | "pushd", Some(target)) => Some(bounded(self.resolve(target))),
            _ => return,
        };
        if let Some((shell, next)) = self.shells.last_mut().zip(next) {
            let before = std::mem::replace(&mut shell.folder, next);
            if call.name != "popd" && shell.before.len() < BEFORE {
                shell.before.push(before);
            }
        }
    }

    /// The folder of the last call.
    fn folder(&self) -> &str {
        if self.is_too_deep {
            return UNKNOWN;
        }
        self.shells.last().map_or("", |shell| shell.folder.as_str())
    }

    /// The value of `${NAME:-default}`, and what is behind it.
    fn with_default<'p>(&self, path: &'p str) -> Cow<'p, str> {
        self.or_default(path).map_or(Cow::Borrowed(path), Cow::Owned)
    }

    fn or_default(&self, path: &str) -> Option<String> {
        let inner = path.strip_prefix("${")?;
        let end = inner.find(|c: char| !is_of_name(c))?;
        let (name, operator) = inner.split_at_checked(end)?;
        let default = [":-", ":=", "-", "="].iter().find_map(|known| operator.strip_prefix(known))?;
        // A default may have a variable in it, too.
        let braces = default.char_indices().scan(1_usize, |open, (at, c)| {
            *open = if c == '{' {
                *open + 1
            } else if c == '}' {
                *open - 1
            } else {
                *open
            };
            Some((at, *open))
        });
        let (end, _) = braces.into_iter().find(|(_, open)| *open == 0)?;
        let (default, behind) = default.split_at_checked(end)?;
        let known = self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = known.filter(|value| !value.is_empty()).unwrap_or(default);
        Some(format!("{value}{}", behind.strip_prefix('}').unwrap_or(behind)))
    }

    /// The path of a file that a command names. What begins with a variable that has no value here, or with `~`, stays as it is.
    pub fn resolve(&self, path: &str) -> String {
        let path = self.expanded(&of_linux(path));
        let is_placed = path.starts_with(['/', '~', '$']);
        let folder = if is_placed { "" } else { self.folder() };
        normal(folder, &path)
    }

    /// Whether the path is the folder itself.
    pub fn is_here(&self, path: &str) -> bool {
        !self.folder().is_empty() && self.resolve(path) == self.folder()
    }

    /// Whether shells look for programs in this folder, because `ENV PATH` names it.
    pub fn is_on_path(&self, folder: &str) -> bool {
        self.on_path().any(|one| one.trim_end_matches('/') == folder)
    }

    /// The first folders of `ENV PATH`.
    pub fn on_path(&self) -> impl Iterator<Item = &str> {
        let path = self.variables.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
        path.split(':').filter(|one| !one.is_empty()).take(super::MOST)
    }

    /// Takes the addresses that the call gives to variables of its shell, and the files of a loop: `for file in *.deb`.
    pub fn assign(&mut self, call: &Call<'_>) {
        let mut args = call.args();
        let looped = match (call.name.as_str(), args.next()) {
            ("for", Some(name)) => {
                let files = args.skip(1).take(2).map(str::to_owned);
                Some((name, files.collect()))
            }
            ("read", _) => call.args().find(|arg| !arg.starts_with('-')).map(|name| (name, call.listed_files())),
            _ => None,
        };
        if let Some((name, files)) = looped {
            let variable = format!("${name}");
            self.loops.retain(|(known, _)| *known != variable);
            // One pattern stands for them all.
            if let ([files], true) = (files.as_slice(), self.loops.len() < LOOPS)
                && files.len() <= LONGEST_LOOP
            {
                self.loops.push((variable, files.clone()));
            }
        }
        let is_setting =
            call.words.is_empty() || matches!(call.name.as_str(), "declare" | "export" | "local" | "readonly");
        let program = call.words.first().map_or(0, |word| word.span.start);
        for word in call.command.words.iter().filter(|word| is_setting || word.span.start < program) {
            if let Some((name, value)) = word.text.split_once('=')
                && (name == "PATH" || is_address(value))
            {
                self.set(name, value);
            }
        }
    }

    /// The word with the files of the loops that it is in.
    fn in_loops(&self, word: String) -> String {
        if !word.contains('$') {
            return word;
        }
        self.loops.iter().fold(word, |word, (name, files)| match word.split_once(name.as_str()) {
            Some((before, behind)) if !behind.starts_with(is_of_name) => format!("{before}{files}{behind}"),
            _ => word,
        })
    }

    /// The word with the value of the variable that it begins with, or the default that it has for this variable.
    pub fn value(&self, word: &str) -> String {
        self.expanded(word)
    }

    fn expanded(&self, path: &str) -> String {
        let path = self.with_default(path);
        let path = self.in_loops(without_braces(path.as_ref()));
        let Some(rest) = path.strip_prefix('$') else { return path };
        let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let known = self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (known, name) {
            (Some(value), _) => format!("{value}{behind}"),
            (None, "HOME") => format!("~{behind}"),
            (None, "PWD") if self.folder().is_empty() => behind.trim_start_matches('/').to_owned(),
            (None, "PWD") => format!("{}{behind}", self.folder()),
            (None, _) => path,
        }
    }
}

/// The folder, if Linux has one with a path of this length.
fn bounded(folder: String) -> String {
    if folder.len() > LONGEST { UNKNOWN.to_owned() } else { folder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Script, calls};

    /// Where the file `a` is for each command of this name.
    fn places(script: &str) -> Vec<String> {
        let mut folders = Folders::default();
        folders.begin_at("/w");
        folders.set("D", "/opt");
        folders.begin();
        let mut places = Vec::new();
        calls(&Script::new(script), &mut |call| {
            folders.follow(call);
            places.extend((call.name == "a").then(|| folders.resolve("./a")));
        });
        places
    }

    #[test]
    fn commands_run_where_the_shell_went() {
        for (script, wanted) in [
            ("a; cd b && a; cd ..; a; cd /c//d/.; a", vec!["/w/a", "/w/b/a", "/w/a", "/c/d/a"]),
            (
                "(cd b; a); a; (a); (cd c; (cd d; a); a); (cd e; a) && (a)",
                vec!["/w/b/a", "/w/a", "/w/a", "/w/c/d/a", "/w/c/a", "/w/e/a", "/w/a"],
            ),
            ("sh -c 'cd b; a'; a", vec!["/w/b/a", "/w/a"]),
            ("x=$(cd b; a) a", vec!["/w/b/a", "/w/a"]),
            ("pushd b; a; popd; a; cd c; cd -; a", vec!["/w/b/a", "/w/a", "/w/a"]),
            (
                "cd; a; cd $X; a; cd ${X}/b; a; cd $D/b; a; cd \"${D}\"; a",
                vec!["~/a", "$X/a", "$X/b/a", "/opt/b/a", "/opt/a"],
            ),
            ("cd $HOME/b; a; cd $PWD/c; a; cd /x/${V}.d/${W}e; a", vec!["~/b/a", "~/b/c/a", "/x/$V.d/${W}e/a"]),
            ("cd -P b; a; { cd c; a; }; a", vec!["/w/b/a", "/w/b/c/a", "/w/b/c/a"]),
        ] {
            assert_eq!(places(script), wanted, "{script}");
        }
    }

    #[test]
    fn folders_and_shells_without_end_are_unknown() {
        let long = format!("cd {}; a; cd ..; cd b; a; cd /c; a", "d/".repeat(3000));
        assert_eq!(places(&long), ["$/a", "$/../b/a", "/c/a"]);
        let steps = places(&format!("{}a", "cd d/d/d/d; a;".repeat(4000)));
        assert!(steps.iter().all(|place| place.len() <= LONGEST + 2) && steps.last().unwrap().starts_with("$/"));
        let nested = |depth: usize| places(&format!("{}a;{} a", "(cd d;".repeat(depth), ")".repeat(depth)));
        assert_eq!(nested(3), ["/w/d/d/d/a", "/w/a"]);
        assert_eq!(nested(300), ["$/a", "/w/a"]);
        let mut folders = Folders::default();
        (0..4000).for_each(|_| folders.begin_at("d/d/d"));
        assert!(folders.resolve("a").len() <= LONGEST + 2);
    }

    #[test]
    fn paths_of_windows_are_written_as_those_of_linux() {
        let mut folders = Folders::default();
        folders.begin_at("C:/temp");
        for (path, wanted) in [
            ("C:\\temp\\a.exe", "/temp/a.exe"),
            ("c:/temp/a.exe", "/temp/a.exe"),
            (".\\a\\b", "/temp/a/b"),
            ("s://a/b", "/temp/s:/a/b"),
            ("a\\b", "/temp/a\\b"),
        ] {
            assert_eq!(folders.resolve(path), wanted, "{path}");
        }
    }

    #[test]
    fn each_instruction_begins_at_the_same_place() {
        let mut folders = Folders::default();
        assert!(is_same(&folders.resolve("a"), "/a") && !is_same(&folders.resolve("a"), "/tmp/a"));
        folders.begin_at("/w");
        folders.begin_at("sub");
        calls(&Script::new("cd /x; cd /y"), &mut |call| folders.follow(call));
        assert_eq!(folders.resolve("a"), "/y/a");
        folders.begin();
        assert_eq!((folders.resolve("../a"), folders.resolve("../../../a")), ("/w/a".to_owned(), "/a".to_owned()));
        assert!(folders.is_here(".") && !folders.is_here("a"));
    }
}
