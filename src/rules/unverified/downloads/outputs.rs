//! The files that a downloader writes.

use super::super::loaders::{Loader, Writes, transfer};
use super::super::scripts::{INTERPRETERS, PROGRAM_OPTIONS};
use super::folders::Folders;
use crate::shell::{Call, Command, powershell};

/// The files that the call writes, by its options and its redirections.
pub fn of(call: &Call<'_>, folders: &Folders) -> Vec<String> {
    let Some(loader) = Loader::of(call) else { return Vec::new() };
    let read = read(call, loader);
    let mut files: Vec<String> = read.files;
    // curl writes to its output, unless it takes the names of the server's files.
    if read.takes_names || (files.is_empty() && loader.writes == Writes::Names) {
        files.extend(read.urls.iter().filter_map(|url| name_in(&folders.value(url))));
    }
    if let Some((source, target)) = transfer(call).filter(|_| files.is_empty() && loader.writes == Writes::Target) {
        let (name, last) = (name_of(source), target.rsplit('/').next().unwrap_or_default());
        // A name without an end may be that of a folder.
        let is_folder = matches!(last, "" | "." | "..");
        if is_folder || !(last.contains('.') || last == name) {
            files.push(format!("{}/{name}", target.trim_end_matches('/')));
        }
        files.extend(Some(target.to_owned()).filter(|_| !is_folder));
    }
    if let Some(folder) = read.folder {
        let folder = folder.trim_end_matches('/');
        files.iter_mut().filter(|file| !file.starts_with('/')).for_each(|file| *file = format!("{folder}/{file}"));
    }
    files.extend(redirected(call.command));
    files
}

#[derive(Default)]
struct Read {
    files: Vec<String>,
    folder: Option<String>,
    urls: Vec<String>,
    takes_names: bool,
}

fn read(call: &Call<'_>, options: &Loader) -> Read {
    let mut read = Read::default();
    let mut args = call.args();
    while let Some(arg) = args.next() {
        if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = arg.split_once('=').map_or((arg, None), |(name, value)| (name, Some(value)));
            let (is_file, is_folder) = (options.file.contains(&name), options.folder.contains(&name));
            if is_file || is_folder {
                let value = value.or_else(|| args.next()).unwrap_or_default().to_owned();
                if is_file { read.files.push(value) } else { read.folder = Some(value) }
            }
            read.takes_names |= matches!(long, "remote-name" | "remote-name-all");
        } else if options.file.contains(&arg) {
            read.files.extend(args.next().map(str::to_owned));
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                let option = format!("-{letter}");
                let (is_file, is_folder) = (options.file.contains(&&*option), options.folder.contains(&&*option));
                read.takes_names |= call.name == "curl" && letter == 'O';
                if is_file || is_folder || options.values.contains(letter) {
                    let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                    let value = if rest.is_empty() { args.next().unwrap_or_default() } else { rest }.to_owned();
                    if is_file {
                        read.files.push(value);
                    } else if is_folder {
                        read.folder = Some(value);
                    }
                    break;
                }
            }
        } else if arg.contains("://") || arg.starts_with('$') || arg.contains('.') {
            read.urls.push(arg.to_owned());
        }
    }
    read
}

/// The name of the file that a URL leads to. A URL that only the build knows has a name that only the build knows.
fn name_in(url: &str) -> Option<String> {
    match name_of(url) {
        "" => url.starts_with('$').then(|| format!("./{}", url.trim_end_matches('/'))),
        name => Some(name.to_owned()),
    }
}

/// The name of the file that a URL leads to.
pub fn name_of(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    path.rsplit_once('/').map_or("", |(_, name)| name)
}

/// The files of `> file` and `>> file`.
fn redirected(command: &Command) -> impl Iterator<Item = String> {
    let writes = |operator: &str| matches!(operator, ">" | ">>" | ">|" | "&>" | "&>>");
    let files = command.redirections.iter().filter(move |(operator, _)| writes(operator));
    files.map(|(_, word)| word.text.clone())
}

/// The files that the call writes: redirections, and those of programs that write their input.
pub fn written(call: &Call<'_>) -> Vec<String> {
    let operands = || call.args().filter(|arg| !arg.starts_with('-'));
    let mut files: Vec<String> = redirected(call.command).collect();
    match call.name.as_str() {
        "clear-content" | "sponge" | "tee" => files.extend(operands().map(str::to_owned)),
        "add-content" | "out-file" | "set-content" => files.extend(target_and_value(call).0.map(str::to_owned)),
        "dd" => files.extend(call.args().filter_map(|arg| arg.strip_prefix("of=")).map(str::to_owned)),
        "truncate" if call.args().any(|arg| matches!(arg, "0" | "-s0" | "--size=0")) => {
            files.extend(operands().map(str::to_owned));
        }
        "cp" | "install" if call.args().any(|arg| arg == "/dev/stdin") => {
            files.extend(operands().last().map(str::to_owned));
        }
        _ => {}
    }
    files
}

/// The file that a command of PowerShell writes, and the text that it writes there if it stands among its words.
pub fn target_and_value<'c>(call: &'c Call<'_>) -> (Option<&'c str>, Option<&'c str>) {
    let (target, values) = powershell::target_and_values(call.words);
    (target.map(|word| word.text.as_str()), values.first().map(|word| word.text.as_str()))
}

/// What downloads, and the files that the call writes of it: `curl ... | tee a.sh`, `curl ... | sed ... > a.sh`.
pub fn piped(call: &Call<'_>, downloader: impl Fn(&Command) -> Option<String>) -> Option<(String, Vec<String>)> {
    let files = written(call);
    if files.is_empty() || Loader::of(call).is_some() {
        return None;
    }
    let by = call.script.sources(call.command).into_iter().find_map(downloader)?;
    Some((by, files))
}

/// The address that a program in the words of an interpreter loads, and the file that it writes: `copy('https://...', 'a.php')`.
pub fn by_program<'c>(call: &'c Call<'_>) -> Option<(&'c str, &'c str)> {
    if !INTERPRETERS.contains(&call.name.as_str()) {
        return None;
    }
    let mut args = call.args();
    args.find(|arg| PROGRAM_OPTIONS.contains(arg))?;
    let program = args.next()?;
    let mut rest = program;
    let mut literals: Vec<&str> = Vec::new();
    while let Some((at, quote)) = rest.char_indices().find(|(_, c)| matches!(c, '\'' | '"')) {
        let (literal, behind) = rest.get(at + 1..)?.split_once(quote)?;
        rest = behind;
        literals.push(literal);
        if literals.len() > MOST_LITERALS {
            break;
        }
    }
    let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    let at = literals.iter().position(|text| is_url(text))?;
    let is_written_first = program.contains("file_put_contents");
    let copies = ["copy(", "urlretrieve(", "getstore(", "mirror("].iter().any(|name| program.contains(name));
    let file = if is_written_first { at.checked_sub(1) } else { Some(at + 1).filter(|_| copies) };
    Some((literals.get(at)?, literals.get(file?)?))
}

/// How many texts of such a program are read.
const MOST_LITERALS: usize = 16;
