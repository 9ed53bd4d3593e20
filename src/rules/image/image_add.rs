//! `ADD` in the history of an image.

use super::step::Step;
use crate::image::config::History;
use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::secret_shapes::secret_value;
use crate::text::clean;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-add",
    title: "Images are built with COPY instead of ADD",
    docs: "`ADD` unpacks archives and loads URLs, so that a Dockerfile does not say what reaches the image. The rule reads the history of \
the image and reports each `ADD` but those of the base: with the first one a base puts its root into the first layer, and some bases (UBI) \
add more files of their own to this layer. The history says nothing of \
`--checksum`, so a URL that is verified by one is reported as well; `dockerfile-add` reads the Dockerfile itself.\n\n\
Use `COPY` for files. For a URL use `ADD --checksum=sha256:...`, and allow it here with `urls: true`.",
    why: "ADD unpacks what an archive holds and loads what a server sends, whether or not the author of the Dockerfile wanted it",
    owasp: &[25],
    severity: Severity::Low,
    params: params::<ImageAdd>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageAdd>,
        instead: "write COPY in place of ADD",
        examples: &[
            ImageExample::bad(
                "files and a URL, of two builders",
                r#"{"history":[{"created_by":"ADD rootfs.tar / # buildkit"},{"created_by":"ADD app.tar.gz /app # buildkit"},{"created_by":"/bin/sh -c #(nop) ADD https://example.com/a /a "}]}"#,
                &["history[1]", "history[2]"],
            ),
            ImageExample::bad(
                "behind the layers of the base",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop)  CMD [\"bash\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /app "},
                    {"created_by":"/bin/sh -c make","empty_layer":false},
                    {"created_by":"/bin/sh -c #(nop) ADD multi:cc in /etc/ ","empty_layer":true}]}"#,
                &["history[2]", "history[4]"],
            ),
            ImageExample::good(
                "what a base adds to its own layer",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c mv -f /etc/yum.repos.d/ubi.repo /tmp || :","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /tmp/tls-ca-bundle.pem ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD multi:cc in /etc/yum.repos.d/ ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"/bin/bash\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:dd in /root/buildinfo/Dockerfile-ubi9-minimal-9.4-1227 ","empty_layer":true},
                    {"created_by":"RUN /bin/sh -c microdnf install -y tzdata # buildkit"}]}"#,
            ),
            ImageExample::good(
                "a base that is added in two layers",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /etc/yum.repos.d/ "},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"/bin/bash\"]","empty_layer":true}]}"#,
            ),
            ImageExample::good("the root of the base, and COPY", "{}"),
            ImageExample::good(
                "an allowed URL",
                r#"{"history":[{"created_by":"ADD rootfs.tar / # buildkit"},{"created_by":"ADD https://example.com/a /a # buildkit"}]}"#,
            )
            .params(r#"{"urls":true}"#),
            ImageExample::good(
                "a command with this word",
                r#"{"history":[{"created_by":"RUN /bin/sh -c addgroup app # ADD # buildkit"},{"created_by":"/bin/sh -c #(nop) COPY a b "}]}"#,
            ),
            ImageExample::good("no history", r#"{"history":[]}"#),
        ],
    }),
};

/// Parameters of `image-add`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageAdd {
    /// Whether `ADD` of URLs is allowed. Default: false.
    urls: bool,
}

/// The arguments, if the step is an ADD.
fn arguments(step: &str) -> Option<&str> {
    match Step::read(step) {
        Step::Instruction("ADD", arguments) => Some(arguments),
        _ => None,
    }
}

/// How many steps at the beginning are those of the base alone: up to the next layer. Its own ADDs are in its first layer, or they make
/// layers before it says what to run.
fn of_base(history: &[History]) -> usize {
    let is_own = |step: &History| {
        arguments(&step.created_by)
            .is_some_and(|arguments| arguments.starts_with("file:") || arguments.starts_with("multi:"))
    };
    let (mut has_layer, mut has_command) = (false, false);
    let ends = |step: &History| {
        let ends = has_layer && !step.empty_layer && (has_command || !is_own(step));
        has_layer |= !step.empty_layer;
        has_command |= matches!(Step::read(&step.created_by), Step::Instruction("CMD" | "ENTRYPOINT", _));
        ends
    };
    history.iter().position(ends).unwrap_or(history.len())
}

impl ImageCheck for ImageAdd {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        for (index, step) in image.history.iter().enumerate().skip(of_base(&image.history)) {
            let Some(arguments) = arguments(&step.created_by) else { continue };
            let is_url = arguments.contains("://");
            if self.urls && is_url {
                continue;
            }
            // A URL may have a password.
            let shown =
                if secret_value(arguments).is_some() { String::new() } else { format!(" {}", clean(arguments, 80)) };
            let wanted = if is_url { "COPY, or ADD with a checksum" } else { "COPY" };
            findings.push(Finding::new(Place::History(index), format!("ADD{shown}"), wanted));
        }
    }
}
