//! Links between the pages and to files of the repository. Nothing is fetched.

use super::markdown::Page;
use super::{files, none, root};
use std::fs;
use std::path::Path;

/// A file of the repository, named from a page of the book.
const REPOSITORY: &str = "https://github.com/podreeve/podreeve/blob/main/";

/// Where links are looked for, the generated pages included.
fn linking() -> Vec<String> {
    let mut paths: Vec<String> = super::OTHERS.iter().map(ToString::to_string).collect();
    paths.extend(files(&root().join("docs"), "md"));
    paths.extend(
        ["CHANGELOG.md", "charts/podreeve/README.md", "policies/README.md", "e2e/README.md"].map(str::to_owned),
    );
    paths
}

/// Line and target of each link of a page.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            found.push((index + 1, part.split(')').next().unwrap_or_default()));
        }
    }
    found
}

/// The anchors of a page: its headings as GitHub and mdBook name them.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            found.push(
                heading
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                    .map(|c| if c == ' ' { '-' } else { c })
                    .collect(),
            );
        }
    }
    found
}

/// The path below the root that a link of a page leads to; none where it leads out of the repository.
fn target(page: &str, link: &str) -> Option<String> {
    if let Some(path) = link.strip_prefix(REPOSITORY) {
        return Some(path.to_owned());
    }
    if link.contains("://") {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop().unwrap_or_else(|| panic!("{page}: {link} leads out of the repository"));
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What is wrong with a link of a page.
fn complaint(page: &str, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { page.to_owned() } else { target(page, path)? };
    if !root().join(&path).exists() {
        return Some(format!("`{link}`: there is no {path}; name a file that exists"));
    }
    if page.starts_with("docs/") && !path.starts_with("docs/") && !link.starts_with(REPOSITORY) {
        return Some(format!("`{link}` leads out of the book; write {REPOSITORY}{path}"));
    }
    let anchor = anchor?;
    let text = fs::read_to_string(root().join(&path)).expect("it exists");
    let there = anchors(&text);
    (!there.iter().any(|it| it == anchor))
        .then(|| format!("`{link}`: {path} has no heading `#{anchor}`; it has {}", there.join(", ")))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut complaints = Vec::new();
    for path in linking() {
        let page = Page::read_any(&path);
        for (line, link) in links(&page) {
            complaints.extend(complaint(&path, link).map(|it| format!("{path}:{line}: {it}")));
        }
    }
    none(&complaints);
}

#[test]
fn every_page_of_the_book_is_in_its_summary_once() {
    let summary = Page::read_any("docs/SUMMARY.md");
    let named: Vec<String> = links(&summary).iter().filter_map(|(_, link)| target("docs/SUMMARY.md", link)).collect();
    let mut complaints = Vec::new();
    for path in files(&root().join("docs"), "md").iter().filter(|path| *path != "docs/SUMMARY.md") {
        let times = named.iter().filter(|it| *it == path).count();
        if times != 1 {
            complaints.push(format!("{path} is {times} times in docs/SUMMARY.md; name it there once"));
        }
    }
    none(&complaints);
}

/// Texts of the chart and the end-to-end tests that name a page in words.
#[test]
fn a_page_that_a_text_names_exists() {
    let mut complaints = Vec::new();
    for (folder, extension) in [
        ("charts", "yaml"),
        ("charts", "txt"),
        ("charts", "tpl"),
        ("e2e", "go"),
        ("e2e", "md"),
        ("deploy", "yaml"),
        ("policies", "yaml"),
    ] {
        for path in files(&root().join(folder), extension) {
            let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
            for (index, line) in text.lines().enumerate() {
                for part in line.split("docs/").skip(1) {
                    let end = part.find(|c: char| !(c.is_alphanumeric() || "-_/.".contains(c))).unwrap_or(part.len());
                    let name = format!("docs/{}", &part[..end]).trim_end_matches('.').to_owned();
                    if Path::new(&name).extension().is_some_and(|it| it == "md") && !root().join(&name).exists() {
                        complaints.push(format!("{path}:{}: there is no {name}; name a page that exists", index + 1));
                    }
                }
            }
        }
    }
    none(&complaints);
}

#[test]
fn a_broken_link_is_found() {
    for (page, link, says) in [
        ("README.md", "docs/nowhere.md", "there is no docs/nowhere.md"),
        ("README.md", "docs/install.md#nowhere", "docs/install.md has no heading `#nowhere`"),
        ("docs/install.md", "../README.md", "leads out of the book"),
        ("docs/reference/facts.md", "install.md", "there is no docs/reference/install.md"),
        ("docs/install.md", "https://github.com/podreeve/podreeve/blob/main/nowhere", "there is no nowhere"),
    ] {
        let said = complaint(page, link).unwrap_or_default();
        assert!(said.contains(says), "{page} {link}: {said:?}");
    }
    assert_eq!(complaint("docs/README.md", "install.md#what-is-in-force-now"), None);
    assert_eq!(links("a [b](c.md) and [d](e.md#f)\n```\n[x](y)\n```\n"), [(1, "c.md"), (1, "e.md#f")]);
}
