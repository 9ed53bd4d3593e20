//! An SSH server in a container: its port, or the program itself.

use super::{Check, Example, Finding, Findings, Location, Rule, Severity, compile, params};
use crate::workload::{ContainerKind, Parts, Pod, Text};
use schemars::JsonSchema;
use serde::Deserialize;

const SERVERS: [&str; 2] = ["sshd", "dropbear"];

/// Words that run the program which follows them and their options, and how many operands stand before it.
static WRAPPERS: &[(&str, usize)] = &[
    ("!", 0),
    ("busybox", 0),
    ("catatonit", 0),
    ("chroot", 1),
    ("command", 0),
    ("do", 0),
    ("doas", 0),
    ("dumb-init", 0),
    ("else", 0),
    ("env", 0),
    ("eval", 0),
    ("exec", 0),
    ("gosu", 1),
    ("if", 0),
    ("nice", 0),
    ("nohup", 0),
    ("setpriv", 0),
    ("setsid", 0),
    ("stdbuf", 0),
    ("su", 1),
    ("su-exec", 1),
    ("sudo", 0),
    ("then", 0),
    ("time", 0),
    ("timeout", 1),
    ("tini", 0),
    ("unshare", 0),
    ("until", 0),
    ("while", 0),
];

/// Programs that run a script given to them as text.
const SHELLS: [&str; 6] = ["ash", "bash", "dash", "ksh", "sh", "zsh"];

pub static RULE: Rule = Rule {
    id: "ssh-server",
    title: "No SSH server runs in a container",
    docs: "An SSH server is a second way in, with users, keys and logs of its own that the cluster does not know. A \
container must not declare port 22 (`containerPort` or `hostPort`), nor run `sshd` or `dropbear` as the program of its \
`command`, `args` or lifecycle handlers: under any path, behind wrappers such as `tini`, `env` or `exec`, and inside \
`sh -c` scripts.\n\n\
Instead, use `kubectl exec`, `kubectl debug` or `kubectl cp`, which RBAC and the audit log cover.",
    why: "an SSH server lets people in past the cluster's authentication, RBAC and audit log",
    owasp: &[61],
    pss: None,
    severity: Severity::High,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: false,
    implied_by: &[],
    compile: compile::<SshServer>,
    params: params::<SshServer>,
    examples: &[
        Example::bad(
            "port 22 beside a good one",
            r#"{"ports":[{"name":"http","containerPort":8080},{"containerPort":22}]}"#,
            &["ports[1].containerPort"],
        )
        .no_debug(),
        Example::bad(
            "port 22 of the node",
            r#"{"ports":[{"name":"http","containerPort":8080},{"containerPort":2222,"hostPort":22}]}"#,
            &["ports[1].hostPort"],
        )
        .no_debug(),
        Example::bad("as the command", r#"{"command":["/usr/sbin/sshd","-D"]}"#, &["command[0]"]),
        Example::bad("as the first argument", r#"{"args":["dropbear","-F","-p","2222"]}"#, &["args[0]"]),
        Example::bad("behind an entry point", r#"{"command":["/entrypoint.sh"],"args":["sshd"]}"#, &["args[0]"]),
        Example::bad(
            "behind wrappers",
            r#"{"command":["/sbin/tini","-g","--","env","A=b"],"args":["nice","-n","5","/usr/sbin/sshd"]}"#,
            &["args[3]"],
        ),
        Example::bad(
            "in a script",
            r#"{"command":["/bin/sh","-ec"],"args":["mkdir -p /run/sshd && exec /usr/sbin/sshd -D"]}"#,
            &["args[0]"],
        ),
        Example::bad(
            "in a script in a script",
            r#"{"command":["bash","-c","nginx\nsu -c 'A=b \"dropbear\" -F' &"]}"#,
            &["command[2]"],
        ),
        Example::bad(
            "in lifecycle handlers",
            r#"{"lifecycle":{"postStart":{"exec":{"command":["sshd"]}},"preStop":{"exec":{"command":["sh","-c","/usr/sbin/sshd"]}}}}"#,
            &["lifecycle.postStart.exec.command[0]", "lifecycle.preStop.exec.command[2]"],
        )
        .no_debug(),
        Example::good(
            "the word, and not the program",
            r#"{"command":["/bin/sh","-c","pkill sshd; grep sshd /etc/passwd; ssh-keygen -A # sshd"],"args":["sshd"]}"#,
        ),
        Example::good("other programs", r#"{"command":["/bin/ssh-agent"],"args":["--user","sshd","mysshd"]}"#),
        Example::good(
            "other ports",
            r#"{"ports":[{"name":"http","containerPort":2222},{"containerPort":8022,"hostPort":0}]}"#,
        )
        .no_debug(),
        Example::good("nothing of it", r#"{"command":null,"args":null,"ports":null,"lifecycle":null}"#),
    ],
};

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SshServer {}

impl Check for SshServer {
    fn needs(&self) -> Parts {
        Parts::PORTS | Parts::COMMANDS | Parts::LIFECYCLE
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for container in pod.all_containers() {
            let at = Location::container(container);
            for (index, port) in container.ports.iter().enumerate() {
                for (field, value) in [("containerPort", port.container_port), ("hostPort", port.host_port)] {
                    if value == Some(22) {
                        let at = at.key("ports", true).index(index).key(field, true);
                        findings.add(Finding::new(at, format!("{field} 22"), "another port, and no SSH server"));
                    }
                }
            }
            let container = container.container;
            let mut add = |at: Location<'p>, server| {
                findings.add(Finding::new(at, format!("{server} as the program"), "no SSH server"));
            };
            let command = container.command.len();
            // The arguments continue the command, or are given to an entry point that may run them.
            let whole = || program(container.command.iter().chain(&container.args));
            if let Some((index, server)) = whole() {
                let (field, index) = if index < command { ("command", index) } else { ("args", index - command) };
                add(at.key(field, true).index(index), server);
            } else if let Some((index, server)) =
                program(container.args.iter()).filter(|_| !is_shell(&container.command))
            {
                add(at.key("args", true).index(index), server);
            }
            for (field, handler) in container.lifecycle_handlers() {
                let Some(exec) = &handler.exec else { continue };
                if let Some((index, server)) = program(exec.command.iter()) {
                    let at = at.key("lifecycle", true).key(field, true).key("exec", true);
                    add(at.key("command", true).index(index), server);
                }
            }
        }
    }
}

/// Arguments of a shell's script are not programs.
fn is_shell(command: &[Text<'_>]) -> bool {
    command.first().is_some_and(|program| SHELLS.contains(&name(program)))
}

/// The word of a command line that makes it run an SSH server, and which server.
fn program<'t>(words: impl Iterator<Item = &'t Text<'t>>) -> Option<(usize, &'static str)> {
    run(words.map(|word| &**word), &|word| {
        let mut commands = word.split([';', '&', '|', '\n', '(', ')', '{', '}', '`']);
        // Quotes are left off: a script within a script is just more words.
        let words = |command: &'t str| command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
        commands.find_map(|command| run(words(command), &|_| None)).map(|(_, server)| server)
    })
}

/// Follows one command line through wrappers to its program; `script` looks into a word that is a script.
fn run<'t>(
    words: impl Iterator<Item = &'t str>,
    script: &dyn Fn(&'t str) -> Option<&'static str>,
) -> Option<(usize, &'static str)> {
    let mut operands = 0;
    let mut wrapped = false;
    let mut words = words.enumerate();
    while let Some((index, word)) = words.next() {
        if wrapped && word.starts_with('-') {
            if matches!(word, "-u" | "-n") {
                words.next();
            }
            continue;
        }
        let name = name(word);
        if let Some(server) = SERVERS.iter().find(|server| **server == name) {
            return Some((index, server));
        }
        if word.contains(char::is_whitespace) || word.contains([';', '&', '|']) {
            return script(word).map(|server| (index, server));
        }
        if let Some((_, count)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
            (wrapped, operands) = (true, *count);
        } else if SHELLS.contains(&name) {
            wrapped = true;
        } else if operands > 0 {
            operands -= 1;
        } else if !word.contains('=') {
            return None;
        }
    }
    None
}

/// The file name of a program, without the suffix that Windows gives it.
fn name(program: &str) -> &str {
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default();
    file.strip_suffix(".exe").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_followed_to_their_program() {
        let found = |line: &[&str]| {
            let words: Vec<Text> = line.iter().map(|word| Text((*word).into())).collect();
            program(words.iter()).map(|(index, server)| format!("{index} {server}"))
        };
        assert_eq!(found(&["gosu", "root", "sshd"]).as_deref(), Some("2 sshd"));
        assert_eq!(found(&["sudo", "-u", "root", "sshd"]).as_deref(), Some("3 sshd"));
        assert_eq!(found(&["su", "root", "-c", "exec sshd -D"]).as_deref(), Some("3 sshd"));
        assert_eq!(found(&["timeout", "10s", "dropbear"]).as_deref(), Some("2 dropbear"));
        assert_eq!(found(&["sh", "-c", "if true; then sshd; fi"]).as_deref(), Some("2 sshd"));
        assert_eq!(found(&["sh", "-c", "(sshd)&"]).as_deref(), Some("2 sshd"));
        assert_eq!(found(&[r"C:\OpenSSH\sshd.exe"]).as_deref(), Some("0 sshd"));
        for good in [
            &["grep", "sshd"][..],
            &["gosu", "root", "grep", "sshd"],
            &["sh", "-c", "echo sshd"],
            &["--user", "sshd"],
            &["my-sshd"],
            &[""],
            &[],
        ] {
            assert_eq!(found(good), None, "{good:?}");
        }
    }
}
