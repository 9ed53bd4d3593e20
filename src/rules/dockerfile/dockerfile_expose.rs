//! `EXPOSE`, and SSH servers that the image starts.

use crate::dockerfile::{Arguments, Command, Dockerfile, Instruction, Keyword, Place, Stage, Started};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::rules::pod::ssh_server::started_by_image;
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-expose",
    title: "Images start no SSH server, and declare no SSH port and no port below 1024",
    docs: "`EXPOSE` says on which ports the program in an image listens. Port 22 means an SSH server, which a container does not \
need: `kubectl exec` and `kubectl debug` open a shell, with the rights of the user and a trace in the audit log. A port below 1024 \
needs root or `CAP_NET_BIND_SERVICE`.\n\n\
An SSH server in `ENTRYPOINT` or `CMD` is found on any port: as the program, behind wrappers and entry points, in scripts and as a \
service, as `ssh-server` finds it in pods. The rule does not see what a script of the image starts.\n\n\
The rule judges what `docker build` makes: the last stage, and the stages that it begins with. `allow` names ports that may be \
declared; with 22, the image may also start an SSH server.",
    why: OF_SSH,
    owasp: &[61, 62, 63],
    severity: Severity::Medium,
    params: params::<DockerfileExpose>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileExpose>,
        instead: "let the program listen on a port from 1024 on, and give the Service the port that clients use; remove the SSH \
                  server",
        examples: &[
            FileExample::bad(
                "a port for SSH and one for HTTP",
                "FROM debian:12\nEXPOSE 22 8080\nEXPOSE 80/tcp\n",
                &[2, 3],
            ),
            FileExample::bad(
                "by a variable, in a range, and in the stage below",
                "FROM debian:12 AS base\nARG PORT=443\nEXPOSE ${PORT}/tcp\nFROM base\nEXPOSE 1000-2000\n",
                &[3, 5],
            ),
            FileExample::bad("another port than the allowed one", "FROM debian:12\nEXPOSE 80 443\n", &[2])
                .params(r#"{"allow":[80]}"#),
            FileExample::bad(
                "an SSH server, on no port that is declared",
                "FROM debian:12\nENTRYPOINT [\"/sbin/tini\", \"--\"]\nCMD [\"/usr/sbin/sshd\", \"-D\"]\n",
                &[3],
            ),
            FileExample::bad(
                "an SSH server in a script, of the stage below",
                "FROM debian:12 AS base\nCMD mkdir -p /run/sshd && \\\n  exec /usr/sbin/sshd -D -p 2222\nFROM base\nUSER app\n",
                &[2],
            ),
            FileExample::bad(
                "an SSH server as a service, behind an entry point",
                "FROM debian:12\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD service ssh start; sleep infinity\n",
                &[3],
            ),
            FileExample::bad(
                "another port than that of SSH is allowed",
                "FROM debian:12\nENTRYPOINT /usr/sbin/sshd -D\n",
                &[2],
            )
            .params(r#"{"allow":[80]}"#),
            FileExample::good(
                "an SSH server that the image does not start",
                "FROM debian:12 AS a\nCMD [\"/usr/sbin/sshd\", \"-D\"]\nFROM a AS b\nENTRYPOINT [\"/app\"]\nFROM a\nRUN apt-get install -y openssh-server && /usr/sbin/sshd -t\nCMD [\"sshd\"]\nCMD [\"/app\", \"--user\", \"sshd\"]\n",
            ),
            FileExample::good("an allowed SSH server", "FROM debian:12\nEXPOSE 22\nCMD [\"sshd\", \"-D\"]\n")
                .params(r#"{"allow":[22]}"#),
            FileExample::good("unprivileged ports", "FROM debian:12\nEXPOSE 8080 8443/tcp 5353/udp $PORT\n"),
            FileExample::good("not in the image", "FROM debian:12 AS build\nEXPOSE 80\nFROM scratch\nEXPOSE 8080\n"),
            FileExample::good("Windows", "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nEXPOSE 80\n"),
            FileExample::good("an allowed port", "FROM debian:12\nEXPOSE 80/tcp\n").params(r#"{"allow":[80]}"#),
        ],
    }),
};

const OF_SSH: &str = "an SSH server is a second way into the container, past the audit log";
const OF_LOW_PORTS: &str = "a port below 1024 makes the program run with more rights";

/// The item of SSH servers.
const SSH: &[u8] = &[61];
/// The items of other ports than 22.
const WITHOUT_SSH: &[u8] = &[62, 63];

/// Parameters of `dockerfile-expose`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileExpose {
    /// Ports that may be declared. With 22, the image may start an SSH server. Default: none.
    allow: Vec<u16>,
}

impl FileCheck for DockerfileExpose {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        // Windows has no privileged ports.
        let Some(last) = file.last_stage().filter(|last| !file.is_windows(last)) else { return };
        let mut stages: Vec<_> = file.with_bases(last).collect();
        stages.reverse();
        for stage in stages {
            for instruction in file.of_stage(stage).filter(|i| i.keyword == Keyword::Expose) {
                for word in instruction.words() {
                    let value = word.value.as_deref().unwrap_or_default();
                    for port in value.split_whitespace().filter_map(port).filter(|port| !self.allow.contains(port)) {
                        if port == 22 {
                            let finding =
                                Finding::new(file.place(word.span.clone()), "port 22, for SSH", "no SSH server");
                            findings.push(finding.severity(Severity::High));
                        } else if port < 1024 {
                            let found = format!("port {port}");
                            let finding = Finding::new(file.place(word.span.clone()), found, "a port from 1024 on");
                            findings.push(finding.why(OF_LOW_PORTS).items(WITHOUT_SSH));
                        }
                    }
                }
            }
        }
        if !self.allow.contains(&22) {
            findings.extend(started(file, last));
        }
        findings.sort_by_key(|finding| finding.at.span.start);
    }
}

/// The SSH server that the image starts.
fn started<'d>(file: &'d Dockerfile<'d>, last: &Stage) -> Option<Finding<'d, Place>> {
    let Started { entrypoint, command, .. } = file.started(last);
    let (entrypoint, command) = (words(entrypoint), words(command));
    let texts = |words: &[(&'d str, Range<usize>)]| words.iter().map(|(text, _)| *text).collect::<Vec<_>>();
    let (index, server) = started_by_image(&texts(&entrypoint), &texts(&command), &[])?;
    let (_, span) = entrypoint.into_iter().chain(command).nth(index)?;
    let finding = Finding::new(file.place(span), server.to_string(), "no SSH server");
    Some(finding.severity(Severity::High).items(SSH))
}

/// The words of a command, and where each is. A line for a shell is the script of one.
fn words<'d>(instruction: Option<&'d Instruction<'d>>) -> Vec<(&'d str, Range<usize>)> {
    match instruction.map(|instruction| &instruction.arguments) {
        Some(Arguments::Command(Command::Exec(words))) => {
            words.iter().map(|word| (word.text(), word.span.clone())).collect()
        }
        Some(Arguments::Command(Command::Shell(text))) => {
            ["/bin/sh", "-c", &text.value].map(|word| (word, text.whole())).into()
        }
        _ => Vec::new(),
    }
}

/// The first port of `80/tcp` or `80-90`.
fn port(text: &str) -> Option<u16> {
    let ports = text.split('/').next()?;
    ports.split('-').next()?.trim().parse().ok()
}
