//! How files are written, and what is left.

use super::{BAD, GOOD, fix};
use crate::binary::Dir;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

fn text(dir: &Dir, file: &str) -> String {
    fs::read_to_string(dir.0.join(file)).expect("a file")
}

#[test]
fn comments_order_and_layout_stay() {
    let dir = Dir::new("layout", &[("web.yaml", BAD)]);
    let ran = fix(&dir, &["--unsafe-fixes", "web.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("fixed 9 of 9 in web.yaml\n"), "{}", ran.out);
    let after = text(&dir, "web.yaml");
    assert!(after.starts_with(GOOD), "{after}");
    // A second run changes nothing, and has nothing to say.
    let ran = fix(&dir, &["--unsafe-fixes", "web.yaml"]);
    assert_eq!(ran.out, "1 object: 0 denied, 0 repaired, 0 with warnings, 1 admitted\n");
    assert_eq!(text(&dir, "web.yaml"), after);
    let left: Vec<_> = fs::read_dir(&dir.0).expect("a folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// What needs a person is left without the flag, and what is left decides the exit code.
#[test]
fn safe_edits_are_made_alone() {
    let dir = Dir::new("safe", &[("web.yaml", BAD)]);
    let ran = fix(&dir, &["web.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let first = ran.out.lines().next().expect("a line");
    assert_eq!(first, "fixed 2 of 9 in web.yaml; --unsafe-fixes makes more edits, look at them with --diff");
    let after = text(&dir, "web.yaml");
    assert!(after.contains("type: RuntimeDefault") && after.contains("runAsUser: 0"), "{after}");
    assert!(ran.out.contains("web.yaml:13:7 privileged critical denied"), "{}", ran.out);
    assert!(!ran.out.contains("seccomp"), "{}", ran.out);
    // Below a severity nothing is edited.
    dir.write("web.yaml", BAD);
    let ran = fix(&dir, &["--unsafe-fixes", "--min-severity", "critical", "web.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("fixed 1 of 1 in web.yaml\n"), "{}", ran.out);
    assert_eq!(text(&dir, "web.yaml"), BAD.replace("      privileged: true # for now\n", ""));
}

#[test]
fn a_diff_is_shown_first_and_applies() {
    let dir = Dir::new("diff", &[("web.yaml", BAD)]);
    let ran = fix(&dir, &["--diff", "--unsafe-fixes", "web.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(text(&dir, "web.yaml"), BAD);
    assert!(ran.out.starts_with("would fix 9 of 9 in web.yaml\n--- web.yaml\n+++ web.yaml\n@@ "), "{}", ran.out);
    let patch = ran.out.split_once("--- ").and_then(|(_, rest)| rest.split_once("\n\n")).expect("a diff").0;
    fix(&dir, &["--unsafe-fixes", "web.yaml"]);
    let written = text(&dir, "web.yaml");
    dir.write("web.yaml", BAD);
    dir.write("a.patch", format!("--- {patch}\n"));
    let applied = std::process::Command::new("git").args(["apply", "-p0", "a.patch"]).current_dir(&dir.0).status();
    assert!(applied.expect("git").success());
    assert_eq!(text(&dir, "web.yaml"), written);
}

#[test]
fn permissions_stay_and_a_link_stays_a_link() {
    let dir = Dir::new("links", &[("real/web.yaml", BAD)]);
    let real = dir.0.join("real/web.yaml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
    symlink("real/web.yaml", dir.0.join("link.yaml")).expect("a link");
    let ran = fix(&dir, &["--unsafe-fixes", "link.yaml"]);
    assert!(ran.out.starts_with("fixed 9 of 9 in link.yaml\n"), "{ran:?}");
    assert!(fs::symlink_metadata(dir.0.join("link.yaml")).expect("there").is_symlink());
    assert!(text(&dir, "real/web.yaml").starts_with(GOOD));
    assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_read_only_file_is_left_with_a_message() {
    let dir = Dir::new("read-only", &[("web.yaml", BAD)]);
    let file = dir.0.join("web.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("set");
    let ran = fix(&dir, &["--unsafe-fixes", "web.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.starts_with("fixed 0 of 9 in web.yaml\n"), "{}", ran.out);
    assert_eq!(
        ran.err,
        "error: web.yaml: cannot be written: it is read-only; make it writable, or use --diff to see the edit\n"
    );
    assert_eq!(text(&dir, "web.yaml"), BAD);
}

/// Each object of a file is edited by itself: what cannot be edited surely is named, and the others are edited.
#[test]
fn what_is_unsure_is_left_and_named() {
    let anchors = "\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: one
    image: a:1
    securityContext: &strict {privileged: true}
  - name: two
    image: a:1
    securityContext: *strict
";
    let merge = "\
apiVersion: v1
kind: Pod
metadata: {name: m}
spec:
  containers:
  - {name: one, image: 'a:1', securityContext: &loose {privileged: true}}
  - name: two
    image: a:1
    securityContext:
      <<: *loose
      runAsUser: 0
";
    let braces = BAD.replace("name: web # its name", "name: t\n  annotations: {a: '{{ b }}'}");
    let dir = Dir::new("unsure", &[("all.yaml", &[anchors, merge, BAD, &braces, "a: [1\n"].join("---\n"))]);
    let ran = fix(&dir, &["--unsafe-fixes", "all.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for line in [
        "all.yaml:8: not edited: Pod default/a: an alias (`*`) uses this value elsewhere, too; edit it by hand\n",
        "all.yaml:11: not edited: Pod default/a: `*strict` stands for a value of another place; edit it by hand\n",
        "all.yaml:18: not edited: Pod default/m: an alias (`*`) uses this value elsewhere, too; edit it by hand\n",
        "all.yaml:22: not edited: Pod default/m: `privileged` comes from a merge (`<<`); edit it by hand\n",
        "not edited: Pod default/t: its document has `{{`, as templates do; edit it by hand\n",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    let after = text(&dir, "all.yaml");
    assert!(after.contains(GOOD) && after.ends_with(&[&braces, "a: [1\n"].join("---\n")), "{after}");
    assert!(after.contains("    securityContext: &strict {privileged: true}\n"), "{after}");
}

#[test]
fn unsafe_fixes_need_fix() {
    let dir = Dir::new("alone", &[("web.yaml", BAD)]);
    let ran = dir.run(&["check", "--unsafe-fixes", "web.yaml"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("--fix"), "{}", ran.err);
    // The tip of a misplaced flag leads to the command that has it.
    for args in [&["--fix", "web.yaml"][..], &["scan", "--fix"], &["explain", "--fix", "-f", "web.yaml"]] {
        let ran = dir.run(args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.err.contains("only `podreeve check` has this option") && !ran.err.contains("as a value"),
            "{}",
            ran.err
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let ran = dir.run(&["completions", shell]);
        assert!(ran.out.contains("unsafe-fixes"), "{shell}");
    }
}
