//! The program of a command: what remains behind `sudo`, `env`, `exec` and the like, and the scripts that it runs.

use super::arguments::Arguments;
use super::failure::Options;
use super::functions::Functions;
use super::powershell::Started;
use super::wrappers::{WRAPPERS, Wrapper};
use super::{Command, MAX_DEPTH, Script, Word};
use super::{lexer, listed, powershell};

/// Programs that run the text after `-c`, or their input, as a script.
pub const SHELLS: [&str; 9] = ["ash", "bash", "dash", "fish", "ksh", "mksh", "rbash", "sh", "zsh"];

/// A program with its arguments.
#[derive(Debug)]
pub struct Call<'s> {
    /// The file name, in lower case.
    pub name: String,
    /// The word that names it, and those behind it.
    pub words: &'s [Word],
    pub command: &'s Command,
    pub script: &'s Script,
    /// The word of the outer command that the script is, if that is not in the text as it is.
    pub within: Option<&'s Word>,
    /// How many scripts the script is in.
    pub depth: usize,
}

impl Call<'_> {
    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    /// The files that a command before it in a pipe names: `ls *.deb | while read file`.
    #[must_use]
    pub fn listed_files(&self) -> Vec<String> {
        listed::read(self.script, self.command)
    }

    /// Where a word of it is.
    #[must_use]
    pub fn span(&self, word: &Word) -> std::ops::Range<usize> {
        self.part(word.span.clone())
    }

    /// Where a part of its script is in the outermost one.
    #[must_use]
    pub fn part(&self, part: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.within.map_or_else(|| part.clone(), |outer| outer.part(&part))
    }

    /// Where the program is named.
    #[must_use]
    pub fn place(&self) -> std::ops::Range<usize> {
        self.words.first().map_or(0..0, |word| self.span(word))
    }
}

/// Calls `each` with the program of each command of the script and of the scripts in it.
pub fn calls(script: &Script, each: &mut dyn FnMut(&Call<'_>)) {
    calls_and_settings(script, &mut |call| {
        if !call.words.is_empty() {
            each(call);
        }
    });
}

/// The same with commands that run no program and only set variables: they have no name and no words.
pub fn calls_and_settings(script: &Script, each: &mut dyn FnMut(&Call<'_>)) {
    Walk { each, left: None, nesting: 0 }.script(script, None, 0);
}

/// The same in the order in which a shell runs them: those of a function where it is called, with its arguments. `find` and `xargs`
/// give the programs that they run the files, as far as the script names them.
pub fn calls_in_order(script: &Script, each: &mut dyn FnMut(&Call<'_>)) {
    let words = script.commands.iter().flat_map(|command| &command.words);
    let length: usize = words.map(|word| word.text.len()).sum();
    Walk { each, left: Some(GROWTH * length + LEAST), nesting: 0 }.script(script, None, 0);
}

/// The same of one command of a script.
pub fn calls_of(script: &Script, command: &Command, each: &mut dyn FnMut(&Call<'_>)) {
    let mut each = |call: &Call<'_>| {
        if !call.words.is_empty() {
            each(call);
        }
    };
    Walk { each: &mut each, left: None, nesting: 0 }.command(script, command, None, 0, None);
}

/// The word that the script is, if places in the script are those in its text.
type Within<'w> = Option<&'w Word>;

/// What is read again may be this many times as long as the script, and this many bytes.
const GROWTH: usize = 8;
const LEAST: usize = 8192;
/// How many functions call each other at most.
const MAX_CALLS: usize = 8;

struct Walk<'e> {
    each: &'e mut dyn FnMut(&Call<'_>),
    /// How many bytes may still be read again; none if each command is read once, as it stands.
    left: Option<usize>,
    /// How many functions the command is in.
    nesting: usize,
}

impl Walk<'_> {
    fn script(&mut self, script: &Script, within: Within<'_>, depth: usize) {
        let functions = self.left.and_then(|_| Functions::of(script));
        self.commands(script, within, depth, functions.as_ref());
    }

    fn commands(&mut self, script: &Script, within: Within<'_>, depth: usize, functions: Option<&Functions<'_>>) {
        if depth > MAX_DEPTH {
            return;
        }
        let runs_later = functions.filter(|functions| functions.is_of(script)).map(Functions::commands);
        for (index, command) in script.commands.iter().enumerate() {
            if runs_later.as_ref().is_none_or(|later| later.get(index) != Some(&true)) {
                self.command(script, command, within, depth, functions);
            }
        }
    }

    fn command(
        &mut self,
        script: &Script,
        command: &Command,
        within: Within<'_>,
        depth: usize,
        functions: Option<&Functions<'_>>,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        let redirected = command.redirections.iter().map(|(_, word)| word);
        for inner in command.words.iter().chain(redirected).flat_map(|word| &word.inner) {
            self.commands(inner, within, depth + 1, functions);
        }
        let found = program(&command.words);
        if let (Some(at), Some(left)) = (found.at, &mut self.left)
            && let Some(words) = listed::piped(script, command, at, left)
        {
            return self.given(words, command, within, depth, functions);
        }
        if let Some(words) = found.at.and_then(|at| command.words.get(at..)) {
            let has_inner = words.iter().any(|word| !word.inner.is_empty());
            let listed = self.left.as_mut().filter(|_| has_inner).and_then(|left| listed::substituted(words, left));
            let words = listed.as_deref().unwrap_or(words);
            let name = name(words.first().map_or("", |word| word.text.as_str()));
            let runs_input = SHELLS.contains(&name.as_str()) && found.script.is_none();
            let call = Call { name, words, command, script, within, depth };
            (self.each)(&call);
            if let Some(left) = &mut self.left {
                if let Some(functions) = functions.filter(|_| self.nesting < MAX_CALLS)
                    && let Some(body) = functions.called(&call, left)
                {
                    self.nesting += 1;
                    self.commands(&body, within, depth, Some(functions));
                    self.nesting -= 1;
                } else if call.name == "find" {
                    for words in listed::found(words, left) {
                        self.given(words, command, within, depth, functions);
                    }
                }
            }
            if let Some(input) = command.input.as_ref().filter(|_| runs_input) {
                let inner = lexer::read(&input.text, input.start, depth + 1).run_with(options_of(words));
                self.script(&inner, within, depth + 1);
            }
        }
        if found.at.is_none() {
            (self.each)(&Call { name: String::new(), words: &[], command, script, within, depth });
        }
        if let Some((at, word)) = found.script.and_then(|at| Some((at, command.words.get(at)?))) {
            // Positions in a text that stands as it is can be followed, others are those of the word.
            let program = found.at.and_then(|at| command.words.get(at)).map(|word| name(&word.text));
            let is_powershell = program.is_some_and(|program| powershell::is_powershell(&program));
            let read = if is_powershell { powershell::read } else { lexer::read };
            let inner = read(&word.text, word.start.unwrap_or_default(), depth + 1);
            let started = found.at.and_then(|from| command.words.get(from..at)).unwrap_or_default();
            let inner = inner.run_with(options_of(started));
            let of_word = if word.start.is_none() { Some(word.below(within)) } else { None };
            // The words behind the script are its arguments, the first one is its name.
            let arguments = command.words.get(at + 2..).filter(|arguments| !arguments.is_empty());
            let with_arguments = arguments.zip(self.left.as_mut());
            let with_arguments = with_arguments.and_then(|(words, left)| Arguments::new(words, left).in_script(&inner));
            self.script(with_arguments.as_ref().unwrap_or(&inner), of_word.as_ref().or(within), depth + 1);
        }
    }

    /// A program that another one gives these words.
    fn given(
        &mut self,
        words: Vec<Word>,
        command: &Command,
        within: Within<'_>,
        depth: usize,
        functions: Option<&Functions<'_>>,
    ) {
        let Command { within: place, failure, begins_list, .. } = *command;
        let command = Command { words, within: place, failure, begins_list, ..Command::default() };
        self.command(&Script::default(), &command, within, depth, functions);
    }
}

/// The options with which these words start a shell.
fn options_of(words: &[Word]) -> Options {
    Options::default().with(words.iter().skip(1).map(|word| word.text.as_str()))
}

/// The file name of a program in lower case.
#[must_use]
pub fn name(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").map(str::to_owned).unwrap_or(file)
}

#[derive(Debug, Default)]
pub struct Found {
    /// The word that names the program.
    pub at: Option<usize>,
    /// The word that is a script.
    script: Option<usize>,
}

pub fn program(words: &[Word]) -> Found {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let name = name(&word.text);
        if word.text.is_empty() || is_assignment(&word.text) {
            at += 1;
        } else if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) {
            match wrapped(wrapper, words, at + 1) {
                Step::Word(next) => at = next.max(at + 1),
                Step::Script(script) => return Found { at: Some(at), script: Some(script) },
                // `source FILE`, `exec > file`: the wrapper itself is what runs.
                Step::End => return Found { at: Some(at), script: None },
            }
        } else {
            let script = if powershell::is_powershell(&name) {
                match powershell_script(&name, words, at + 1) {
                    Some(Step::Word(next)) => {
                        at = next;
                        continue;
                    }
                    Some(Step::Script(script)) => Some(script),
                    _ => None,
                }
            } else if SHELLS.contains(&name.as_str()) {
                shell_script(words, at + 1)
            } else {
                None
            };
            return Found { at: Some(at), script };
        }
    }
    Found::default()
}

enum Step {
    Word(usize),
    Script(usize),
    End,
}

/// Skips the options and operands of a wrapper.
fn wrapped(wrapper: &Wrapper, words: &[Word], from: usize) -> Step {
    // They run what a file or a text says, which is no program.
    if matches!(wrapper.name, "." | "source") {
        return Step::End;
    }
    let is_evaluating = match wrapper.name {
        "eval" => true,
        // Elixir's program has options.
        name if powershell::runs_text(name) => words.get(from).is_none_or(|word| !word.text.starts_with('-')),
        _ => false,
    };
    if is_evaluating {
        return if words.len() > from { Step::Script(from) } else { Step::End };
    }
    let mut operands = wrapper.operands;
    let mut at = from;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let (option, value) = text.split_once('=').filter(|_| text.starts_with("--")).unzip();
        let option = option.unwrap_or(text);
        let is = |list: &str| list.split(' ').any(|known| !known.is_empty() && known == option);
        if matches!(text, "-" | "--") || (operands == 0 && is_assignment(text)) {
            at += 1;
        } else if !text.starts_with('-') {
            if operands == 0 {
                return Step::Word(at);
            }
            operands -= 1;
            at += 1;
        } else if is(wrapper.never) {
            return Step::End;
        } else if is(wrapper.scripts) {
            return if value.is_some() { Step::End } else { Step::Script(at + 1) };
        } else {
            if is(wrapper.instead) {
                operands = 0;
            }
            at += if value.is_none() && is(wrapper.values) { 2 } else { 1 };
        }
    }
    Step::End
}

/// What is behind `-Command`: a script, or words that are one.
fn powershell_script(program: &str, words: &[Word], from: usize) -> Option<Step> {
    let arguments = words.get(from..)?.iter().map(|word| word.text.as_str());
    match powershell::started(program, arguments)? {
        Started::Text(at) if words.len() > from + at + 1 => Some(Step::Word(from + at)),
        Started::Text(at) => Some(Step::Script(from + at)),
        Started::File(_) => None,
    }
}

/// The word behind `-c`.
fn shell_script(words: &[Word], from: usize) -> Option<usize> {
    let mut at = from;
    let mut has_script = false;
    while let Some(option) = words.get(at).map(|word| word.text.as_str()) {
        if !option.starts_with(['-', '+']) || option == "-" {
            break;
        }
        let is_short = !option.starts_with("--");
        has_script |= is_short && option.contains('c');
        at += if is_short && option.ends_with(['o', 'O']) { 2 } else { 1 };
    }
    (has_script && at < words.len()).then_some(at)
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}
