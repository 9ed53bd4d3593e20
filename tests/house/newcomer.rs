//! The first run of `make test` prints one line with everything that is missing, before anything is built.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::{env, fs};

/// Runs scripts/needs as root with only these programs on PATH, each given as the name and the text of a script.
fn needs(programs: &[(&str, &str)], variables: &[(&str, &str)]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    for (program, text) in programs {
        let path = dir.path().join(program);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bash = env::split_paths(&env::var_os("PATH").unwrap()).map(|dir| dir.join("bash")).find(|bash| bash.exists());
    let mut command = Command::new(bash.unwrap());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/needs")).env_clear();
    command.env("PATH", dir.path()).env("PODREEVE_UID", "0").env("RSYSLOG_MODULES", dir.path());
    command.envs(variables.iter().copied()).output().unwrap()
}

fn line(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What cargo's tests take: three programs, and a module of rsyslog.
const CARGO_ALONE: [(&str, &str); 4] = [("cargo", ""), ("cc", ""), ("curl", ""), ("lmnsd_ossl.so", "")];

#[test]
fn one_line_names_all_that_is_missing_and_one_command() {
    let output = needs(&[], &[]);
    let line = line(&output);
    assert_eq!(output.status.code(), Some(1), "nothing can be tested: {line}");
    for part in [
        "missing: cargo cc curl go, without which nothing can be tested",
        "; apt-get install -y --no-install-recommends gcc curl ",
        " util-linux iproute2 containerd runc nftables ",
        " buildah binutils libcap2-bin jq prometheus rsyslog-openssl; ",
        "Rust 1.89 or newer",
        "Go 1.26 or newer",
        "skipped: the release on a node where pods run, the image's test, the dashboard's and the alerts' queries, decisions in a real rsyslog",
    ] {
        if cfg!(target_os = "linux") || !part.contains("runc") && !part.contains("jq") && !part.contains("skipped") {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert_eq!(line.matches("apt-get install").count(), 1, "{line}");
}

#[test]
fn a_program_for_a_skipped_test_does_not_end_the_run() {
    let mut programs = CARGO_ALONE.to_vec();
    programs.push(("go", ""));
    let output = needs(&programs, &[]);
    let line = line(&output);
    assert!(output.status.success(), "{line}");
    assert!(line.starts_with("podreeve: missing packages: apt-get install "), "{line}");
}

#[test]
fn there_is_no_output_where_nothing_is_missing() {
    for variables in [[("NEEDS", "cargo")].as_slice(), &[("E2E", "0"), ("PODREEVE_UID", "1000")]] {
        let output = needs(&CARGO_ALONE, variables);
        assert!(output.status.success() && output.stdout.is_empty(), "{variables:?}: {output:?}");
    }
}

#[test]
fn without_rsyslog_a_test_of_cargo_is_skipped_and_the_first_line_says_so() {
    for variables in [[("NEEDS", "cargo")].as_slice(), &[("NEEDS", "cargo"), ("PODREEVE_UID", "1000")]] {
        let output = needs(&CARGO_ALONE[..3], variables);
        let wanted = "podreeve: missing packages: apt-get install -y --no-install-recommends rsyslog-openssl; without them skipped: decisions in a real rsyslog\n";
        let is_there = output.stdout == wanted.as_bytes();
        assert!(output.status.success() && is_there == cfg!(target_os = "linux"), "{variables:?}: {output:?}");
    }
}

#[test]
fn under_ci_everything_is_installed_and_an_error_of_apt_get_is_shown() {
    let mut programs: Vec<_> = CARGO_ALONE.into_iter().filter(|(program, _)| *program != "curl").collect();
    programs.push(("apt-get", "echo no network; exit 100"));
    let output = needs(&programs, &[("CI", "true"), ("NEEDS", "cargo")]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in
        ["podreeve: installing curl\n", "podreeve: apt-get could not: no network\n", "missing: curl, without which"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(output.status.code(), Some(1));
}
