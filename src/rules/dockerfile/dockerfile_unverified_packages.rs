//! Downloads and packages whose origin no program checks.

mod options;
mod scripts;

use crate::dockerfile::{Dockerfile, Instruction, Keyword, Run};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-unverified-packages",
    title: "Builds check where packages and scripts come from",
    docs: "The rule finds options that accept any certificate or signature (`curl -k`, `wget --no-check-certificate`, \
`apt-get --allow-unauthenticated`, `yum --nogpgcheck`, `apk --allow-untrusted`, `pip --trusted-host`), settings that do the same \
(`[trusted=yes]`, `gpgcheck=0`, `strict-ssl false`, `GIT_SSL_NO_VERIFY`), and scripts that run as they arrive: `curl ... | sh`, \
`bash <(curl ...)`, `sh -c \"$(curl ...)\"`.\n\n\
It reads all forms of `RUN`, here-documents and scripts in scripts included, and `ENV` and `ARG`. Downloads from `localhost` pass. \
`allow` names beginnings of URLs from which a script may run as it arrives.",
    why: "whoever controls the network or the server decides what runs in the build and in the image",
    owasp: &[26, 29],
    severity: Severity::High,
    params: params::<DockerfileUnverifiedPackages>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileUnverifiedPackages>,
        instead: "give the program the certificate or key that it needs; download a script to a file and check it (`sha256sum -c`, \
                  `gpg --verify`) before it runs",
        examples: &[
            FileExample::bad(
                "any certificate",
                "FROM debian:12\nRUN curl -fsSLk https://example.com/a -o a\nRUN set -e; \\\n  wget -q --no-check-certificate https://example.com/a \\\n  && git -c http.sslVerify=false clone https://example.com/b\nRUN [\"curl\", \"--insecure\", \"https://example.com/a\"]\n",
                &[2, 4, 5, 6],
            ),
            FileExample::bad(
                "packages without a signature",
                "FROM debian:12\nRUN apt-get update && apt-get install -y --allow-unauthenticated a\nRUN apt-get -o APT::Get::AllowUnauthenticated=true install a\nRUN yum install -y --nogpgcheck a && apk add --allow-untrusted a.apk\nRUN pip install --trusted-host pypi.example.com a && python3 -m pip install --index-url http://pypi.example.com a\n",
                &[2, 3, 4, 4, 5, 5],
            ),
            FileExample::bad(
                "settings that accept anything",
                "FROM debian:12\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\nARG GIT_SSL_NO_VERIFY=true\nRUN echo \"deb [trusted=yes] https://example.com/ ./\" > /etc/apt/sources.list\nRUN npm config set strict-ssl false\nRUN GIT_SSL_NO_VERIFY=1 git clone https://example.com/b\nCOPY <<EOF /etc/yum.repos.d/a.repo\n[a]\ngpgcheck=0\nEOF\n",
                &[2, 3, 4, 5, 6, 9],
            ),
            FileExample::bad(
                "scripts that run as they arrive",
                "FROM debian:12\nRUN curl -sSf https://sh.example.com | sh\nRUN wget -qO- https://example.com/a.sh | tee /a | sudo -E bash -\nRUN bash <(curl -s https://example.com/a.sh)\nRUN sh -c \"$(curl -fsSL https://example.com/a.sh)\"\nRUN eval \"$(curl https://example.com/a)\"\nRUN <<EOF\ncurl https://example.com/a.py | python3 -\nEOF\nRUN bash -c 'curl https://example.com/a | sh'\n",
                &[2, 3, 4, 5, 6, 8, 10],
            ),
            FileExample::bad(
                "programs that run as they arrive",
                "FROM debian:12\nRUN python3 -c \"$(wget -qO- https://example.com/a.py)\"\nRUN perl <(curl -s https://example.com/a.pl)\nRUN bash <<< \"$(curl -s https://example.com/a.sh)\"\nRUN . /dev/stdin <<< \"$(curl -s https://example.com/a.sh)\"\n",
                &[2, 3, 4, 5],
            ),
            FileExample::bad(
                "another URL than the allowed one",
                "FROM debian:12\nRUN curl https://sh.rustup.rs.example.com | sh\n",
                &[2],
            )
            .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
            FileExample::good(
                "checked",
                "FROM debian:12\nRUN curl -fsSLO https://example.com/a.sh && echo \"$SUM a.sh\" | sha256sum -c && sh a.sh\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nRUN pip install --require-hashes -r requirements.txt\nRUN curl -s https://example.com/a.tgz | tar xz\nRUN curl https://example.com/key | gpg --dearmor > /k && curl https://example.com/a.json | python3 -m json.tool\nRUN python3 -c 'import sys' \"$(curl https://example.com/a.json)\" && python3 a.py <<< \"$(curl https://example.com/a.json)\"\n",
            ),
            FileExample::good(
                "words that only look like it",
                "FROM debian:12\nRUN echo 'curl -k x | sh' && grep -k a\nRUN curl -o -k https://example.com/a && curl -k https://localhost:8443/health\n# RUN curl -k x | sh\nRUN cat a.sh | sh\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\n",
            ),
            FileExample::good(
                "an allowed URL",
                "FROM debian:12\nRUN curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y\n",
            )
            .params(r#"{"allow":["https://sh.rustup.rs"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-unverified-packages`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileUnverifiedPackages {
    /// Beginnings of URLs from which a script may run as it arrives. Default: none.
    allow: Vec<String>,
}

/// What a check found, and what would pass.
struct Fault {
    span: Range<usize>,
    found: String,
    wanted: &'static str,
}

impl FileCheck for DockerfileUnverifiedPackages {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let mut faults = Vec::new();
        for (_, run) in file.runs() {
            self.run(&run, &mut faults);
        }
        for instruction in &file.instructions {
            match instruction.keyword {
                Keyword::Env | Keyword::Arg => variables(instruction, &mut faults),
                Keyword::Copy | Keyword::Add => heredocs(instruction, &mut faults),
                _ => {}
            }
        }
        faults.sort_by_key(|fault| fault.span.start);
        // One program may be called in several ways that all say the same.
        faults.dedup_by(|a, b| a.span == b.span && a.found == b.found);
        let finding = |fault: Fault| Finding::new(file.place(fault.span), fault.found, fault.wanted);
        findings.extend(faults.into_iter().map(finding));
    }
}

impl DockerfileUnverifiedPackages {
    fn run(&self, run: &Run, faults: &mut Vec<Fault>) {
        run.calls(&mut |call| {
            for (word, found, wanted) in options::found(call) {
                faults.push(Fault { span: run.span(call.span(word)), found, wanted });
            }
            // Variables before the program: `GIT_SSL_NO_VERIFY=1 git clone ...`.
            let before = call
                .command
                .words
                .iter()
                .take_while(|word| word.span.start < call.words.first().map_or(0, |w| w.span.start));
            for word in before {
                if let Some((name, value)) = word.text.split_once('=')
                    && let Some(found) = options::variable(name, value)
                {
                    faults.push(Fault { span: run.span(call.span(word)), found, wanted: options::VERIFIED });
                }
            }
            if let Some(piece) = &call.command.input
                && let Some((at, found)) = options::setting(&piece.text)
            {
                let start = piece.start + at;
                faults.push(Fault { span: run.span(start..start + 1), found, wanted: options::SIGNED });
            }
            if let Some(found) = scripts::found(call, &self.allow) {
                let wanted = "a file that is checked before it runs";
                faults.push(Fault { span: run.span(call.place()), found, wanted });
            }
        });
    }
}

/// `ENV` and `ARG` that switch checks off.
fn variables(instruction: &Instruction<'_>, faults: &mut Vec<Fault>) {
    for pair in instruction.pairs() {
        let value = pair.value.as_ref().map_or("", |value| value.text());
        if let Some(found) = options::variable(&pair.name, value) {
            faults.push(Fault { span: pair.span.clone(), found, wanted: options::VERIFIED });
        }
    }
}

/// Configuration in here-documents.
fn heredocs(instruction: &Instruction<'_>, faults: &mut Vec<Fault>) {
    for heredoc in &instruction.heredocs {
        if let Some((at, found)) = options::setting(heredoc.text) {
            let start = heredoc.start + at;
            faults.push(Fault { span: start..start + 1, found, wanted: options::SIGNED });
        }
    }
}
