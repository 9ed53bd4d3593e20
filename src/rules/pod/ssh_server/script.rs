//! Splits the text of a script into command lines. It is no shell: it does not see what the script computes while it runs.

use super::server::Server;
use super::words::SHELLS;
use std::str::Chars;

/// The quotes and separators of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Those of sh and the like.
    Unix,
    /// Those of cmd and PowerShell.
    Windows,
}

/// How deep scripts in scripts are read. Each level costs as much as its text.
const MAX_DEPTH: usize = 6;

/// Finds the SSH server that a command line runs, at this depth of scripts in scripts.
pub type FindInLine = fn(&[&str], usize) -> Option<Server>;

/// The SSH server that the script runs. `find_in_line` is called with each of its command lines.
pub fn find(text: &str, dialect: Dialect, depth: usize, find_in_line: FindInLine) -> Option<Server> {
    if depth > MAX_DEPTH {
        return None;
    }
    let script = Script {
        rest: text.chars(),
        dialect,
        depth,
        find_in_line,
        words: Vec::new(),
        word: None,
        parentheses: 0,
        heredocs: Vec::new(),
        is_target: false,
        found: None,
    };
    script.read()
}

struct Script<'s> {
    rest: Chars<'s>,
    dialect: Dialect,
    depth: usize,
    find_in_line: FindInLine,
    /// The words of this command line so far.
    words: Vec<String>,
    word: Option<String>,
    /// How many parentheses are open.
    parentheses: usize,
    heredocs: Vec<Heredoc>,
    /// The next word is the file of a redirection.
    is_target: bool,
    found: Option<Server>,
}

/// A here-document: text that begins on the next line.
struct Heredoc {
    end: String,
    is_indented: bool,
    /// Whether a shell reads it as a script.
    is_script: bool,
}

impl<'s> Script<'s> {
    fn read(mut self) -> Option<Server> {
        while let Some(c) = self.rest.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => self.end_line(),
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '<' | '>' => self.redirection(c),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.rest.next();
                    }
                }
                _ if self.dialect == Dialect::Windows => self.windows(c),
                _ => self.unix(c),
            }
            if self.found.is_some() {
                return self.found;
            }
        }
        self.end_command();
        self.found
    }

    fn unix(&mut self, c: char) {
        match c {
            '\\' => match self.rest.next() {
                Some('\n') | None => {}
                Some(escaped) => self.push(escaped),
            },
            '&' if self.peek() == Some('>') => self.redirection('&'),
            ';' | '|' | '&' => self.end_command(),
            '`' => self.substitution('`'),
            '$' if self.peek() == Some('(') => self.substitution('('),
            '(' if self.word.as_ref().is_some_and(|word| word.ends_with('=')) => {
                // `NAME=(...)` is a list of words, and no command.
                self.inside();
            }
            '(' => {
                // The words before it are the name of a function.
                self.words.clear();
                self.word = None;
                self.parentheses += 1;
            }
            ')' if self.parentheses == 0 => {
                // The words before it are a pattern of `case`.
                self.words.clear();
                self.word = None;
            }
            ')' => {
                self.parentheses -= 1;
                self.end_command();
            }
            c => self.push(c),
        }
    }

    fn windows(&mut self, c: char) {
        match c {
            '^' | '`' => {
                if let Some(escaped) = self.rest.next().filter(|c| !c.is_whitespace()) {
                    self.push(escaped);
                }
            }
            ';' | '|' | '&' | '(' | ')' | '{' | '}' => self.end_command(),
            c => self.push(c),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.is_target)
        {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if self.found.is_none() {
            self.found = (self.find_in_line)(&words, self.depth);
        }
    }

    fn end_line(&mut self) {
        self.end_command();
        for heredoc in std::mem::take(&mut self.heredocs) {
            let text = self.rest.as_str();
            let mut length = 0;
            let mut body = 0;
            for line in text.split_inclusive('\n') {
                length += line.len();
                let bare = if heredoc.is_indented { line.trim_start_matches('\t') } else { line };
                if bare.trim_end_matches(['\n', '\r']) == heredoc.end {
                    break;
                }
                body = length;
            }
            self.rest = text.get(length..).unwrap_or_default().chars();
            if heredoc.is_script {
                self.search(text.get(..body).unwrap_or_default());
            }
        }
    }

    fn search(&mut self, script: &str) {
        self.found = self.found.or_else(|| find(script, self.dialect, self.depth + 1, self.find_in_line));
    }

    fn single_quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(c) = self.rest.next().filter(|c| *c != '\'') {
            self.push(c);
        }
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_default();
        let is_unix = self.dialect == Dialect::Unix;
        while let Some(c) = self.rest.next().filter(|c| *c != '"') {
            match (c, self.peek()) {
                ('\\', Some(next)) if is_unix && matches!(next, '"' | '\\' | '$' | '`' | '\n') => {
                    self.rest.next();
                    if next != '\n' {
                        self.push(next);
                    }
                }
                ('$', Some('(')) if is_unix => self.substitution('('),
                ('`', _) if is_unix => self.substitution('`'),
                _ => self.push(c),
            }
        }
    }

    /// `$(...)` or backticks: a script of its own, which may print the name of a program.
    fn substitution(&mut self, open: char) {
        let inner = if open == '(' {
            self.rest.next();
            self.inside()
        } else {
            let text = self.rest.as_str();
            let (inner, rest) = text.split_once('`').unwrap_or((text, ""));
            self.rest = rest.chars();
            inner
        };
        let words: Vec<&str> = inner.split_whitespace().take(4).collect();
        match words.as_slice() {
            ["which", program] | ["command", "-v", program] | ["type", "-p" | "-P", program] => {
                self.word.get_or_insert_default().push_str(program);
            }
            _ => {
                self.search(inner);
                self.word.get_or_insert_default().push_str("$()");
            }
        }
    }

    /// Returns the text up to the closing parenthesis, and skips both.
    fn inside(&mut self) -> &'s str {
        let text = self.rest.as_str();
        let mut open = 1_usize;
        let mut quote = None;
        let end = text.char_indices().find(|(_, c)| {
            match (quote, c) {
                (Some(q), c) if q == *c => quote = None,
                (None, '\'' | '"') => quote = Some(*c),
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                _ => {}
            }
            open == 0
        });
        let end = end.map_or(text.len(), |(index, _)| index);
        self.rest = text.get(end + 1..).unwrap_or_default().chars();
        text.get(..end).unwrap_or_default()
    }

    fn redirection(&mut self, first: char) {
        // A number before it is a file descriptor, and no word.
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let mut operator = String::from(first);
        while let Some(c) = self.peek().filter(|c| matches!(c, '<' | '>' | '&' | '|')) {
            self.rest.next();
            operator.push(c);
        }
        if self.peek() == Some('(') {
            self.rest.next();
            let inner = self.inside();
            self.search(inner);
        } else if operator == "<<" {
            self.heredoc();
        } else {
            self.is_target = true;
        }
    }

    fn heredoc(&mut self) {
        let is_indented = self.peek() == Some('-');
        if is_indented {
            self.rest.next();
        }
        let text = self.rest.as_str();
        let trimmed = text.trim_start_matches([' ', '\t']);
        let length = trimmed.find(|c: char| c.is_whitespace() || ";&|<>()".contains(c)).unwrap_or(trimmed.len());
        let (end, rest) = trimmed.split_at_checked(length).unwrap_or((trimmed, ""));
        self.rest = rest.chars();
        let is_script = self.words.first().is_some_and(|program| {
            let file = program.rsplit('/').next().unwrap_or_default();
            SHELLS.contains(&file)
        });
        self.heredocs.push(Heredoc { end: end.replace(['"', '\'', '\\'], ""), is_indented, is_script });
    }
}
