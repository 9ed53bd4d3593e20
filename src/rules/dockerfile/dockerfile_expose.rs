//! `EXPOSE`.

use crate::dockerfile::{Dockerfile, Keyword};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "dockerfile-expose",
    title: "Images declare no SSH port and no port below 1024",
    docs: "`EXPOSE` says on which ports the program in an image listens. Port 22 means an SSH server, which a container does not \
need: `kubectl exec` and `kubectl debug` open a shell, with the rights of the user and a trace in the audit log. A port below 1024 \
needs root or `CAP_NET_BIND_SERVICE`.\n\n\
The rule judges what `docker build` makes: the last stage, and the stages that it begins with. `allow` names ports that may be \
declared.",
    why: "an SSH server is a second way into the container, and a port below 1024 makes the program run with more rights",
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
            FileExample::good("unprivileged ports", "FROM debian:12\nEXPOSE 8080 8443/tcp 5353/udp $PORT\n"),
            FileExample::good("not in the image", "FROM debian:12 AS build\nEXPOSE 80\nFROM scratch\nEXPOSE 8080\n"),
            FileExample::good("Windows", "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nEXPOSE 80\n"),
            FileExample::good("an allowed port", "FROM debian:12\nEXPOSE 80/tcp\n").params(r#"{"allow":[80]}"#),
        ],
    }),
};

/// The items of other ports than 22.
const WITHOUT_SSH: &[u8] = &[62, 63];

/// Parameters of `dockerfile-expose`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileExpose {
    /// Ports that may be declared. Default: none.
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
                            findings.push(finding.items(WITHOUT_SSH));
                        }
                    }
                }
            }
        }
    }
}

/// The first port of `80/tcp` or `80-90`.
fn port(text: &str) -> Option<u16> {
    let ports = text.split('/').next()?;
    ports.split('-').next()?.trim().parse().ok()
}
