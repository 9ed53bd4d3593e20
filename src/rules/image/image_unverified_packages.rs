//! Packages that were, or will be, installed without verifying who made them.

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::unverified::{in_script, options};
use crate::shell::SHELLS;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-unverified-packages",
    title: "Packages of an image are verified when they are installed",
    docs: "Package managers verify signatures and certificates unless a setting or an option switches that off. The rule reports settings \
in the image (`[trusted=yes]` and `AllowUnauthenticated` of apt, `gpgcheck=0` and `sslverify=0` of dnf and zypper, `trusted-host` of pip, \
`strict-ssl=false` of npm, and those of curl, wget, git and gem), and commands of its history with such an option, or that run what \
`curl` or `wget` loads without looking at it (`curl ... | sh`). Variables of the image that switch verification off count, too.\n\n\
Repositories with `enabled=0` are not reported. A script that the build runs is not seen.\n\n\
Remove the setting, and give the build the key or the certificate authority of your repository. `allow` names files of settings that \
may stay, by their path, and `urls` the beginnings of addresses from which a script may run as it arrives.",
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
            ImageExample::bad(
                "behind another shell, and with arguments of the build",
                r#"{"history":[
                    {"created_by":"RUN |2 A=b C=d e /bin/sh -c wget --no-check-certificate https://example.com/a # buildkit"},
                    {"created_by":"/bin/bash -o pipefail -c bash <(curl -s https://example.com/a.sh)"},
                    {"created_by":"RUN /bin/sh -c GIT_SSL_NO_VERIFY=1 git clone https://example.com/b # buildkit"}],
                    "run":{"Env":["PATH=/bin","NODE_TLS_REJECT_UNAUTHORIZED=0"]}}"#,
                &["history[0]", "history[1]", "history[2]", "config.Env[NODE_TLS_REJECT_UNAUTHORIZED]"],
            ),
            ImageExample::good(
                "an allowed address, and words that only look like it",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c curl -sSf https://sh.rustup.rs | sh -s -- -y # buildkit"},
                    {"created_by":"RUN /bin/sh -c echo 'curl -k x | sh' && curl -k https://localhost:8443/health # buildkit"},
                    {"created_by":"/bin/sh -c #(nop)  CMD [\"curl\" \"-k\"]"}]}"#,
            )
            .params(r#"{"urls":["https://sh.rustup.rs"]}"#),
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
    /// Beginnings of URLs from which a script may run as it arrives: `https://sh.rustup.rs`. Default: none.
    urls: Vec<String>,
}

impl ImageCheck for ImageUnverifiedPackages {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::Settings, Part::Variables, Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let allows = |path: &str| self.allow.iter().any(|allowed| allowed.trim_start_matches('/') == path);
        for setting in image.content.iter().flat_map(|content| &content.unverified).filter(|one| !allows(&one.path)) {
            let at = Place::Line { layer: setting.layer, path: &setting.path, line: setting.fault.line };
            findings.push(Finding::new(at, setting.fault.setting.as_str(), "packages that are verified"));
        }
        for (index, step) in image.history.iter().enumerate() {
            for found in script(&step.created_by).map(|script| in_script(script, &self.urls)).unwrap_or_default() {
                findings.push(Finding::new(Place::History(index), found, "packages that are verified"));
            }
        }
        for (name, value) in image.run.env.iter().filter_map(|variable| variable.split_once('=')) {
            if let Some(found) = options::variable(name, value) {
                findings.push(Finding::new(Place::Env(name), found, options::VERIFIED));
            }
        }
    }
}

/// The script that a step of the history runs; none for a step that runs nothing.
fn script(step: &str) -> Option<&str> {
    let step = step.trim();
    let step = step.strip_suffix("# buildkit").unwrap_or(step);
    // Docker writes other steps as comments of a shell.
    let is_run = step.starts_with("RUN ") || step.starts_with('|') || step.starts_with("/bin/");
    if !is_run || step.contains(" #(nop) ") {
        return None;
    }
    let run = step.strip_prefix("RUN ").unwrap_or(step).trim_start();
    Some(behind_shell(behind_arguments(run)))
}

/// What is behind `|2 A=b C=d`, the arguments of the build. Their values may have blanks.
fn behind_arguments(run: &str) -> &str {
    if !run.starts_with('|') {
        return run;
    }
    let shell = |(at, _): &(usize, &str)| run.get(at + 1..).is_some_and(|rest| behind_shell(rest).len() < rest.len());
    run.match_indices(' ').find(shell).and_then(|(at, _)| run.get(at + 1..)).unwrap_or(run)
}

/// What is behind `/bin/bash -o pipefail -c`.
fn behind_shell(run: &str) -> &str {
    let mut words = run.split(' ');
    let name = words.next().unwrap_or_default();
    if !SHELLS.contains(&name.rsplit('/').next().unwrap_or_default()) {
        return run;
    }
    let mut length = name.len() + 1;
    for word in words {
        length += word.len() + 1;
        if word.starts_with('-') && word.contains('c') {
            return run.get(length..).unwrap_or_default();
        }
        // An option, or the value of one: `-o pipefail`.
        if !word.starts_with('-') && word != "pipefail" && word != "errexit" {
            break;
        }
    }
    run
}
