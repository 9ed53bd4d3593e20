//! Completions know the ids of rules and the names of policies, in the shells that are here.

use crate::binary::Dir;
use podreeve::policy::BUILTINS;
use podreeve::rules::RULES;
use std::path::Path;
use std::process::Command;

fn script(shell: &str) -> String {
    let ran = Dir::new(&format!("completions-{shell}"), &[]).run(&["completions", shell]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

#[test]
fn every_shell_has_the_rules_and_the_policies() {
    for shell in ["bash", "zsh", "fish"] {
        let script = script(shell);
        for rule in RULES {
            let explains = script.lines().any(|line| line.contains("explain") && line.contains(rule.id));
            assert!(script.contains(rule.id) && (shell != "fish" || explains), "{shell}: {}", rule.id);
        }
        for (name, _) in BUILTINS {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
}

/// The words that bash offers behind these.
fn bash(words: &[&str]) -> Vec<String> {
    let script = script("bash");
    let dir = Dir::new("completions-in-bash", &[("completions.bash", &script), ("my-policy.yaml", "a: 1")]);
    let last = words.len() - 1;
    let line = words.join("' '");
    let before = words[last - 1];
    let ask = format!(
        "source completions.bash; COMP_WORDS=('{line}'); COMP_CWORD={last}; _podreeve podreeve '{}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words[last]
    );
    let said = Command::new("bash").args(["--norc", "-c", &ask]).current_dir(&dir.0).output().expect("bash");
    String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).filter(|word| !word.is_empty()).collect()
}

#[test]
fn bash_offers_rules_policies_and_files() {
    assert_eq!(
        bash(&["podreeve", "explain", "host-p"]),
        ["host-pid", "host-process", "host-path", "host-ports", "host-probes"]
    );
    assert_eq!(bash(&["podreeve", "exempt", "--rule", "privileged"]), ["privileged", "privileged-ports"]);
    for command in ["check", "scan", "exempt", "review", "serve"] {
        assert_eq!(bash(&["podreeve", command, "--policy", "pss"]), ["pss-baseline", "pss-restricted"], "{command}");
        assert_eq!(bash(&["podreeve", command, "--policy", "my"]), ["my-policy.yaml"], "{command}");
    }
}

#[test]
fn fish_offers_rules_policies_and_files() {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| Path::new(&dir).join("fish").is_file()));
    if !found {
        // Without fish, the lines that it reads.
        let script = script("fish");
        let explain = "complete -c podreeve -n \"__fish_podreeve_using_subcommand explain\" -f -a 'host-pid' -d '";
        assert!(script.lines().any(|line| line.starts_with(explain)), "{script}");
        assert!(script.contains("\"__fish_podreeve_using_subcommand check\" -l policy -r -F\n"));
        return;
    }
    let dir = Dir::new("completions-in-fish", &[("completions.fish", &script("fish")), ("my-policy.yaml", "a: 1")]);
    let offered = |line: &str| -> Vec<String> {
        let ask = format!("source completions.fish; complete --do-complete '{line}'");
        let said = Command::new("fish")
            .args(["--no-config", "-c", &ask])
            .env("HOME", &dir.0)
            .current_dir(&dir.0)
            .output()
            .expect("fish");
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    };
    let rules = offered("podreeve explain host-p");
    assert!(
        ["host-pid", "host-process", "host-path"].iter().all(|rule| rules.iter().any(|offered| offered == rule)),
        "{rules:?}"
    );
    assert_eq!(offered("podreeve check --policy pss"), ["pss-baseline", "pss-restricted"]);
    assert_eq!(offered("podreeve check --policy my"), ["my-policy.yaml"]);
    assert_eq!(offered("podreeve exempt --rule network"), ["network-policy"]);
}
