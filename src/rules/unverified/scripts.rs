//! Scripts that run as they arrive: `curl ... | sh` and its other forms.

use super::loaders::{self, Loader, Writes};
use super::options::{is_local, is_local_url};
use crate::shell::{Call, Command, SHELLS, Script, Word, calls, calls_of, powershell};

/// Other programs that run their input.
pub(super) const INTERPRETERS: [&str; 8] = ["node", "perl", "php", "python", "python2", "python3", "ruby", "tclsh"];

/// What the call runs as it arrives; none if it does not, or if all of it comes from an allowed URL.
pub fn found(call: &Call<'_>, allow: &[String]) -> Option<String> {
    let runs_words = matches!(call.name.as_str(), "eval" | "source" | ".")
        || is_expression(call)
        || call.name.ends_with("[scriptblock]::create")
        || is_shell(&call.name);
    if runs_words {
        let mut inner = call.words.iter().skip(1).flat_map(|word| &word.inner);
        if let Some(program) = inner.find_map(|script| downloader(script, allow)) {
            return Some(format!("the output of {program} run by {}", call.name));
        }
    }
    if let Some(program) = given(call).find_map(|script| downloader(script, allow)) {
        return Some(format!("the output of {program} run by {}", call.name));
    }
    if let Some(found) = loading(call, allow) {
        return Some(found);
    }
    if !runs_input(call) && !is_given_by_xargs(call) {
        return None;
    }
    let sources = call.script.sources(call.command);
    let source = sources.into_iter().find_map(|command| downloader_of(call.script, command, allow));
    source.map(|program| format!("the output of {program} run by {}", call.name))
}

/// Whether it is the command of PowerShell that runs a text. Elixir's program of that name has options.
pub(super) fn is_expression(call: &Call<'_>) -> bool {
    powershell::runs_text(&call.name) && call.args().all(|arg| !arg.starts_with('-'))
}

pub(super) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

/// Options of interpreters whose value is a program.
pub(super) const PROGRAM_OPTIONS: [&str; 7] = ["-c", "-e", "-E", "-r", "-p", "--eval", "--print"];

/// The scripts whose output is the program: `python3 -c "$(...)"`, `perl <(...)`, `sh <<< "$(...)"`. What comes behind the program
/// is data.
fn given<'s>(call: &Call<'s>) -> impl Iterator<Item = &'s Script> {
    let is_interpreter = INTERPRETERS.contains(&call.name.as_str());
    let arguments = call.words.get(1..).unwrap_or_default();
    let option = arguments.iter().position(|word| PROGRAM_OPTIONS.contains(&word.text.as_str())).map(|at| at + 1);
    let program = option.or_else(|| arguments.iter().position(|word| !word.text.starts_with('-')));
    let program = program.and_then(|at| arguments.get(at)).filter(|_| is_interpreter);
    let reads = runs_input(call);
    let inputs = call.command.redirections.iter().filter(move |(operator, _)| reads && operator.ends_with('<'));
    program.into_iter().chain(inputs.map(|(_, word)| word)).flat_map(|word| &word.inner)
}

/// Whether it runs what it reads from a pipe.
pub(super) fn runs_input(call: &Call<'_>) -> bool {
    let mut args = call.args().peekable();
    if INTERPRETERS.contains(&call.name.as_str()) {
        return matches!(args.next(), None | Some("-"));
    }
    if matches!(call.name.as_str(), "source" | ".") {
        return args.next().is_some_and(is_stdin);
    }
    if is_expression(call) {
        return args.peek().is_none();
    }
    if !is_shell(&call.name) || only_reads(call) {
        return false;
    }
    let mut has_value = false;
    for arg in args {
        if has_value {
            has_value = false;
        } else if matches!(arg, "-" | "-s" | "--") || is_stdin(arg) || (is_short(arg) && arg.contains('s')) {
            return true;
        } else if is_short(arg) && arg.contains('c') {
            return false;
        } else if arg.starts_with(['-', '+']) {
            has_value = is_short(arg) && arg.ends_with(['o', 'O']);
        } else {
            // A file, or a here-document that is no option.
            return false;
        }
    }
    call.command.input.is_none()
}

/// Whether a shell only reads its script, and runs nothing: `bash -n a.sh`.
pub(super) fn only_reads(call: &Call<'_>) -> bool {
    let mut options =
        call.args().take_while(|arg| arg.starts_with(['-', '+']) || matches!(*arg, "noexec" | "pipefail"));
    // bash takes `-login` and `-norc` for long options.
    let is_letters = |arg: &str| arg.bytes().skip(1).all(|b| b"abefhklmnptuvxBCEHPT".contains(&b));
    let only_reads = |arg: &str| is_short(arg) && arg.contains('n') && is_letters(arg);
    is_shell(&call.name) && options.any(|arg| only_reads(arg) || matches!(arg, "noexec" | "--no-execute"))
}

fn is_stdin(arg: &str) -> bool {
    matches!(arg, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// Whether xargs writes what it reads in the place of the script: `xargs -I{} sh -c {}`, `xargs -0 bash -c`.
fn is_given_by_xargs(call: &Call<'_>) -> bool {
    let program = call.words.first().map_or(0, |word| word.span.start);
    let mut before = call.command.words.iter().take_while(|word| word.span.start < program);
    if !is_shell(&call.name) || !before.any(|word| word.text.rsplit('/').next() == Some("xargs")) {
        return false;
    }
    let replaced = before.find_map(|word| word.text.strip_prefix("-I")).filter(|text| !text.is_empty()).unwrap_or("{}");
    let mut args = call.args().skip_while(|arg| !(is_short(arg) && arg.contains('c'))).skip(1);
    call.args().any(|arg| is_short(arg) && arg.contains('c'))
        && args.next().is_none_or(|script| script.trim() == replaced)
}

/// What loads a text in the program of an interpreter, and what runs it.
const LOADS: [&str; 11] = [
    "download(",
    "urlopen",
    "urllib",
    "requests.get",
    "httpx.get",
    "LWP::",
    "open-uri",
    "URI.open",
    "file_get_contents",
    "https.get",
    "fetch(",
];
const RUNS: [&str; 4] = ["exec(", "eval(", "eval ", "exec "];
/// What runs a script of an address in R, and in Julia with something that loads it.
const SOURCES: [(&str, &[&str]); 2] = [("source(", &["littler", "r", "rscript"]), ("include(", &["julia"])];

/// A program that loads another one and runs it: `python3 -c "exec(urlopen('https://...').read())"`.
fn loading(call: &Call<'_>, allow: &[String]) -> Option<String> {
    let source = SOURCES.iter().find(|(_, names)| names.contains(&call.name.as_str())).map(|(source, _)| *source);
    if source.is_none() && !INTERPRETERS.contains(&call.name.as_str()) {
        return None;
    }
    let mut args = call.args();
    let programs = std::iter::from_fn(|| {
        args.find(|arg| PROGRAM_OPTIONS.contains(arg))?;
        args.next()
    });
    let programs: Vec<&str> = programs.collect();
    // R itself loads an address.
    let loads = source == Some("source(") || call.args().any(|arg| LOADS.iter().any(|load| arg.contains(load)));
    let is_found = |program: &&str| loads && runs_address(program, source, allow);
    programs.iter().any(is_found).then(|| format!("a script that {} loads and runs", call.name))
}

/// Whether the program has an address that is not allowed, and runs something.
fn runs_address(program: &str, source: Option<&'static str>, allow: &[String]) -> bool {
    // A method of another object is none: `/a/.exec(b)`.
    let is_bare = |at: usize| {
        !program.get(..at).is_some_and(|before| before.ends_with(|c: char| c == '.' || c == '_' || c.is_alphanumeric()))
    };
    let runs = RUNS.iter().copied().chain(source).any(|run| program.match_indices(run).any(|(at, _)| is_bare(at)));
    let is_open = |at: usize, scheme: &str| {
        let url = program.get(at..).unwrap_or_default();
        let url = url.get(..url.find(['\'', '"', ' ', ')', '`']).unwrap_or(url.len())).unwrap_or_default();
        url.len() > scheme.len() && !is_local_url(url) && !is_allowed(url, allow)
    };
    let opens =
        ["http://", "https://"].iter().any(|scheme| program.match_indices(scheme).any(|(at, _)| is_open(at, scheme)));
    runs && opens
}

pub(super) fn is_short(arg: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--")
}

/// The downloader in a script.
pub(super) fn downloader(script: &Script, allow: &[String]) -> Option<String> {
    let mut found = None;
    calls(script, &mut |call| {
        if found.is_none() && is_open(call, allow) {
            found = Some(loaders::display(call));
        }
    });
    found
}

pub(super) fn downloader_of(script: &Script, command: &Command, allow: &[String]) -> Option<String> {
    let mut found = None;
    if may_load(command) {
        calls_of(script, command, &mut |call| {
            if found.is_none() && is_open(call, allow) {
                found = Some(loaders::display(call));
            }
        });
    }
    found
}

/// Whether a downloader or a script in the command is possible at all.
fn may_load(command: &Command) -> bool {
    let is_script = |word: &Word| !word.inner.is_empty() || word.text.contains([' ', '\n', '\t', '\'', '"', '\\']);
    let names = |word: &Word| Loader::may_be(&word.text);
    let files = command.redirections.iter().map(|(_, word)| word);
    let look =
        || command.input.is_some() || command.words.iter().chain(files).any(|word| is_script(word) || names(word));
    *command.may_load.get_or_init(look)
}

/// Whether it downloads something from a URL that is not allowed, and is not one of this machine.
pub(super) fn is_open(call: &Call<'_>, allow: &[String]) -> bool {
    let Some(loader) = Loader::of(call).filter(|_| !is_local(call)) else { return false };
    // The other way round, it writes to the server.
    if loader.writes == Writes::Target
        && loaders::transfer(call).is_none()
        && !call.args().any(|arg| loader.file.contains(&arg))
    {
        return false;
    }
    if let Some(url) = loaders::release(call) {
        return !is_allowed(&url, allow);
    }
    let mut urls = call.args().filter(|arg| arg.contains("://")).peekable();
    urls.peek().is_none() || !urls.all(|url| is_allowed(url, allow))
}

/// Whether the URL is below one that is allowed.
pub(super) fn is_allowed(url: &str, allow: &[String]) -> bool {
    allow.iter().any(|allowed| {
        let rest = url.strip_prefix(allowed.as_str());
        rest.is_some_and(|rest| allowed.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#']))
    })
}
