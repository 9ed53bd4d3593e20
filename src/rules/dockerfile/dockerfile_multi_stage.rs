//! What belongs into a stage of its own, and the order of instructions.

use super::packages::{self, Manager, Order, Verb};
use crate::dockerfile::{Arguments, Base, Dockerfile, Instruction, Keyword, Run, Stage};
use crate::rule::{
    FileCheck, FileExample, FileFindings, FileRule, Finding, Judges, Rule, Severity, compile_file, params,
};
use crate::shell::Call;
use crate::text::clean;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::Range;

pub static RULE: Rule = Rule {
    id: "dockerfile-multi-stage",
    title: "Compilers stay in a stage of their own, and layers are in a good order",
    docs: "The last stage, with the stages that it begins with, is the image. The rule reports what only a build needs and the image \
keeps: compilers, `-dev` and `-devel` packages, and a base that is made for building (`golang`, `rust`, `maven`). What the same \
`RUN` removes again does not count. Build in a stage of its own, and take the result with `COPY --from`.\n\n\
It also reports two orders that break the cache of layers: `COPY .` before the dependencies are installed, so that every change of \
the code installs them again; and `apt-get update` or `apk update` in a `RUN` of its own, so that the next `RUN` installs from old \
lists. `allow` names packages that the image may have.",
    why: "an attacker in the container finds a compiler, and old lists install packages with known faults",
    owasp: &[3, 4, 5],
    severity: Severity::Low,
    params: params::<DockerfileMultiStage>,
    judges: Judges::Dockerfile(FileRule {
        compile: compile_file::<DockerfileMultiStage>,
        instead: "build in a stage of its own and take the result with `COPY --from`; copy the lists of dependencies and install them \
                  before `COPY .`; update and install in one RUN",
        examples: &[
            FileExample::bad(
                "compilers in the image",
                "FROM debian:12 AS base\nRUN apt-get update && apt-get install -y --no-install-recommends gcc-12 curl libssl-dev=3.0\nFROM base\nRUN [\"apk\", \"add\", \"build-base\"]\n",
                &[2, 4],
            ),
            FileExample::bad("an image for building", "FROM golang:1.26\nRUN go build -o /app .\n", &[1]),
            FileExample::bad(
                "the code before its dependencies",
                "FROM node:24\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM python:3.14-slim\nCOPY ./ /app\nRUN apt-get install -y x && pip install -r requirements.txt\n",
                &[3, 6],
            ),
            FileExample::bad(
                "an update alone",
                "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\n",
                &[2],
            ),
            FileExample::bad(
                "another package than the allowed one",
                "FROM debian:12\nRUN apt-get install -y gcc make\n",
                &[2],
            )
            .params(r#"{"allow":["make"]}"#),
            FileExample::good(
                "a stage for the build",
                "FROM golang:1.26 AS build\nRUN apt-get update && apt-get install -y gcc\nCOPY go.mod .\nRUN go mod download\nCOPY . .\nRUN go build -o /app .\nFROM gcr.io/distroless/static\nCOPY --from=build /app /\n",
            ),
            FileExample::good(
                "tags without compilers of an image for building",
                "FROM buildpack-deps:bookworm-scm AS a\nFROM buildpack-deps:bookworm-curl\n",
            ),
            FileExample::bad("an image of many compilers", "FROM buildpack-deps:bookworm\n", &[1]),
            FileExample::good(
                "removed in the same RUN",
                "FROM alpine:3.22\nRUN apk add --no-cache --virtual .build-deps gcc musl-dev && make && apk del .build-deps\n",
            ),
            FileExample::good(
                "dependencies first",
                "FROM node:24-slim\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm install -g x\n",
            ),
            FileExample::good("an allowed package", "FROM debian:12\nRUN apt-get update && apt-get install -y make\n")
                .params(r#"{"allow":["make"]}"#),
            FileExample::good("an update for a script", "FROM debian:12\nRUN apt-get update && ./install.sh\n"),
        ],
    }),
};

/// Parameters of `dockerfile-multi-stage`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DockerfileMultiStage {
    /// Packages that the image may have. Default: none.
    allow: Vec<String>,
}

/// A `RUN` with what it does to packages.
struct Step<'f> {
    instruction: &'f Instruction<'f>,
    span: Range<usize>,
    /// Build tools that it installs and does not remove.
    tools: Vec<String>,
    is_update_alone: bool,
    installs_dependencies: Option<&'static str>,
}

impl FileCheck for DockerfileMultiStage {
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>) {
        let runs = file.runs();
        let steps: Vec<Step<'_>> = runs.iter().map(|(instruction, run)| self.step(instruction, run)).collect();
        if let Some(last) = file.last_stage() {
            for stage in file.with_bases(last) {
                for step in steps.iter().filter(|step| {
                    !step.instruction.is_onbuild && file.is_in(stage, step.instruction) && !step.tools.is_empty()
                }) {
                    let found = format!("{} in the image", listed(&step.tools));
                    findings.push(Finding::new(
                        file.place(step.span.clone()),
                        found,
                        "a stage of its own for the build",
                    ));
                }
            }
            findings.extend(build_image(file, last));
        }
        for step in steps.iter().filter(|step| step.is_update_alone) {
            let finding = Finding::new(
                file.place(step.span.clone()),
                "an update without an install in the same RUN",
                "update and install in one RUN",
            );
            findings
                .push(finding.why("the cache keeps old lists, so that a later RUN installs old packages, or fails"));
        }
        let by_start = steps.iter().map(|step| (step.instruction.span.start, step)).collect();
        for stage in &file.stages {
            findings.extend(early_copy(file, stage, &by_start));
        }
        findings.sort_by_key(|finding| finding.at.span.start);
    }
}

impl DockerfileMultiStage {
    fn step<'f>(&self, instruction: &'f Instruction<'f>, run: &Run) -> Step<'f> {
        let (mut tools, mut span) = (Vec::new(), None);
        let (mut updates, mut installs, mut removes_all) = (false, false, false);
        let (mut removed, mut dependencies) = (Vec::new(), None);
        run.calls(&mut |call| {
            dependencies = dependencies.or_else(|| dependency_install(call));
            let Some(order) = Order::read(call) else {
                // Any other program may install with the lists.
                installs |= !HARMLESS.contains(&call.name.as_str());
                return;
            };
            match order.verb {
                Verb::Update => {
                    updates = true;
                    span.get_or_insert_with(|| run.span(call.place()));
                }
                Verb::Install => {
                    installs = true;
                    let names = order.packages.iter().map(|word| packages::name(&word.text));
                    let found: Vec<String> = names
                        .filter(|name| packages::is_build_tool(name) && !self.allow.iter().any(|a| a == name))
                        .map(str::to_owned)
                        .collect();
                    if !found.is_empty() && tools.is_empty() {
                        span = Some(run.span(call.place()));
                    }
                    let group = order.group.map(str::to_owned);
                    tools.extend(found.into_iter().map(|name| (name, group.clone())));
                }
                Verb::Remove => {
                    removes_all |= order.manager != Manager::Apk && order.packages.is_empty();
                    removed.extend(order.packages.iter().map(|word| packages::name(&word.text).to_owned()));
                }
                Verb::Other => installs = true,
            }
        });
        // What a variable names may be anything.
        removes_all |= removed.iter().any(|name| name.contains('$') || name.contains('*'));
        tools.retain(|(name, group)| {
            !removes_all && !removed.contains(name) && !group.as_ref().is_some_and(|group| removed.contains(group))
        });
        Step {
            instruction,
            span: span.unwrap_or_else(|| instruction.keyword_span.clone()),
            tools: tools.into_iter().map(|(name, _)| name).collect(),
            is_update_alone: updates && !installs,
            installs_dependencies: dependencies.filter(|_| instruction.flag("mount").is_none()),
        }
    }
}

/// Programs that do not use the lists of packages.
const HARMLESS: [&str; 16] = [
    "cat", "cd", "chmod", "chown", "cp", "echo", "export", "ln", "ls", "mkdir", "mv", "rm", "sed", "set", "test",
    "true",
];

/// Five of the names at most.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(5).map(|name| clean(name, 40)).collect();
    let more = names.len().saturating_sub(shown.len());
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// The finding for a last stage on an image that is made for building.
fn build_image<'d>(file: &'d Dockerfile<'d>, last: &Stage) -> Option<Finding<'d, crate::dockerfile::Place>> {
    let lowest = file.with_bases(last).last()?;
    let Base::Image(Some(image)) = &lowest.base else { return None };
    let Arguments::From(word) = &file.instructions.get(lowest.instructions.start)?.arguments else { return None };
    packages::is_build_image(image).then(|| {
        let found = format!("{} as the base of the image", clean(image, 80));
        Finding::new(file.place(word.span.clone()), found, "a base without compilers, and COPY --from")
    })
}

/// The finding for a stage that copies all of its code before it installs the dependencies.
fn early_copy<'d>(
    file: &'d Dockerfile<'d>,
    stage: &Stage,
    steps: &HashMap<usize, &Step<'_>>,
) -> Option<Finding<'d, crate::dockerfile::Place>> {
    let mut copy = None;
    for instruction in file.of_stage(stage) {
        match (&instruction.arguments, instruction.keyword) {
            (Arguments::Copy { sources, .. }, Keyword::Copy | Keyword::Add) => {
                let is_all = sources.iter().any(|source| matches!(source.text(), "." | "./"))
                    && instruction.flag("from").is_none();
                copy = copy.or_else(|| is_all.then_some(instruction));
            }
            (_, Keyword::Run) => {
                let step = steps.get(&instruction.span.start);
                let Some(program) = step.and_then(|step| step.installs_dependencies) else { continue };
                // After the first install, the others follow the code.
                let copy: &Instruction<'_> = copy?;
                let finding = Finding::new(
                    file.place(copy.span.clone()),
                    format!("{} of everything before {program}", copy.keyword.as_str()),
                    "the lists of dependencies first, and the code after their install",
                );
                return Some(finding.why("every change of the code downloads and installs all dependencies again"));
            }
            _ => {}
        }
    }
    None
}

/// The program that installs the dependencies which a file of the project lists.
fn dependency_install(call: &Call<'_>) -> Option<&'static str> {
    let args: Vec<&str> = call.args().collect();
    let operands: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let has = |option: &str| args.contains(&option);
    match (call.name.as_str(), operands.as_slice()) {
        ("npm", ["ci" | "clean-install"]) => Some("npm ci"),
        ("npm", ["install" | "i"]) if !has("-g") && !has("--global") => Some("npm install"),
        ("yarn", [] | ["install"]) => Some("yarn install"),
        ("pnpm", ["install" | "i"]) => Some("pnpm install"),
        ("pip" | "pip3", ["install", _]) if has("-r") || has("--requirement") => Some("pip install"),
        ("poetry", ["install", ..]) if has("--no-root") => Some("poetry install"),
        ("bundle", ["install"]) => Some("bundle install"),
        ("composer", ["install"]) => Some("composer install"),
        ("go", ["mod", "download"]) => Some("go mod download"),
        ("cargo", ["fetch"]) => Some("cargo fetch"),
        _ => None,
    }
}
