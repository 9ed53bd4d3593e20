//! Files that a command writes of others: `cat a.sh > b.sh`, `echo "$(curl ...)" > a.sh`, `a=$(curl ...)`.

use super::super::scripts::downloader;
use super::{Download, Downloads, globs, outputs};
use crate::shell::{Call, Command, Word};

/// Programs that write what they read, as it is or in another form.
const PASS: [&str; 23] = [
    "add-content",
    "base64",
    "bunzip2",
    "bzcat",
    "bzip2",
    "cat",
    "dd",
    "dos2unix",
    "envsubst",
    "gunzip",
    "gzip",
    "head",
    "out-file",
    "rpm2cpio",
    "sed",
    "set-content",
    "tail",
    "tr",
    "unxz",
    "xz",
    "xzcat",
    "zcat",
    "zstd",
];

/// How many words of a command may be files that it reads.
const MOST_WORDS: usize = 16;

impl Downloads {
    /// Notes the files and variables that the call makes of what the build loaded.
    pub(super) fn copy(&mut self, call: &Call<'_>, allow: &[String]) {
        for (word, name) in call.command.words.iter().filter_map(|word| Some((word, word.text.strip_suffix("=$()")?))) {
            if let Some(by) = printed(word, allow) {
                self.load(&format!("${name}"), &by, true);
            }
        }
        let targets = outputs::written(call);
        if targets.is_empty() {
            return;
        }
        let is_printed = matches!(call.name.as_str(), "add-content" | "cat" | "echo" | "printf" | "set-content");
        let texts = call.command.redirections.iter().filter(|(operator, _)| operator == "<<<").map(|(_, word)| word);
        let mut words = call.words.iter().skip(1).chain(texts).filter(|word| is_printed && word.text == "$()");
        if let Some(by) = words.find_map(|word| printed(word, allow)) {
            for target in &targets {
                self.load(target, &by, true);
            }
        } else if let Some(file) = self.read_by(call).cloned() {
            for target in targets.iter().filter(|target| !target.starts_with("/dev/")) {
                let path = self.folders.resolve(target);
                if path != file.path {
                    self.add(Download { path, members: Vec::new(), is_unpacked: false, ..file.clone() });
                }
            }
        } else {
            self.note_text(call, &targets);
        }
    }

    /// What the call reads, by its words, its input or the commands before it, if the build loaded that and nothing checked it.
    pub(super) fn read_by(&self, call: &Call<'_>) -> Option<&Download> {
        if !self.files.iter().any(|file| !file.is_checked) {
            return None;
        }
        let passes = |words: &[Word]| {
            words.first().is_some_and(|word| PASS.contains(&word.text.rsplit('/').next().unwrap_or_default()))
        };
        let own = call.words.iter().skip(1).filter(|_| passes(call.words));
        let before = call.script.sources(call.command).into_iter().filter(|command| passes(&command.words));
        let before = before.flat_map(|command| command.words.iter().skip(1).take(MOST_WORDS).chain(inputs(command)));
        let mut words = own.take(MOST_WORDS).chain(inputs(call.command)).chain(before);
        words.find_map(|word| self.loaded(word.text.strip_prefix("if=").unwrap_or(&word.text)))
    }

    /// The file that a word names, if the build loaded it, or the archive that it is in, and nothing checked it.
    pub(super) fn loaded(&self, word: &str) -> Option<&Download> {
        let path = self.folders.resolve(word);
        let is_open = |file: &&Download| !file.is_checked && !file.is_unpacked && globs::is_match(&path, &file.path);
        let of_archive = || self.unpacked(&path).and_then(|at| self.files.get(at));
        self.files.iter().find(is_open).or_else(of_archive)
    }
}

/// The files that the command reads as its input.
fn inputs(command: &Command) -> impl Iterator<Item = &Word> {
    command.redirections.iter().filter(|(operator, _)| operator == "<").map(|(_, word)| word)
}

/// What loads the text that the word is.
fn printed(word: &Word, allow: &[String]) -> Option<String> {
    word.inner.iter().find_map(|script| downloader(script, allow))
}
