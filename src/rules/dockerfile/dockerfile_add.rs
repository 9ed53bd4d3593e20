//! `ADD`.

use crate::dockerfile::{Arguments, Dockerfile, Instruction, Keyword, Word};
use crate::rule::{
    Applicability, FileCheck, FileEdit, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity,
    compile_file, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "dockerfile-add",
    title: "COPY in place of ADD, and a checksum for what ADD fetches",
    docs: "`ADD` unpacks archives and fetches URLs, and what it does depends on the name and the content of its source. `COPY` only \
copies. The rule accepts `ADD` for archives (`.tar`, `.tgz`, `.tar.xz` and the like), which it unpacks.\n\n\
What `ADD` fetches from a URL needs `--checksum=sha256:...`, and a Git repository a checksum or a commit behind `#`: without them \
the image has whatever the server sends on the day of the build. `allow` names beginnings of URLs that need none.",
    why: "a server that was taken over, or a name that was changed, puts files of an attacker into the image",
    owasp: &[25, 26, 29],
    severity: Severity::Medium,
    params: params::<DockerfileAdd>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileAdd>,
        instead: "write COPY for local files, and `--checksum=sha256:...` with the digest that the publisher names for a URL",
        examples: &[
            FileExample::bad(
                "local files",
                "FROM debian:12\nADD app.py requirements.txt /srv/\nadd --chown=app:app [\"conf\", \"/etc/app\"]\nONBUILD ADD . /srv\n",
                &[2, 3, 4],
            )
            .repaired(
                "FROM debian:12\nCOPY app.py requirements.txt /srv/\nCOPY --chown=app:app [\"conf\", \"/etc/app\"]\nONBUILD COPY . /srv\n",
            ),
            FileExample::bad(
                "a URL and a repository without a checksum",
                "FROM debian:12\nARG V=1\nADD https://example.com/app-$V.tgz /srv/\nADD https://github.com/a/b.git#main /src\nADD git@git.example.com:a/b.git /src\n",
                &[3, 4, 5],
            ),
            FileExample::bad("a branch in a query", "FROM debian:12\nADD https://github.com/a/b.git?ref=main&keep-git-dir=1 /src\n", &[2]),
            FileExample::good(
                "a commit in a query, and one that the build knows",
                "FROM debian:12\nARG V\nADD https://github.com/a/b.git?commit=8c2cf43ad8f5ad0e2d5e5c2d2f9b5f4d5c6e7f80&keep-git-dir=1 /src\nADD https://github.com/a/b.git#$V /src\n",
            ),
            FileExample::bad("a here-document", "FROM debian:12\nADD <<EOF /etc/motd\nhello\nEOF\n", &[2])
                .repaired("FROM debian:12\nCOPY <<EOF /etc/motd\nhello\nEOF\n"),
            FileExample::good(
                "archives, and a checksum",
                "FROM scratch\nADD rootfs.tar.xz /\nADD *.tgz $FILES /srv/\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a.bin /\nADD https://github.com/a/b.git#8c2cf43ad8f5ad0e2d5e5c2d2f9b5f4d5c6e7f80 /src\n",
            ),
            FileExample::good("COPY", "FROM debian:12\nCOPY app.py /srv/\n"),
            FileExample::good("an allowed beginning", "FROM debian:12\nADD https://files.example.com/a.bin /\n")
                .params(r#"{"allow":["https://files.example.com/"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-add`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileAdd {
    /// Beginnings of URLs that need no checksum. Default: none.
    allow: Vec<String>,
}

impl FileCheck for DockerfileAdd {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        for instruction in file.instructions.iter().filter(|i| i.keyword == Keyword::Add) {
            let Arguments::Copy { sources, .. } = &instruction.arguments else { continue };
            let has_checksum = instruction.flag("checksum").is_some();
            for word in sources.iter().filter(|word| !has_checksum && is_remote(word) && !is_commit(word)) {
                if self.allow.iter().any(|allowed| word.text().starts_with(allowed.as_str())) {
                    continue;
                }
                let found = if is_repository(word.text()) {
                    "a Git repository without a commit"
                } else {
                    "a URL without --checksum"
                };
                let finding = Finding::new(file.place(word.span.clone()), found, "--checksum=sha256:...");
                findings.push(finding.severity(Severity::High));
            }
            if is_local(instruction) {
                let place = file.place(instruction.keyword_span.clone());
                let finding = Finding::new(place, "ADD of local files", "COPY").severity(Severity::Low);
                findings.push(
                    finding
                        .why("ADD unpacks and fetches where COPY only copies, so what it does depends on its sources"),
                );
            }
        }
    }

    fn suggest(&self, file: &Dockerfile<'_>, finding: &Finding<'_, crate::dockerfile::Place>) -> Option<FileEdit> {
        let (_, instruction) = file.instruction_at(finding.at.span.start)?;
        if instruction.keyword_span != finding.at.span {
            return None;
        }
        // COPY has neither of the options that only fetching needs.
        let fits =
            instruction.flags.iter().all(|flag| !["checksum", "keep-git-dir", "unpack"].contains(&flag.name.as_str()));
        let applicability = if copies_as_add(instruction) { Applicability::Safe } else { Applicability::Suggested };
        fits.then(|| FileEdit { span: finding.at.span.clone(), text: "COPY".into(), applicability })
    }
}

/// Whether it copies local files alone, none of which is an archive.
fn is_local(instruction: &Instruction<'_>) -> bool {
    let Arguments::Copy { sources, .. } = &instruction.arguments else { return false };
    let is_plain = |word: &Word| word.value.as_deref().is_some_and(|value| !is_remote(word) && !is_archive(value));
    let has_source = !sources.is_empty() || !instruction.heredocs.is_empty();
    has_source && instruction.flag("unpack").is_none() && sources.iter().all(is_plain)
}

/// Whether COPY certainly does the same. ADD unpacks an archive by its content, whatever its name is, but neither what is inside a
/// directory nor a here-document.
fn copies_as_add(instruction: &Instruction<'_>) -> bool {
    let Arguments::Copy { sources, .. } = &instruction.arguments else { return false };
    let is_directory = |word: &Word| {
        let path = word.value.as_deref().unwrap_or_default();
        path.ends_with('/') || path.rsplit('/').next().is_some_and(|last| matches!(last, "." | ".."))
    };
    sources.iter().all(is_directory)
}

fn is_remote(word: &Word) -> bool {
    let text = word.text().to_ascii_lowercase();
    ["http://", "https://", "git://", "ssh://", "git@", "github.com/"].iter().any(|begin| text.starts_with(begin))
}

fn is_repository(url: &str) -> bool {
    let path = url.split(['#', '?']).next().unwrap_or_default();
    ["git@", "git://", "ssh://"].iter().any(|begin| url.starts_with(begin)) || path.strip_suffix(".git").is_some()
}

/// Whether the URL of a repository names a commit or a checksum, or one that only the build knows: behind `#`, or as `?commit=`.
fn is_commit(word: &Word) -> bool {
    let text = word.text();
    let part = |text: &str| {
        let part = text.split([':', '&']).next().unwrap_or_default().to_owned();
        part.contains('$') || (part.len() >= 40 && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let named = ["#", "?commit=", "&commit=", "?checksum=", "&checksum=", "?ref=", "&ref="];
    is_repository(text) && named.iter().any(|mark| text.split_once(mark).is_some_and(|(_, rest)| part(rest)))
}

/// Ends of names of what ADD unpacks.
const ENDS: [&str; 13] = [
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.lzma",
    ".gz",
    ".xz",
];

/// Whether ADD unpacks it.
fn is_archive(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_and_here_documents_are_copied_without_a_person() {
        for (arguments, safe) in [
            (". /srv", true),
            ("./ ../conf/ /srv/", true),
            ("[\"conf/\", \"/srv\"]", true),
            ("<<EOF /etc/motd\nhello\nEOF", true),
            ("app.py /srv/", false),
            ("conf /srv", false),
            ("conf/ app.py /srv/", false),
            ("conf/*. /srv/", false),
        ] {
            let text = format!("FROM scratch\nADD {arguments}\n");
            let file = Dockerfile::parse(&text);
            let check = DockerfileAdd::default();
            let mut findings = FileFindings::new();
            check.check(&file, &mut findings);
            let edits: Vec<Applicability> = findings
                .iter()
                .filter_map(|finding| check.suggest(&file, finding))
                .map(|edit| edit.applicability)
                .collect();
            assert_eq!(edits, [if safe { Applicability::Safe } else { Applicability::Suggested }], "{text}");
        }
    }
}
