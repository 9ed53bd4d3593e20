//! Follows a command line to the program that it runs.

use super::script::{self, Dialect};
use super::words::{
    ENTRIES, MANAGERS, Order, READERS, SERVERS, SERVICES, SHELLS, STARTS, STOPS, WINDOWS_SHELLS, WRAPPERS, Wrapper,
};

/// How deep scripts in scripts are read. Each costs as much as its text.
pub const DEEPEST: usize = 6;

/// How many words of the call of a service manager are read.
const MANAGED: usize = 16;

/// An SSH server that a command line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    pub name: &'static str,
    /// It is run by a service manager or an init script.
    pub is_service: bool,
}

/// The word that names the server, and the server.
pub type Hit = (usize, Server);

/// Where a command line goes on.
enum Next {
    /// At a later word, which is a program again.
    Word(usize),
    Hit(Hit),
    End,
}

/// The word of a command line that makes it run an SSH server. Each word is looked at once.
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

/// As [`find`], of arguments that an entry point is given, which may be a shell.
pub fn find_in_arguments(words: &[&str]) -> Option<Hit> {
    match words.split_first() {
        Some((first, [script, ..])) if is_cluster(first) && first.ends_with('c') => {
            script::find(script, Dialect::Unix, 1).map(|server| (1, server))
        }
        _ => find(words, 0),
    }
}

/// Whether arguments are no programs: of a shell's script, of a program that only reads.
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
    if let Some(name) = among(&SERVERS, &program) {
        return Next::Hit((at, Server { name, is_service: false }));
    }
    if let Some((index, server)) = managed(&program, rest.get(..MANAGED).unwrap_or(rest)) {
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
    // Whatever it is, behind `--` there may be what it runs.
    rest.iter().position(|word| *word == "--").map_or(Next::End, |index| Next::Word(at + 2 + index))
}

fn in_script(text: &str, at: usize, depth: usize) -> Next {
    script::find(text, Dialect::Unix, depth + 1).map_or(Next::End, |server| Next::Hit((at, server)))
}

/// Passes over the options and operands of a wrapper.
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

/// The value of an option of this list, and the word that it stands in: `-c X`, `-lc X`, `--command=X`.
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
    if !is_cluster(word) {
        return false;
    }
    let mut letters = word.chars().skip(1);
    letters.find(|letter| is(&format!("-{letter}"))).is_some() && letters.next().is_none()
}

/// Letters behind one dash.
fn is_cluster(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

fn split_option(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=').filter(|(option, _)| option.starts_with("--")) {
        Some((option, value)) => (option, Some(value)),
        None => (word, None),
    }
}

/// A shell: its script, and what the script runs of the words behind it.
fn shell(words: &[&str], from: usize, depth: usize) -> Next {
    let mut at = from;
    let mut has_script = false;
    while let Some(option) = words.get(at).filter(|word| word.starts_with(['-', '+']) && **word != "-") {
        has_script |= is_cluster(option) && option.contains('c');
        let takes_value =
            matches!(*option, "--rcfile" | "--init-file") || option.ends_with(['o', 'O']) && is_cluster(option);
        at += if takes_value { 2 } else { 1 };
    }
    let Some(script) = words.get(at).filter(|_| has_script) else { return Next::Word(at) };
    if let Some(server) = script::find(script, Dialect::Unix, depth + 1) {
        return Next::Hit((at, server));
    }
    if script.contains("$0") {
        return Next::Word(at + 1);
    }
    if ["$@", "$*", "${@", "$1"].iter().any(|all| script.contains(all)) { Next::Word(at + 2) } else { Next::End }
}

/// `cmd /c ...` and `powershell -Command ...`: all that follows is a script.
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
    let found = script::find(&rest.join(" "), Dialect::Windows, depth + 1);
    found.map_or(Next::End, |server| {
        let names = |word: &&str| word.to_ascii_lowercase().contains(server.name);
        Next::Hit((at + rest.iter().position(names).unwrap_or_default(), server))
    })
}

/// Of the word that is an init script of such a service: where the line goes on.
fn init_script(word: &str, at: usize, file: &str, rest: &[&str]) -> Option<Next> {
    let folder = word.rsplit('/').nth(1).unwrap_or_default();
    let is_level =
        folder.strip_prefix("rc").is_some_and(|level| level.len() == 3 && level.strip_suffix(".d").is_some());
    // S20ssh, rc.sshd, rcsshd
    let started = file.strip_prefix('s').map(|name| name.trim_start_matches(|c: char| c.is_ascii_digit()));
    let linked = started.filter(|name| name.len() + 1 < file.len());
    let short = file.strip_prefix("rc.").or_else(|| file.strip_prefix("rc"));
    if !is_level && !matches!(folder, "init.d" | "rc.d") && short.is_none() {
        return None;
    }
    let plain = short.or(linked).unwrap_or(file);
    let name = among(&SERVICES, plain)?;
    let action = rest.first().map(|action| action.to_ascii_lowercase());
    let starts = action.as_deref().map_or(plain != file, |action| STARTS.contains(&action));
    Some(if starts { Next::Hit((at, Server { name, is_service: true })) } else { Next::End })
}

/// The service that a service manager is called to run.
fn managed(program: &str, rest: &[&str]) -> Option<Hit> {
    let (_, order) = MANAGERS.iter().find(|(manager, _)| *manager == program)?;
    let hit = |(index, name), is_service| Some((index, Server { name, is_service }));
    let lower = |word: &&str| word.to_ascii_lowercase();
    let is_verb = |word: &&str| STARTS.contains(&&*lower(word));
    let name_from = |from: usize| {
        let names = rest.iter().enumerate().skip(from);
        names.filter(|(_, word)| !word.starts_with('-')).find_map(|(index, word)| Some((index, service_name(word)?)))
    };
    match order {
        Order::VerbThenName => hit(name_from(rest.iter().position(&is_verb)? + 1)?, true),
        Order::NameThenVerb => {
            let (index, name) = name_from(0)?;
            rest.iter().skip(index + 1).any(is_verb).then_some(())?;
            hit((index, name), true)
        }
        Order::Name => {
            let stops = rest.iter().any(|word| STOPS.contains(&&*lower(word)));
            hit(name_from(0).filter(|_| !stops)?, true)
        }
        Order::Option(letters) => {
            let starts = rest.iter().any(|word| is_cluster(word) && word.contains(|c| letters.contains(c)));
            hit(name_from(0).filter(|_| starts)?, true)
        }
        Order::Program => {
            let mut programs = rest.iter().enumerate();
            hit(programs.find_map(|(index, word)| Some((index, among(&SERVERS, &name(word))?)))?, false)
        }
    }
}

/// `ssh` of `ssh.service`, `/etc/service/sshd`, `svc-sshd`, `group:sshd`, `sshd.conf`.
fn service_name(word: &str) -> Option<&'static str> {
    let file = name(word.trim_end_matches('/'));
    let file = file.rsplit(':').next().unwrap_or_default();
    let file = file.split('@').next().unwrap_or_default();
    let suffix =
        [".service", ".socket", ".target", ".conf", ".ini"].iter().find_map(|suffix| file.strip_suffix(suffix));
    let plain = suffix.unwrap_or(file);
    among(&SERVICES, plain.strip_prefix("svc-").unwrap_or(plain))
}

/// The file name of a program in lower case, without quotes and the suffix that Windows gives it.
fn name(program: &str) -> String {
    let path = program.trim_matches(['"', '\'']);
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").map(str::to_owned).unwrap_or(file)
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

fn among(list: &[&'static str], name: &str) -> Option<&'static str> {
    list.iter().find(|known| **known == name).copied()
}
