//! What the commands of an instruction run.

use super::words::split_quoted;
use super::{Arguments, Base, Command, Dockerfile, Heredoc, Instruction, Keyword, Stage, Text};
use crate::shell::{self, Call, Script};
use std::ops::Range;

/// A command of an instruction, as a script.
pub struct Run {
    pub script: Script,
    /// None if positions in the script are those in the file.
    text: Option<Text>,
}

impl Run {
    /// The part of the file that a part of the script is in.
    #[must_use]
    pub fn span(&self, part: Range<usize>) -> Range<usize> {
        self.text.as_ref().map_or_else(|| part.clone(), |text| text.span(part.clone()))
    }

    /// Calls `each` with every program that it runs.
    pub fn calls(&self, each: &mut dyn FnMut(&Call<'_>)) {
        shell::calls(&self.script, each);
    }

    /// The same in the order in which a shell runs them, and with the files that `find` and `xargs` give them. The variables that only
    /// are set have no name.
    pub fn calls_in_order(&self, each: &mut dyn FnMut(&Call<'_>)) {
        shell::calls_in_order(&self.script, each);
    }
}

impl Dockerfile<'_> {
    /// The commands of a build, those after `ONBUILD` included, without those for a shell of Windows.
    #[must_use]
    pub fn runs(&self) -> Vec<(&Instruction<'_>, Run)> {
        let mut runs = Vec::new();
        for stage in &self.stages {
            let mut is_unix = !self.is_windows(stage);
            for instruction in self.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                if instruction.keyword == Keyword::Shell {
                    is_unix = instruction.words().first().is_some_and(|word| is_unix_shell(word.text()));
                } else if instruction.keyword == Keyword::Run
                    && is_unix
                    && let Some(run) = self.run(instruction)
                {
                    runs.push((instruction, run));
                }
            }
        }
        runs
    }

    /// Whether the stage begins with an image of Windows.
    #[must_use]
    pub fn is_windows(&self, stage: &Stage) -> bool {
        self.with_bases(stage).any(|stage| match &stage.base {
            Base::Image(Some(image)) => {
                ["windows", "nanoserver", "servercore"].iter().any(|part| image.to_ascii_lowercase().contains(part))
            }
            Base::Image(None) | Base::Scratch | Base::Stage(_) => false,
        })
    }

    /// The command of an instruction; none if it has none, or one for another program than a shell.
    #[must_use]
    pub fn run(&self, instruction: &Instruction<'_>) -> Option<Run> {
        let Arguments::Command(command) = &instruction.arguments else { return None };
        match command {
            Command::Exec(words) => {
                let words = words.iter().map(|word| shell::Word {
                    text: word.raw.clone(),
                    // Without escapes the text stands between the quotes.
                    start: Some(word.span.start + 1).filter(|_| word.raw.len() + 2 == word.span.len()),
                    span: word.span.clone(),
                    inner: Vec::new(),
                });
                let command = shell::Command { words: words.collect(), ..shell::Command::default() };
                Some(Run { script: Script { commands: vec![command], ..Script::default() }, text: None })
            }
            Command::Shell(line) => {
                let text = self.with_heredocs(line, &instruction.heredocs)?;
                Some(Run { script: Script::new(&text.value), text: Some(text) })
            }
        }
    }

    /// The line with its here-documents below it, as the shell gets it. A here-document without a command is the script itself.
    fn with_heredocs(&self, line: &Text, heredocs: &[Heredoc<'_>]) -> Option<Text> {
        // The end of a here-document may have blanks, in quotes.
        let is_alone = split_quoted(&line.value, '\\').all(|(word, _)| word.contains("<<"));
        if let (true, Some(first)) = (is_alone, heredocs.first()) {
            let is_for_shell = first
                .text
                .strip_prefix("#!")
                .is_none_or(|rest| rest.lines().next().is_some_and(|line| line.split(['/', ' ']).any(is_unix_shell)));
            return is_for_shell.then(|| Text::new(first.text, first.start));
        }
        let mut text = line.clone();
        for heredoc in heredocs {
            // With the line that ends it.
            let end = heredoc.start + heredoc.text.len();
            let rest = self.text().get(end..).unwrap_or_default();
            let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
            if !text.value.ends_with('\n') {
                text.push("\n", heredoc.start.saturating_sub(1));
            }
            text.push(self.text().get(heredoc.start..end + length).unwrap_or_default(), heredoc.start);
        }
        Some(text)
    }
}

fn is_unix_shell(program: &str) -> bool {
    let file = program.rsplit('/').next().unwrap_or_default();
    shell::SHELLS.contains(&file)
}
