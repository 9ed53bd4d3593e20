//! Scripts of PowerShell as the same commands: what is in parentheses is a script whose output is a word, blocks are read in their order.

mod content;
mod start;

pub use content::{target_and_values, writes_content};
pub use start::{Started, in_cmd, started};

use super::cursor::Cursor;
use super::{Command, MAX_DEPTH, Script, Word, program_name};

/// Names of PowerShell, and what does the same here.
#[rustfmt::skip]
const SAME: [(&str, &str); 34] = [
    ("ac", "add-content"), ("add-content", "add-content"), ("clc", "clear-content"), ("clear-content", "clear-content"),
    ("copy", "cp"), ("copy-item", "cp"), ("cpi", "cp"), ("del", "rm"), ("erase", "rm"), ("gc", "cat"),
    ("get-content", "cat"), ("irm", "invoke-restmethod"), ("iwr", "invoke-webrequest"), ("mi", "mv"), ("move", "mv"),
    ("move-item", "mv"), ("out-file", "out-file"), ("rd", "rm"), ("remove-item", "rm"), ("ren", "mv"), ("rename", "mv"),
    ("rename-item", "mv"), ("ri", "rm"), ("rmdir", "rm"), ("rni", "mv"), ("saps", "start-process"), ("sc", "set-content"),
    ("set-content", "set-content"), ("set-location", "cd"), ("sl", "cd"), ("start", "start-process"), ("tee-object", "tee"),
    ("type", "cat"), ("write-output", "echo"),
];

/// Options whose value may stand behind a colon.
const WITH_COLON: [&str; 8] =
    ["-argumentlist", "-destination", "-filepath", "-inputobject", "-literalpath", "-outfile", "-path", "-value"];

/// Programs of their own, whose options differ by their case.
const WITH_CASE: [&str; 14] =
    ["aria2c", "bash", "curl", "gh", "git", "gpg", "gpgv", "pip", "pip3", "rpm", "sh", "tar", "unzip", "wget"];
/// How options of `Invoke-WebRequest` begin, which PowerShell also calls `curl` and `wget`.
const OF_REQUESTS: [&str; 12] =
    ["-auth", "-body", "-cont", "-cred", "-disable", "-head", "-meth", "-outf", "-skip", "-time", "-uri", "-usebasic"];

/// Whether a command that begins with these words reads the option in whichever case it is.
fn ignores_case(words: &[Word], option: &str) -> bool {
    let assigned = words.get(2).filter(|_| words.get(1).is_some_and(|word| word.text == "="));
    let name = assigned.or(words.first()).map_or_else(String::new, |word| program_name(&word.text));
    let is_of_request = || {
        let option = option.to_ascii_lowercase();
        matches!(name.as_str(), "curl" | "wget") && OF_REQUESTS.iter().any(|begin| option.starts_with(begin))
    };
    !WITH_CASE.contains(&name.as_str()) || is_of_request()
}

/// Whether the program is PowerShell.
#[must_use]
pub fn is_powershell(name: &str) -> bool {
    matches!(name, "powershell" | "pwsh")
}

/// Whether the program is the command of PowerShell that runs a text. Elixir has one of these names, too.
#[must_use]
pub fn runs_text(name: &str) -> bool {
    ["iex", "invoke-expression"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Reads the script that begins at `base` of the outermost one.
#[must_use]
pub fn read(text: &str, base: usize, depth: usize) -> Script {
    if depth > MAX_DEPTH {
        return Script::default();
    }
    let mut reader = Reader { cursor: Cursor::new(text, base), depth, ..Reader::default() };
    reader.read();
    reader.end(false);
    reader.script
}

/// `/a` of `C:/a`.
fn without_drive(path: &str) -> &str {
    path.get(2..)
        .filter(|rest| path.get(1..2) == Some(":") && rest.starts_with('/') && !rest.starts_with("//"))
        .unwrap_or(path)
}

/// Where `.Content` begins behind a variable that has the answer of a server: `$answer.Content`.
fn content(word: &str) -> Option<usize> {
    let at = word.starts_with('$').then(|| word.to_ascii_lowercase().find(".content"))??;
    let rest = word.get(at + ".content".len()..)?;
    (rest.is_empty() || rest.starts_with('.')).then_some(at)
}

/// `$name`
fn is_variable(word: &str) -> bool {
    let name = word.strip_prefix('$').unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[derive(Default)]
struct Reader<'s> {
    cursor: Cursor<'s>,
    depth: usize,
    script: Script,
    command: Command,
    word: Option<Word>,
    /// The next word is the file of a redirection.
    is_redirected: bool,
    /// The command begins with `&`, so that a variable in its first place is run.
    is_called: bool,
    /// The command begins with a text, which it writes to its output.
    is_text: bool,
    /// As in [`Command::within`].
    within: (usize, usize),
    /// The command starts a program, which is looked for in the folder of the shell, too.
    is_starting: bool,
    /// It is one of the shell of Windows, which looks for all programs in its own folder.
    is_in_cmd: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(c) = self.cursor.next() {
            match c {
                // `${env:A}`, and a table.
                '{' if self.word.as_ref().is_some_and(|word| matches!(word.text.as_str(), "$" | "@")) => {
                    let inner = self.cursor.rest().split(['}', '\n']).next().unwrap_or_default();
                    self.cursor.skip(inner.len() + 1);
                    self.open().text.push_str(inner);
                }
                '\n' | ';' | '{' | '}' => self.end(false),
                '|' => self.end(self.cursor.peek() != Some('|')),
                '(' => self.parenthesis(),
                '\'' | '"' => self.quoted(c),
                '`' => {
                    if let Some(escaped) = self.cursor.next() {
                        self.push(escaped);
                    }
                }
                '#' if self.word.is_none() => {
                    let rest = self.cursor.rest();
                    self.cursor.skip(rest.find('\n').unwrap_or(rest.len()));
                }
                '>' => {
                    self.word = self.word.take().filter(|word| !word.text.bytes().all(|b| b.is_ascii_digit()));
                    self.end_word();
                    // `2>&1`
                    self.is_redirected = self.cursor.peek() != Some('&');
                }
                '=' if self.command.words.is_empty()
                    && self.word.as_ref().is_some_and(|word| word.text.starts_with('$')) =>
                {
                    self.end_word();
                    self.push('=');
                    self.end_word();
                }
                // The shell of Windows escapes signs with `^`.
                c if c.is_whitespace() || matches!(c, ',' | '&' | '^') => {
                    self.end_word();
                    self.is_called |= c == '&' && self.command.words.last().is_none_or(|last| last.text == "=");
                }
                '\\' if self.cursor.peek() == Some('"') => {}
                '\\' => self.push('/'),
                c => self.push(c),
            }
        }
    }

    fn open(&mut self) -> &mut Word {
        let end = self.cursor.place();
        let word = self.word.get_or_insert_with(|| Word { span: end.saturating_sub(1)..end, ..Word::default() });
        word.span.end = end;
        word
    }

    fn push(&mut self, c: char) {
        self.open().text.push(c);
    }

    fn quoted(&mut self, quote: char) {
        self.is_text |= self.word.is_none() && self.command.words.is_empty() && !self.is_in_cmd;
        self.open();
        while let Some(c) = self.cursor.next() {
            match c {
                c if c == quote && self.cursor.peek() == Some(quote) => {
                    self.cursor.next();
                    self.push(c);
                }
                c if c == quote => break,
                '`' if quote == '"' => {
                    if let Some(escaped) = self.cursor.next() {
                        self.push(escaped);
                    }
                }
                '$' if quote == '"' && self.cursor.peek() == Some('(') => {
                    self.cursor.next();
                    let script = self.inside();
                    let word = self.open();
                    word.text.push_str("$()");
                    word.inner.push(script);
                }
                // `docker build` writes the script between quotes, so those in it are escaped.
                '\\' if self.cursor.peek() == Some('"') => {}
                '\\' => self.push('/'),
                c => self.push(c),
            }
        }
        self.open();
    }

    /// The script up to the parenthesis that closes.
    fn inside(&mut self) -> Script {
        let (text, start) = self.cursor.inside();
        read(text, start, self.depth + 1)
    }

    /// The arguments of a method and the members of a list are words of the command.
    fn parenthesis(&mut self) {
        let before = self.word.as_ref().map_or("", |word| word.text.as_str());
        let (is_list, is_new) = (before == "@", !matches!(before, "@" | "$"));
        let is_method = before.contains('.') || before.contains("::");
        let is_run = self.command.words.first().is_some_and(|program| runs_text(&program.text));
        let script = self.inside();
        if is_method && is_run {
            let arguments = script.commands.into_iter().flat_map(|command| command.words);
            let words = self.word.take().into_iter().chain(arguments).collect();
            let commands = vec![Command { words, ..Command::default() }];
            let word = self.open();
            "$()".clone_into(&mut word.text);
            word.inner.push(Script { commands, ..Script::default() });
            return;
        }
        if is_new {
            self.end_word();
        }
        if is_list || is_method {
            self.word = None;
            self.command.words.extend(script.commands.into_iter().flat_map(|command| command.words));
        } else {
            let word = self.open();
            "$()".clone_into(&mut word.text);
            word.inner.push(script);
        }
    }

    fn end_word(&mut self) {
        let Some(mut word) = self.word.take() else { return };
        for name in ["env:", "Env:", "ENV:"] {
            word.text = word.text.replace(&format!("${name}"), "$").replace(&format!("${{{name}"), "${");
        }
        if word.text.starts_with('-') {
            let (name, value) = word.text.split_once(':').unwrap_or((&word.text, ""));
            let name = name.to_ascii_lowercase();
            if WITH_COLON.contains(&name.as_str()) && word.text.contains(':') {
                let value = value.to_owned();
                self.command.words.push(Word::instead(name, &word));
                if value.is_empty() {
                    return;
                }
                word.text = value;
            } else if ignores_case(&self.command.words, &word.text) {
                word.text.make_ascii_lowercase();
            }
        } else if let Some(end) = content(&word.text) {
            word.text.truncate(end);
        }
        word.text.drain(..word.text.len() - without_drive(&word.text).len());
        if std::mem::take(&mut self.is_redirected) {
            self.command.redirections.push((">".to_owned(), word));
            return;
        }
        let words = &mut self.command.words;
        let last = words.last().map_or("=", |last| last.text.as_str());
        if last == "-argumentlist" {
            words.extend(word.text.split_whitespace().map(|part| Word::instead(without_drive(part).to_owned(), &word)));
            return;
        }
        if last == "=" {
            let same = SAME.iter().find(|(name, _)| word.text.eq_ignore_ascii_case(name));
            word.text = same.map_or(word.text, |(_, same)| (*same).to_owned());
            self.is_starting = word.text.eq_ignore_ascii_case("start-process");
            if self.is_in_cmd && start::is_file(&word.text) && !word.text.contains('/') {
                word.text.insert_str(0, "./");
            }
        } else if self.is_starting && word.text.to_ascii_lowercase().ends_with(".exe") && !word.text.contains('/') {
            word.text.insert_str(0, "./");
        }
        words.push(word);
    }

    /// Ends a command. What follows may read its output.
    fn end(&mut self, is_piped: bool) {
        self.end_word();
        let (mut command, is_called) = (std::mem::take(&mut self.command), std::mem::take(&mut self.is_called));
        let is_text = std::mem::take(&mut self.is_text);
        if command.words.is_empty() {
            return;
        }
        command.within = self.within;
        // `$name = ...` is a variable with the text, or with the output of a command.
        if command.words.get(1).is_some_and(|word| word.text == "=") {
            let value = command.words.split_off(2);
            let name = command.words.swap_remove(0);
            let is_text =
                |word: &Word| word.inner.is_empty() && value.len() == 1 && !is_called && !is_variable(&word.text);
            if let Some(text) = value.first().filter(|word| is_text(word)) {
                let both = format!("{}={}", name.text.trim_start_matches('$'), text.text);
                let mut word = Word::instead(both, &name);
                word.span.end = text.span.end;
                command.words = vec![word];
            } else {
                command.words = value;
                command.redirections.push((">".to_owned(), name));
            }
        }
        // A text and the output of a script are written to the output, too.
        let is_printed = |word: &Word| {
            (is_text && is_piped) || ((is_text || word.text == "$()") && !command.redirections.is_empty())
        };
        if let ([word], false) = (command.words.as_slice(), is_called)
            && is_printed(word)
        {
            let program = Word::instead("echo".to_owned(), word);
            command.words.insert(0, program);
        }
        let is_value = |word: &&Word| word.text.starts_with('$') && word.inner.is_empty() && !word.text.contains('.');
        if let Some(value) = command.words.first().filter(is_value).filter(|_| !is_called) {
            // It is the output.
            let program = Word::instead("cat".to_owned(), value);
            command.words.insert(0, program);
        }
        let at = self.script.commands.len();
        self.script.commands.push(command);
        self.command.reads = if is_piped { at..at + 1 } else { 0..0 };
    }
}
