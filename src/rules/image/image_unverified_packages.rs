//! Packages that were, or will be, installed without verifying who made them.

mod commands;

use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-unverified-packages",
    title: "Packages of an image are verified when they are installed",
    docs: "Package managers verify signatures and certificates unless a setting or an option switches that off. The rule reports settings \
in the image (`[trusted=yes]` and `AllowUnauthenticated` of apt, `gpgcheck=0` and `sslverify=0` of dnf and zypper, `trusted-host` of pip, \
`strict-ssl=false` of npm, and those of curl, wget, git and gem), and commands of its history with such an option, or that run what \
`curl` or `wget` loads without looking at it (`curl ... | sh`).\n\n\
Repositories with `enabled=0` are not reported. A script that the build runs is not seen.\n\n\
Remove the setting, and give the build the key or the certificate authority of your repository. `allow` names files of settings that \
may stay, by their path.",
    why: "whoever controls the network or a mirror installs what they like in the image",
    owasp: &[26, 29],
    severity: Severity::High,
    params: params::<ImageUnverifiedPackages>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageUnverifiedPackages>,
        instead: "remove the setting or the option, and give the build the key of the repository",
        examples: &[
            ImageExample::bad(
                "a setting of apt",
                r#"{"content":{"unverified":[{"path":"etc/apt/sources.list.d/own.list","layer":1,"line":2,"setting":"trusted=yes"}]}}"#,
                &["layers[1]/etc/apt/sources.list.d/own.list:2"],
            ),
            ImageExample::bad(
                "options of commands",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c apt-get update && apt-get install -y --allow-unauthenticated nginx # buildkit"},
                    {"created_by":"RUN /bin/sh -c apk add --allow-untrusted a.apk # buildkit"},
                    {"created_by":"RUN /bin/sh -c set -e; cd /tmp; curl -sSLk https://example.com/a -o a # buildkit"},
                    {"created_by":"/bin/sh -c pip install --trusted-host pypi.example.com a"}]}"#,
                &["history[0]", "history[1]", "history[2]", "history[3]"],
            ),
            ImageExample::bad(
                "what a server sends is run",
                r#"{"history":[{"created_by":"RUN /bin/sh -c curl -fsSL https://example.com/install.sh | sudo -E bash - # buildkit"},{"created_by":"RUN /bin/sh -c bash -c \"$(wget -qO- https://example.com/install.sh)\" # buildkit"}]}"#,
                &["history[0]", "history[1]"],
            ),
            ImageExample::good(
                "commands that verify",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c apt-get update && apt-get install -y curl && curl -fsSL https://example.com/a -o /a && echo 0 /a | sha256sum -c # buildkit"},
                    {"created_by":"RUN /bin/sh -c ls -k | sh -c 'cat' # buildkit"},
                    {"created_by":"ENV curl=-k"}]}"#,
            ),
            ImageExample::good(
                "an allowed file",
                r#"{"content":{"unverified":[{"path":"etc/pip.conf","layer":1,"line":2,"setting":"trusted-host=pypi.example.com"}]}}"#,
            )
            .params(r#"{"allow":["/etc/pip.conf"]}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

/// Parameters of `image-unverified-packages`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageUnverifiedPackages {
    /// Paths of files of settings that may stay: `/etc/pip.conf`. Default: none.
    allow: Vec<String>,
}

impl ImageCheck for ImageUnverifiedPackages {
    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let allows = |path: &str| self.allow.iter().any(|allowed| allowed.trim_start_matches('/') == path);
        for setting in image.content.iter().flat_map(|content| &content.unverified).filter(|one| !allows(&one.path)) {
            let at = Place::Line { layer: setting.layer, path: &setting.path, line: setting.fault.line };
            findings.push(Finding::new(at, setting.fault.setting.as_str(), "packages that are verified"));
        }
        for (index, step) in image.history.iter().enumerate() {
            if let Some(found) = commands::unverified(&step.created_by) {
                findings.push(Finding::new(Place::History(index), found, "packages that are verified"));
            }
        }
    }
}
