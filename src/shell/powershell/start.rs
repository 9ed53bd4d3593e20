//! How PowerShell is started: its own options and what comes behind them, also in the shell of Windows.

use super::{Reader, is_powershell};
use crate::shell::cursor::Cursor;
use crate::shell::{Script, program_name};

/// What PowerShell runs, by the place of the word.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    /// The text of a script, or the first of the words that are one.
    Text(usize),
    File(usize),
}

/// Options with a value, and how many letters of each are enough.
const VALUES: [(&str, usize); 12] = [
    ("configurationfile", 14),
    ("configurationname", 3),
    ("custompipename", 2),
    ("encodedcommand", 1),
    ("executionpolicy", 2),
    ("inputformat", 3),
    ("outputformat", 1),
    ("psconsolefile", 1),
    ("settingsfile", 2),
    ("version", 1),
    ("windowstyle", 1),
    ("workingdirectory", 2),
];
/// Further names of the same.
const ALIASES: [&str; 6] = ["ec", "ep", "if", "in", "of", "wd"];
/// Options without a value, which begin with a slash as well.
const SWITCHES: [&str; 9] =
    ["command", "commandwithargs", "file", "mta", "noexit", "nologo", "noninteractive", "noprofile", "sta"];

/// The option without its sign; none for another word.
fn option(program: &str, word: &str) -> Option<String> {
    // For `pwsh`, which runs in Linux, a word with a slash is a path.
    let behind_slash = || word.strip_prefix('/').filter(|_| program == "powershell");
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).or_else(behind_slash)?;
    let name = name.to_ascii_lowercase();
    let is_known = || VALUES.iter().map(|(known, _)| known).chain(&SWITCHES).any(|known| known.starts_with(&name));
    (!name.is_empty() && (word.starts_with('-') || is_known())).then_some(name)
}

fn takes_value(option: &str) -> bool {
    ALIASES.contains(&option) || VALUES.iter().any(|(name, least)| option.len() >= *least && name.starts_with(option))
}

/// What the program starts with these arguments.
#[must_use]
pub fn started<'w>(program: &str, arguments: impl Iterator<Item = &'w str>) -> Option<Started> {
    let mut arguments = arguments.enumerate();
    while let Some((at, word)) = arguments.next() {
        let Some(option) = option(program, word) else {
            // Without an option, `powershell` takes a command and `pwsh` a file.
            let is_file = program == "pwsh" || word.to_ascii_lowercase().ends_with(".ps1");
            return Some(if is_file { Started::File(at) } else { Started::Text(at) });
        };
        if "command".starts_with(&option) || matches!(option.as_str(), "cwa" | "commandwithargs") {
            return Some(Started::Text(at + 1));
        } else if "file".starts_with(&option) {
            return Some(Started::File(at + 1));
        } else if takes_value(&option) {
            arguments.next();
        }
    }
    None
}

/// Programs besides PowerShell that load, check, move, unpack, install or remove files or packages, or set variables for good.
#[rustfmt::skip]
const FOLLOWED: [&str; 29] = [
    "cd", "certutil", "chdir", "choco", "cinst", "copy", "cup", "curl", "del", "erase", "findstr", "gpg", "gpgv", "move", "msiexec", "pip",
    "pip2", "pip3", "pipx", "python", "python3", "rd", "ren", "rename", "rmdir", "setx", "signtool", "tar", "uv",
];

/// Whether the word names a file that the shell of Windows runs. It looks in its own folder first.
pub(super) fn is_file(word: &str) -> bool {
    let end = word.rsplit_once('.').map_or("", |(_, end)| end);
    ["bat", "cmd", "exe", "msi"].iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// The scripts of PowerShell that a line of the shell of Windows starts, with what other programs do with files there.
#[must_use]
pub fn in_cmd(line: &str) -> Option<Script> {
    let mut reader = Reader::default();
    let mut is_found = false;
    for (number, (begin, part)) in parts(line).into_iter().enumerate() {
        let (at, words) = program(part);
        let mut text = part.get(at..).unwrap_or_default();
        if !text.contains('(') {
            // It closes one before the program.
            text = text.trim_end_matches([')', ' ']);
        }
        // A path with blanks is in quotes.
        let first = words.first().copied().unwrap_or_default();
        let file = text.strip_prefix('"').map_or(first, |inner| inner.split('"').next().unwrap_or(inner));
        let file = file.trim_matches(['"', ')']);
        let name = program_name(file);
        let is_own = is_powershell(&name);
        let is_file = is_file(file);
        if let (true, Some(Started::Text(word))) = (is_own, started(&name, words.iter().skip(1).copied())) {
            text = words.get(word + 1).map_or("", |word| from(text, word)).trim_end();
            text = in_quotes(text);
        } else if !is_own && !is_file && !FOLLOWED.contains(&name.as_str()) {
            continue;
        }
        is_found = true;
        reader.is_in_cmd = !is_own;
        reader.cursor = Cursor::new(text, begin + offset(part, text));
        // Each process has a folder of its own.
        reader.within = if is_own { (1, number + 1) } else { (0, 0) };
        reader.read();
        reader.end(false);
    }
    is_found.then_some(reader.script)
}

/// The words of a command from its program on, behind `call`, `start /wait`, `cmd /c` and `if exist a`, and where they begin.
fn program(part: &str) -> (usize, Vec<&str>) {
    let words: Vec<&str> = part.split_whitespace().collect();
    let (mut at, mut is_in_quotes) = (0, false);
    while let Some(word) = words.get(at) {
        let bare = word.trim_matches(['@', '"', '(', '|']);
        let is = |known: &str| bare.eq_ignore_ascii_case(known);
        if is("if") {
            at = condition(&words, at + 1);
        } else if ["call", "cmd", "cmd.exe", "else", "start"].into_iter().any(is)
            || bare.starts_with('/')
            || bare.is_empty()
        {
            // The quotes of `cmd /c "a b"` are around the whole command.
            is_in_quotes |= is("cmd") || is("cmd.exe");
            at += 1;
        } else {
            break;
        }
    }
    let Some(first) = words.get(at) else { return (part.len(), Vec::new()) };
    let first = first.trim_start_matches(['@', '(', '|']);
    let first = if is_in_quotes { first.trim_start_matches('"') } else { first };
    let rest = words.get(at + 1..).unwrap_or_default();
    (offset(part, first), std::iter::once(first).chain(rest.iter().copied()).collect())
}

/// The place of the word behind the condition of an `if`: `not exist a.exe`, `"%A%"=="b"`, `%A% equ b`.
fn condition(words: &[&str], from: usize) -> usize {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let is = |at: usize, list: &[&str]| list.iter().any(|known| word(at).eq_ignore_ascii_case(known));
    let mut at = from;
    while is(at, &["/i", "not"]) {
        at += 1;
    }
    if is(at, &["cmdextversion", "defined", "errorlevel", "exist"]) {
        at = operand(words, at + 1);
    } else if word(at).contains("==") {
        at = operand(words, at);
    } else {
        at = operand(words, operand(words, at) + 1);
    }
    at.min(words.len())
}

/// The place of the word behind an operand, which has blanks in quotes.
fn operand(words: &[&str], from: usize) -> usize {
    let mut is_open = false;
    let end = words.iter().skip(from).position(|word| {
        is_open ^= word.matches('"').count() % 2 == 1;
        !is_open
    });
    end.map_or(words.len(), |end| from + end + 1)
}

/// The text between quotes, if it begins with one. What follows may be a pipe.
fn in_quotes(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('"') else { return text };
    let is_end = |(number, (at, _)): &(usize, (usize, &str))| {
        let (before, behind) =
            (inner.get(..*at).unwrap_or_default(), inner.get(at + 1..).unwrap_or_default().trim_start());
        // Each second one closes.
        number % 2 == 0 && !before.ends_with('\\') && (behind.is_empty() || behind.starts_with(['|', '<', '>']))
    };
    let end = inner.match_indices('"').enumerate().find(is_end).map(|(_, (at, _))| at);
    end.and_then(|end| inner.get(..end)).unwrap_or(inner)
}

/// The text from this part of it on.
fn from<'t>(text: &'t str, part: &str) -> &'t str {
    text.get(offset(text, part)..).unwrap_or_default()
}

/// Where a part of the text begins in it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The commands of a line that `&`, `&&` and `||` part, with the places where they begin.
fn parts(line: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in line.char_indices() {
        let is_end = match c {
            _ if std::mem::take(&mut is_escaped) => false,
            '"' => {
                is_quoted = !is_quoted;
                false
            }
            '^' => {
                is_escaped = !is_quoted;
                false
            }
            '|' => !is_quoted && line.get(at + 1..).is_some_and(|rest| rest.starts_with('|')),
            c => matches!(c, '&' | '\n') && !is_quoted,
        };
        if is_end {
            parts.push((begin, line.get(begin..at).unwrap_or_default()));
            begin = at + 1;
        }
    }
    parts.push((begin, line.get(begin..).unwrap_or_default()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::calls;

    #[test]
    fn options_of_powershell_are_read_as_it_reads_them() {
        let started = |program: &str, line: &str| started(program, line.split(' '));
        for (line, wanted) in [
            ("-ExecutionPolicy Bypass -File v.ps1", Some(Started::File(3))),
            ("-ex bypass -NonI -f v.ps1", Some(Started::File(4))),
            ("-nop -ep Bypass -c a", Some(Started::Text(4))),
            ("/NoProfile /Command a", Some(Started::Text(2))),
            ("--noprofile -Comm a b", Some(Started::Text(2))),
            ("-Version 2.0 a b", Some(Started::Text(2))),
            ("-NoLogo ./v.PS1 -File a", Some(Started::File(1))),
            ("-EncodedCommand YQ==", None),
            ("-NoProfile", None),
        ] {
            assert_eq!(started("powershell", line), wanted, "{line}");
        }
        assert_eq!(started("pwsh", "-NoProfile /v"), Some(Started::File(1)));
        assert_eq!(started("pwsh", "-wd /w -c a"), Some(Started::Text(3)));
    }

    #[test]
    fn the_shell_of_windows_starts_powershell() {
        for (line, wanted) in [
            ("mkdir a && powershell -c \"b; c 'd & e'\"", vec!["b", "c d & e"]),
            (
                "powershell a ^| b & cd c & call PowerShell.exe -Command \"d\" | findstr \"e\"",
                vec!["a", "b", "cd c", "d"],
            ),
            ("@powershell -NoProfile -Command \"a\" && SET PATH=%PATH%;b", vec!["a"]),
            (
                "cmd /S /C \"powershell -File v.ps1\" || certutil -hashfile a SHA256 | findstr b",
                vec!["powershell -file v.ps1", "certutil -hashfile a SHA256", "findstr b"],
            ),
            ("powershell -Command \"a -match \"b\" | c\" > d", vec!["a -match b", "c"]),
            ("mkdir a && copy b c", vec!["cp b c"]),
            (
                "curl.exe -o a.exe b && start /wait a.exe /S & msiexec /i c.msi & setx A b /M & C:\\d.bat & dir",
                vec!["curl -o a.exe b", "a /S", "msiexec /i c.msi", "setx A b /M", "d.bat"],
            ),
            (
                "\"a.exe\" /S & \"C:\\Program Files\\b.exe\" /S & start \"\" /w \"c.exe\" /S & cmd /c \"d.exe /S\" & cmd /c e.exe",
                vec!["a /S", "b /S", "c /S", "d /S", "e"],
            ),
            (
                "if exist a.exe a.exe /S & if not exist \"C:\\b c\" (d.exe) & if /i \"%A%\"==\"a b\" \"e.exe\" & if %A% equ b f.exe & if errorlevel 1 exit",
                vec!["a /S", "d", "e", "f"],
            ),
            (
                "curl -fsSLO a & tar -xJf b -C c & choco install -y d & pip install --trusted-host e f & if exist",
                vec!["curl -fsSLO a", "tar -xJf b -C c", "choco install -y d", "pip install --trusted-host e f"],
            ),
            ("mkdir a", vec![]),
            ("echo powershell -c a", vec![]),
        ] {
            let mut found = Vec::new();
            if let Some(script) = in_cmd(line) {
                calls(&script, &mut |call| {
                    found
                        .push(format!("{} {}", call.name, call.args().collect::<Vec<_>>().join(" ")).trim().to_owned());
                });
            }
            assert_eq!(found, wanted, "{line}");
        }
        // Places are those of the line.
        let line = "mkdir é && powershell -c \"a; b\" & powershell -c c";
        let mut places = Vec::new();
        calls(&in_cmd(line).unwrap(), &mut |call| places.push(&line[call.place()]));
        assert_eq!(places, ["a", "b", "c"]);
    }
}
