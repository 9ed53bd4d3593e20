//! What the commands of an instruction run.

use super::instruction::Word;
use super::words::split_quoted;
use super::{Arguments, Base, Command, Dockerfile, Heredoc, Instruction, Keyword, Stage, Text};
use crate::shell::{self, Call, Options, Script, powershell};
use std::ops::Range;

/// A command of an instruction, as a script.
pub struct Run {
    pub script: Script,
    /// None if positions in the script are those in the file.
    text: Option<Text>,
}

/// What reads the shell form of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShellForm {
    Unix(Options),
    PowerShell,
    /// The shell of Windows, or a program that is not known.
    Cmd,
}

impl ShellForm {
    /// `/bin/sh -c`.
    const UNIX: Self = Self::Unix(Options { ends_at_failures: false, pipefail: false });

    fn of(instruction: &Instruction<'_>) -> Self {
        let words = instruction.words();
        let name = words.first().map_or_else(String::new, |word| shell::program_name(word.text()));
        if powershell::is_powershell(&name) {
            return Self::PowerShell;
        }
        // `["/usr/bin/env", "bash", "-ec"]`
        Options::of_command(words.iter().map(Word::text)).map_or(Self::Cmd, Self::Unix)
    }
}

/// The shells of the instructions of a file, in their order.
pub struct Shells(Vec<ShellForm>);

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
        self.runs_of(false)
    }

    /// The same with those for PowerShell.
    #[must_use]
    pub fn all_runs(&self) -> Vec<(&Instruction<'_>, Run)> {
        self.runs_of(true)
    }

    fn runs_of(&self, with_powershell: bool) -> Vec<(&Instruction<'_>, Run)> {
        let Shells(shells) = self.shells();
        let runs = self.instructions.iter().zip(shells).filter(|(instruction, _)| instruction.keyword == Keyword::Run);
        let runs = runs.filter(|(_, shell)| with_powershell || matches!(shell, ShellForm::Unix(_)));
        runs.filter_map(|(instruction, shell)| Some((instruction, self.run_of(instruction, shell)?))).collect()
    }

    /// The shell of each instruction. `SHELL` holds for the stages that begin with this one, too.
    #[must_use]
    pub fn shells(&self) -> Shells {
        let before = self.stages.first().map_or(self.instructions.len(), |stage| stage.instructions.start);
        let (mut all, mut of_stages) = (vec![ShellForm::UNIX; before], Vec::<ShellForm>::new());
        for stage in &self.stages {
            let inherited = if let Base::Stage(below) = stage.base { of_stages.get(below).copied() } else { None };
            let of_base = || if self.is_windows(stage) { ShellForm::Cmd } else { ShellForm::UNIX };
            let mut shell = inherited.unwrap_or_else(of_base);
            for instruction in self.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                if instruction.keyword == Keyword::Shell {
                    shell = ShellForm::of(instruction);
                }
                all.push(shell);
            }
            of_stages.push(shell);
        }
        Shells(all)
    }

    /// The command of an instruction, as its shell reads it.
    #[must_use]
    pub fn run_in(&self, instruction: &Instruction<'_>, Shells(shells): &Shells) -> Option<Run> {
        let (index, _) = self.instruction_at(instruction.span.start)?;
        self.run_of(instruction, *shells.get(index)?)
    }

    fn run_of(&self, instruction: &Instruction<'_>, shell: ShellForm) -> Option<Run> {
        match shell {
            ShellForm::Unix(options) => {
                let run = self.run(instruction)?;
                Some(Run { script: run.script.run_with(options), ..run })
            }
            ShellForm::PowerShell | ShellForm::Cmd => self.in_windows(instruction, shell == ShellForm::PowerShell),
        }
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
                    ..shell::Word::default()
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

    /// A script of PowerShell. Of one for the shell of Windows, what starts PowerShell and what handles files.
    fn in_windows(&self, instruction: &Instruction<'_>, is_powershell: bool) -> Option<Run> {
        match &instruction.arguments {
            Arguments::Command(Command::Shell(line)) => {
                let text = self.with_heredocs(line, &instruction.heredocs)?;
                let starts = || powershell::in_cmd(&text.value);
                let script = if is_powershell { Some(powershell::read(&text.value, 0, 0)) } else { starts() }?;
                Some(Run { script, text: Some(text) })
            }
            _ => self.run(instruction),
        }
    }

    /// The line with its here-documents below it, as the shell gets it. A here-document without a command is the script itself.
    fn with_heredocs(&self, line: &Text, heredocs: &[Heredoc<'_>]) -> Option<Text> {
        // The end of a here-document may have blanks, in quotes.
        let is_alone = split_quoted(&line.value, '\\').all(|(word, _)| word.contains("<<"));
        if let (true, Some(first)) = (is_alone, heredocs.first()) {
            return shell::is_for_shell(first.text).then(|| Text::new(first.text, first.start));
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
