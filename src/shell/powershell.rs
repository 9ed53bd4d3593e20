//! Scripts of PowerShell as the same commands: what is in parentheses is a script whose output is a word, blocks are read in their order.

use super::{Command, MAX_DEPTH, Script, Word};

/// Names of PowerShell, and what does the same here.
const SAME: [(&str, &str); 9] = [
    ("copy-item", "cp"),
    ("del", "rm"),
    ("irm", "invoke-restmethod"),
    ("iwr", "invoke-webrequest"),
    ("move-item", "mv"),
    ("remove-item", "rm"),
    ("rename-item", "mv"),
    ("saps", "start-process"),
    ("start", "start-process"),
];

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

/// The script in `powershell -NoProfile -Command "..."`, as the shell of Windows starts it, and where it begins.
#[must_use]
pub fn command(line: &str) -> Option<(&str, usize)> {
    let mut words = line.split_whitespace();
    let program = words.next()?.to_ascii_lowercase();
    let is_named = is_powershell(program.rsplit(['/', '\\']).next()?.trim_end_matches(".exe"));
    let option = words.find(|word| ["-c", "-command"].iter().any(|name| word.eq_ignore_ascii_case(name)));
    let behind = option.filter(|_| is_named)?;
    let rest = line.get((behind.as_ptr() as usize).saturating_sub(line.as_ptr() as usize) + behind.len()..)?;
    let script = rest.trim().trim_matches('"');
    let start = (script.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    Some((script, start))
}

/// Reads the script that begins at `base` of the outermost one.
#[must_use]
pub fn read(text: &str, base: usize, depth: usize) -> Script {
    if depth > MAX_DEPTH {
        return Script::default();
    }
    let mut reader = Reader { text, at: 0, base, depth, ..Reader::default() };
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

#[derive(Default)]
struct Reader<'s> {
    text: &'s str,
    at: usize,
    base: usize,
    depth: usize,
    script: Script,
    command: Command,
    word: Option<Word>,
    /// The next word is the file of a redirection.
    is_redirected: bool,
    /// The command begins with `&`, so that a variable in its first place is run.
    is_called: bool,
    /// The command starts a program, which is looked for in the folder of the shell, too.
    is_starting: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn read(&mut self) {
        while let Some(c) = self.next() {
            match c {
                // `${env:A}`, and a table.
                '{' if self.word.as_ref().is_some_and(|word| matches!(word.text.as_str(), "$" | "@")) => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    let inner = rest.split(['}', '\n']).next().unwrap_or_default();
                    self.at += (inner.len() + 1).min(rest.len());
                    self.open().text.push_str(inner);
                }
                '\n' | ';' | '{' | '}' => self.end(false),
                '|' => self.end(self.peek() != Some('|')),
                '(' => self.parenthesis(),
                '\'' | '"' => self.quoted(c),
                '`' if self.next().is_none() => {}
                '`' => self.push(self.text.get(..self.at).and_then(|text| text.chars().next_back()).unwrap_or(' ')),
                '#' if self.word.is_none() => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                '>' => {
                    self.word = self.word.take().filter(|word| !word.text.bytes().all(|b| b.is_ascii_digit()));
                    self.end_word();
                    // `2>&1`
                    self.is_redirected = self.peek() != Some('&');
                }
                '=' if self.command.words.is_empty()
                    && self.word.as_ref().is_some_and(|word| word.text.starts_with('$')) =>
                {
                    self.end_word();
                    self.push('=');
                    self.end_word();
                }
                c if c.is_whitespace() || matches!(c, ',' | '&') => {
                    self.end_word();
                    self.is_called |= c == '&' && self.command.words.last().is_none_or(|last| last.text == "=");
                }
                '\\' if self.peek() == Some('"') => {}
                '\\' => self.push('/'),
                c => self.push(c),
            }
        }
    }

    fn open(&mut self) -> &mut Word {
        let end = self.base + self.at;
        let word = self.word.get_or_insert_with(|| Word { span: end.saturating_sub(1)..end, ..Word::default() });
        word.span.end = end;
        word
    }

    fn push(&mut self, c: char) {
        self.open().text.push(c);
    }

    fn quoted(&mut self, quote: char) {
        self.open();
        while let Some(c) = self.next() {
            match c {
                c if c == quote && self.peek() == Some(quote) => {
                    self.next();
                    self.push(c);
                }
                c if c == quote => break,
                '`' if quote == '"' => {
                    if let Some(escaped) = self.next() {
                        self.push(escaped);
                    }
                }
                '$' if quote == '"' && self.peek() == Some('(') => {
                    self.next();
                    let script = self.inside();
                    let word = self.open();
                    word.text.push_str("$()");
                    word.inner.push(script);
                }
                // `docker build` writes the script between quotes, so those in it are escaped.
                '\\' if self.peek() == Some('"') => {}
                '\\' => self.push('/'),
                c => self.push(c),
            }
        }
        self.open();
    }

    /// The script up to the parenthesis that closes.
    fn inside(&mut self) -> Script {
        let (rest, start) = (self.text.get(self.at..).unwrap_or_default(), self.base + self.at);
        let (mut open, mut quote) = (1_usize, None);
        let end = rest.char_indices().find(|(_, c)| {
            match (quote, c) {
                (Some(q), c) if q == *c => quote = None,
                (None, '\'' | '"') => quote = Some(*c),
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            open == 0
        });
        let end = end.map_or(rest.len(), |(at, _)| at);
        self.at += (end + 1).min(rest.len());
        read(rest.get(..end).unwrap_or_default(), start, self.depth + 1)
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
            word.text.make_ascii_lowercase();
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
        } else if self.is_starting && word.text.to_ascii_lowercase().ends_with(".exe") && !word.text.contains('/') {
            word.text.insert_str(0, "./");
        }
        words.push(word);
    }

    /// Ends a command. What follows may read its output.
    fn end(&mut self, is_piped: bool) {
        self.end_word();
        let (mut command, is_called) = (std::mem::take(&mut self.command), std::mem::take(&mut self.is_called));
        if command.words.is_empty() {
            return;
        }
        // `$name = ...` is a variable with the text, or with the output of a command.
        if command.words.get(1).is_some_and(|word| word.text == "=") {
            let value = command.words.split_off(2);
            let name = command.words.swap_remove(0);
            let is_text = |word: &Word| word.inner.is_empty() && value.len() == 1 && !is_called;
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
