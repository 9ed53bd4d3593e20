//! Downloads and packages whose origin no program checks.

mod examples;
mod files;

use crate::dockerfile::{Base, Dockerfile, Instruction, Keyword};
use crate::rule::{FileCheck, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params};
use crate::rules::unverified::{Caches, Downloads, in_call, options};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashSet;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-unverified-packages",
    title: "Builds check where packages and scripts come from",
    docs: "The rule finds options that accept any certificate or signature (`curl -k`, `wget --no-check-certificate`, \
`apt-get --allow-unauthenticated`, `yum --nogpgcheck`, `apk --allow-untrusted`, `pip --trusted-host`), settings that do the same \
(`[trusted=yes]`, `gpgcheck=0`, `strict-ssl false`, `GIT_SSL_NO_VERIFY`), and scripts that run as they arrive: `curl ... | sh`, \
`bash <(curl ...)`, `sh -c \"$(curl ...)\"`, `python3 -c \"exec(urlopen(...))\"`. A file that `curl`, `wget`, `gh release download`, `aws s3 cp`, `Invoke-WebRequest` or `ADD` loads must be checked before it runs, by \
`sha256sum -c`, `gpg --verify`, `cosign verify-blob`, `Get-FileHash` or the like, or by `ADD --checksum`. A check counts if its failure ends the step: with `&&` behind it, or with `set -e`. The rule follows it through `cd`, `mv`, `cp`, `find` and `xargs`, \
through later instructions of the stage, `COPY --from` and `RUN --mount`, up to `ENTRYPOINT` and `CMD`. The same holds for an archive that \
`tar` or `unzip` unpacks, and a program or script of its folder.\n\n\
A package that was loaded as a file, or that rpm, dnf, pip or npm load from an address, has no verified signature: `dpkg -i`, \
`apt-get install ./a.deb`, `rpm -i`, `dnf install https://...`, `pip install https://...`, `pip install -r https://...`. Check the file first, let dnf verify it with \
`--setopt=localpkg_gpgcheck=1` and the key of its publisher, or give pip the checksum: `https://.../a.whl#sha256=...`.\n\n\
It reads all forms of `RUN`, functions, here-documents, scripts in scripts, those that the Dockerfile writes and PowerShell included, and `ENV` and `ARG`. Downloads from `localhost` pass. \
Of what stages start, it judges `ENTRYPOINT`, `CMD` and `HEALTHCHECK` of the last one, and of those that no other stage uses. \
It does not see what `make`, `pip` or `npm` run of such a folder, nor what is named differently from an archive that is unpacked whole \
into a folder of the system (`/usr/local`). `allow` names beginnings of URLs from which a script may run as it arrives; a release that `gh` loads is `https://github.com/OWNER/NAME/releases/download/TAG`.",
    why: "whoever controls the network or the server decides what runs in the build and in the image",
    owasp: &[26, 29],
    severity: Severity::High,
    params: params::<DockerfileUnverifiedPackages>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileUnverifiedPackages>,
        instead: "give the program the certificate or key that it needs; download a script to a file and check it (`sha256sum -c`, \
                  `gpg --verify`) before it runs",
        examples: &examples::EXAMPLES,
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
        let mut runs = file.all_runs().into_iter().peekable();
        let (mut stages, mut caches, mut read) = (Vec::<Downloads>::new(), Caches::default(), 0);
        for stage in &file.stages {
            // A stage has the files of the one that it begins with.
            let mut downloads = match stage.base {
                Base::Stage(below) => stages.get(below).cloned().unwrap_or_default(),
                Base::Image(_) | Base::Scratch => Downloads::default(),
            };
            if stage.base == Base::Scratch {
                downloads.begin_at("/");
            }
            *downloads.read() = read;
            let is_windows = file.is_windows(stage);
            for instruction in file.instructions.get(stage.instructions.clone()).unwrap_or_default() {
                if let Some((_, run)) = runs.next_if(|(runs, _)| std::ptr::eq(*runs, instruction)) {
                    let mounted = files::mount(file, instruction, &stages, &caches, &mut downloads);
                    downloads.begin();
                    run.calls_in_order(&mut |call| {
                        in_call(call, &self.allow, &mut downloads, &mut |part, (found, wanted)| {
                            faults.push(Fault { span: run.span(part), found, wanted });
                        });
                    });
                    // The last one may hide the others.
                    mounted.into_iter().rev().for_each(|mounted| downloads.unmount(mounted, &mut caches));
                }
                files::follow(file, instruction, &stages, &mut downloads, is_windows, &self.allow);
            }
            read = *downloads.read();
            stages.push(downloads);
        }
        // What a stage starts that only others use runs nowhere. Of the stages that inherit one command, the last one counts.
        let (shells, mut judged) = (file.shells(), HashSet::new());
        for (index, stage) in file.targets().collect::<Vec<_>>().into_iter().rev() {
            let Some(downloads) = stages.get_mut(index) else { continue };
            let mut started = file.started(stage);
            for one in [&mut started.entrypoint, &mut started.command, &mut started.healthcheck] {
                *one = one.filter(|one| judged.insert(one.span.start));
            }
            std::mem::swap(&mut read, downloads.read());
            files::started(started, (file, &shells), downloads, &self.allow, &mut |span, (found, wanted)| {
                faults.push(Fault { span, found, wanted });
            });
            std::mem::swap(&mut read, downloads.read());
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
