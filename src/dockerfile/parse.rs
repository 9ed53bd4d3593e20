//! Reads instructions and stages.

use super::expand::{Scope, expand};
use super::lines::{Lines, Logical};
use super::text::Text;
use super::words::{json, split, split_quoted};
use super::{
    Arguments, Base, Command, Dockerfile, Flag, Instruction, Keyword, PART, Pair, Stage, SyntaxError, Word,
    characters_in,
};
use crate::text::{clean, end_of_commands};
use std::collections::HashMap;
use std::ops::Range;

/// More stages are an error: each looks up its variables in those below it.
const MAX_STAGES: usize = 256;

/// The most commands of a file, about: each end of a command counts.
const MAX_COMMANDS: usize = 20_000;

pub fn parse(text: &str) -> Dockerfile<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let characters = text.as_bytes().chunks(PART).scan(0, |count, part| {
        let before = *count;
        *count += characters_in(part);
        Some(before)
    });
    let characters = characters.chain(std::iter::once(text.chars().count())).collect();
    let file = Dockerfile { text, lines, characters, instructions: Vec::new(), stages: Vec::new(), errors: Vec::new() };
    let lines = Lines::new(text);
    let mut parser = Parser {
        file,
        escape: lines.escape,
        global: Scope::default(),
        scopes: Vec::new(),
        names: HashMap::new(),
        commands_left: MAX_COMMANDS,
    };
    for logical in lines {
        parser.instruction(logical);
    }
    if parser.file.stages.is_empty() && parser.file.errors.is_empty() {
        parser.error(0..0, "there is no FROM, so nothing can be built; is it a Dockerfile?".to_owned());
    }
    parser.file
}

struct Parser<'t> {
    file: Dockerfile<'t>,
    escape: char,
    /// The variables before the first `FROM`.
    global: Scope,
    /// Those of each stage.
    scopes: Vec<Scope>,
    /// The stages by their names.
    names: HashMap<String, usize>,
    commands_left: usize,
}

impl<'t> Parser<'t> {
    fn error(&mut self, span: Range<usize>, message: String) {
        let at = self.file.place(span);
        self.file.errors.push(SyntaxError { at, message });
    }

    fn instruction(&mut self, logical: Logical<'t>) {
        let Logical { mut text, heredocs, unterminated } = logical;
        let span = text.whole();
        if let Some(end) = unterminated {
            let end = clean(&end, 40);
            self.error(span.clone(), format!("the here-document has no end; add a line with `{end}` alone"));
        }
        let mut is_onbuild = false;
        let (keyword, keyword_span) = loop {
            let length = text.value.find(char::is_whitespace).unwrap_or(text.value.len());
            let keyword_span = text.span(0..length);
            let name = text.value.get(..length).unwrap_or_default();
            let Some(keyword) = Keyword::find(name) else {
                let message = unknown(name);
                return self.error(keyword_span, message);
            };
            let rest = text.value.get(length..).unwrap_or_default();
            text = text.from(length + rest.len() - rest.trim_start().len());
            if keyword != Keyword::Onbuild || is_onbuild {
                break (keyword, keyword_span);
            }
            is_onbuild = true;
        };
        let has_stage = !self.file.stages.is_empty();
        if !has_stage && !matches!(keyword, Keyword::From | Keyword::Arg) {
            return self.error(span, format!("{} stands before the first FROM; move it below", keyword.as_str()));
        }
        let mut flags = Vec::new();
        if keyword.has_flags() {
            text = self.flags(text, &mut flags);
        }
        if matches!(keyword, Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck) {
            let mut scripts = std::iter::once(text.value.as_str()).chain(heredocs.iter().map(|heredoc| heredoc.text));
            if scripts.any(|script| end_of_commands(script, &mut self.commands_left).is_some()) {
                let message = format!("there are more than {MAX_COMMANDS} commands; move them to a script");
                return self.error(span, message);
            }
        }
        let stage_name = text.value.split_whitespace().nth(2).map(str::to_owned);
        let arguments = match self.arguments(keyword, text, !heredocs.is_empty()) {
            Ok(arguments) => arguments,
            Err(message) => return self.error(span, message),
        };
        let stage_name = if keyword == Keyword::From { stage_name.map(|name| name.to_ascii_lowercase()) } else { None };
        let instruction =
            Instruction { keyword, is_onbuild, span, keyword_span, flags, arguments, heredocs, stage_name };
        self.add(instruction);
    }

    fn add(&mut self, instruction: Instruction<'t>) {
        if let (Keyword::From, false, Arguments::From(image)) =
            (instruction.keyword, instruction.is_onbuild, &instruction.arguments)
        {
            if self.file.stages.len() >= MAX_STAGES {
                return self.error(instruction.span, format!("there are more than {MAX_STAGES} stages"));
            }
            let base = self.base(image);
            let name = instruction.stage_name.clone();
            self.stage(base, name);
        } else if !instruction.is_onbuild {
            self.variables(&instruction);
        }
        self.file.instructions.push(instruction);
        let end = self.file.instructions.len();
        if let Some(stage) = self.file.stages.last_mut() {
            stage.instructions.end = end;
        }
    }

    fn base(&self, image: &Word) -> Base {
        let Some(image) = &image.value else { return Base::Image(None) };
        match self.names.get(&image.to_ascii_lowercase()) {
            Some(stage) => Base::Stage(*stage),
            None if image == "scratch" => Base::Scratch,
            None => Base::Image(Some(image.clone())),
        }
    }

    fn stage(&mut self, base: Base, name: Option<String>) {
        let begin = self.file.instructions.len();
        self.names.extend(name.clone().map(|name| (name, self.file.stages.len())));
        self.file.stages.push(Stage { name, base, instructions: begin..begin });
        self.scopes.push(Scope::default());
    }

    /// `ARG` and `ENV` set variables for what follows.
    fn variables(&mut self, instruction: &Instruction<'_>) {
        let is_env = instruction.keyword == Keyword::Env;
        if !is_env && instruction.keyword != Keyword::Arg {
            return;
        }
        for pair in instruction.pairs() {
            let own = pair.value.as_ref().map(|value| value.value.clone());
            // An ARG without a value has that of the global one.
            let global = || self.global.get(&pair.name).and_then(|setting| setting.value.clone());
            let value = own.unwrap_or_else(global);
            self.scopes.last_mut().unwrap_or(&mut self.global).set(&pair.name, value, is_env);
        }
    }

    fn global_variable(&self, name: &str) -> Option<String> {
        self.global.get(name)?.value.clone()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let Some(own) = self.file.stages.len().checked_sub(1) else { return self.global_variable(name) };
        let mut index = own;
        loop {
            let setting = self.scopes.get(index).and_then(|scope| scope.get(name));
            // Of a stage below, only ENV counts.
            if let Some(setting) = setting.filter(|setting| setting.is_env || index == own) {
                return setting.value.clone();
            }
            match self.file.stages.get(index).map(|stage| &stage.base) {
                Some(Base::Stage(below)) => index = *below,
                // The image, or the build, may set it: TARGETARCH, for one.
                Some(Base::Scratch | Base::Image(_)) | None => return None,
            }
        }
    }

    fn expanded(&self, raw: &str) -> Option<String> {
        expand(raw, self.escape, &|name| self.variable(name))
    }

    fn word(&self, text: &Text, raw: &str, at: usize) -> Word {
        Word { raw: raw.to_owned(), value: self.expanded(raw), span: text.span(at..at + raw.len()) }
    }

    /// The word with the backslashes of a path that begins with a drive: many a file for Windows has no line that sets another escape.
    fn of_windows(&self, word: Word) -> Word {
        match word.raw.as_bytes() {
            [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic() => {
                Word { value: expand(&word.raw, '`', &|name| self.variable(name)), ..word }
            }
            _ => word,
        }
    }

    /// Takes the options at the beginning, and returns the rest.
    fn flags(&self, text: Text, flags: &mut Vec<Flag>) -> Text {
        let mut end = 0;
        for (word, at) in split_quoted(&text.value, self.escape) {
            let Some(flag) = word.strip_prefix("--") else {
                end = at;
                break;
            };
            end = at + word.len();
            if flag.is_empty() {
                break;
            }
            let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let value = value.map(|value| self.expanded(value).unwrap_or_else(|| value.to_owned()));
            flags.push(Flag { name: name.to_ascii_lowercase(), value, span: text.span(at..at + word.len()) });
        }
        text.from(end)
    }

    fn arguments(&self, keyword: Keyword, text: Text, has_heredocs: bool) -> Result<Arguments, String> {
        let missing = |what: &str| format!("{} needs {what}", keyword.as_str());
        if text.value.trim().is_empty() && keyword != Keyword::Shell {
            return Err(missing("an argument"));
        }
        Ok(match keyword {
            Keyword::From => {
                Arguments::From(self.from(&text).ok_or_else(|| missing("an image, and AS before a name"))?)
            }
            Keyword::Add | Keyword::Copy => {
                self.copy(&text, has_heredocs).ok_or_else(|| missing("a source and a target"))?
            }
            Keyword::Env | Keyword::Label => Arguments::Pairs(self.pairs(&text, true)),
            Keyword::Arg => Arguments::Pairs(self.pairs(&text, false)),
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => Arguments::Command(Self::command(text)),
            Keyword::Healthcheck => match text.value.split_whitespace().next() {
                Some(word) if word.eq_ignore_ascii_case("cmd") => {
                    let rest = text.value.get(word.len()..).unwrap_or_default();
                    let start = word.len() + rest.len() - rest.trim_start().len();
                    Arguments::Command(Self::command(text.from(start)))
                }
                Some(word) if word.eq_ignore_ascii_case("none") => Arguments::Words(Vec::new()),
                _ => return Err(missing("CMD or NONE")),
            },
            Keyword::Expose | Keyword::Volume | Keyword::Shell => Arguments::Words(self.words(&text)),
            Keyword::User | Keyword::Workdir | Keyword::Stopsignal | Keyword::Maintainer | Keyword::Onbuild => {
                let raw = text.value.trim_end();
                Arguments::Words(vec![self.of_windows(self.word(&text, raw, 0))])
            }
        })
    }

    fn from(&self, text: &Text) -> Option<Word> {
        let words: Vec<(&str, usize)> = split(&text.value).collect();
        let (image, at) = match words.as_slice() {
            [image] => *image,
            [image, (word, _), _] if word.eq_ignore_ascii_case("as") => *image,
            _ => return None,
        };
        let value = expand(image, self.escape, &|name| self.global_variable(name));
        Some(Word { raw: image.to_owned(), value, span: text.span(at..at + image.len()) })
    }

    fn words(&self, text: &Text) -> Vec<Word> {
        match json(&text.value) {
            Some(words) => words.into_iter().map(|(value, at)| json_word(value, text, at)).collect(),
            None => split(&text.value).map(|(word, at)| self.word(text, word, at)).collect(),
        }
    }

    fn copy(&self, text: &Text, has_heredocs: bool) -> Option<Arguments> {
        let mut sources = self.words(text);
        // Variables have values in the JSON form, too.
        for word in &mut sources {
            word.value = word.value.take().or_else(|| self.expanded(&word.raw));
        }
        let target = self.of_windows(sources.pop()?);
        if sources.is_empty() {
            return None;
        }
        sources.retain(|word| !has_heredocs || !word.raw.contains("<<"));
        Some(Arguments::Copy { sources, target })
    }

    fn command(text: Text) -> Command {
        match json(&text.value) {
            Some(words) => Command::Exec(words.into_iter().map(|(value, at)| json_word(value, &text, at)).collect()),
            None => Command::Shell(text),
        }
    }

    /// `a=b c=d`. Where it is possible, `a b c` is the name `a` with the value `b c`.
    fn pairs(&self, text: &Text, is_old_form_possible: bool) -> Vec<Pair> {
        let mut words = split_quoted(&text.value, self.escape).peekable();
        if let Some((name, at)) = words.peek().copied()
            && is_old_form_possible
            && !name.contains('=')
        {
            let rest = text.value.get(at + name.len()..).unwrap_or_default();
            let begin = at + name.len() + rest.len() - rest.trim_start().len();
            let value = Some(self.word(text, rest.trim(), begin)).filter(|value| !value.raw.is_empty());
            return vec![Pair { name: name.to_owned(), value, span: text.whole() }];
        }
        let pair = |(word, at): (&str, usize)| {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let value = value.map(|value| self.word(text, value, at + name.len() + 1));
            let name = name.trim_matches(['"', '\'']).to_owned();
            Pair { name, value, span: text.span(at..at + word.len()) }
        };
        words.map(pair).collect()
    }
}

fn json_word(value: String, text: &Text, at: Range<usize>) -> Word {
    Word { raw: value.clone(), value: Some(value), span: text.span(at) }
}

fn unknown(name: &str) -> String {
    // A line that belongs to the value above it may be a secret, and so may the value of a variable.
    let name = name.split('=').next().unwrap_or_default();
    let is_word = name.len() <= 12 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if is_word {
        format!("`{name}` is no instruction of a Dockerfile")
    } else {
        "this line is no instruction of a Dockerfile".to_owned()
    }
}
