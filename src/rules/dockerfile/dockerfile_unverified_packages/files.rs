//! What the instructions of a Dockerfile do with files that the build loaded.

use crate::dockerfile::{Arguments, Command, Dockerfile, Instruction, Keyword, Run, Stage, Word};
use crate::rules::unverified::{Downloads, Used};
use crate::shell::{self, Script};
use std::ops::Range;

/// Follows what an instruction other than RUN puts into the image, and where. `ADD` of a URL without `--checksum` is a download.
pub fn follow(
    file: &Dockerfile<'_>,
    instruction: &Instruction<'_>,
    stages: &[Downloads],
    downloads: &mut Downloads,
    allow: &[String],
) {
    match (instruction.keyword, &instruction.arguments) {
        (Keyword::Workdir, _) => {
            instruction.words().first().into_iter().for_each(|folder| downloads.begin_at(folder.text()));
        }
        (Keyword::Env | Keyword::Arg, _) => {
            let pairs = instruction.pairs().iter();
            let values = pairs.filter_map(|pair| Some((&pair.name, pair.value.as_ref()?)));
            values.for_each(|(name, value)| downloads.set(name, value.text()));
        }
        (Keyword::Add | Keyword::Copy, Arguments::Copy { sources, target }) => {
            let (target, checksum) = (target.text(), instruction.flag("checksum"));
            let from =
                instruction.flag("from").and_then(|name| stage_of(file, name)).and_then(|index| stages.get(index));
            let is_url = |source: &&str| source.contains("://");
            let (urls, files): (Vec<&str>, Vec<&str>) = sources.iter().map(Word::text).partition(is_url);
            match from {
                Some(from) => downloads.copied_from(from, files.into_iter(), target),
                None => downloads.copied(files.into_iter(), target),
            }
            match checksum {
                None => urls.into_iter().for_each(|url| downloads.added(url, target, allow)),
                Some(_) => downloads.copied(urls.into_iter(), target),
            }
        }
        _ => {}
    }
}

/// The stage that `--from` names: by its name or its number.
fn stage_of(file: &Dockerfile<'_>, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let named = file.stages.iter().position(|stage| stage.name.as_deref() == Some(name.as_str()));
    named.or_else(|| name.parse().ok())
}

/// Calls `each` with what the stage starts, if that is a file that was loaded and not checked.
pub fn started(
    file: &Dockerfile<'_>,
    stage: &Stage,
    downloads: &mut Downloads,
    each: &mut dyn FnMut(Range<usize>, Used),
) {
    let last = |keyword| file.of_stage(stage).rfind(|instruction| instruction.keyword == keyword);
    let (entrypoint, command) = (last(Keyword::Entrypoint), last(Keyword::Cmd));
    let mut start = |script: &Script, run: &Run| {
        downloads.started(script, &mut |call, used| each(run.span(call.place()), used));
    };
    let run = |instruction: Option<&Instruction<'_>>| instruction.and_then(|instruction| file.run(instruction));
    let words = |instruction: Option<&Instruction<'_>>, run: &Option<Run>| {
        let is_exec = instruction.is_some_and(|one| matches!(one.arguments, Arguments::Command(Command::Exec(_))));
        let command = run.as_ref().filter(|_| is_exec)?.script.commands.first()?;
        Some(command.words.clone())
    };
    let (of_entrypoint, of_command) = (run(entrypoint), run(command));
    // The words of CMD are arguments of ENTRYPOINT, or that is a script that starts them.
    if let (Some(program), Some(arguments)) = (words(entrypoint, &of_entrypoint), words(command, &of_command))
        && let Some(run) = &of_entrypoint
    {
        let words = [program, arguments].concat();
        start(&Script { commands: vec![shell::Command { words, ..shell::Command::default() }] }, run);
    }
    for run in [&of_entrypoint, &of_command].into_iter().flatten() {
        start(&run.script, run);
    }
}
