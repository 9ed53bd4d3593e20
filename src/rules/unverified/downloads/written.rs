//! Scripts that the build itself writes, and runs: `echo '...' > a.sh`, `cat <<EOF > a.sh`, `COPY <<EOF /a.sh`.

use super::super::{in_call, scripts};
use super::folders::is_same;
use super::interpreters::{is_interpreter, programs};
use super::outputs::target_and_value;
use super::{Download, Downloads, RUN, Used, globs, is_on_path};
use crate::shell::{Call, Command, Options, Script, Word, calls_in_order, is_for_shell, powershell};
use crate::text::clean;
use std::ops::Range;
use std::rc::Rc;

/// The longest text that is kept.
const LONGEST: usize = 16 * 1024;
/// How many bytes of such scripts are read in a file.
const MOST: usize = 64 * 1024;
/// How many commands of a group are read.
const MOST_COMMANDS: usize = 64;
/// How deep scripts run scripts.
const DEEPEST: usize = 4;

/// How far scripts were read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    bytes: usize,
    depth: usize,
    /// Whether the image starts them, and not the build.
    is_started: bool,
}

impl Downloads {
    /// Follows a call and what the scripts do that it runs. `each` gets what is used that nothing checked, and where.
    pub fn run(&mut self, call: &Call<'_>, allow: &[String], each: &mut dyn FnMut(Range<usize>, Used)) {
        let arrives = scripts::found(call, allow).map(|found| (found, RUN));
        arrives.into_iter().chain(self.follow(call, allow)).for_each(|used| each(call.place(), used));
        let Some((path, text)) = self.written(call) else { return };
        self.scripts.bytes += text.len();
        self.scripts.depth += 1;
        let shells = self.folders.enter();
        let mut each = |_: Range<usize>, (found, wanted): Used| {
            each(call.place(), (format!("{found}, in {}", clean(&path, 80)), wanted));
        };
        // PowerShell runs no file with another end.
        let is_of_powershell = path.to_ascii_lowercase().ends_with(".ps1");
        // `sh -e a.sh`
        let options =
            if scripts::is_shell(&call.name) { Options::default().with(call.args()) } else { Options::default() };
        let script =
            if is_of_powershell { powershell::read(&text, 0, 0) } else { Script::new(&text).run_with(options) };
        calls_in_order(&script, &mut |inner| {
            if self.scripts.is_started {
                self.run(inner, allow, &mut each);
            } else {
                in_call(inner, allow, self, &mut each);
            }
        });
        self.folders.leave(shells);
        self.scripts.depth -= 1;
    }

    /// How many bytes of scripts were read. All stages of a file count.
    pub const fn read(&mut self) -> &mut usize {
        &mut self.scripts.bytes
    }

    /// What `ENTRYPOINT` and `CMD` start, and what that loads.
    pub fn started(&mut self, script: &Script, allow: &[String], each: &mut dyn FnMut(Range<usize>, Used)) {
        self.begin();
        self.scripts.is_started = true;
        calls_in_order(script, &mut |call| self.run(call, allow, each));
        self.scripts.is_started = false;
    }

    /// The script that the call runs, if the build wrote it.
    fn written(&self, call: &Call<'_>) -> Option<(String, Rc<str>)> {
        let is_read = |file: &&Download| file.text.as_ref().is_some_and(|text| self.scripts.bytes + text.len() <= MOST);
        if self.scripts.depth >= DEEPEST || !self.files.iter().any(|file| is_read(&file)) {
            return None;
        }
        let is_shell = scripts::is_shell(&call.name)
            || powershell::is_powershell(&call.name)
            || matches!(call.name.as_str(), "." | "source");
        let programs = programs(call).into_iter().filter(|_| is_shell || !is_interpreter(&call.name));
        let programs: Vec<String> = programs.map(|path| self.folders.resolve(path)).collect();
        let runs = |file: &&Download| {
            is_on_path(call, &file.path, &self.folders)
                || programs.iter().any(|program| globs::is_match(program, &file.path))
        };
        let file = self.files.iter().filter(is_read).find(runs)?;
        Some((file.path.clone(), file.text.clone()?))
    }

    /// Notes the text that the call writes into files.
    pub(super) fn note_text(&mut self, call: &Call<'_>, targets: &[String]) {
        let text = match call.name.as_str() {
            "echo" | "printf" => printed(call.words),
            "cat" | "tee" => of(call.command).or_else(|| read_by(call)),
            "add-content" | "out-file" | "set-content" => {
                target_and_value(call).1.map(str::to_owned).or_else(|| read_by(call))
            }
            _ => None,
        };
        let appends = call.command.redirections.iter().any(|(operator, _)| operator.ends_with(">>"))
            || call.name == "add-content"
            || (matches!(call.name.as_str(), "out-file" | "tee")
                && call.args().any(|arg| matches!(arg, "-a" | "--append" | "-append")));
        for target in targets {
            match &text {
                Some(text) => self.write(target, text, appends),
                None if appends => {}
                None => self.rewritten(&self.folders.resolve(target)),
            }
        }
    }

    /// Something that is not known here is written there, in the place of what the build itself wrote before.
    pub(super) fn rewritten(&mut self, path: &str) {
        self.files.retain(|file| file.text.is_none() || !is_same(&file.path, path));
    }

    /// The build writes this text there. What it loaded there before counts more: both may be ways of one `if`.
    pub fn write(&mut self, target: &str, text: &str, appends: bool) {
        let path = self.folders.resolve(target);
        if target.is_empty() || path.starts_with("/dev/") {
            return;
        }
        let at = self.files.iter().position(|file| file.text.is_some() && is_same(&file.path, &path));
        let before = at.map(|at| self.files.remove(at)).filter(|_| appends).and_then(|file| file.text);
        let text = format!("{}{text}\n", before.unwrap_or_default());
        let is_loaded = self.files.iter().any(|file| !file.is_unpacked && is_same(&file.path, &path));
        if !is_loaded && text.len() <= LONGEST && is_for_shell(&text) {
            self.own.add(path.clone());
            self.add(Download { path, is_checked: true, text: Some(text.into()), ..Download::default() });
        }
    }
}

/// The text that the commands before the call in a pipe write, or those of the group whose output goes to a file: one below the other.
fn read_by(call: &Call<'_>) -> Option<String> {
    let commands = call.script.commands.get(call.command.reads.clone())?;
    let first = call.command.reads.start;
    let commands = commands.get(..MOST_COMMANDS).unwrap_or(commands);
    // What another command reads, or a file gets, is not printed.
    let is_read = |index: usize| commands.iter().any(|command| command.reads.contains(&(first + index)));
    let printed = |(index, command): (usize, &Command)| {
        let to_file = command.redirections.iter().any(|(operator, _)| operator.contains('>'));
        of(command).filter(|_| !to_file && !is_read(index))
    };
    let mut all: Option<String> = None;
    for text in commands.iter().enumerate().filter_map(printed) {
        let all = all.get_or_insert_default();
        if all.len() + text.len() > LONGEST {
            return None;
        }
        all.push_str(&text);
        all.push('\n');
    }
    all
}

/// The text that a command writes to its output, if it stands there.
fn of(command: &Command) -> Option<String> {
    let begin = command.words.iter().position(|word| !OPEN.contains(&word.text.as_str()));
    let words = begin.and_then(|begin| command.words.get(begin..)).unwrap_or_default();
    match words.first().map_or("", |word| word.text.rsplit('/').next().unwrap_or_default()) {
        "echo" | "printf" => printed(words),
        _ => command.input.as_ref().map(|piece| piece.text.clone()),
    }
}

/// Words of a shell before a command of a group.
const OPEN: [&str; 4] = ["do", "else", "then", "{"];

/// What `echo` and `printf` write.
fn printed(words: &[Word]) -> Option<String> {
    let is_text = |word: &&Word| !word.text.starts_with(['-', '%']);
    let texts: Vec<&str> = words.iter().skip(1).filter(is_text).map(|word| word.text.as_str()).collect();
    let is_long = texts.iter().map(|word| word.len() + 1).sum::<usize>() > LONGEST;
    // `printf '%s\n' a b` writes lines.
    let between = if words.first().is_some_and(|word| word.text.ends_with("printf")) { "\n" } else { " " };
    (!is_long && !texts.contains(&"$()")).then(|| texts.join(between).replace("\\n", "\n"))
}
