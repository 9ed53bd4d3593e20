//! Files that run with the rights of their owner.

use super::packages;
use crate::dockerfile::{Arguments, Base, Dockerfile, Keyword, Place};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::shell::Call;
use crate::text::clean;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "dockerfile-setuid",
    title: "Builds make no file setuid or setgid, and give none capabilities",
    docs: "A file with the setuid bit runs as its owner, mostly root, whoever starts it; with the setgid bit, in its group. \
`setcap` gives a file some rights of root. The rule finds `chmod u+s`, `chmod 4755`, `install -m 4755`, `setcap` and \
`COPY --chmod=4755`, in every stage. A setgid bit alone has low severity: on a directory it only passes the group on, and \
`install --directory` sets it without a finding.\n\n\
Images of distributions contain setuid files (`su`, `mount`, `passwd`). With `removal: true` the rule also reports a last stage on \
such an image that does not remove the bits. `allow` names files that may have them, by their paths.",
    why: "whoever gets into the container becomes root with one such file, if a fault in it helps",
    owasp: &[6, 7, 8, 24],
    severity: Severity::High,
    params: params::<DockerfileSetuid>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileSetuid>,
        instead: "leave the bit out, and let the pod have the one capability that is needed; `find / -xdev -perm /6000 -type f -exec \
                  chmod a-s {} +` removes all of them",
        examples: &[
            FileExample::bad(
                "in all forms",
                "FROM debian:12\nRUN apt-get update \\\n && chmod u+s /bin/a \\\n && chmod 4755 /bin/b\nRUN [\"chmod\", \"06755\", \"/bin/c\"]\nRUN <<EOF\ninstall -m 4755 a /bin/d\nEOF\nCOPY --chmod=4755 e /bin/\nRUN sh -c 'setcap cap_net_raw+ep /bin/f'\nRUN install -Dm4755 g /bin/g && install -vDm 4755 h /bin/h && install -d -m 4755 /i\n",
                &[3, 4, 5, 7, 9, 10, 11, 11, 11],
            ),
            FileExample::bad(
                "a setgid directory",
                "FROM debian:12\nRUN chmod -R g+s /data && chmod 2775 /logs\n",
                &[2, 2],
            ),
            FileExample::bad("bits of the distribution", "FROM debian:12\nUSER 10001\n", &[1])
                .params(r#"{"removal":true}"#),
            FileExample::good(
                "other modes, and removal",
                "FROM debian:12\nRUN chmod +x,u=rwx /a && chmod 0755 /a && chmod 1777 /tmp && chmod a-s /bin/su\nCOPY --chmod=755 a /\nRUN install -m755 a /b && echo chmod u+s\nRUN install --verbose --directory --owner a --mode 3777 /run/a && install -dm 2775 /b\n",
            ),
            FileExample::good(
                "the bits are removed",
                "FROM debian:12\nRUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +\n",
            )
            .params(r#"{"removal":true}"#),
            FileExample::good("an allowed file", "FROM debian:12\nRUN chmod u+s /usr/bin/ping\n")
                .params(r#"{"allow":["/usr/bin/ping"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-setuid`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileSetuid {
    /// Paths of files that may have the bits. Default: none.
    allow: Vec<String>,
    /// Whether a last stage on the image of a distribution must remove the bits.
    removal: bool,
}

/// The bits that a mode sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bits {
    Setuid,
    Setgid,
}

impl Bits {
    const fn name(self) -> &'static str {
        match self {
            Self::Setuid => "setuid",
            Self::Setgid => "setgid",
        }
    }
}

impl FileCheck for DockerfileSetuid {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        for (_, run) in file.runs() {
            run.calls(&mut |call| {
                if let Some((found, severity)) = self.found(call) {
                    let at = file.place(run.span(call.place()));
                    findings
                        .push(Finding::new(at, found, "no setuid or setgid bit, and no capability").severity(severity));
                }
            });
        }
        for instruction in file.instructions.iter().filter(|i| matches!(i.keyword, Keyword::Copy | Keyword::Add)) {
            let Some(flag) = instruction.flags.iter().find(|flag| flag.name == "chmod") else { continue };
            let mode = flag.value.as_deref().unwrap_or_default();
            let Arguments::Copy { target, .. } = &instruction.arguments else { continue };
            if let Some(bits) = bits(mode).filter(|_| !self.is_allowed(target.text())) {
                let found = format!("{} with --chmod={}", bits.name(), clean(mode, 20));
                let severity = if bits == Bits::Setuid { Severity::High } else { Severity::Low };
                findings.push(
                    Finding::new(file.place(flag.span.clone()), found, "a mode without the bit").severity(severity),
                );
            }
        }
        findings.sort_by_key(|finding| finding.at.span.start);
        findings.extend(self.without_removal(file));
    }
}

impl DockerfileSetuid {
    fn is_allowed(&self, path: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == path)
    }

    /// What a program sets, and how severe that is.
    fn found(&self, call: &Call<'_>) -> Option<(String, Severity)> {
        let args: Vec<&str> = call.args().collect();
        let operands: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
        let (mode, files): (&str, &[&str]) = match call.name.as_str() {
            "chmod" => {
                let (mode, files) = operands.split_first()?;
                (mode, files)
            }
            "install" => {
                let value = |index: usize| args.get(index + 1).copied();
                let mode = args.iter().enumerate().find_map(|(index, arg)| match *arg {
                    "-m" | "--mode" => value(index),
                    arg => arg.strip_prefix("--mode=").or_else(|| {
                        // `-Dm755`, `-Dm 755`
                        let (flags, mode) = arg.strip_prefix('-')?.split_once('m')?;
                        let is_cluster = flags.bytes().all(|b| b"bCcDdpsTv".contains(&b));
                        if mode.is_empty() { value(index) } else { Some(mode) }.filter(|_| is_cluster)
                    }),
                })?;
                let is_directory = |arg: &&str| {
                    *arg == "--directory" || (arg.starts_with('-') && !arg.starts_with("--") && arg.contains('d'))
                };
                if args.iter().any(is_directory) && bits(mode) == Some(Bits::Setgid) {
                    return None;
                }
                (mode, operands.get(1..).unwrap_or_default())
            }
            "setcap" => {
                let is_removal = args.iter().any(|arg| matches!(*arg, "-r" | "-h" | "-v"));
                let files = operands.get(1..)?;
                let all_allowed = !files.is_empty() && files.iter().all(|path| self.is_allowed(path));
                return (!is_removal && !all_allowed)
                    .then(|| ("setcap, which gives a file capabilities".to_owned(), Severity::Medium));
            }
            _ => return None,
        };
        let bits = bits(mode)?;
        if !files.is_empty() && files.iter().all(|path| self.is_allowed(path)) {
            return None;
        }
        let severity = if bits == Bits::Setuid { Severity::High } else { Severity::Low };
        Some((format!("{} by {} {}", bits.name(), call.name, clean(mode, 40)), severity))
    }

    fn without_removal<'d>(&self, file: &'d Dockerfile<'d>) -> Option<Finding<'d, Place>> {
        let last = file.last_stage().filter(|_| self.removal)?;
        let Base::Image(Some(image)) = &file.with_bases(last).last()?.base else { return None };
        let mut removes = false;
        for (instruction, run) in file.runs() {
            if file.with_bases(last).any(|stage| file.is_in(stage, instruction)) {
                run.calls(&mut |call| {
                    removes |=
                        call.args().any(|arg| matches!(arg, "a-s" | "-s" | "ug-s" | "u-s" | "u-s,g-s" | "g-s,u-s"));
                });
            }
        }
        if removes || !packages::is_distribution(image) {
            return None;
        }
        let Arguments::From(word) = &file.instructions.get(last.instructions.start)?.arguments else { return None };
        let finding = Finding::new(
            file.place(word.span.clone()),
            format!("setuid files of {}", clean(image, 80)),
            "a command that removes the bits",
        );
        Some(finding.severity(Severity::Low))
    }
}

/// The bits that a mode of chmod sets.
fn bits(mode: &str) -> Option<Bits> {
    if mode.len() >= 4 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        let special = u32::from_str_radix(mode, 8).ok()? >> 9;
        return if special & 4 != 0 { Some(Bits::Setuid) } else { (special & 2 != 0).then_some(Bits::Setgid) };
    }
    mode.split(',')
        .filter_map(|clause| {
            let at = clause.find(['+', '='])?;
            let (who, rights) = clause.split_at_checked(at)?;
            let is_who = who.bytes().all(|b| b"ugoa".contains(&b));
            let sets = is_who && rights.bytes().skip(1).all(|b| b"rwxXst".contains(&b)) && rights.contains('s');
            let user = who.is_empty() || who.contains(['u', 'a']);
            sets.then_some(if user { Bits::Setuid } else { Bits::Setgid })
        })
        .min_by_key(|bits| bits.name() != Bits::Setuid.name())
}
