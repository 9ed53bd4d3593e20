//! `ADD` in the history of an image.

use super::allowed_base::AllowedBase;
use super::step::Step;
use crate::image::config::History;
use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::SecretValues;
use crate::text::clean;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-add",
    title: "Images are built with COPY instead of ADD",
    docs: "`ADD` unpacks archives and loads URLs, so that a Dockerfile does not say what reaches the image. The rule reads the history of \
the image and reports each `ADD` but those of the base. Of a base that `image-base` \
allows in the same policy these are the steps of all its layers. Of another base only the root is known: it is in the first layer, \
and some bases (UBI) add more files of their own to it. The history says nothing of \
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
                "behind the layers of a base that is allowed",
                r#"{"history":[
                    {"created_by":"ADD rootfs.tar / # buildkit"},
                    {"created_by":"ADD runtime.tar /opt # buildkit"},
                    {"created_by":"CMD [\"app\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /root/buildinfo/../app ","empty_layer":true},
                    {"created_by":"ADD app.tar /app # buildkit"}],"layers":[
                    {"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","diffId":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1},
                    {"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","diffId":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","size":1},
                    {"digest":"sha256:3333333333333333333333333333333333333333333333333333333333333333","diffId":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","size":1}]}"#,
                &["history[3]", "history[4]"],
            )
            .params(TWO_LAYERS),
            ImageExample::bad(
                "a history that has other steps than layers",
                r#"{"history":[
                    {"created_by":"ADD rootfs.tar / # buildkit"},
                    {"created_by":"ADD runtime.tar /opt # buildkit"},
                    {"created_by":"ADD app.tar /app # buildkit"}]}"#,
                &["history[1]", "history[2]"],
            )
            .params(TWO_LAYERS),
            ImageExample::bad(
                "all of one build in the layer of its last step, by buildah",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"sh\"]"},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /app/ ","empty_layer":true},
                    {"created_by":"|1 TOKEN=abc123 /bin/sh -c echo $TOKEN > /x","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) USER 1000"}]}"#,
                &["history[2]"],
            ),
            ImageExample::bad(
                "in the layer of the last step by buildah, behind an allowed base that says nothing of what to run",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) LABEL a=b"},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /app/ ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"app\"]"}],"layers":[
                    {"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","diffId":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1},
                    {"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","diffId":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","size":1}]}"#,
                &["history[2]"],
            )
            .params(TWO_LAYERS),
            ImageExample::bad(
                "in the layer of the last step by buildah, with a CMD behind it that has no layer",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /app/ ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"app\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) USER 1000"}]}"#,
                &["history[1]"],
            ),
            ImageExample::good(
                "a base with files of its build system, below a build by buildah",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop) ADD multi:bb in /etc/yum.repos.d/ ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"/bin/bash\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:cc in /root/buildinfo/Dockerfile-ubi9 ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ENV A=b","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) USER 1000"}]}"#,
            ),
            ImageExample::good(
                "what an allowed base adds to its own layer, behind it in the history",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /etc/yum.repos.d/ ","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"/bin/bash\"]","empty_layer":true},
                    {"created_by":"RUN /bin/sh -c microdnf install -y tzdata # buildkit"}],"layers":[
                    {"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","diffId":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1},
                    {"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","diffId":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","size":1}]}"#,
            )
            .params(TWO_LAYERS),
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
            ImageExample::bad(
                "a URL with the value of a secret",
                r#"{"run":{"Env":["API_TOKEN=hunter2hunter2"]},"history":[
                    {"created_by":"ADD rootfs.tar / # buildkit"},
                    {"created_by":"ADD https://example.com/hunter2hunter2/a https://jane:hunter2@example.com/b /a # buildkit"}]}"#,
                &["history[1]"],
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
            ImageExample::good(
                "an allowed base of several layers, whose build system adds files",
                r#"{"history":[
                    {"created_by":"/bin/sh -c #(nop) ADD file:aa in / "},
                    {"created_by":"/bin/sh -c #(nop) CMD [\"/bin/bash\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:bb in /opt/app-root/ "},
                    {"created_by":"/bin/sh -c #(nop) ENTRYPOINT [\"container-entrypoint\"]","empty_layer":true},
                    {"created_by":"/bin/sh -c #(nop) ADD file:cc in /help.1 ","empty_layer":true}]}"#,
            )
            .params(TWO_LAYERS),
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

const TWO_LAYERS: &str = r#"{"bases":[{"name":"debian-13","layers":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]},{"name":"runtime","layers":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}]}"#;

/// Parameters of `image-add`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageAdd {
    /// Whether `ADD` of URLs is allowed. Default: false.
    urls: bool,
    /// Bases whose own steps do not count. Default: those that `image-base` allows in the same policy.
    bases: Vec<AllowedBase>,
}

/// The arguments, if the step is an ADD.
fn arguments(step: &str) -> Option<&str> {
    match Step::read(step) {
        Step::Instruction("ADD", arguments) => Some(arguments),
        _ => None,
    }
}

/// Files that the build system of Red Hat adds to an image, behind all that its Dockerfile does.
const OF_BUILD_SYSTEM: [&str; 2] = ["/help.1", "/root/buildinfo/"];

/// Whether the step only says something of the image.
fn is_without_files(step: &History) -> bool {
    match Step::read(&step.created_by) {
        Step::Instruction(keyword, _) => !matches!(keyword, "ADD" | "COPY" | "WORKDIR"),
        Step::Run { .. } => false,
    }
}

/// How many steps at the beginning are those of the base. `known` is how many layers it has, if the policy names the base; else that is
/// one: its own ADDs are in its first layer, or they make layers before it says what to run.
///
/// buildah gives the only layer of a build to its last step, so an ADD of the build may stand there as one without a layer.
fn of_base(history: &[History], known: Option<usize>) -> usize {
    let is_file = |arguments: &str| arguments.starts_with("file:") || arguments.starts_with("multi:");
    let is_of_system = |arguments: &str| {
        arguments
            .split_whitespace()
            .next_back()
            .is_some_and(|target| !target.contains("..") && OF_BUILD_SYSTEM.iter().any(|of| target.starts_with(of)))
    };
    let is_command =
        |step: &History| matches!(Step::read(&step.created_by), Step::Instruction("CMD" | "ENTRYPOINT", _));
    let command = history.iter().position(is_command).unwrap_or(usize::MAX);
    // The layer behind those of a base that the policy names. Where nothing up to there says what to run, an ADD is of the build: of a base
    // whose ADDs are in the layer before them, the command comes behind them.
    let mut layers = history.iter().enumerate().filter(|(_, step)| !step.empty_layer);
    let behind = layers.nth(known.unwrap_or(1));
    let next = known.and(behind).map(|(index, _)| index);
    // A step that writes no file has only the layer of a build by buildah. What the build system of a base adds is the last of its steps.
    let is_of_system_step = |step: &History| arguments(&step.created_by).is_some_and(is_of_system);
    let of_build = behind.filter(|(_, step)| is_without_files(step)).map(|(layer, _)| {
        let before = history.get(..layer).unwrap_or_default();
        let end = before.iter().rposition(|step| !step.empty_layer || is_of_system_step(step));
        end.map_or(0, |end| end + 1)..layer
    });
    let mut left = known.unwrap_or(1);
    let ends = |(index, step): (usize, &History)| {
        let added = arguments(&step.created_by);
        let has_command = command < index;
        let ends = left == 0
            && if step.empty_layer {
                let is_of_build = of_build.as_ref().is_some_and(|steps| steps.contains(&index));
                (has_command || is_of_build || next.is_some_and(|next| command >= next))
                    && added.is_some_and(|arguments| !is_of_system(arguments))
            } else {
                known.is_some() || has_command || !added.is_some_and(is_file)
            };
        left = left.saturating_sub(usize::from(!step.empty_layer));
        ends
    };
    history.iter().enumerate().position(ends).unwrap_or(history.len())
}

impl ImageAdd {
    /// How many layers the base has, if the policy names it. Steps say nothing of layers where they are more or fewer than these.
    fn known_base(&self, image: &ImageFacts) -> Option<usize> {
        let layers = self.bases.iter().filter_map(|base| base.layers_below(image)).max()?;
        let steps = image.history.iter().filter(|step| !step.empty_layer).count();
        (steps == image.layers.len()).then_some(layers)
    }
}

impl ImageCheck for ImageAdd {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let mut secrets = None;
        for (index, step) in image.history.iter().enumerate().skip(of_base(&image.history, self.known_base(image))) {
            let Some(arguments) = arguments(&step.created_by) else { continue };
            let is_url = arguments.contains("://");
            if self.urls && is_url {
                continue;
            }
            // A URL may have a password, and builders write values where a variable stood.
            let shown = secrets.get_or_insert_with(|| SecretValues::of_image(image)).hide(arguments);
            let wanted = if is_url { "COPY, or ADD with a checksum" } else { "COPY" };
            findings.push(Finding::new(Place::History(index), format!("ADD {}", clean(&shown, 80)), wanted));
        }
    }
}
