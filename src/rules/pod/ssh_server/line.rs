//! Follows a command line to the program that it runs.

use super::script::{self, Dialect};
use super::server::{Hit, Server, is_short_options, known, name};
use super::services::managed;
use super::words::{ENTRIES, READERS, SERVERS, SERVICES, SHELLS, STARTS, WINDOWS_SHELLS};
use crate::shell::wrappers::{WRAPPERS, Wrapper};

/// Where the search in a command line continues.
enum Next {
    /// At a later word, which is a program again.
    Word(usize),
    Hit(Hit),
    End,
}

/// The word of a command line that makes it run an SSH server. Each word is read once.
pub fn find(words: &[&str], depth: usize) -> Option<Hit> {
    let mut at = 0;
    loop {
        match step(words, at, depth) {
            Next::Word(next) => at = next.max(at + 1),
            Next::Hit(hit) => return Some(hit),
            Next::End => return None,
        }
    }
}

/// As [`find`], in the arguments of an entry point, which may be a shell.
pub fn find_in_arguments(words: &[&str]) -> Option<Hit> {
    match words.split_first() {
        Some((first, [script, ..])) if is_short_options(first) && first.ends_with('c') => {
            find_in_script(script, Dialect::Unix, 1).map(|server| (1, server))
        }
        _ => find(words, 0),
    }
}

/// Whether the command runs none of its arguments: a shell runs its script, and some programs only read.
pub fn takes_no_program(command: &[&str]) -> bool {
    let is = |list: &[&str], program: &&str| list.contains(&&*name(program));
    command.first().is_some_and(|program| is(READERS, program))
        || command.iter().any(|program| is(&SHELLS, program) || is(&WINDOWS_SHELLS, program))
}

fn step(words: &[&str], at: usize, depth: usize) -> Next {
    let Some(word) = words.get(at) else { return Next::End };
    let rest = words.get(at + 1..).unwrap_or_default();
    let program = name(word);
    if let Some(next) = init_script(word, at, &program, rest) {
        return next;
    }
    if let Some(name) = known(&SERVERS, &program) {
        return Next::Hit((at, Server { name, is_service: false }));
    }
    if let Some((index, server)) = managed(&program, rest) {
        return Next::Hit((at + 1 + index, server));
    }
    if word.is_empty() || is_assignment(word) {
        return Next::Word(at + 1);
    }
    if word.contains(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|')) {
        return in_script(word, at, depth);
    }
    if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == program) {
        return wrapped(wrapper, words, at + 1, depth);
    }
    if SHELLS.contains(&&*program) {
        return shell(words, at + 1, depth);
    }
    if WINDOWS_SHELLS.contains(&&*program) {
        return windows_shell(&program, words, at + 1, depth);
    }
    if is_entry(&program) {
        let is_option = |word: &&&str| word.starts_with('-');
        return Next::Word(at + 1 + rest.iter().take_while(is_option).count());
    }
    if READERS.contains(&&*program) {
        return Next::End;
    }
    // Any other program may run what comes after `--`.
    rest.iter().position(|word| *word == "--").map_or(Next::End, |index| Next::Word(at + 2 + index))
}

fn in_script(text: &str, at: usize, depth: usize) -> Next {
    find_in_script(text, Dialect::Unix, depth + 1).map_or(Next::End, |server| Next::Hit((at, server)))
}

fn find_in_script(text: &str, dialect: Dialect, depth: usize) -> Option<Server> {
    script::find(text, dialect, depth, |words, depth| find(words, depth).map(|(_, server)| server))
}

/// Skips the options and operands of a wrapper.
fn wrapped(wrapper: &Wrapper, words: &[&str], from: usize, depth: usize) -> Next {
    let mut operands = wrapper.operands;
    let mut at = from;
    while let Some(word) = words.get(at) {
        let (option, value) = split_option(word);
        let is = |list: &str| list.split(' ').any(|known| known == option);
        if matches!(*word, "-" | "--") || (operands == 0 && is_assignment(word)) {
            at += 1;
        } else if !word.starts_with('-') {
            if operands == 0 {
                return Next::Word(at);
            }
            operands -= 1;
            at += 1;
        } else if is(wrapper.never) {
            return Next::End;
        } else if let Some((value, value_at)) = value_of(wrapper.scripts, word, value, words, at) {
            return in_script(value, value_at, depth);
        } else if is(wrapper.programs) {
            let found = value.map(|value| find(&[value], depth));
            return found
                .map_or(Next::Word(at + 1), |hit| hit.map_or(Next::End, |(_, server)| Next::Hit((at, server))));
        } else {
            if is(wrapper.instead) {
                operands = 0;
            }
            at += if takes_next(wrapper.values, word, value) { 2 } else { 1 };
        }
    }
    Next::End
}

/// The value of an option of this list, and the index of the word that has the value: `-c X`, `-lc X`, `--command=X`.
fn value_of<'w>(
    list: &str,
    word: &'w str,
    value: Option<&'w str>,
    words: &[&'w str],
    at: usize,
) -> Option<(&'w str, usize)> {
    let (option, _) = split_option(word);
    match value {
        Some(value) if list.split(' ').any(|known| known == option) => Some((value, at)),
        None if takes_next(list, word, None) => Some((words.get(at + 1)?, at + 1)),
        _ => None,
    }
}

/// Whether the next word is the value of this option: `-u X`, `-nu X`, but neither `-uX` nor `--user=X`.
fn takes_next(list: &str, word: &str, value: Option<&str>) -> bool {
    let is = |option: &str| !option.is_empty() && list.split(' ').any(|known| known == option);
    if value.is_some() || is(word) {
        return value.is_none();
    }
    if !is_short_options(word) {
        return false;
    }
    let mut letters = word.chars().skip(1);
    letters.find(|letter| is(&format!("-{letter}"))).is_some() && letters.next().is_none()
}

fn split_option(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=').filter(|(option, _)| option.starts_with("--")) {
        Some((option, value)) => (option, Some(value)),
        None => (word, None),
    }
}

/// Continues in the script of a shell, or in the words after the script if the script runs them.
fn shell(words: &[&str], from: usize, depth: usize) -> Next {
    let mut at = from;
    let mut has_script = false;
    while let Some(option) = words.get(at).filter(|word| word.starts_with(['-', '+']) && **word != "-") {
        has_script |= is_short_options(option) && option.contains('c');
        let takes_value =
            matches!(*option, "--rcfile" | "--init-file") || option.ends_with(['o', 'O']) && is_short_options(option);
        at += if takes_value { 2 } else { 1 };
    }
    let Some(script) = words.get(at).filter(|_| has_script) else { return Next::Word(at) };
    if let Some(server) = find_in_script(script, Dialect::Unix, depth + 1) {
        return Next::Hit((at, server));
    }
    if script.contains("$0") {
        return Next::Word(at + 1);
    }
    if ["$@", "$*", "${@", "$1"].iter().any(|all| script.contains(all)) { Next::Word(at + 2) } else { Next::End }
}

/// `cmd /c ...` and `powershell -Command ...`: the rest of the line is a script.
fn windows_shell(program: &str, words: &[&str], from: usize, depth: usize) -> Next {
    let is_cmd = program == "cmd";
    let mut at = from;
    while let Some(word) = words.get(at) {
        let option = word.to_ascii_lowercase();
        if !option.starts_with(if is_cmd { '/' } else { '-' }) {
            break;
        }
        at += 1;
        match &*option {
            "-file" | "-f" => return Next::Word(at),
            "/c" | "/k" | "/r" | "-command" | "-c" => break,
            "-executionpolicy" | "-ep" | "-ex" | "-windowstyle" | "-w" | "-version" | "-inputformat"
            | "-outputformat" | "-configurationname" | "-workingdirectory" | "-wd" => at += 1,
            _ => {}
        }
    }
    let rest = words.get(at..).unwrap_or_default();
    let found = find_in_script(&rest.join(" "), Dialect::Windows, depth + 1);
    found.map_or(Next::End, |server| {
        let names = |word: &&str| word.to_ascii_lowercase().contains(server.name);
        Next::Hit((at + rest.iter().position(names).unwrap_or_default(), server))
    })
}

/// Where the search continues if the word is the init script of an SSH server.
fn init_script(word: &str, at: usize, file: &str, rest: &[&str]) -> Option<Next> {
    let folder = word.rsplit('/').nth(1).unwrap_or_default();
    let is_level =
        folder.strip_prefix("rc").is_some_and(|level| level.len() == 3 && level.strip_suffix(".d").is_some());
    // The script may be called S20ssh, rc.sshd or rcsshd.
    let started = file.strip_prefix('s').map(|name| name.trim_start_matches(|c: char| c.is_ascii_digit()));
    let linked = started.filter(|name| name.len() + 1 < file.len());
    let short = file.strip_prefix("rc.").or_else(|| file.strip_prefix("rc"));
    if !is_level && !matches!(folder, "init.d" | "rc.d") && short.is_none() {
        return None;
    }
    let plain = short.or(linked).unwrap_or(file);
    let name = known(&SERVICES, plain)?;
    let action = rest.first().map(|action| action.to_ascii_lowercase());
    let starts = action.as_deref().map_or(plain != file, |action| STARTS.contains(&action));
    Some(if starts { Next::Hit((at, Server { name, is_service: true })) } else { Next::End })
}

fn is_entry(program: &str) -> bool {
    let is_script = [".sh", ".bash", ".cmd", ".bat", ".ps1"].iter().any(|suffix| program.ends_with(suffix));
    is_script || program.replace(['-', '_'], "").contains("entrypoint") || ENTRIES.contains(&program)
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}
