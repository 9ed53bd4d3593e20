//! The files that commands write: nothing that exists is lost if a command cannot do its work, and no report replaces what is read.

use super::binary::Dir;
use super::built::{Image, Tar, as_tar, layout, write};
use serde_json::json;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n";
const TEST: &str = "apiVersion: podreeve.dev/v1alpha1\nkind: PolicyTest\nmetadata: {name: a}\nspec:\n  policies: [owasp]\n  cases:\n  - {name: a, object: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}]}}, expect: {verdict: deny}}\n";

/// A folder with something for each command, and a report of an earlier run.
fn dir(name: &str) -> Dir {
    let files = [
        ("web.yaml", POD),
        ("Dockerfile", "FROM a\n"),
        ("t/test.yaml", TEST),
        ("root/etc/hostname", "a\n"),
        ("out/old.json", "old"),
    ];
    let dir = Dir::new(name, &files);
    let app = Image::new("amd64", &json!({"User": "1000"})).layer("COPY a /", Tar::default().program("a"));
    let files = layout("1", &[app]);
    write(&files, &dir.0.join("web"));
    dir.write("web.tar", as_tar(&files));
    dir
}

/// A command that writes reports, of each kind.
const COMMANDS: [&[&str]; 5] =
    [&["check", "web.yaml"], &["image", "web"], &["node", "--root", "root"], &["owasp", "web.yaml"], &["test", "t"]];

fn text(dir: &Dir, file: &str) -> String {
    fs::read_to_string(dir.0.join(file)).expect(file)
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn nothing_is_lost_where_another_file_cannot_be_written() {
    let dir = dir("written-lost");
    symlink("nowhere/a", dir.0.join("dangling")).expect("a link");
    symlink("loop", dir.0.join("loop")).expect("a link");
    for command in COMMANDS {
        for other in ["text=dangling", "text=loop", "text=/dev/full", "text=root", "text=none/a", "text=new/"] {
            let ran = dir.run(&[command, &["-o", "json=out/old.json", "-o", other]].concat());
            assert!(ran.code == Some(2) && ran.err.contains(": cannot be written: "), "{command:?} {other}: {ran:?}");
            assert_eq!(text(&dir, "out/old.json"), "old", "{command:?} {other}");
            assert_eq!(names(&dir.0.join("out")), ["old.json"], "{command:?} {other}");
        }
        // What cannot be read is found while the report is open.
        let unread: Vec<&str> = command.iter().map(|word| if *word == "web" { "out" } else { word }).collect();
        let ran = dir.run(&[&unread[..], &["-o", "json=out/old.json", "--policy", "none.yaml"]].concat());
        assert!(ran.code == Some(2) && text(&dir, "out/old.json") == "old", "{command:?}: {ran:?}");
    }
    for (command, option) in [
        (&["check", "web.yaml", "-o", "text=/dev/full"][..], "--write-baseline"),
        (&["image", "web", "--as", "shop/web:1", "-o", "text=/dev/full"], "--facts"),
        (&["node", "--root", "none"], "--dump"),
    ] {
        let ran = dir.run(&[command, &[option, "out/old.json"]].concat());
        assert!(ran.code == Some(2) && text(&dir, "out/old.json") == "old", "{command:?}: {ran:?}");
    }
}

#[test]
fn a_run_without_a_verdict_writes_no_file() {
    let dir = dir("written-none");
    dir.write("bad.yaml", "kind: [\n");
    dir.write("bad.tar", "no archive");
    let old = ["-o", "json=out/old.json", "-o", "text"];
    for arguments in [
        &["check", "none.yaml"][..],
        &["check", "bad.yaml", "-o", "sarif=out/new.sarif"],
        &["check", "Dockerfile", "--policy", "pss-restricted"],
        &["check", "bad.yaml", "--write-baseline", "out/new.json"],
        &["image", "bad.tar"],
        &["image", "bad.tar", "--as", "shop/web:1", "--facts", "out/new.json"],
        &["image", "web", "--policy", "pss-restricted"],
    ] {
        let ran = dir.run(&[arguments, &old].concat());
        assert_eq!((ran.code, text(&dir, "out/old.json").as_str()), (Some(2), "old"), "{arguments:?}: {ran:?}");
        assert_eq!(names(&dir.0.join("out")), ["old.json"], "{arguments:?}");
        let says =
            |line: &str| line.contains("a run without a verdict writes no file") && line.contains("out/old.json");
        assert!(ran.err.lines().any(says), "{ran:?}");
    }
    // What is denied is certain.
    let ran = dir.run(&[&["check", "none.yaml", "web.yaml"][..], &old].concat());
    assert!(ran.code == Some(1) && text(&dir, "out/old.json").contains("none.yaml"), "{ran:?}");
    assert!(!ran.err.contains("without a verdict"), "{ran:?}");
}

#[test]
fn one_file_under_two_names_is_an_error() {
    let dir = dir("written-twice");
    for (name, target) in [("link", "out/old.json"), ("new-link", "out/new.json"), ("folder", "out")] {
        symlink(target, dir.0.join(name)).expect("a link");
    }
    fs::hard_link(dir.0.join("out/old.json"), dir.0.join("hard")).expect("a link");
    for command in COMMANDS {
        for (one, other) in [
            ("out/old.json", "./out/../out/old.json"),
            ("out/old.json", "link"),
            ("hard", "out/old.json"),
            ("out/new.json", "new-link"),
            ("folder/new.json", "out/new.json"),
        ] {
            let (json, text_spec) = (format!("json={one}"), format!("text={other}"));
            let ran = dir.run(&[command, &["-o", &json, "-o", &text_spec]].concat());
            let says = format!("error: two formats go to {other}; ");
            assert!(ran.code == Some(2) && ran.err.starts_with(&says), "{command:?} {one} {other}: {ran:?}");
        }
    }
    let ran = dir.run(&["check", "web.yaml", "-o", "json=link", "--write-baseline", "hard"]);
    assert!(ran.err.starts_with("error: --write-baseline and a report go to hard; "), "{ran:?}");
    let ran = dir.run(&["image", "web", "--as", "shop/web:1", "-o", "json=link", "--facts", "hard"]);
    assert!(ran.err.starts_with("error: --facts and a report go to hard; "), "{ran:?}");
    let stdout = File::options().append(true).open(dir.0.join("out/old.json")).expect("it is there");
    let mut command = dir.command(&["check", "web.yaml", "-o", "text", "-o", "json=link"]);
    let output = command.stdout(stdout).output().expect("runs");
    assert!(output.stderr.starts_with(b"error: two formats go to link; "), "{output:?}");
    assert_eq!((text(&dir, "out/old.json").as_str(), names(&dir.0.join("out"))), ("old", vec!["old.json".to_owned()]));
}

#[test]
fn what_is_read_is_not_replaced() {
    let dir = dir("written-inputs");
    let blob = layout("1", &[Image::new("amd64", &json!({}))]).into_iter().find(|(path, _)| path.starts_with("blobs/"));
    dir.write("policy.yaml", "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {rules: {privileged: {action: deny}}}\n");
    dir.write(".podreeve.yaml", "all: true\n");
    symlink("web.yaml", dir.0.join("link.yaml")).expect("a link");
    assert!(dir.run(&["check", "web.yaml", "--write-baseline", "baseline.json"]).code == Some(0));
    assert!(dir.run(&["node", "--root", "root", "--dump", "dump.json"]).code == Some(0));
    fs::copy(dir.0.join("web/index.json"), dir.0.join("web/blobs/sha256/a")).expect("a blob");
    assert!(blob.is_some());
    for (arguments, file) in [
        (&["check", "web.yaml", "-o", "json=web.yaml"][..], "web.yaml"),
        (&["check", "web.yaml", "-o", "json=./link.yaml"], "web.yaml"),
        (&["check", ".", "-o", "json=web.yaml"], "web.yaml"),
        (&["check", "-f", "link.yaml", "-o", "json=web.yaml"], "web.yaml"),
        (&["check", "web.yaml", "--write-baseline", "web.yaml"], "web.yaml"),
        (&["check", "Dockerfile", "-o", "json=Dockerfile"], "Dockerfile"),
        (&["check", "--dockerfile", "Dockerfile", "-o", "json=Dockerfile"], "Dockerfile"),
        (&["check", "-R", ".", "-o", "json=Dockerfile"], "Dockerfile"),
        (&["check", "web.yaml", "--policy", "policy.yaml", "-o", "json=policy.yaml"], "policy.yaml"),
        (&["check", "web.yaml", "--baseline", "baseline.json", "-o", "json=baseline.json"], "baseline.json"),
        (&["check", "web.yaml", "-o", "json=.podreeve.yaml"], ".podreeve.yaml"),
        (&["owasp", "web.yaml", "-o", "json=web.yaml"], "web.yaml"),
        (&["owasp", "--report", "baseline.json", "-o", "json=baseline.json"], "baseline.json"),
        (&["node", "--from", "dump.json", "-o", "json=dump.json"], "dump.json"),
        (&["test", "t", "-o", "json=t/test.yaml"], "t/test.yaml"),
        (&["image", "web.tar", "-o", "json=web.tar"], "web.tar"),
        (&["image", "web.tar", "--as", "shop/web:1", "--facts", "web.tar"], "web.tar"),
        (&["image", "web", "-o", "json=web/index.json"], "web/index.json"),
        (&["image", "web", "-o", "json=web/blobs/../oci-layout"], "web/oci-layout"),
        (&["image", "web", "-o", "json=web/blobs/sha256/a"], "web/blobs/sha256/a"),
        (&["image", "web", "-o", "json=web/blobs/sha256/new"], "web/blobs/sha256/a"),
    ] {
        let before = fs::read(dir.0.join(file)).expect(file);
        let ran = dir.run(arguments);
        let says = "podreeve reads this file, and what it writes would take its place; name another file";
        assert!(ran.code == Some(2) && ran.err.contains(says), "{arguments:?}: {ran:?}");
        assert_eq!(fs::read(dir.0.join(file)).expect(file), before, "{arguments:?}");
    }
    let stdin = File::open(dir.0.join("web.yaml")).expect("it is there");
    let output = dir.command(&["check", "-", "-o", "json=web.yaml"]).stdin(stdin).output().expect("runs");
    assert!(output.status.code() == Some(2) && text(&dir, "web.yaml") == POD, "{output:?}");
    assert!(!dir.0.join("web/blobs/sha256/new").exists());
    assert_eq!(dir.run(&["image", "web", "-o", "json=web/report.json"]).code, Some(0));
}

/// A folder that is judged often has the reports of the run before.
#[test]
fn the_report_of_an_earlier_run_is_replaced() {
    let dir = Dir::new("written-again", &[("a/web.yaml", POD)]);
    let arguments = ["check", "a", "-o", "json=a/a.json", "-o", "gitlab=a/b.json", "--write-baseline", "a/c.json"];
    for run in 0..2 {
        let ran = dir.run(&arguments);
        assert!(!ran.err.contains("take its place"), "{run}: {ran:?}");
        assert!(text(&dir, "a/a.json").starts_with('{') && text(&dir, "a/c.json").contains("CheckBaseline"));
    }
    let sarif = ["check", "a/web.yaml", "-o", "sarif=a/d.json"];
    assert_eq!([dir.run(&sarif).code, dir.run(&sarif).code], [Some(1), Some(1)]);
    let ran = dir.run(&["check", "a", "-o", "sarif=a/d.json"]);
    assert!(!ran.err.contains("take its place"), "{ran:?}");
}

#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let dir = dir("written-links");
    let place = |file: &str| dir.0.join(file);
    symlink("out/old.json", place("link")).expect("a link");
    symlink("out/new.json", place("dangling")).expect("a link");
    fs::set_permissions(place("out/old.json"), Permissions::from_mode(0o604)).expect("its mode");
    for command in COMMANDS {
        let before = fs::metadata(place("out/old.json")).expect("it is there");
        dir.run(&[command, &["-o", "json=link", "-o", "text=dangling"]].concat());
        let after = fs::metadata(place("out/old.json")).expect("it is there");
        assert_eq!((before.mode(), before.uid()), (after.mode(), after.uid()), "{command:?}");
        assert_ne!(before.ino(), after.ino(), "a reader has the old report or the new one, and never a part");
        for link in ["link", "dangling"] {
            assert!(fs::symlink_metadata(place(link)).expect("it is there").is_symlink(), "{command:?} {link}");
        }
        assert!(text(&dir, "out/old.json").starts_with('{') && !text(&dir, "out/new.json").is_empty());
        assert_eq!(names(&place("out")), ["new.json", "old.json"], "{command:?}");
    }
}

/// What the shell wrote before and writes after stays, as with any other program.
#[test]
fn what_the_process_has_open_is_written_directly() {
    let dir = dir("written-open");
    let run = |script: &str| {
        let mut command = Command::new("sh");
        command.current_dir(&dir.0).env("PODREEVE", env!("CARGO_BIN_EXE_podreeve")).args(["-c", script]);
        assert!(command.status().expect("sh").success(), "{script}");
    };
    run("{ echo before; \"$PODREEVE\" image web -o json=/dev/stdout; echo after; } > out/all");
    let all = text(&dir, "out/all");
    assert!(all.starts_with("before\n{") && all.ends_with("}\nafter\n"), "{all}");
    run("echo before > out/all; \"$PODREEVE\" image web -o json=/dev/fd/3 3>> out/all");
    assert!(text(&dir, "out/all").starts_with("before\n{"));
    run("\"$PODREEVE\" image web -o text=/dev/null -o json=/dev/stderr 2> out/all");
    assert!(text(&dir, "out/all").starts_with('{'));
    run("mkfifo pipe; cat pipe > out/all & \"$PODREEVE\" image web -o json=pipe; wait");
    assert!(text(&dir, "out/all").starts_with('{') && names(&dir.0.join("out")) == ["all", "old.json"]);
}

#[test]
fn of_a_killed_run_the_old_report_is_left() {
    let dir = dir("written-killed");
    let pods: String =
        (0..2000).map(|number| format!("---\n{}", POD.replace("name: a}", &format!("name: a{number}}}")))).collect();
    dir.write("many.yaml", pods);
    assert!(Command::new("mkfifo").arg(dir.0.join("pipe")).status().expect("mkfifo").success());
    // Nobody reads all that comes out of the pipe, so that the run never ends by itself.
    let mut child =
        dir.command(&["check", "many.yaml", "-o", "json=out/old.json", "-o", "text=pipe"]).spawn().expect("runs");
    let mut pipe = File::open(dir.0.join("pipe")).expect("it is opened to write");
    pipe.read_exact(&mut [0; 100]).expect("the report has begun");
    assert_eq!((text(&dir, "out/old.json").as_str(), names(&dir.0.join("out"))), ("old", vec!["old.json".to_owned()]));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    assert_eq!((text(&dir, "out/old.json").as_str(), names(&dir.0.join("out"))), ("old", vec!["old.json".to_owned()]));
}
