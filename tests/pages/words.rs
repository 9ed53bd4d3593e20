//! Plain English: short sentences, one meaning for each word, someone who acts in every sentence.

use super::markdown::{Block, prose};
use super::{OTHERS, files, is_generated, none, root};
use std::fs;
use std::path::Path;

/// A word or phrase that the prose does not use, and what to write.
const WORDS: &[(&str, &str)] = &[
    ("told", "say who says it: `the log reports`, `podreeve prints`"),
    ("tell", "`say`, `report`, `print`, `show`"),
    ("tells", "`says`, `reports`, `prints`, `shows`"),
    ("telling", "`saying`, `reporting`"),
    ("is asked", "name who asks: `podreeve reads`, `the API server calls podreeve`"),
    ("are asked", "name who asks: `podreeve reads`, `the API server calls podreeve`"),
    ("was asked", "name who asked"),
    ("were asked", "name who asked"),
    ("be asked", "name who asks"),
    ("been asked", "name who asked"),
    ("asked of", "name who asks, and what: `podreeve reads it from the kubelet`"),
    ("whoever", "`a user who`, `a client that`, `everyone who`"),
    ("nobody", "name them: `no user`, `no replica`, `no client`"),
    ("somebody", "name them: `a user`, `a client`, `another program`"),
    ("anybody", "name them: `every user`, `any client`"),
    ("anew", "`again`"),
    ("beside", "`next to`, `together with`, `in addition to`"),
    ("amid", "`during`"),
    ("for ever", "`forever`, or say how long"),
    ("likewise", "`also`"),
    ("thereby", "`so`"),
    ("thereof", "`of it`, with its noun"),
    ("hence", "`so`"),
    ("whence", "`from which`"),
    ("as it were", "strike it"),
    ("so to speak", "strike it"),
    ("amongst", "`among`"),
    ("whilst", "`while`"),
    ("utilize", "`use`"),
    ("leverage", "`use`"),
    ("in order to", "`to`"),
    ("and/or", "`and`, `or`, or two sentences"),
    ("obviously", "strike it"),
    ("simply", "strike it"),
    ("easily", "strike it"),
    ("e.g", "`for example`"),
    ("i.e", "`that is`"),
];

/// Longer sentences are two.
const MAX_WORDS: usize = 40;

/// What is read, besides the pages: a folder below the root and the extension of its files. In code the comments are read.
const FOLDERS: &[(&str, &str)] =
    &[("docs", "md"), ("charts/podreeve", "md"), ("charts/podreeve", "gotmpl"), ("src", "rs")];

fn read() -> Vec<String> {
    let mut paths: Vec<String> = OTHERS.iter().map(ToString::to_string).collect();
    for (folder, extension) in FOLDERS {
        paths.extend(files(&root().join(folder), extension));
    }
    paths.retain(|path| !is_generated(path));
    paths
}

/// Comments of Rust code as a page, line by line: what is no comment is an empty line.
fn comments(code: &str) -> String {
    let mut text = String::new();
    for line in code.lines() {
        let line = line.trim_start();
        let comment = ["//! ", "/// ", "// "].iter().find_map(|mark| line.strip_prefix(mark));
        text.push_str(comment.unwrap_or_default());
        text.push('\n');
    }
    text
}

fn blocks(path: &str, text: &str) -> Vec<Block> {
    if Path::new(path).extension().is_some_and(|it| it == "rs") { prose(&comments(text)) } else { prose(text) }
}

/// What is wrong with a text.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in blocks(path, text) {
        let words: Vec<(usize, String)> = block
            .iter()
            .map(|(line, word)| (*line, word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric()).to_owned()))
            .filter(|(_, word)| !word.is_empty())
            .collect();
        for (phrase, instead) in WORDS {
            let parts: Vec<&str> = phrase.split(' ').collect();
            for window in words.windows(parts.len()) {
                if window.iter().map(|(_, word)| word.as_str()).eq(parts.iter().copied()) {
                    found.push(format!("{path}:{}: \"{phrase}\"; instead: {instead}", window[0].0));
                }
            }
        }
        let mut sentence: Vec<&(usize, String)> = Vec::new();
        for (index, word) in block.iter().enumerate() {
            sentence.push(word);
            let ends = word.1.trim_end_matches([')', '"']).ends_with(['.', '!', '?']);
            if !ends && index + 1 < block.len() {
                continue;
            }
            let count = sentence.iter().filter(|(_, word)| word.contains(char::is_alphanumeric)).count();
            if count > MAX_WORDS {
                let begin: Vec<&str> = sentence.iter().take(6).map(|(_, word)| word.as_str()).collect();
                found.push(format!(
                    "{path}:{}: a sentence of {count} words (\"{} ...\"); make two of it, {MAX_WORDS} are the most",
                    sentence[0].0,
                    begin.join(" ")
                ));
            }
            sentence.clear();
        }
    }
    found
}

#[test]
fn the_words_are_plain_and_the_sentences_short() {
    let paths = read();
    for page in ["README.md", "docs/install.md", "charts/podreeve/README.md"] {
        assert!(paths.iter().any(|path| path == page), "{page} is not read");
    }
    let all = paths.iter().flat_map(|path| complaints(path, &fs::read_to_string(root().join(path)).expect("readable")));
    none(&all.collect::<Vec<_>>());
}

#[test]
fn a_word_and_a_long_sentence_are_found_with_their_line() {
    let said = complaints("page.md", "# Title\n\nThe user is\nasked. Nobody, `nobody`!\n\n| a | whoever |\n");
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[0].starts_with("page.md:3: \"is asked\"; instead: name who asks"), "{said:#?}");
    assert!(said[1].starts_with("page.md:4: \"nobody\"; instead: name them"), "{said:#?}");
    assert!(said[2].starts_with("page.md:6: \"whoever\"; instead: `a user who`"), "{said:#?}");

    let long = format!("Short. {}end.", "word ".repeat(MAX_WORDS));
    let said = complaints("page.md", &long);
    assert!(said.len() == 1 && said[0].contains("page.md:1: a sentence of 41 words"), "{said:#?}");
    assert_eq!(complaints("page.md", &long.replacen("word word", "word. word", 1)), [""; 0]);
}

#[test]
fn of_code_the_comments_are_read() {
    let code = "//! It tells.\nfn told() { let nobody = \"nobody\"; }\n    /// A line\n    /// anew.\n";
    let said = complaints("a.rs", code);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("a.rs:1: \"tells\"") && said[1].starts_with("a.rs:4: \"anew\""), "{said:#?}");
}
