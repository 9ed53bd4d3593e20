//! Packages that were, or will be, installed without verifying who made them.

use super::step::{self, Step};
use crate::image::config::RunConfig;
use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::SecretValues;
use crate::rules::unverified::{Downloads, in_script, options};
use crate::shell::{Command, Options, Script, Word};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-unverified-packages",
    title: "Packages of an image are verified when they are installed",
    docs: "Package managers verify signatures and certificates unless a setting or an option switches that off. The rule reports settings \
in the image (`[trusted=yes]` and `AllowUnauthenticated` of apt, `gpgcheck=0` and `sslverify=0` of dnf and zypper, `trusted-host` of pip, \
`strict-ssl=false` of npm, and those of curl, wget, git and gem), and commands of its history with such an option, or that run what \
`curl` or `wget` loads without looking at it (`curl ... | sh`, and `curl -o a.sh ... && sh a.sh` without `sha256sum -c`, `gpg --verify` \
or the like in between, also in several steps), install it as a package (`dpkg -i a.deb`, `dnf install https://...`), or that ENTRYPOINT \
and CMD start. Variables of the image that switch verification off count, too.\n\n\
Repositories with `enabled=0` are not reported. A script that the build runs is not seen. The history of an image has no \
`--checksum` of `ADD`: add the address to `urls`, or check the file before it runs.\n\n\
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
            ImageExample::bad(
                "what a server sends is run as a file",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c curl -fsSL -o /tmp/a.sh https://example.com/a.sh && sh /tmp/a.sh # buildkit"},
                    {"created_by":"RUN /bin/sh -c wget -O /usr/local/bin/tool https://example.com/tool # buildkit"},
                    {"created_by":"RUN /bin/sh -c chmod +x /usr/local/bin/tool # buildkit"},
                    {"created_by":"RUN /bin/sh -c tool install # buildkit"}]}"#,
                &["history[0]", "history[3]"],
            ),
            ImageExample::bad(
                "what ADD loads is run",
                r#"{"history":[
                    {"created_by":"ADD https://example.com/a.sh /a.sh # buildkit"},
                    {"created_by":"RUN /bin/bash --norc -c sh /a.sh # buildkit"},
                    {"created_by":"ADD https://example.com/b.sh https://example.com/c.sh /opt/ # buildkit"},
                    {"created_by":"RUN /bin/bash -o nounset -c sha256sum -c /b.sum && sh /opt/c.sh # buildkit"},
                    {"created_by":"ADD https://example.com/d.sh /d.sh # buildkit"},
                    {"created_by":"RUN /usr/bin/env bash -c sha256sum -c /d.sum || true; sh /d.sh # buildkit"}]}"#,
                &["history[1]", "history[5]"],
            ),
            ImageExample::bad(
                "what a server sends is installed, or started by the image",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c curl -LO https://example.com/a.deb && dpkg -i a.deb # buildkit"},
                    {"created_by":"RUN /bin/sh -c dnf install -y https://example.com/b.rpm # buildkit"},
                    {"created_by":"WORKDIR /app"},
                    {"created_by":"ADD https://example.com/c.jar . # buildkit"}],
                    "run":{"Entrypoint":["java","-jar"],"Cmd":["c.jar"],"WorkingDir":"/app"}}"#,
                &["history[0]", "history[1]", "config.Entrypoint"],
            ),
            ImageExample::good(
                "another file of the same name",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c curl -o /tmp/a.sh https://example.com/a # buildkit"},
                    {"created_by":"WORKDIR /app"},
                    {"created_by":"COPY a.sh . # buildkit"},
                    {"created_by":"RUN /bin/sh -c sh a.sh # buildkit"}],
                    "run":{"Cmd":["./a.sh"],"WorkingDir":"/app"}}"#,
            ),
            ImageExample::good(
                "what a server sends is verified before it runs",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c set -eux; wget -O /usr/local/bin/gosu \"https://example.com/gosu-$V\"; wget -O /usr/local/bin/gosu.asc \"https://example.com/gosu-$V.asc\"; gpg --batch --verify /usr/local/bin/gosu.asc /usr/local/bin/gosu; chmod +x /usr/local/bin/gosu; gosu nobody true # buildkit"},
                    {"created_by":"RUN /bin/bash -eo pipefail -c wget -O rustup-init \"$rustupUrl\"; echo \"$rustupSha256 *rustup-init\" | sha256sum --check --strict; chmod +x rustup-init; ./rustup-init -y # buildkit"}]}"#,
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
            ImageExample::bad(
                "with arguments of the build that are secrets",
                r#"{"history":[
                    {"created_by":"ENV DEPLOY_TOKEN=hunter2"},
                    {"created_by":"RUN |1 API_TOKEN=hunter2hunter2 /bin/sh -c curl -k -H \"Authorization: Bearer $API_TOKEN\" -o $DEPLOY_TOKEN/a.sh https://jane:$API_TOKEN@example.com/a && sh $DEPLOY_TOKEN/a.sh # buildkit"},
                    {"created_by":"ADD https://example.com/hunter2hunter2/b.sh /hunter2/ # buildkit"},
                    {"created_by":"RUN /bin/sh -c sh /hunter2/b.sh # buildkit"}]}"#,
                &["history[1]", "history[1]", "history[3]"],
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
    /// Beginnings of URLs from which a script may run as it arrives: `https://sh.rustup.rs`. Default: none.
    urls: Vec<String>,
}

impl ImageCheck for ImageUnverifiedPackages {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::Settings, Part::Variables, Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let before = findings.len();
        let allows = |path: &str| self.allow.iter().any(|allowed| allowed.trim_start_matches('/') == path);
        for setting in image.content.iter().flat_map(|content| &content.unverified).filter(|one| !allows(&one.path)) {
            let at = Place::Line { layer: setting.layer, path: &setting.path, line: setting.fault.line };
            findings.push(Finding::new(at, setting.fault.setting.as_str(), "packages that are verified"));
        }
        // What one step loads, a later one may run.
        let mut downloads = Downloads::default();
        downloads.begin_at("/");
        for (index, step) in image.history.iter().enumerate() {
            let script = match Step::read(&step.created_by) {
                Step::Run { shell, script, .. } => {
                    let options = Options::of_command(shell.split_whitespace());
                    Script::new(script).run_with(options.unwrap_or_default())
                }
                Step::Instruction(keyword, arguments) => {
                    self.placed(keyword, arguments, &mut downloads);
                    continue;
                }
            };
            for found in in_script(&script, &self.urls, &mut downloads) {
                findings.push(Finding::new(Place::History(index), found, "packages that are verified"));
            }
        }
        started(&image.run, &self.urls, &mut downloads, findings);
        for (name, value) in image.run.env.iter().filter_map(|variable| variable.split_once('=')) {
            if let Some(found) = options::variable(name, value) {
                findings.push(Finding::new(Place::Env(name), found, options::VERIFIED));
            }
        }
        let found = findings.get_mut(before..).unwrap_or_default();
        if !found.is_empty() {
            let secrets = SecretValues::of_image(image);
            for finding in found {
                finding.found = secrets.hide(&finding.found).into();
            }
        }
    }
}

impl ImageUnverifiedPackages {
    /// What an instruction other than RUN puts into the image, and where. Of `ADD` and `COPY`, the last word is the target.
    fn placed(&self, keyword: &str, arguments: &str, downloads: &mut Downloads) {
        let words = || arguments.split_whitespace().filter(|word| !word.starts_with("--"));
        match keyword {
            "WORKDIR" => downloads.begin_at(arguments),
            "ENV" => step::pairs(arguments).into_iter().for_each(|(name, value)| downloads.set(name, value)),
            "ADD" | "COPY" => {
                let Some(target) = words().next_back() else { return };
                let is_checked = arguments.contains("--checksum");
                let is_url = |word: &&str| word.contains("://") && !is_checked;
                downloads.copied(words().filter(|word| !is_url(word)), target);
                words().filter(is_url).for_each(|url| downloads.added(url, target, &self.urls));
            }
            _ => {}
        }
    }
}

/// What the image starts, if that is a file that was loaded and not checked.
fn started<'i>(run: &'i RunConfig, urls: &[String], downloads: &mut Downloads, findings: &mut ImageFindings<'i>) {
    if !run.working_dir.is_empty() {
        downloads.begin_at(&run.working_dir);
    }
    let word = |text: &String| Word { text: text.clone(), ..Word::default() };
    let both: Vec<Word> = run.entrypoint.iter().chain(&run.cmd).map(word).collect();
    let command: Vec<Word> = run.cmd.iter().map(word).collect();
    let field = if run.entrypoint.is_empty() { "Cmd" } else { "Entrypoint" };
    // The words of CMD are arguments of ENTRYPOINT, or that is a script that starts them.
    for (words, field) in [(both, field), (command, "Cmd")] {
        let script = Script { commands: vec![Command { words, ..Command::default() }], ..Script::default() };
        downloads.started(&script, urls, &mut |_, (found, _)| {
            findings.push(Finding::new(Place::Config(field), found, "packages that are verified"));
        });
    }
}
