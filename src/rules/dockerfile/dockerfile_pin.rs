//! The images of `FROM` and of `COPY --from`.

use super::packages::is_common_base;
use crate::dockerfile::{Arguments, Base, Dockerfile, Keyword};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::text::clean;
use crate::workload::image::split;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "dockerfile-pin",
    title: "Images that a build begins with have a tag or a digest",
    docs: "Without a tag, or with `latest`, each build may begin with another image: it cannot be repeated, and nobody sees in the \
file what changed. The rule judges `FROM`, `COPY --from` and `RUN --mount=from=`. With `digest: true` a tag is not enough.\n\n\
Variables count with the value that the file gives them; an image whose name only the build knows is not judged. `allow` names \
beginnings of images that need neither tag nor digest, such as the contexts that a build names (`--build-context base=DIR`).",
    why: "the build takes whatever image has the name on that day, also one that somebody has just replaced",
    owasp: &[1, 23],
    severity: Severity::Medium,
    params: params::<DockerfilePin>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfilePin>,
        instead: "name a version as the tag, or better the digest: `FROM debian:12@sha256:...`; a bot can renew it",
        examples: &[
            FileExample::bad(
                "no tag, and latest",
                "ARG VERSION=latest\nFROM registry.example.com:5000/base AS one\nFROM node:$VERSION\nCOPY --from=busybox /bin/sh /\nRUN --mount=type=bind,from=tools,target=/t true\n",
                &[2, 3, 4, 5],
            ),
            FileExample::bad("a tag where a digest is required", "FROM debian:12\n", &[1]).params(r#"{"digest":true}"#),
            FileExample::good(
                "a tag, a digest, stages and scratch",
                "ARG BASE\nFROM debian:12 AS base\nFROM base\nCOPY --from=base /a /\nCOPY --from=0 /a /\nFROM $BASE\nFROM scratch\nFROM a@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d\nFROM debian:$VERSION\n",
            ),
            FileExample::good("an allowed image", "FROM registry.example.com/base/app\n")
                .params(r#"{"allow":["registry.example.com/base/"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-pin`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfilePin {
    /// Whether a tag is not enough.
    digest: bool,
    /// Beginnings of images that need neither. Default: none.
    allow: Vec<String>,
}

impl DockerfilePin {
    /// What is wrong with an image, and what would pass.
    fn fault(&self, image: &str) -> Option<(String, &'static str)> {
        if self.allow.iter().any(|allowed| image.starts_with(allowed.as_str())) {
            return None;
        }
        let wanted = if self.digest { "a digest" } else { "a tag with a version, or a digest" };
        let (_, tag, digest) = split(image);
        let name = clean(image, 120);
        match (tag, digest) {
            (_, Some(_)) => None,
            // Builds name local contexts so, as with `--build-context base=DIR`.
            (None, None) if !image.contains('/') && !self.digest && !is_common_base(image) => {
                let wanted = "a tag with a version, a digest, or for a context of the build its name under `allow`";
                Some((format!("{name} without a tag"), wanted))
            }
            (None, None) => Some((format!("{name} without a tag"), wanted)),
            (Some("latest"), None) => Some((name, wanted)),
            (Some(_), None) => self.digest.then_some((name, wanted)),
        }
    }
}

impl FileCheck for DockerfilePin {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let is_stage = |name: &str| {
            let lower = name.to_ascii_lowercase();
            name.bytes().all(|b| b.is_ascii_digit())
                || file.stages.iter().any(|stage| stage.name.as_ref() == Some(&lower))
        };
        for (index, instruction) in file.instructions.iter().enumerate() {
            let (image, span) = match (&instruction.arguments, instruction.keyword) {
                (Arguments::From(word), Keyword::From) => {
                    let stage = file.stages.iter().find(|stage| stage.instructions.start == index);
                    let Some(Base::Image(Some(image))) = stage.map(|stage| &stage.base) else { continue };
                    (image.as_str(), word.span.clone())
                }
                (_, Keyword::Copy) => {
                    let Some(flag) = instruction.flags.iter().find(|flag| flag.name == "from") else { continue };
                    (flag.value.as_deref().unwrap_or_default(), flag.span.clone())
                }
                (_, Keyword::Run) => {
                    let mounts = instruction.flags.iter().filter(|flag| flag.name == "mount");
                    let from = |flag: &'d crate::dockerfile::Flag| {
                        let parts = flag.value.as_deref().unwrap_or_default().split(',');
                        parts
                            .filter_map(|part| part.strip_prefix("from="))
                            .next_back()
                            .map(|from| (from, flag.span.clone()))
                    };
                    let Some(found) = mounts.filter_map(from).find(|(image, _)| !is_stage(image)) else { continue };
                    found
                }
                _ => continue,
            };
            if image.is_empty() || image.contains('$') || is_stage(image) || image == "scratch" {
                continue;
            }
            if let Some((found, wanted)) = self.fault(image) {
                findings.push(Finding::new(file.place(span), found, wanted));
            }
        }
    }
}
