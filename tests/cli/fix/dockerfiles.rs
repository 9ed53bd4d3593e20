//! Dockerfiles: `COPY` for `ADD`, and nothing else.

use super::fix;
use crate::binary::Dir;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::fs;

const BAD: &str = "\
# syntax=docker/dockerfile:1
FROM registry.example.com/debian:12
ADD app.py /srv/ # no comment
add --chown=10001:10001 . \\
    /srv/web
USER 10001
";

#[test]
fn copy_stands_for_add() {
    let dir = Dir::new("dockerfile", &[("Dockerfile", BAD)]);
    let text = || fs::read_to_string(dir.0.join("Dockerfile")).expect("a file");
    let shown = fix(&dir, &["--unsafe-fixes", "--diff", "Dockerfile"]);
    for line in
        ["-ADD app.py /srv/ # no comment\n", "+COPY app.py /srv/ # no comment\n", "-add --chown=10001:10001 . \\\n"]
    {
        assert!(shown.out.contains(line), "{}", shown.out);
    }
    assert_eq!(text(), BAD);
    let safe = fix(&dir, &["Dockerfile"]);
    assert!(safe.out.starts_with("fixed 1 of 2 in Dockerfile; --unsafe-fixes makes more edits"), "{}", safe.out);
    assert_eq!(text(), BAD.replace("add --chown", "COPY --chown"));
    let whole = fix(&dir, &["--unsafe-fixes", "Dockerfile"]);
    assert!(whole.out.starts_with("fixed 1 of 1 in Dockerfile\n"), "{}", whole.out);
    assert_eq!(text(), BAD.replace("add --chown", "COPY --chown").replace("ADD", "COPY"));
    let again = fix(&dir, &["--unsafe-fixes", "Dockerfile"]);
    assert!(!again.out.contains("fixed"), "{}", again.out);
}

#[test]
fn a_diff_shows_no_secret_and_the_file_keeps_it() {
    let text = "FROM debian:12\nENV API_TOKEN=hunter2\nADD a /b\nRUN mysql -uroot -phunter2 -e 1\nUSER 10001\n";
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: r.example.com/a:1\n    env:\n    \
                    - name: DB_PASSWORD\n      value: hunter2\n    securityContext: {privileged: true}\n    args:\n    - --password=hunter2\n";
    let dir = Dir::new("fix-secret", &[("Dockerfile", text), ("a.yaml", manifest)]);
    for args in [&["Dockerfile"][..], &["a.yaml"], &["-o", "json", "Dockerfile"], &["-o", "json", "a.yaml"]] {
        let shown = fix(&dir, &[&["--unsafe-fixes", "--diff"], args].concat());
        assert!(shown.out.contains("would fix") || shown.out.contains("\"diff\""), "{}", shown.out);
        assert!(!shown.out.contains("hunter2"), "{}", shown.out);
    }
    fix(&dir, &["--unsafe-fixes", "Dockerfile"]);
    assert_eq!(fs::read_to_string(dir.0.join("Dockerfile")).expect("a file"), text.replace("ADD", "COPY"));
}

#[test]
fn stdin_is_not_written() {
    let dir = Dir::new("dockerfile-stdin", &[]);
    let ran = dir.run_with(&["check", "--no-config", "--fix", "--unsafe-fixes", "--dockerfile", "-"], BAD);
    assert!(ran.out.contains("not edited: stdin is not written"), "{}{}", ran.out, ran.err);
}

/// Lines of Dockerfiles, some with ADD where it is no instruction.
const LINES: &[&str] = &[
    "ADD app.py requirements.txt /srv/",
    "add . /srv",
    "Add --chown=1:1 conf/ /etc/app/",
    "ADD [\"a b\", \"/c/\"]",
    "ONBUILD ADD src/ /src",
    "  ADD \\\n  # ADD in a comment\n  app.py \\\n  /srv/",
    "ADD <<EOF /etc/motd\nADD hello /x\nEOF",
    "ADD rootfs.tar.xz /",
    "ADD https://example.com/a.bin /srv/",
    "ADD --unpack=false a.tar /srv/",
    "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a.bin /",
    "ADD $FILES /srv/",
    "ARG FILES=app.py",
    "COPY app.py /srv/",
    "RUN echo ADD app.py /srv/",
    "RUN <<EOF\nADD x /y\nEOF",
    "# ADD app.py /srv/",
    "ENV ADD=app.py",
    "",
    "USER 10001",
];

/// No line changes but by one word, and a second run changes nothing.
#[test]
fn nothing_but_the_keyword_of_add_changes() {
    let mut runner = TestRunner::deterministic();
    let line = prop::sample::select(LINES);
    let strategy = (prop::collection::vec(line, 1..12), any::<bool>(), any::<bool>());
    let mut files = Vec::new();
    for number in 0..150 {
        let (lines, windows, ends) = strategy.new_tree(&mut runner).expect("a file").current();
        let mut text = format!("FROM registry.example.com/debian:12\n{}", lines.join("\n"));
        text.push_str(if ends { "\n" } else { "" });
        files.push((format!("{number}.dockerfile"), if windows { text.replace('\n', "\r\n") } else { text }));
    }
    let given: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let dir = Dir::new("dockerfile-property", &given);
    let read = || -> Vec<String> {
        files.iter().map(|(name, _)| fs::read_to_string(dir.0.join(name)).expect("a file")).collect()
    };
    let mut changed = 0;
    for args in [&["."][..], &["--unsafe-fixes", "."]] {
        let before = read();
        fix(&dir, args);
        let after = read();
        fix(&dir, args);
        assert_eq!(read(), after, "a second run changes nothing");
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.split('\n').count(), after.split('\n').count(), "{after}");
            for (old, new) in before.split('\n').zip(after.split('\n')).filter(|(old, new)| old != new) {
                let at = old.to_ascii_uppercase().find("ADD").expect("a line with ADD");
                let (head, tail) = (&old[..at], &old[at + 3..]);
                assert_eq!(new, format!("{head}COPY{tail}"));
                assert!(head.trim().is_empty() || head == "ONBUILD ", "{old}");
                assert!(!["https:", "tar", "--unpack", "--checksum"].iter().any(|word| tail.contains(word)), "{old}");
                changed += 1;
            }
        }
    }
    assert!(changed > 200, "{changed}");
}
