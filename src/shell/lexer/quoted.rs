//! Quotes, scripts inside words, and redirections.

use super::{Lexer, note_part, read};
use crate::shell::heredoc::Heredoc;
use crate::shell::{Command, Failure, Word};

/// The longest `${...}`. What is longer is read as the text that it is.
const MAX_BRACES: usize = 512;

impl Lexer<'_> {
    pub(super) fn single_quoted(&mut self) {
        let is_new = self.word.is_none();
        let rest = self.cursor.rest();
        let length = rest.find('\'').unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let start = self.cursor.place();
        let word = self.open(1);
        note_part(word, start);
        word.text.push_str(text);
        self.cursor.skip(length + 1);
        self.close(is_new, start);
    }

    /// Ends a quoted part. The text stands as it is only if the word begins with it.
    fn close(&mut self, is_new: bool, start: usize) {
        let end = self.cursor.place();
        if let Some(word) = &mut self.word {
            word.span.end = end;
            word.start = word.start.filter(|_| is_new).map(|_| start);
        }
    }

    pub(super) fn double_quoted(&mut self) {
        let is_new = self.word.is_none();
        let start = self.cursor.place();
        self.open(1);
        let mut is_plain = true;
        while let Some(c) = self.cursor.next().filter(|c| *c != '"') {
            match (c, self.cursor.peek()) {
                ('\\', Some(next)) if matches!(next, '"' | '\\' | '$' | '`' | '\n') => {
                    self.cursor.next();
                    is_plain = false;
                    if next != '\n' {
                        self.push(next);
                    }
                }
                ('$', Some('(')) => {
                    self.substitution('(');
                    is_plain = false;
                }
                ('`', _) => {
                    self.substitution('`');
                    is_plain = false;
                }
                _ => self.push(c),
            }
        }
        self.close(is_new && is_plain, start);
    }

    /// `${NAME:-(}`: parentheses in it are text.
    pub(super) fn braces(&mut self) {
        self.push('$');
        let end = self.cursor.rest().chars().take(MAX_BRACES).position(|c| matches!(c, '}' | '\n'));
        let end = end.filter(|end| self.cursor.rest().chars().nth(*end) == Some('}'));
        for _ in 0..end.map_or(1, |end| end + 1) {
            if let Some(c) = self.cursor.next() {
                self.push(c);
            }
        }
    }

    /// `$(...)` or backticks: a script of its own, which may print the name of a program.
    pub(super) fn substitution(&mut self, open: char) {
        let begin = self.cursor.place() - 1;
        self.open(1);
        let (inner, start) = if open == '(' {
            self.cursor.next();
            self.cursor.inside()
        } else {
            let (rest, start) = (self.cursor.rest(), self.cursor.place());
            let length = rest.find('`').unwrap_or(rest.len());
            self.cursor.skip(length + 1);
            (rest.get(..length).unwrap_or_default(), start)
        };
        let words: Vec<&str> = inner.split_whitespace().take(4).collect();
        let printed = match words.as_slice() {
            ["which", program] | ["command", "-v", program] | ["type", "-p" | "-P", program] => *program,
            _ => "$()",
        };
        let mut script = read(inner, start, self.depth + 1);
        for Command { failure, .. } in &mut script.commands {
            // The shell inside has the options of the one around it.
            *failure = if *failure == Failure::Ignored { Failure::Printed } else { Failure::Counts };
        }
        let end = self.cursor.place();
        let word = self.open(0);
        note_part(word, begin);
        word.text.push_str(printed);
        // Its end stands for the end.
        word.parts.push((word.text.len() - 1, end - 1));
        word.span.end = end;
        word.start = None;
        word.inner.push(script);
    }

    pub(super) fn redirection(&mut self, first: char) {
        let begin = self.cursor.place() - first.len_utf8();
        // A number before it is a file descriptor, and no word.
        let number = self.word.take_if(|word| word.text.chars().all(|c| c.is_ascii_digit()));
        self.end_word();
        let mut operator = String::from(first);
        while let Some(c) = self.cursor.peek().filter(|c| matches!(c, '<' | '>' | '&' | '|')) {
            self.cursor.next();
            operator.push(c);
        }
        if self.cursor.peek() == Some('(') {
            self.cursor.next();
            let (inner, start) = self.cursor.inside();
            let script = read(inner, start, self.depth + 1);
            let span = begin..self.cursor.place();
            let word = Word { text: format!("{operator}()"), span, inner: vec![script], ..Word::default() };
            self.command.words.push(word);
        } else if operator == "<<" {
            let (heredoc, length) = Heredoc::read(self.cursor.rest());
            self.cursor.skip(length);
            self.heredocs.push(heredoc);
        } else {
            let takes_output = matches!(operator.as_str(), ">" | ">>" | ">|" | "&>" | "&>>");
            self.is_output = takes_output && number.is_none_or(|number| number.text == "1");
            self.operator = Some(operator);
        }
    }
}
