//! Scripts that run as they arrive: `curl ... | sh` and its other forms.

use crate::shell::{Call, Command, SHELLS, Script, Word, calls, calls_of};

/// Programs that write what they download to their output.
pub(super) const DOWNLOADERS: [&str; 7] = ["aria2c", "curl", "fetch", "http", "https", "lynx", "wget"];

/// Other programs that run their input.
pub(super) const INTERPRETERS: [&str; 8] = ["node", "perl", "php", "python", "python2", "python3", "ruby", "tclsh"];

/// What the call runs as it arrives; none if it does not, or if all of it comes from an allowed URL.
pub fn found(call: &Call<'_>, allow: &[String]) -> Option<String> {
    let runs_words = matches!(call.name.as_str(), "eval" | "source" | ".") || is_shell(&call.name);
    if runs_words {
        let mut inner = call.words.iter().skip(1).flat_map(|word| &word.inner);
        if let Some(program) = inner.find_map(|script| downloader(script, allow)) {
            return Some(format!("the output of {program} run by {}", call.name));
        }
    }
    if let Some(program) = given(call).find_map(|script| downloader(script, allow)) {
        return Some(format!("the output of {program} run by {}", call.name));
    }
    if !runs_input(call) {
        return None;
    }
    let sources = call.script.sources(call.command);
    let source = sources.into_iter().find_map(|command| downloader_of(call.script, command, allow));
    source.map(|program| format!("the output of {program} run by {}", call.name))
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
    let is_sourced = matches!(call.name.as_str(), "source" | ".") && call.args().next() == Some("/dev/stdin");
    let reads = is_sourced || runs_input(call);
    let inputs = call.command.redirections.iter().filter(move |(operator, _)| reads && operator.ends_with('<'));
    program.into_iter().chain(inputs.map(|(_, word)| word)).flat_map(|word| &word.inner)
}

/// Whether it runs what it reads from a pipe.
pub(super) fn runs_input(call: &Call<'_>) -> bool {
    let mut args = call.args().peekable();
    if INTERPRETERS.contains(&call.name.as_str()) {
        return matches!(args.next(), None | Some("-"));
    }
    if !is_shell(&call.name) {
        return false;
    }
    let mut has_value = false;
    for arg in args {
        if has_value {
            has_value = false;
        } else if matches!(arg, "-" | "-s" | "/dev/stdin" | "--") || (is_short(arg) && arg.contains('s')) {
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

pub(super) fn is_short(arg: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--")
}

/// The downloader in a script.
fn downloader(script: &Script, allow: &[String]) -> Option<String> {
    let mut found = None;
    calls(script, &mut |call| {
        if found.is_none() && is_open(call, allow) {
            found = Some(call.name.clone());
        }
    });
    found
}

pub(super) fn downloader_of(script: &Script, command: &Command, allow: &[String]) -> Option<String> {
    let mut found = None;
    if may_load(command) {
        calls_of(script, command, &mut |call| {
            if found.is_none() && is_open(call, allow) {
                found = Some(call.name.clone());
            }
        });
    }
    found
}

/// Whether a downloader or a script in the command is possible at all.
fn may_load(command: &Command) -> bool {
    let is_script = |word: &Word| !word.inner.is_empty() || word.text.contains([' ', '\n', '\t', '\'', '"', '\\']);
    let names = |word: &Word| {
        // The shortest name has four letters.
        word.text.len() >= 4 && {
            let text = word.text.to_ascii_lowercase();
            DOWNLOADERS.iter().any(|name| text.contains(name))
        }
    };
    let files = command.redirections.iter().map(|(_, word)| word);
    let look =
        || command.input.is_some() || command.words.iter().chain(files).any(|word| is_script(word) || names(word));
    *command.may_load.get_or_init(look)
}

/// Whether it downloads something from a URL that is not allowed.
pub(super) fn is_open(call: &Call<'_>, allow: &[String]) -> bool {
    if !DOWNLOADERS.contains(&call.name.as_str()) {
        return false;
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
