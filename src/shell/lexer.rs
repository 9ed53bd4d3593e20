//! Splits the text of a script.

mod lists;
mod quoted;

use super::cursor::Cursor;
use super::failure::{Failure, Options};
use super::heredoc::Heredoc;
use super::{Command, Function, MAX_DEPTH, Piece, Script, Word};
use lists::Lists;
use std::ops::Range;

/// Reads the script that begins at `base` of the outermost one.
pub fn read(text: &str, base: usize, depth: usize) -> Script {
    if depth > MAX_DEPTH {
        return Script::default();
    }
    let lexer = Lexer {
        cursor: Cursor::new(text, base),
        depth,
        script: Script::default(),
        command: Command::default(),
        word: None,
        operator: None,
        is_output: false,
        groups: Vec::new(),
        parentheses: Vec::new(),
        opened: 0,
        last_group: None,
        reads: 0..0,
        heredocs: Vec::new(),
        alternatives: Vec::new(),
        others: 0,
        named: None,
        functions: Vec::new(),
        options: Options::of_file(text),
        lists: Lists::new(),
    };
    lexer.read()
}

struct Lexer<'s> {
    cursor: Cursor<'s>,
    depth: usize,
    script: Script,
    command: Command,
    word: Option<Word>,
    /// The next word is the file of this redirection.
    operator: Option<String>,
    /// It takes the output of the command, and not only its messages.
    is_output: bool,
    /// The first command of each open group.
    groups: Vec<usize>,
    /// The number of each open parenthesis, and the options outside of it.
    parentheses: Vec<(usize, Options)>,
    opened: usize,
    /// The first command of the group that has just ended.
    last_group: Option<usize>,
    /// What the next command reads.
    reads: Range<usize>,
    heredocs: Vec<Heredoc>,
    /// The first command behind each `||` that is open, and the number of groups around it.
    alternatives: Vec<(usize, usize)>,
    /// How many commands there are up to the last one that does more than pass.
    others: usize,
    /// The name of a function whose commands follow.
    named: Option<String>,
    /// The functions that are open, each with the number of groups around it.
    functions: Vec<(String, usize)>,
    /// What `set` has chosen so far.
    options: Options,
    lists: Lists,
}

/// Words of the shell that begin and end a group of commands.
const BEGIN: [&str; 7] = ["{", "case", "for", "if", "select", "until", "while"];
const END: [&str; 4] = ["done", "esac", "fi", "}"];
/// Words behind which a command runs as the one before it decides, or instead of it.
const NEXT: [&str; 4] = ["do", "elif", "else", "then"];
/// Programs that only say something, and never fail.
const PASS: [&str; 5] = [":", "echo", "logger", "printf", "true"];

/// The next text of the word stands here.
fn note_part(word: &mut Word, at: usize) {
    if word.offset(word.text.len()) != at {
        word.parts.push((word.text.len(), at));
    }
}

impl Lexer<'_> {
    fn read(mut self) -> Script {
        while let Some(c) = self.cursor.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => self.end_line(),
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '<' | '>' => self.redirection(c),
                '#' if self.word.is_none() => {
                    while self.cursor.peek().is_some_and(|c| c != '\n') {
                        self.cursor.next();
                    }
                }
                c => self.plain(c),
            }
        }
        self.end_command();
        self.script
    }

    fn plain(&mut self, c: char) {
        match c {
            '\\' => match self.cursor.next() {
                Some('\n') | None => {}
                Some(escaped) => {
                    self.push(escaped);
                    self.not_as_it_is();
                }
            },
            '&' if self.cursor.peek() == Some('>') => self.redirection('&'),
            '|' => self.pipe(),
            ';' | '&' => {
                if self.cursor.peek() == Some(c) {
                    self.cursor.next();
                    self.end_command();
                    // `;;` ends a branch of `case`, and `&&` runs nothing after a failure.
                    if c == ';' {
                        self.lists.end_branch(self.options.ends_at_failures);
                    }
                } else {
                    self.end_list();
                }
                self.last_group = None;
            }
            '`' => self.substitution('`'),
            '$' if self.cursor.peek() == Some('(') => self.substitution('('),
            '$' if matches!(self.cursor.peek(), Some('\'' | '"')) => {}
            '$' if self.cursor.peek() == Some('{') => self.braces(),
            '(' if self.word.as_ref().is_some_and(|word| word.text.ends_with('=')) => {
                // `NAME=(...)` is a list of words, and no command.
                self.cursor.inside();
            }
            '(' => {
                self.name_function();
                self.forget();
                self.opened += 1;
                self.parentheses.push((self.opened, self.options));
                self.groups.push(self.script.commands.len());
                self.lists.begin(false);
            }
            // The words before it are a pattern of `case`.
            ')' if self.parentheses.is_empty() => self.forget(),
            ')' => {
                self.end_command();
                self.last_group = self.groups.pop();
                self.lists.end(&mut self.script.commands);
                // The shell in them had options of its own.
                self.options = self.parentheses.pop().map_or(self.options, |(_, options)| options);
                self.end_alternative();
            }
            c => self.push(c),
        }
    }

    /// The word that the last character, of this length, belongs to.
    fn open(&mut self, length: usize) -> &mut Word {
        let start = self.cursor.place() - length;
        self.word.get_or_insert_with(|| Word { span: start..start, start: Some(start), ..Word::default() })
    }

    fn push(&mut self, c: char) {
        let end = self.cursor.place();
        let word = self.open(c.len_utf8());
        note_part(word, end - c.len_utf8());
        word.text.push(c);
        word.span.end = end;
    }

    /// The text of the word is another one than stands in the script.
    fn not_as_it_is(&mut self) {
        if let Some(word) = &mut self.word {
            word.start = None;
        }
    }

    fn forget(&mut self) {
        self.word = None;
        self.command.words.clear();
    }

    /// The words before a parenthesis are the name of a function, unless that is a pattern of `case`.
    fn name_function(&mut self) {
        let word = self.word.as_ref().or(self.command.words.last()).map(|word| word.text.as_str());
        let name = word.filter(|word| !word.is_empty()).map(str::to_owned);
        self.named = name.filter(|_| self.cursor.rest().trim_start_matches([' ', '\t']).starts_with(')'));
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if let Some(operator) = self.operator.take() {
            self.command.is_kept |= self.is_output && !word.text.starts_with("/dev/");
            self.command.redirections.push((operator, word));
            return;
        }
        // `function NAME {`
        if let ("{", [keyword, name]) = (word.text.as_str(), self.command.words.as_slice())
            && keyword.text == "function"
        {
            self.named = Some(name.text.clone());
            self.command.words.clear();
        }
        if self.command.words.is_empty() {
            if BEGIN.contains(&word.text.as_str()) {
                if let Some(name) = self.named.take().filter(|_| word.text == "{") {
                    self.functions.push((name, self.groups.len()));
                }
                self.groups.push(self.script.commands.len());
                self.lists.begin(matches!(word.text.as_str(), "case" | "if"));
            } else if END.contains(&word.text.as_str()) {
                self.last_group = self.groups.pop();
                self.end_function();
                self.end_alternative();
                return;
            }
            self.named = None;
        }
        self.last_group = None;
        // The first pattern is no word of `case "$(...)" in`.
        let is_case = |words: &[Word]| matches!(words, [case, _] if case.text == "case");
        if word.text == "in" && is_case(&self.command.words) {
            return self.end_command();
        }
        self.command.words.push(word);
    }

    fn end_function(&mut self) {
        let is_ended = |(_, groups): &mut (String, usize)| *groups >= self.groups.len();
        let function = self.functions.pop_if(is_ended).zip(self.last_group);
        let Some(((name, _), begin)) = function else { return self.lists.end(&mut self.script.commands) };
        let last = self.lists.end_function(&mut self.script.commands);
        self.script.functions.push(Function { name, commands: begin..self.script.commands.len(), last });
    }

    /// Ends a command, and the list that it or the group before it is in.
    fn end_list(&mut self) {
        self.end_word();
        let (before, is_group) = (self.script.commands.len(), self.last_group.is_some());
        self.end_command();
        if self.script.commands.len() > before || is_group {
            self.lists.end_list();
        }
    }

    /// What `set` chooses, and `trap`.
    fn note_options(&mut self, command: &Command) {
        let mut words = command.words.iter().map(|word| word.text.as_str());
        let is_of_shell =
            |word: &&str| BEGIN.contains(word) || NEXT.contains(word) || matches!(*word, "builtin" | "command");
        match words.find(|word| !is_of_shell(word)) {
            Some("set") => self.options = self.options.with(words),
            Some("trap") if words.any(|word| word == "ERR") => self.options.ends_at_failures = true,
            _ => {}
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.operator = None;
        let mut command = std::mem::take(&mut self.command);
        if command.words.is_empty() && command.redirections.is_empty() && self.heredocs.is_empty() {
            return;
        }
        command.reads = std::mem::replace(&mut self.reads, 0..0);
        // `{ a; b; } > file` is the same as `{ a; b; } | cat > file`.
        let writes = command.redirections.iter().find(|(operator, _)| operator.contains('>'));
        let group = self.last_group.take().filter(|_| command.words.is_empty());
        if let Some((first, (_, file))) = group.zip(writes) {
            command.words.push(Word::instead("cat".to_owned(), file));
            command.reads = first..self.script.commands.len();
        }
        command.within = (self.parentheses.len(), self.parentheses.last().map_or(0, |(number, _)| *number));
        let program = command.words.iter().map(|word| word.text.as_str()).find(|word| *word != "{");
        let index = self.script.commands.len();
        for heredoc in &mut self.heredocs {
            heredoc.command.get_or_insert(index);
        }
        if group.is_none() && !program.is_some_and(|program| PASS.contains(&program)) {
            self.others = index + 1;
        }
        self.lists.add(&mut command, &mut self.script.commands, self.options.ends_at_failures);
        self.note_options(&command);
        self.script.commands.push(command);
        self.end_alternative();
    }

    /// What is behind `||` has ended. If all of it passes, a failure of the command before it counts for nothing.
    fn end_alternative(&mut self) {
        let (end, depth) = (self.script.commands.len(), self.groups.len());
        let is_ended = |(begin, groups): &mut (usize, usize)| *begin < end && *groups >= depth;
        let depth = self.parentheses.len();
        while let Some((begin, _)) = self.alternatives.pop_if(is_ended) {
            let passes = self.others <= begin;
            self.lists.end_alternative(
                begin,
                (depth, passes),
                &mut self.script.commands,
                self.options.ends_at_failures,
            );
        }
    }

    fn pipe(&mut self) {
        let before = self.script.commands.len();
        self.end_command();
        match self.cursor.peek() {
            Some('|') => {
                self.cursor.next();
                self.last_group = None;
                self.alternatives.push((self.script.commands.len(), self.groups.len()));
            }
            other => {
                if other == Some('&') {
                    self.cursor.next();
                }
                if let Some(last) = self.script.commands.get_mut(before).filter(|_| !self.options.pipefail) {
                    last.failure = last.failure.max(Failure::Piped);
                }
                let first = self.last_group.take().unwrap_or(before).min(before);
                self.reads = first..self.script.commands.len();
            }
        }
    }

    fn end_line(&mut self) {
        let reads = self.reads.clone();
        let is_after_pipe = self.word.is_none() && self.command.words.is_empty() && !reads.is_empty();
        self.end_list();
        if is_after_pipe {
            self.reads = reads;
        }
        self.last_group = None;
        for heredoc in std::mem::take(&mut self.heredocs) {
            let (body, length) = heredoc.body(self.cursor.rest());
            let piece = Piece { text: body.to_owned(), start: self.cursor.place() };
            self.cursor.skip(length);
            if let Some(command) = heredoc.command.and_then(|index| self.script.commands.get_mut(index)) {
                command.input = Some(piece);
            }
        }
    }
}
