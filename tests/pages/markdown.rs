//! As much of Markdown as the pages use.

use super::root;
use std::fs;

pub struct Page {
    /// Below the root.
    pub path: String,
    pub lines: usize,
    pub fences: Vec<Fence>,
}

/// A code block.
pub struct Fence {
    /// The line of its beginning, from 1.
    pub line: usize,
    /// `sh`, `sh cluster`, `yaml`: the language and the words after it that are no settings.
    pub kind: String,
    settings: Vec<(String, String)>,
    pub text: String,
}

impl Fence {
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(key, _)| key.as_str())
    }
}

/// Code blocks are seen at the beginning of a line only, so that none is missed in a list.
pub fn fences(path: &str, text: &str) -> Vec<Fence> {
    let mut found: Vec<Fence> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let info = line.strip_prefix("```");
        match (info, open) {
            (Some(_), true) => open = false,
            (Some(info), false) => {
                let (settings, words): (Vec<&str>, Vec<&str>) =
                    info.split_whitespace().partition(|word| word.contains('='));
                let settings = settings.iter().filter_map(|word| word.split_once('='));
                found.push(Fence {
                    line: index + 1,
                    kind: words.join(" "),
                    settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                    text: String::new(),
                });
                open = true;
            }
            (None, true) => {
                let fence = found.last_mut().expect("one is open");
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, false) => {
                assert!(
                    !line.trim_start().starts_with("```"),
                    "{path}:{}: a code block in a list is not seen by the tests; move it to the beginning of the line",
                    index + 1
                );
            }
        }
    }
    assert!(!open, "{path}: the last code block is not closed");
    found
}

impl Page {
    /// The text of any file.
    pub fn read_any(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn read(path: &str) -> Self {
        let text = Self::read_any(path);
        let fences = fences(path, &text);
        Self { path: path.to_owned(), lines: text.lines().count(), fences }
    }
}

/// A paragraph, list item, heading or table cell: its words without code, links and markup, each with its line.
pub type Block = Vec<(usize, String)>;

/// The prose of a page. What stands in backquotes is the word `CODE`.
pub fn prose(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block::new()];
    let (mut fenced, mut hidden) = (false, false);
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            fenced = !fenced;
            blocks.push(Block::new());
            continue;
        }
        hidden |= trimmed.starts_with("<!--");
        let skip = fenced || hidden || line.starts_with("    ");
        hidden &= !line.contains("-->");
        if skip {
            continue;
        }
        let numbered = trimmed.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        if trimmed.is_empty() || numbered || ["- ", "* ", "#", "|"].iter().any(|mark| trimmed.starts_with(mark)) {
            blocks.push(Block::new());
        }
        for cell in plain(line).split('|') {
            if trimmed.starts_with('|') {
                blocks.push(Block::new());
            }
            let words = cell.split_whitespace().map(|word| (index + 1, word.to_owned()));
            blocks.last_mut().expect("one at least").extend(words);
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// A line without code, the targets of links, and emphasis.
fn plain(line: &str) -> String {
    let mut out = String::new();
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str("CODE");
            continue;
        }
        let mut rest = part;
        while let Some((before, after)) = rest.split_once("](") {
            out.push_str(before);
            rest = after.split_once(')').map_or("", |(_, after)| after);
        }
        out.push_str(rest);
    }
    out.replace(['[', ']', '*', '#', '\\'], " ")
}

#[test]
fn prose_is_without_code_and_links() {
    let page = "# Title\n\nOne `let x` [two](a.md#b), **three**\nfour.\n\n- five\n- six\n\n| a | b c |\n|---|---|\n\n```sh\ntold\n```\n<!-- told -->\nend";
    let words: Vec<String> = prose(page)
        .iter()
        .map(|block| block.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(words, ["Title", "One CODE two, three four.", "- five", "- six", "a", "b c", "---", "---", "end"]);
    assert_eq!(prose(page)[1].last(), Some(&(4, "four.".to_owned())));
}

#[test]
fn code_blocks_have_a_kind_and_settings() {
    let found = fences("page", "```sh cluster exit=1\nls\n```\ntext\n```yaml file=a.yaml\na: 1\n```\n");
    assert_eq!(
        (found[0].kind.as_str(), found[0].setting("exit"), found[0].text.as_str()),
        ("sh cluster", Some("1"), "ls\n")
    );
    assert_eq!((found[1].kind.as_str(), found[1].setting("file"), found[1].line), ("yaml", Some("a.yaml"), 5));
}

#[test]
#[should_panic(expected = "page:2: a code block in a list is not seen")]
fn a_code_block_in_a_list_is_refused() {
    fences("page", "- a\n  ```sh\n  ls\n  ```\n");
}
