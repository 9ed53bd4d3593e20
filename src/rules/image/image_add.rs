//! `ADD` in the history of an image.

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
the image and reports each `ADD` but the one with which a base puts its root into the first layer. The history says nothing of \
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
    let step = step.trim();
    let step = step.strip_prefix("/bin/sh -c #(nop)").map_or(step, str::trim_start);
    let arguments = step.strip_prefix("ADD ")?;
    Some(arguments.trim_end_matches("# buildkit").trim())
}

impl ImageCheck for ImageAdd {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let first = image.history.iter().position(|step| !step.empty_layer);
        for (index, step) in image.history.iter().enumerate() {
            let Some(arguments) = arguments(&step.created_by).filter(|_| Some(index) != first) else { continue };
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
