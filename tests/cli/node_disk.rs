//! An image of a disk on which commands that repair are run.

use super::binary::Dir;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A host, and its failures of some rules with the repair of each.
pub struct Disk(pub Dir);

impl Disk {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let dir = Dir::new(name, &[("root/etc/os-release", "ID=debian\n"), ("root/etc/hostname", "n1\n")]);
        for (path, text) in files {
            dir.write(&format!("root/{path}"), text);
        }
        // What would start daemons again is only noted.
        for program in ["systemctl", "snap", "augenrules", "auditctl"] {
            let path = format!("bin/{program}");
            dir.write(&path, format!("#!/bin/sh\necho \"{program} $*\" >> \"$CALLS\"\n"));
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(dir.0.join(path), mode).expect("a mode");
        }
        Self(dir)
    }

    pub fn results(&self) -> Vec<Value> {
        let report = self.0.run(&["node", "--root", "root", "-o", "json"]).json();
        report["results"].as_array().expect("a list").clone()
    }

    /// The verdicts of a subject of a rule.
    pub fn verdict(&self, subject: &str) -> Vec<String> {
        let of = |result: &Value| result["verdict"].as_str().expect("a text").to_owned();
        self.results().iter().filter(|result| result["subject"] == subject).map(of).collect()
    }

    pub fn fix(&self, subject: &str) -> String {
        let results = self.results();
        let fails = |result: &&Value| result["subject"] == subject && result["verdict"] == "fail";
        let found = results.iter().find(fails).unwrap_or_else(|| panic!("{subject}: {results:#?}"));
        found["fix"].as_str().expect("a text").to_owned()
    }

    /// Runs a command below the root of the disk.
    pub fn run(&self, fix: &str) {
        let root = self.0.0.join("root").canonicalize().expect("a folder");
        let root = root.to_str().expect("a text");
        let mut command = fix.to_owned();
        for folder in ["/etc/", "/var/", "/home/"] {
            for before in [" ", "'", "\""] {
                command = command.replace(&format!("{before}{folder}"), &format!("{before}{root}{folder}"));
            }
        }
        let path = format!("{}:{}", self.0.0.join("bin").display(), std::env::var("PATH").expect("a path"));
        let calls = self.0.0.join("calls");
        let ran = Command::new("sh").args(["-c", &command]).env("PATH", path).env("CALLS", calls).output();
        let ran = ran.expect("a shell");
        assert!(ran.status.success() && ran.stderr.is_empty(), "{fix}: {ran:?}");
    }

    /// Takes all repairs from one report, runs them, and says which subjects still fail.
    pub fn repair(&self, subjects: &[&str]) {
        let fixes: Vec<String> = subjects.iter().map(|subject| self.fix(subject)).collect();
        for fix in &fixes {
            self.run(fix);
        }
        for subject in subjects {
            let verdicts = self.verdict(subject);
            assert!(verdicts.iter().all(|verdict| verdict == "pass"), "{subject}: {verdicts:?}: {fixes:#?}");
        }
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.0.join("root").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn calls(&self) -> String {
        std::fs::read_to_string(self.0.0.join("calls")).unwrap_or_default()
    }
}
