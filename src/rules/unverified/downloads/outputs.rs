//! The files that a downloader writes.

use super::super::scripts::DOWNLOADERS;
use crate::shell::{Call, Command};

/// How a downloader names its file.
struct Options {
    /// Options whose value is the file.
    file: &'static [&'static str],
    /// Options whose value is the folder.
    folder: &'static [&'static str],
    /// Other short options with a value, as letters.
    values: &'static str,
}

const CURL: Options =
    Options { file: &["-o", "--output"], folder: &["--output-dir"], values: "AbcCdDeEFhHKmPQrTtuUwxXyYz" };
const WGET: Options =
    Options { file: &["-O", "--output-document"], folder: &["-P", "--directory-prefix"], values: "aeioABDIQRTUltwX" };
const ARIA2: Options = Options { file: &["-o", "--out"], folder: &["-d", "--dir"], values: "ijkmpsx" };
const OTHER: Options = Options { file: &["-o", "--output"], folder: &[], values: "" };

pub fn is_downloader(name: &str) -> bool {
    DOWNLOADERS.contains(&name)
}

/// The files that the call writes, by its options and its redirections.
pub fn of(call: &Call<'_>) -> Vec<String> {
    if !is_downloader(&call.name) {
        return Vec::new();
    }
    let options = match call.name.as_str() {
        "curl" => &CURL,
        "wget" => &WGET,
        "aria2c" => &ARIA2,
        _ => &OTHER,
    };
    let read = read(call, options);
    let mut files: Vec<String> = read.files;
    // curl writes to its output, unless it takes the names of the server's files; wget and aria2c always take them.
    let takes_names = if call.name == "curl" { read.takes_names } else { files.is_empty() && call.name != "http" };
    if takes_names {
        files.extend(read.urls.iter().map(|url| name_of(url).to_owned()).filter(|name| !name.is_empty()));
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

fn read(call: &Call<'_>, options: &Options) -> Read {
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

/// What downloads, and the files that the call writes of it: `curl ... | tee a.sh`, `curl ... | sed ... > a.sh`.
pub fn piped(call: &Call<'_>, downloader: impl Fn(&Command) -> Option<String>) -> Option<(String, Vec<String>)> {
    let mut files: Vec<String> = redirected(call.command).collect();
    if call.name == "tee" {
        files.extend(call.args().filter(|arg| !arg.starts_with('-')).map(str::to_owned));
    }
    if files.is_empty() || is_downloader(&call.name) {
        return None;
    }
    let by = call.script.sources(call.command).into_iter().find_map(downloader)?;
    Some((by, files))
}
