//! Programs that run a file, and which of their words is the file.

use super::super::scripts::{INTERPRETERS, is_expression, is_shell, is_short, only_reads, runs_input};
use super::MOST;
use crate::shell::powershell::{self, Started};
use crate::shell::{Call, Command, Script};

/// How an interpreter takes its program.
struct Interpreter {
    names: &'static [&'static str],
    /// Options whose value is a file that it runs.
    files: &'static str,
    /// Options whose value is a list of files that it runs.
    lists: &'static str,
    /// Options whose value is the program itself: it runs no file.
    programs: &'static str,
    /// Other options with a value.
    values: &'static str,
    /// A word before the file.
    verb: &'static str,
}

const fn plain(names: &'static [&'static str]) -> Interpreter {
    Interpreter { names, files: "", lists: "", programs: "", values: "", verb: "" }
}

static TABLE: &[Interpreter] = &[
    Interpreter { files: "-f --file", ..plain(&["awk", "gawk", "mawk"]) },
    Interpreter { verb: "run", programs: "-e --eval", ..plain(&["bun", "deno"]) },
    Interpreter { verb: "exec", ..plain(&["dotnet"]) },
    Interpreter { files: "-f", programs: "-c", ..plain(&["expect"]) },
    Interpreter { programs: "-e", values: "-cp -classpath", ..plain(&["groovy"]) },
    Interpreter { files: "-jar", lists: "-cp -classpath --class-path -p --module-path", ..plain(&["java"]) },
    Interpreter { programs: "-e -E --eval --print -p", ..plain(&["julia"]) },
    Interpreter { programs: "-e", values: "-l", ..plain(&["lua", "luajit"]) },
    plain(&["mono", "wine", "wine64"]),
    Interpreter {
        files: "-r --require --import --loader --experimental-loader",
        programs: "-c -e -p --check --eval --print",
        values: "-C --conditions --env-file",
        ..plain(&["node", "nodejs", "ts-node"])
    },
    Interpreter { programs: "-e -E -c", values: "-I", ..plain(&["perl"]) },
    Interpreter { files: "-f --file", programs: "-r -B -R -E -l -m", values: "-c -d -z", ..plain(&["php"]) },
    plain(&["powershell", "pwsh"]),
    Interpreter {
        programs: "-c -m",
        values: "-W -X --check-hash-based-pycs",
        ..plain(&["pypy", "pypy3", "python", "python2", "python3"])
    },
    Interpreter { programs: "-e", ..plain(&["rscript"]) },
    Interpreter { programs: "-c -e", values: "-C -E -I -r", ..plain(&["ruby"]) },
    plain(&["tclsh"]),
];

/// `python3.12` is python.
fn interpreter(name: &str) -> Option<&'static Interpreter> {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let find = |name: &str| TABLE.iter().find(|one| one.names.contains(&name));
    find(name).or_else(|| find(base))
}

pub fn is_interpreter(name: &str) -> bool {
    is_shell(name) || matches!(name, "." | "source") || interpreter(name).is_some() || INTERPRETERS.contains(&name)
}

/// The files that the call runs, as it names them: its program, or the script that an interpreter gets.
pub fn programs<'c>(call: &'c Call<'_>) -> Vec<&'c str> {
    let program = call.words.first().map(|word| word.text.as_str());
    // A variable may have the text of a script.
    let is_variable = |program: &str| program.starts_with('$') && !program.contains(['(', '[']);
    let is_path = |program: &str| program.contains('/') || program.get(1..).is_some_and(|rest| rest.starts_with(":\\"));
    let program = program.filter(|program| is_path(program) || is_variable(program));
    let mut programs: Vec<&str> = program.into_iter().collect();
    let is_expression = is_expression(call);
    if is_expression || call.name == "eval" || is_shell(&call.name) || matches!(call.name.as_str(), "." | "source") {
        programs.extend(printed_as_program(call));
    }
    if !(is_expression || is_interpreter(&call.name)) || only_reads(call) {
        return programs;
    }
    if !is_expression {
        programs.extend(files_of(call));
    }
    if runs_input(call) {
        let reads = call.command.redirections.iter();
        let reads =
            reads.filter(|(operator, word)| operator == "<" || (operator == "<<<" && word.text.starts_with('$')));
        programs.extend(reads.map(|(_, word)| word.text.as_str()));
        let printed = call.script.sources(call.command).into_iter().flat_map(printed);
        programs.extend(printed.take(MOST));
    }
    programs
}

/// The files that `cat` writes to its output, and the variables that `echo` writes.
fn printed(command: &Command) -> impl Iterator<Item = &str> {
    let program = command.words.first().map_or("", |word| word.text.as_str());
    // `$(< a.sh)`
    let read = command.redirections.iter().filter(move |(operator, _)| program.is_empty() && operator == "<");
    let words = command.words.iter().skip(1).map(|word| word.text.as_str());
    let words =
        words.filter(move |word| program == "cat" || (matches!(program, "echo" | "printf") && word.starts_with('$')));
    words.chain(read.map(|(_, word)| word.text.as_str()))
}

/// The files of `eval "$(cat a.sh)"`, `sh -c "$(cat a.sh)"` and `bash <(cat a.sh)`.
fn printed_as_program<'c>(call: &'c Call<'_>) -> impl Iterator<Item = &'c str> {
    let first = call.words.iter().skip(1).find(|word| !word.text.starts_with(['-', '+']));
    let inner =
        first.filter(|word| matches!(word.text.as_str(), "$()" | "<()")).into_iter().flat_map(|word| &word.inner);
    inner.flat_map(|script: &Script| &script.commands).flat_map(printed).take(MOST)
}

/// The files that an interpreter runs.
pub fn files_of<'c>(call: &'c Call<'_>) -> Vec<&'c str> {
    if powershell::is_powershell(&call.name) {
        let Some(Started::File(at)) = powershell::started(&call.name, call.args()) else { return Vec::new() };
        return call.args().nth(at).into_iter().collect();
    }
    let is_shell = is_shell(&call.name);
    let interpreter = interpreter(&call.name).unwrap_or(&const { plain(&[]) });
    let is = |list: &str, option: &str| list.split(' ').any(|known| known == option);
    let mut files = Vec::new();
    let mut args = call.args().peekable();
    if args.peek().is_some_and(|arg| *arg == interpreter.verb) {
        args.next();
    }
    while let Some(arg) = args.next() {
        let (option, value) = arg.split_once('=').filter(|_| arg.starts_with("--")).unzip();
        let option = option.unwrap_or(arg);
        let is_cluster = matches!(call.name.as_str(), "perl" | "ruby") && is_short(arg) && arg.ends_with('e');
        if !arg.starts_with(['-', '+']) || arg == "-" {
            // What java gets is the name of a class, awk gets its program, and dotnet may get a command.
            let is_file = match interpreter.names.first() {
                Some(&"java") => arg.rsplit('.').next() == Some("java"),
                Some(&"dotnet") => arg.contains('.'),
                first => first != Some(&"awk"),
            };
            files.extend(Some(arg).filter(|_| is_file));
            return files;
        } else if is(interpreter.files, option) {
            files.extend(value.or_else(|| args.next()));
            // Only Node.js runs another one, too.
            if !interpreter.names.contains(&"node") {
                return files;
            }
        } else if is(interpreter.lists, option) {
            files.extend(value.or_else(|| args.next()).unwrap_or_default().split(':'));
        } else if let Some(agent) = arg.strip_prefix("-javaagent:") {
            files.extend(agent.split('=').next());
        } else if is(interpreter.programs, option) || is_cluster || (is_shell && is_short(arg) && arg.contains('c')) {
            return files;
        } else if is(interpreter.values, arg) || (is_shell && is_short(arg) && arg.ends_with(['o', 'O'])) {
            args.next();
        }
    }
    files
}
