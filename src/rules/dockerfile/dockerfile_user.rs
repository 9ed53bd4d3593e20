//! The user of the image: `USER`.

use super::packages::is_common_base;
use crate::dockerfile::{Arguments, Base, Dockerfile, Keyword, Place, Stage};
use crate::image::facts::is_zero;
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::text::clean;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "dockerfile-user",
    title: "Images run as a user other than root",
    docs: "The rule judges what `docker build` makes: the last `USER` of the last stage, or of the stages that it begins with. \
Without one the image has the user of its base, which is root in nearly all images. Bases that are known to have another user pass: \
`distroless` with the tag `nonroot`, .NET's chiseled and distroless tags, the runtimes of UBI such as `ubi9/nodejs-22`, \
`nginx-unprivileged`, Chainguard's and Bitnami's. `bases` names the beginnings of others. A last stage `FROM scratch` that only copies \
files, without a command, exports them, and starts nothing.\n\n\
A number is best: the kubelet cannot tell whether a name is root, and refuses it under `runAsNonRoot: true` unless the pod has \
`runAsUser`. With `numeric: true` the rule reports names, too. A user that only the build knows is not judged.",
    why: "the program is root in the container, so that a fault in it or in the kernel gives an attacker more",
    owasp: &[53],
    severity: Severity::High,
    params: params::<DockerfileUser>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileUser>,
        instead: "add `USER 10001` behind the last command that needs root, and give that user the files it writes",
        examples: &[
            FileExample::bad("no user", "FROM debian:12 AS build\nUSER 1000\nFROM debian:12\nCMD [\"app\"]\n", &[3]),
            FileExample::bad("root at the end", "FROM debian:12\nUSER app\nUSER root:root\n", &[3]),
            FileExample::bad("a group alone", "FROM debian:12\nUSER :1000\n", &[2]),
            FileExample::bad("root as a number with a sign", "FROM debian:12\nUSER +0\n", &[2]),
            FileExample::bad(
                "root in the stage below",
                "FROM debian:12 AS base\nUSER 0\nFROM base\nCMD [\"app\"]\n",
                &[2],
            ),
            FileExample::bad("nothing but files", "FROM scratch\nCOPY app /\nCMD [\"/app\"]\n", &[1]),
            FileExample::bad("a name where numbers are required", "FROM debian:12\nUSER app\n", &[2])
                .params(r#"{"numeric":true}"#),
            FileExample::good("a number, after root", "FROM debian:12\nUSER root\nRUN true\nUSER 10001:10001\n"),
            FileExample::good("a name", "FROM debian:12\nUSER app\n"),
            FileExample::good(
                "a user of the stage below",
                "FROM debian:12 AS base\nUSER 10001\nFROM base\nCMD [\"app\"]\n",
            ),
            FileExample::good("a user that the build knows", "FROM debian:12\nARG UID\nUSER $UID\n"),
            FileExample::good(
                "a base with another user",
                "FROM gcr.io/distroless/static-debian12:nonroot\nCOPY app /\n",
            ),
            FileExample::good(
                "a chiseled base",
                "FROM mcr.microsoft.com/dotnet/aspnet:8.0-noble-chiseled\nCOPY app /app\nCMD [\"/app\"]\n",
            ),
            FileExample::good(
                "a runtime of UBI",
                "FROM registry.access.redhat.com/ubi9/openjdk-21-runtime:1.20\nCOPY app.jar /app/\n",
            ),
            FileExample::bad(
                "the system of UBI",
                "FROM registry.access.redhat.com/ubi9/ubi-minimal:9.6\nCOPY app /\n",
                &[1],
            ),
            FileExample::bad(
                "another tag of .NET",
                "FROM mcr.microsoft.com/dotnet/aspnet:8.0-noble\nCOPY app /\n",
                &[1],
            ),
            FileExample::good(
                "files to export",
                "FROM golang:1.26 AS build\nRUN go build -o /app .\nFROM scratch AS export\nCOPY --from=build /app /\n",
            ),
            FileExample::good("a base that the build knows", "ARG BASE\nFROM $BASE\nCOPY app /\n"),
            FileExample::good("Windows", "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nCOPY app /\n"),
            FileExample::good("a base of one's own", "FROM registry.example.com/base/app:1\nCOPY app /\n")
                .params(r#"{"bases":["registry.example.com/base/"]}"#),
        ],
    }),
};

/// Parameters of `dockerfile-user`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileUser {
    /// Beginnings of images whose user is not root. Default: none.
    bases: Vec<String>,
    /// Whether a name is not enough.
    numeric: bool,
}

/// Beginnings of public images whose user is not root.
const BASES: [&str; 6] = [
    "cgr.dev/",
    "chainguard/",
    "bitnami/",
    "docker.io/bitnami/",
    "nginxinc/nginx-unprivileged",
    "docker.io/nginxinc/nginx-unprivileged",
];

impl FileCheck for DockerfileUser {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let Some(last) = file.last_stage().filter(|last| !file.is_windows(last)) else { return };
        let instruction = file
            .with_bases(last)
            .find_map(|stage| file.of_stage(stage).rev().find(|instruction| instruction.keyword == Keyword::User));
        let Some(word) = instruction.and_then(|user| user.words().first()) else {
            findings.extend(self.without_user(file));
            return;
        };
        let Some(value) = word.value.as_deref() else { return };
        let user = value.split(':').next().unwrap_or_default().trim();
        let place = || file.place(word.span.clone());
        let is_number = !user.is_empty() && user.bytes().all(|b| b.is_ascii_digit());
        // Without a user it is root, whatever the group.
        if user.is_empty() || user == "root" || is_zero(user) {
            findings.push(Finding::new(place(), clean(value, 60), "a user other than root"));
        } else if self.numeric && !is_number {
            let finding = Finding::new(place(), format!("the name {}", clean(value, 60)), "a number from 1 on");
            let why = "the kubelet cannot tell whether a name is root, and starts no such container under runAsNonRoot";
            findings.push(finding.why(why).severity(Severity::Medium));
        }
    }
}

impl DockerfileUser {
    /// The finding for an image that has the user of its base.
    fn without_user<'d>(&self, file: &'d Dockerfile<'d>) -> Option<Finding<'d, Place>> {
        let last = file.last_stage()?;
        match &file.with_bases(last).last()?.base {
            Base::Image(Some(image)) if self.is_known(image) => return None,
            // Whatever the image is, the build knows its user.
            Base::Image(None) | Base::Stage(_) => return None,
            Base::Scratch if starts_nothing(file, last) => return None,
            Base::Image(_) | Base::Scratch => {}
        }
        let from = file.instructions.get(last.instructions.start)?;
        let Arguments::From(word) = &from.arguments else { return None };
        let wanted = match &file.with_bases(last).last()?.base {
            Base::Image(Some(image)) if !is_common_base(image) => {
                "a user other than root, or its base under `bases` if that has one"
            }
            _ => "a user other than root",
        };
        Some(Finding::new(file.place(word.span.clone()), "no USER", wanted))
    }

    fn is_known(&self, image: &str) -> bool {
        let of_user = self.bases.iter().any(|base| image.starts_with(base.as_str()));
        of_user
            || BASES.iter().any(|base| image.starts_with(base))
            || is_small_dotnet(image)
            || is_runtime_of_ubi(image)
            || image.contains("nonroot")
            || image.contains("rootless")
    }
}

/// Whether nothing runs in an image of this stage, which begins with nothing: the build's result is files for the machine of the build.
fn starts_nothing(file: &Dockerfile<'_>, last: &Stage) -> bool {
    let runs = |keyword| matches!(keyword, Keyword::Run | Keyword::Cmd | Keyword::Entrypoint);
    file.with_bases(last).all(|stage| !file.of_stage(stage).any(|instruction| runs(instruction.keyword)))
}

/// .NET documents that these tags run as the user `app`.
fn is_small_dotnet(image: &str) -> bool {
    let tag = image.strip_prefix("mcr.microsoft.com/dotnet/").and_then(|rest| rest.split_once(':')).map(|(_, tag)| tag);
    tag.is_some_and(|tag| tag.contains("chiseled") || tag.contains("distroless"))
}

/// Red Hat documents that the images of languages and web servers run as the user 1001 or 185, and those of the system as root.
fn is_runtime_of_ubi(image: &str) -> bool {
    const NAMES: [&str; 9] =
        ["dotnet-", "httpd-", "nginx-", "nodejs-", "openjdk-", "perl-", "php-", "python-", "ruby-"];
    let below = |registry: &str| image.strip_prefix(registry).and_then(|rest| rest.split_once('/'));
    let found = below("registry.access.redhat.com/ubi").or_else(|| below("registry.redhat.io/ubi"));
    found.is_some_and(|(version, name)| {
        ["8", "9", "10"].contains(&version) && NAMES.iter().any(|begin| name.starts_with(begin))
    })
}
