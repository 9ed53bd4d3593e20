//! What the instructions of a Dockerfile do with files that the build loaded.

use crate::dockerfile::{Arguments, Command, Dockerfile, Instruction, Keyword, Run, Shells, Started, Word};
use crate::rules::unverified::{Caches, Downloads, Mounted, Used};
use crate::shell::{self, Script};
use std::ops::Range;

/// Follows what an instruction other than RUN puts into the image, and where. `ADD` of a URL without `--checksum` is a download.
pub fn follow(
    file: &Dockerfile<'_>,
    instruction: &Instruction<'_>,
    stages: &[Downloads],
    downloads: &mut Downloads,
    is_windows: bool,
    allow: &[String],
) {
    // A folder of Windows ends with a backslash.
    let path = |word: &Word| if is_windows { word.text().replace('\\', "/") } else { word.text().to_owned() };
    match (instruction.keyword, &instruction.arguments) {
        (Keyword::Workdir, _) => {
            instruction.words().first().into_iter().for_each(|folder| downloads.begin_at(&path(folder)));
        }
        (Keyword::Env | Keyword::Arg, _) => {
            let pairs = instruction.pairs().iter();
            let values = pairs.filter_map(|pair| Some((&pair.name, pair.value.as_ref()?)));
            // What has a variable of the build in it stands as it is written.
            let text = |value: &Word| value.text().trim_matches(['"', '\'']).to_owned();
            values.for_each(|(name, value)| downloads.set(name, &text(value)));
        }
        (Keyword::Add | Keyword::Copy, Arguments::Copy { sources, target }) => {
            let (target, checksum) = (&*path(target), instruction.flag("checksum"));
            let from = instruction.flag("from").and_then(|from| file.stage_index(from));
            let from = from.and_then(|index| stages.get(index));
            let is_url = |source: &&str| source.contains("://");
            let sources: Vec<String> = sources.iter().map(path).collect();
            let (urls, files): (Vec<&str>, Vec<&str>) = sources.iter().map(String::as_str).partition(is_url);
            match from {
                Some(from) => downloads.copied_from(from, files.into_iter(), target),
                None => downloads.copied(files.into_iter(), target),
            }
            match checksum {
                None => urls.into_iter().for_each(|url| downloads.added(url, target, allow)),
                Some(_) => downloads.copied(urls.into_iter(), target),
            }
            downloads.begin();
            for heredoc in &instruction.heredocs {
                let is_folder = target.ends_with('/') || instruction.heredocs.len() + sources.len() > 1;
                let inside = format!("{}/{}", target.trim_end_matches('/'), heredoc.name);
                let path = if is_folder { &inside } else { target };
                downloads.copied(std::iter::once(path), path);
                downloads.write(path, heredoc.text, false);
            }
        }
        _ => {}
    }
}

/// Puts what the mounts of a RUN bring at their places, while the RUN lasts.
pub fn mount(
    file: &Dockerfile<'_>,
    instruction: &Instruction<'_>,
    stages: &[Downloads],
    caches: &Caches,
    downloads: &mut Downloads,
) -> Vec<Mounted> {
    let mounts = instruction.mounts().filter_map(|mount| {
        let from = mount.from.and_then(|from| file.stage_index(from)).and_then(|index| stages.get(index));
        downloads.mount(&mount, from, caches)
    });
    mounts.collect()
}

/// Calls `each` with what the stage starts, if that is a file that was loaded and not checked.
pub fn started(
    Started { entrypoint, command, healthcheck }: Started<'_>,
    (file, shells): (&Dockerfile<'_>, &Shells),
    downloads: &mut Downloads,
    allow: &[String],
    each: &mut dyn FnMut(Range<usize>, Used),
) {
    let mut start = |script: &Script, run: &Run| {
        downloads.started(script, allow, &mut |place, used| each(run.span(place), used));
    };
    let run = |instruction: Option<&Instruction<'_>>| instruction.and_then(|one| file.run_in(one, shells));
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
        let command = shell::Command { words, ..shell::Command::default() };
        start(&Script { commands: vec![command], ..Script::default() }, run);
    }
    for run in [&of_entrypoint, &of_command, &run(healthcheck)].into_iter().flatten() {
        start(&run.script, run);
    }
}
