//! What the pages show is run, as a reader would.

use super::markdown::{Fence, Page};
use super::{none, pages, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kinds of code blocks, and the settings that each may have. `sh cluster` and `sh release` are run by e2e/.
const KINDS: &[(&str, &[&str])] = &[
    ("sh", &["exit", "needs"]),
    ("sh cluster", &["exit", "needs"]),
    ("sh release", &["exit", "needs"]),
    ("sh make", &[]),
    ("sh optional", &[]),
    ("yaml", &["file", "test"]),
    ("dockerfile", &["file", "test"]),
    ("text", &[]),
    ("json", &[]),
    ("text drawing", &[]),
];

/// Files that a reader has. The folder tests/pages/reader has more, and e2e/pages knows the same.
const READERS: &[(&str, &str)] = &[
    ("deploy.yaml", "examples/privileged-deployment.yaml"),
    ("review.json", "tests/reviews/review-001-Deployment-CREATE.json"),
];

/// Folders of a clone.
const CLONE: &[&str] = &["examples", "policies", "charts"];

/// Dates on the pages are near, and a test must not end with them.
fn far(text: &str) -> String {
    text.replace("2027-", "2099-")
}

fn is_output(fence: &Fence) -> bool {
    fence.kind == "text" || fence.kind == "json"
}

fn is_command(fence: &Fence) -> bool {
    fence.kind.starts_with("sh")
}

/// What is wrong with the form of a page's code blocks.
fn form(page: &Page) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, fence) in page.fences.iter().enumerate() {
        let mut complain = |says: String| complaints.push(format!("{}:{}: {says}", page.path, fence.line));
        let Some((_, settings)) = KINDS.iter().find(|(kind, _)| *kind == fence.kind) else {
            complain(format!(
                "a code block of the kind `{}`; CONTRIBUTING.md, \"Write a page\", has the kinds",
                fence.kind
            ));
            continue;
        };
        for setting in fence.settings().filter(|setting| !settings.contains(setting)) {
            complain(format!("`{}` has no setting `{setting}`", fence.kind));
        }
        if is_output(fence) && !index.checked_sub(1).is_some_and(|before| is_command(&page.fences[before])) {
            complain("an output without a command before it; show the command, or make it `text drawing`".to_owned());
        }
        if fence.kind == "sh optional" && !fence.text.starts_with("# Not run by the tests") {
            complain("no test runs it; say why in its first line, `# Not run by the tests: ...`".to_owned());
        }
        if matches!(fence.kind.as_str(), "yaml" | "dockerfile") {
            let Some(name) = fence.setting("file") else {
                complain("YAML without `file=NAME`; name it, and show the command that uses it".to_owned());
                continue;
            };
            let used = fence.setting("test").map_or_else(
                || page.fences.iter().any(|it| is_command(it) && it.text.contains(name)),
                |test| fs::read_to_string(root().join(test)).is_ok_and(|text| text.contains(name)),
            );
            if !used {
                complain(format!(
                    "no command of this page uses {name}; show one, or name with `test=PATH` the test that does"
                ));
            }
        }
    }
    complaints
}

#[test]
fn code_blocks_are_of_a_kind_that_is_tested() {
    none(&pages().iter().flat_map(form).collect::<Vec<_>>());
}

/// The folder in which the commands of a page run.
fn folder(page: &Page) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(page.path.replace('/', "-"));
    let _ = fs::remove_dir_all(&dir);
    copy(&root().join("tests/pages/reader"), &dir);
    for (name, from) in READERS {
        fs::copy(root().join(from), dir.join(name)).expect("copied");
    }
    for name in CLONE {
        copy(&root().join(name), &dir.join(name));
    }
    for fence in &page.fences {
        if let Some(name) = fence.setting("file") {
            fs::write(dir.join(name), far(&fence.text)).expect("written");
        }
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Runs a block; what is wrong with how it ended or what it printed.
fn run(dir: &Path, fence: &Fence, wanted: Option<&Fence>) -> Option<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_podreeve")).parent().expect("a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("exec 2>&1; set -euo pipefail; {}", far(&fence.text));
    let output =
        Command::new("bash").args(["-c", &script]).current_dir(dir).env("PATH", path).output().expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let code = fence.setting("exit").map_or(0, |code| code.parse().expect("a number"));
    if output.status.code() != Some(code) {
        return Some(format!(
            "`{}` ended with {:?} and not with {code}:\n{printed}",
            fence.text.trim(),
            output.status.code()
        ));
    }
    let missing = missing(wanted?, &printed)?;
    Some(format!("`{}` does not print, or not in this place:\n{missing}\nIt printed:\n{printed}", fence.text.trim()))
}

/// The first part of an output block that was not printed. Its lines may have others between them; `...` stands for any
/// text, and in JSON blanks do not count.
fn missing(wanted: &Fence, printed: &str) -> Option<String> {
    let json = wanted.kind == "json";
    let bare = |text: &str| text.chars().filter(|c| !json || !c.is_whitespace()).collect::<String>();
    let (wanted, printed) = (bare(&far(&wanted.text)), bare(printed));
    let mut lines = printed.lines();
    for line in wanted.lines().filter(|line| !line.trim().is_empty()) {
        if !lines.any(|it| holds(it, line.trim())) {
            return Some(line.to_owned());
        }
    }
    None
}

/// Whether the line holds the parts around each `...`, in order.
fn holds(line: &str, wanted: &str) -> bool {
    let mut rest = line;
    wanted.split("...").map(str::trim).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn is_there(program: &str) -> bool {
    std::env::var("PATH").unwrap_or_default().split(':').any(|dir| Path::new(dir).join(program).is_file())
}

/// Runs the blocks of a page that need no cluster.
fn run_page(page: &Page) -> Vec<String> {
    let dir = folder(page);
    let mut complaints = Vec::new();
    for (index, fence) in page.fences.iter().enumerate() {
        if fence.kind != "sh" || fence.setting("needs").is_some_and(|program| !is_there(program)) {
            continue;
        }
        let wanted = page.fences.get(index + 1).filter(|next| is_output(next));
        complaints.extend(run(&dir, fence, wanted).map(|says| format!("{}:{}: {says}", page.path, fence.line)));
    }
    complaints
}

#[test]
fn commands_do_what_the_pages_say() {
    let pages = pages();
    let run = pages.iter().flat_map(|page| &page.fences).filter(|fence| fence.kind == "sh").count();
    assert!(run >= 15, "only {run} commands are run; a page that shows none is of no use");
    none(&pages.iter().flat_map(run_page).collect::<Vec<_>>());
}

#[test]
fn targets_of_make_exist() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    let mut complaints = Vec::new();
    for page in pages() {
        for fence in page.fences.iter().filter(|fence| fence.kind == "sh make") {
            for line in fence.text.lines() {
                let target =
                    line.strip_prefix("make ").and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
                if target.is_empty() || !makefile.contains(&format!("\n{target}:")) {
                    complaints.push(format!("{}:{}: `{line}`: the Makefile has no such target", page.path, fence.line));
                }
            }
        }
    }
    none(&complaints);
}

fn page(text: &str) -> Page {
    Page { path: "page".to_owned(), lines: 1, fences: super::markdown::fences("page", text) }
}

#[test]
fn a_block_that_no_test_knows_is_refused() {
    for (text, says) in [
        ("```bash\nls\n```\n", "a code block of the kind `bash`"),
        ("```\nls\n```\n", "a code block of the kind ``"),
        ("```sh clutser\nls\n```\n", "a code block of the kind `sh clutser`"),
        ("```sh exti=1\nls\n```\n", "`sh` has no setting `exti`"),
        ("```text\nhello\n```\n", "an output without a command before it"),
        ("```sh optional\nls\n```\n", "no test runs it; say why"),
        ("```yaml\na: 1\n```\n", "YAML without `file=NAME`"),
        ("```yaml file=a.yaml\na: 1\n```\n", "no command of this page uses a.yaml"),
        ("```yaml file=a.yaml test=Makefile\na: 1\n```\n", "no command of this page uses a.yaml"),
    ] {
        let said = form(&page(text));
        assert!(said.len() == 1 && said[0].contains(says), "{text}: {said:?}");
    }
    assert_eq!(form(&page("```yaml file=a.yaml\na: 1\n```\n```sh\ncat a.yaml\n```\n```text\na: 1\n```\n")), [""; 0]);
}

#[test]
fn a_command_that_does_not_do_what_is_said_is_found() {
    let mut broken = page(concat!(
        "```sh\nfalse\n```\n",
        "```sh\nfalse | true\n```\n",
        "```sh exit=1\ntrue\n```\n",
        "```sh\nprintf 'one two\\nthree\\n'\n```\n```text\nthree\none\n```\n",
        "```sh\necho '{\"a\": 1}'\n```\n```json\n{\"a\": 2}\n```\n",
        "```sh needs=no-such-program\nfalse\n```\n",
        "```sh\nprintf 'one two\\nthree\\n'\n```\n```text\no... two\nthree\n```\n",
        "```sh\necho '{\"a\": 1, \"b\": 2}'\n```\n```json\n{\"a\": 1,\n \"b\": ...}\n```\n",
    ));
    broken.path = "broken".to_owned();
    let said = run_page(&broken);
    let lines: Vec<&str> = said.iter().map(|it| it.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(lines, ["broken:1", "broken:4", "broken:7", "broken:10", "broken:17"], "{said:#?}");
}
