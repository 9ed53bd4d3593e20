//! The steps of a build, as the history of an image has them.

use crate::shell::SHELLS;

/// A step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'s> {
    /// Commands: the arguments of the build (`A=b C=d`), the shell with its options, and the script.
    Run { arguments: &'s str, shell: &'s str, script: &'s str },
    /// `ENV`, and what is behind it.
    Instruction(&'s str, &'s str),
}

/// The instructions of a Dockerfile but `RUN`.
const INSTRUCTIONS: [&str; 15] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

impl<'s> Step<'s> {
    /// Reads what BuildKit, the older builder of Docker, buildah or kaniko wrote.
    pub fn read(created_by: &'s str) -> Self {
        let step = created_by.trim();
        let step = step.strip_suffix("# buildkit").unwrap_or(step).trim_end();
        // The older builder writes steps other than RUN as comments of a shell.
        let nop = step.split_once("#(nop)").filter(|(shell, _)| behind_shell(shell.trim_end()).trim().is_empty());
        let step = nop.map_or(step, |(_, rest)| rest.trim_start());
        let step = step.trim_start_matches("ONBUILD ").trim_start();
        let (keyword, rest) = step.split_once(|c: char| c.is_whitespace()).unwrap_or((step, ""));
        if INSTRUCTIONS.contains(&keyword) {
            return Self::Instruction(keyword, rest.trim());
        }
        let run = without_options(if keyword == "RUN" { rest } else { step }.trim_start());
        let (arguments, run) = split_arguments(run);
        let script = behind_shell(run);
        Self::Run { arguments, shell: run.strip_suffix(script).unwrap_or_default(), script }
    }
}

/// What is behind `--mount=type=cache,target=/root`.
fn without_options(run: &str) -> &str {
    let mut rest = run;
    while let Some((_, behind)) = rest.split_once(' ').filter(|(option, _)| option.starts_with("--")) {
        rest = behind.trim_start();
    }
    rest
}

/// The arguments of the build in `|2 A=b C=d /bin/sh -c ...`, and what is behind them. Their values may have blanks.
fn split_arguments(run: &str) -> (&str, &str) {
    if !run.starts_with('|') {
        return ("", run);
    }
    let shell = |(at, _): &(usize, &str)| run.get(at + 1..).is_some_and(|rest| behind_shell(rest).len() < rest.len());
    let Some((at, _)) = run.match_indices(' ').find(shell) else { return ("", run) };
    let arguments = run.get(..at).and_then(|all| all.split_once(' ')).map_or("", |(_, arguments)| arguments);
    (arguments, run.get(at + 1..).unwrap_or_default())
}

/// The most words of a shell and its options.
const MOST_WORDS: usize = 32;

/// What is behind `/bin/bash -o pipefail -c`, or `/usr/bin/env bash -c`.
fn behind_shell(run: &str) -> &str {
    // Each word, and where the next one begins.
    let words = run.split(' ').scan(0, |end, word| {
        *end += word.len() + 1;
        Some((word, *end))
    });
    let mut words = words.take(MOST_WORDS);
    let mut name = words.next().map_or("", |(word, _)| word);
    if name.starts_with('/') && name.ends_with("/env") {
        name = words.find(|(word, _)| !word.starts_with('-')).map_or("", |(word, _)| word);
    }
    if !SHELLS.contains(&name.rsplit('/').next().unwrap_or_default()) {
        return run;
    }
    while let Some((word, end)) = words.next() {
        let is_short = word.starts_with(['-', '+']) && !word.starts_with("--");
        if is_short && word.ends_with(['o', 'O']) || matches!(word, "--rcfile" | "--init-file") {
            // Its value.
            words.next();
        } else if is_short && word.contains('c') {
            return run.get(end..).unwrap_or_default();
        } else if !word.starts_with(['-', '+']) {
            break;
        }
    }
    run
}

/// The pairs of `A=b C=d e`, or of the older `A b`. Builders write values with blanks without quotes.
pub fn pairs(text: &str) -> Vec<(&str, &str)> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/".contains(&b));
    let begins = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_name(name.trim_matches('"')));
    let mut starts: Vec<usize> = Vec::new();
    let mut is_before = true;
    for (at, c) in text.char_indices() {
        let word = text.get(at..).unwrap_or_default();
        if is_before && begins(word.split(char::is_whitespace).next().unwrap_or_default()) {
            starts.push(at);
        }
        is_before = c.is_whitespace();
    }
    if starts.first() != Some(&0) {
        return text.split_once(char::is_whitespace).map(|(name, value)| (name, bare(value))).into_iter().collect();
    }
    let ends = starts.iter().copied().skip(1).chain(std::iter::once(text.len()));
    let pairs = starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end)?.split_once('='));
    pairs.map(|(name, value)| (name.trim_matches('"'), bare(value))).collect()
}

/// Without blanks around it, and without quotes.
fn bare(value: &str) -> &str {
    let value = value.trim();
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_all_builders_are_read() {
        let run = |arguments, script| Step::Run { arguments, shell: "", script };
        for (written, step) in [
            ("RUN /bin/sh -c a && b # buildkit", run("", "a && b")),
            ("RUN |2 A=b C=d e /bin/sh -c f # buildkit", run("A=b C=d e", "f")),
            ("|1 A=b /bin/bash -o pipefail -c f", run("A=b", "f")),
            ("/bin/sh -c f", run("", "f")),
            ("RUN /bin/bash --norc -c f # buildkit", run("", "f")),
            ("RUN /bin/bash -o nounset -euo pipefail -c f -c g", run("", "f -c g")),
            ("RUN |1 A=b /usr/bin/env -i bash --norc -c f", run("A=b", "f")),
            ("RUN /bin/sh a.sh -c f", run("", "/bin/sh a.sh -c f")),
            ("RUN --mount=type=secret,id=a f g", run("", "f g")),
            ("# debian.sh --arch 'amd64'", run("", "# debian.sh --arch 'amd64'")),
            ("/bin/sh -c #(nop)  ENV A=b", Step::Instruction("ENV", "A=b")),
            ("/bin/sh -c #(nop) ADD file:aa in / ", Step::Instruction("ADD", "file:aa in /")),
            ("COPY a b # buildkit", Step::Instruction("COPY", "a b")),
            ("CMD [\"sh\"]", Step::Instruction("CMD", "[\"sh\"]")),
            ("RUN /bin/sh -c echo '#(nop) ENV' # buildkit", run("", "echo '#(nop) ENV'")),
        ] {
            let read = match Step::read(written) {
                Step::Run { arguments, script, .. } => run(arguments, script),
                instruction @ Step::Instruction(..) => instruction,
            };
            assert_eq!(read, step, "{written}");
        }
    }

    #[test]
    fn values_of_pairs_may_have_blanks() {
        assert_eq!(pairs("A=b C=d e F="), [("A", "b"), ("C", "d e"), ("F", "")]);
        assert_eq!(pairs("container oci"), [("container", "oci")]);
        assert_eq!(pairs(r#""a.b"="c d" e='f'"#), [("a.b", "c d"), ("e", "f")]);
        assert_eq!(pairs("A"), []);
    }
}
