//! What a build needs and a running program does not.

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-build-tools",
    title: "Images have no compilers, headers or Git repositories",
    docs: "The rule reports compilers, linkers and build programs (`gcc`, `make`, `go`, `cargo`, `javac` ...) by where their links lead, \
packages with headers (`*-dev`, `*-devel`), and `.git` folders. It judges the root that a container sees: what a later layer \
deletes is not reported here, though it still costs space (see `image-size`).\n\n\
Build in one stage, and copy the result into another: `COPY --from=build`. A `.dockerignore` keeps `.git` out. `allow` names \
programs and packages that the running program needs, such as `gcc` for a language that compiles when it starts.",
    why: "an intruder compiles what is missing, and the history in a Git repository has what was deleted, such as secrets",
    owasp: &[3, 5],
    severity: Severity::Medium,
    params: params::<ImageBuildTools>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageBuildTools>,
        instead: "build in a stage of its own, and copy only the result into the last one",
        examples: &[
            ImageExample::bad(
                "a compiler",
                r#"{"content":{"buildTools":[{"name":"gcc","path":"usr/bin/x86_64-linux-gnu-gcc-14","layer":1}]}}"#,
                &["layers[1]/usr/bin/x86_64-linux-gnu-gcc-14"],
            ),
            ImageExample::bad(
                "headers",
                r#"{"content":{"packages":[{"name":"libc6","version":"2"},{"name":"libc6-dev","version":"2"},{"name":"openssl-devel","version":"3"}]}}"#,
                &["packages[libc6-dev]"],
            ),
            ImageExample::bad(
                "a Git repository",
                r#"{"content":{"repositories":[{"path":"app/.git","layer":1}]}}"#,
                &["layers[1]/app/.git"],
            ),
            ImageExample::good("a program and its libraries", "{}"),
            ImageExample::good(
                "tools that the program needs",
                r#"{"content":{"packages":[{"name":"libc6-dev","version":"2"}],"buildTools":[{"name":"gcc","path":"usr/bin/gcc-14","layer":1}]}}"#,
            )
            .params(r#"{"allow":["gcc","libc6-dev"]}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

/// How many packages are named.
const NAMED: usize = 5;

/// Parameters of `image-build-tools`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageBuildTools {
    /// Names of programs and packages that may be there. Default: none.
    allow: Vec<String>,
}

impl ImageCheck for ImageBuildTools {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::Programs, Part::Packages, Part::Repositories])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let Some(content) = &image.content else { return };
        let allows = |name: &str| self.allow.iter().any(|allowed| allowed == name);
        for tool in content.build_tools.iter().filter(|tool| !allows(&tool.name)) {
            let at = Place::File { layer: tool.layer, path: &tool.path };
            findings.push(Finding::new(at, format!("the build tool {}", tool.name), "an image without it"));
        }
        let is_headers = |name: &str| name.ends_with("-dev") || name.ends_with("-devel");
        let names: Vec<&str> = content.packages.iter().map(|package| package.name.as_str()).collect();
        let headers: Vec<&str> = names.into_iter().filter(|name| is_headers(name) && !allows(name)).collect();
        if let Some(first) = headers.first() {
            let shown: Vec<&str> = headers.iter().take(NAMED).copied().collect();
            let more =
                if headers.len() > NAMED { format!(" and {} more", headers.len() - NAMED) } else { String::new() };
            let found = format!("packages with headers: {}{more}", shown.join(", "));
            findings.push(Finding::new(Place::Package(first), found, "an image without them"));
        }
        for repository in &content.repositories {
            let at = Place::File { layer: repository.layer, path: &repository.path };
            findings.push(Finding::new(at, "a Git repository", "an image without it").severity(Severity::High));
        }
    }
}
