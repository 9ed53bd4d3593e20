//! The program of a command: what remains behind `sudo`, `env`, `exec` and the like, and the scripts that it runs.

use super::lexer;
use super::wrappers::{WRAPPERS, Wrapper};
use super::{Command, MAX_DEPTH, Script, Word};

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
    /// The place of the outer command's word, if that is not in the text as it is.
    pub within: Option<std::ops::Range<usize>>,
    /// How many scripts the script is in.
    pub depth: usize,
}

impl Call<'_> {
    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    /// Where a word of it is.
    #[must_use]
    pub fn span(&self, word: &Word) -> std::ops::Range<usize> {
        self.within.clone().unwrap_or_else(|| word.span.clone())
    }

    /// Where the program is named.
    #[must_use]
    pub fn place(&self) -> std::ops::Range<usize> {
        self.words.first().map_or(0..0, |word| self.span(word))
    }
}

/// Calls `each` with the program of each command of the script and of the scripts in it.
pub fn calls(script: &Script, each: &mut dyn FnMut(&Call<'_>)) {
    walk(script, None, 0, &mut |call| {
        if !call.words.is_empty() {
            each(call);
        }
    });
}

/// The same with commands that run no program and only set variables: they have no name and no words.
pub fn calls_and_settings(script: &Script, each: &mut dyn FnMut(&Call<'_>)) {
    walk(script, None, 0, each);
}

/// The same of one command of a script.
pub fn calls_of(script: &Script, command: &Command, each: &mut dyn FnMut(&Call<'_>)) {
    walk_each(script, std::slice::from_ref(command), None, 0, &mut |call| {
        if !call.words.is_empty() {
            each(call);
        }
    });
}

type Within<'r> = Option<&'r std::ops::Range<usize>>;

fn walk(script: &Script, within: Within<'_>, depth: usize, each: &mut dyn FnMut(&Call<'_>)) {
    walk_each(script, &script.commands, within, depth, each);
}

fn walk_each(script: &Script, commands: &[Command], within: Within<'_>, depth: usize, each: &mut dyn FnMut(&Call<'_>)) {
    if depth > MAX_DEPTH {
        return;
    }
    for command in commands {
        let redirected = command.redirections.iter().map(|(_, word)| word);
        for inner in command.words.iter().chain(redirected).flat_map(|word| &word.inner) {
            walk(inner, within, depth + 1, each);
        }
        let found = program(&command.words);
        if let Some(words) = found.at.and_then(|at| command.words.get(at..)) {
            let name = name(words.first().map_or("", |word| word.text.as_str()));
            let runs_input = SHELLS.contains(&name.as_str()) && found.script.is_none();
            each(&Call { name, words, command, script, within: within.cloned(), depth });
            if let Some(input) = command.input.as_ref().filter(|_| runs_input) {
                walk(&lexer::read(&input.text, input.start, depth + 1), within, depth + 1, each);
            }
        }
        if found.at.is_none() {
            each(&Call { name: String::new(), words: &[], command, script, within: within.cloned(), depth });
        }
        if let Some(word) = found.script.and_then(|at| command.words.get(at)) {
            // Positions in a text that stands as it is can be followed, others are those of the word.
            let inner = lexer::read(&word.text, word.start.unwrap_or_default(), depth + 1);
            let place = if word.start.is_none() { Some(&word.span) } else { None };
            walk(&inner, within.or(place), depth + 1, each);
        }
    }
}

/// The file name of a program in lower case.
fn name(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").map(str::to_owned).unwrap_or(file)
}

#[derive(Debug, Default)]
struct Found {
    /// The word that names the program.
    at: Option<usize>,
    /// The word that is a script.
    script: Option<usize>,
}

fn program(words: &[Word]) -> Found {
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
            let script = if SHELLS.contains(&name.as_str()) { shell_script(words, at + 1) } else { None };
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
    if wrapper.name == "eval" {
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
