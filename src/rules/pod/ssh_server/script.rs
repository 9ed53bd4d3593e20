//! Splits the text of a script into command lines, and looks at each.

use super::server::Server;
use super::words::SHELLS;
use crate::shell::Script;
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
    match dialect {
        _ if depth > MAX_DEPTH => None,
        Dialect::Unix => in_unix(&Script::new(text), depth, find_in_line),
        Dialect::Windows => Windows::new(text).find_map(|words| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            find_in_line(&words, depth)
        }),
    }
}

fn in_unix(script: &Script, depth: usize, find_in_line: FindInLine) -> Option<Server> {
    if depth > MAX_DEPTH {
        return None;
    }
    script.commands.iter().find_map(|command| {
        let files = command.redirections.iter().map(|(_, file)| file);
        let mut inner = command.words.iter().chain(files).flat_map(|word| &word.inner);
        let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        let is_shell =
            words.first().is_some_and(|program| SHELLS.contains(&program.rsplit('/').next().unwrap_or_default()));
        let input = command.input.as_ref().filter(|_| is_shell);
        inner
            .find_map(|script| in_unix(script, depth + 1, find_in_line))
            .or_else(|| find_in_line(&words, depth))
            .or_else(|| find(&input?.text, Dialect::Unix, depth + 1, find_in_line))
    })
}

/// The command lines of a script of Windows, each as its words.
struct Windows<'s>(Chars<'s>);

impl<'s> Windows<'s> {
    fn new(text: &'s str) -> Self {
        Self(text.chars())
    }
}

impl Iterator for Windows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.0.as_str().is_empty() {
            return None;
        }
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        // The next word is the file of a redirection.
        let mut is_target = false;
        while let Some(c) = self.0.next() {
            match c {
                ' ' | '\t' | '\r' => {
                    if let Some(word) = word.take()
                        && !std::mem::take(&mut is_target)
                    {
                        words.push(word);
                    }
                }
                '\n' | ';' | '|' | '&' | '(' | ')' | '{' | '}' => break,
                '<' | '>' => {
                    // A number before it is a file descriptor, and no word.
                    let before = word.take().filter(|word| word.chars().any(|c| !c.is_ascii_digit()));
                    words.extend(before);
                    is_target = true;
                }
                '\'' | '"' => {
                    let word = word.get_or_insert_default();
                    word.extend(self.0.by_ref().take_while(|inner| *inner != c));
                }
                '^' | '`' => {
                    if let Some(escaped) = self.0.next().filter(|c| !c.is_whitespace()) {
                        word.get_or_insert_default().push(escaped);
                    }
                }
                '#' if word.is_none() => {
                    let comment = self.0.by_ref().position(|c| c == '\n');
                    if comment.is_some() {
                        break;
                    }
                }
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word.filter(|_| !is_target));
        Some(words)
    }
}
