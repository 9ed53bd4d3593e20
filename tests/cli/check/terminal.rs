//! What `check` writes to: a terminal, a full disk, a pipe whose reader ends.

use super::{BAD, POLICY, check};
use crate::binary::Dir;
use std::io::Read;
use std::process::Stdio;

#[test]
fn names_cannot_send_escapes_to_the_terminal() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\e[31mb\\nPod default/c: admitted\"}\nspec:\n  hostNetwork: true\n  containers: [{name: \"x\\e]0;t\\a\", securityContext: {privileged: true}}]\n";
    let dir = Dir::new("ansi", &[("pod.yaml", pod)]);
    let ran = check(&dir, &["pod.yaml"]);
    assert!(ran.out.chars().all(|c| !c.is_control() || c == '\n'), "{:?}", ran.out);
    assert!(ran.out.contains("a\\u{1b}[31mb\\u{a}Pod"), "{}", ran.out);
}

#[test]
fn colour_is_for_terminals() {
    let dir = Dir::new("colour", &[("bad.yaml", BAD)]);
    dir.write("policy.yaml", POLICY);
    let with = |name: &str, value: &str| {
        let output =
            dir.command(&["check", "--policy", "policy.yaml", "bad.yaml"]).env(name, value).output().expect("runs");
        output.stdout.contains(&0x1b)
    };
    assert!(!with("TERM", "xterm-256color"));
    assert!(with("CLICOLOR_FORCE", "1"));
    let none = dir
        .command(&["check", "--policy", "policy.yaml", "bad.yaml"])
        .envs([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])
        .output();
    assert!(!none.expect("runs").stdout.contains(&0x1b));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let dir = Dir::new("full", &[("bad.yaml", BAD)]);
    dir.write("policy.yaml", POLICY);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let output = dir.command(&["check", "--policy", "policy.yaml", "bad.yaml"]).stdout(full).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("No space left"), "{text}");
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
    let many = format!("{BAD}---\n").repeat(500);
    let dir = Dir::new("pipe", &[("many.yaml", &many)]);
    dir.write("policy.yaml", POLICY);
    let mut child = dir
        .command(&["check", "--policy", "policy.yaml", "many.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("podreeve starts");
    let mut first = [0; 10];
    child.stdout.as_mut().expect("piped").read_exact(&mut first).expect("the first bytes");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("podreeve ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
