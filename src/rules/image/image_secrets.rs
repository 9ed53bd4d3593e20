//! Secrets in the layers, the variables and the history of an image.

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::secret_shapes::{is_named_secret, secret_value, secrets_in_words};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-secrets",
    title: "Images hold no private keys, credentials or passwords",
    docs: "Everybody who may pull an image can read all its layers, its variables and the commands of its build. The rule reports private \
keys (PEM with a whole body), files in which programs keep credentials (`.npmrc`, `.docker/config.json`, `.git-credentials`, \
`.kube/config`, `.aws/credentials`, `.netrc` and others) if they hold some, and variables and commands with a secret by its name or its \
shape, as `env-secrets` does. A file that a later layer deletes is reported too: the earlier layer still has it. No message repeats a secret.\n\n\
Not reported are keys for tests and documentation that libraries bring (`/usr/share/doc`, `site-packages/*/test`, \
`node_modules/*/test`, the self-tests in shared libraries of the system). `allow` names further paths, as globs; `**` is any number of folders. Settings of a build \
stage that is not in the image are not seen.\n\n\
Give secrets to a build with `RUN --mount=type=secret`, and to a container with a Secret. Replace a secret that was in a pushed image.",
    why: "everybody who may pull the image reads the secret, and deleting it in a later layer changes nothing",
    owasp: &[11],
    severity: Severity::Critical,
    params: params::<ImageSecrets>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageSecrets>,
        instead: "replace the secret, and give it to the build with `RUN --mount=type=secret` or to the container with a Secret",
        examples: &[
            ImageExample::bad(
                "a key, and one that is deleted",
                r#"{"content":{"secrets":[
                    {"path":"etc/ssh/ssh_host_ed25519_key","layer":0,"kind":"a private key of SSH"},
                    {"path":"root/id_rsa","layer":0,"kind":"a private key","removedIn":1}]}}"#,
                &["layers[0]/etc/ssh/ssh_host_ed25519_key", "layers[0]/root/id_rsa"],
            ),
            ImageExample::bad(
                "variables",
                r#"{"run":{"Env":["PATH=/usr/bin","DB_PASSWORD=hunter2","URL=postgres://app:hunter2@db/app","LOG=debug"]}}"#,
                &["config.Env[DB_PASSWORD]", "config.Env[URL]"],
            ),
            ImageExample::bad(
                "arguments of the build",
                r#"{"history":[{"created_by":"RUN |1 NPM_TOKEN=npm_abcdefghijklmnopqrstuvwxyz0123456789 /bin/sh -c npm ci # buildkit"},{"created_by":"RUN /bin/sh -c curl -u jane:hunter2 https://example.com # buildkit"}]}"#,
                &["history[0]", "history[1]"],
            ),
            ImageExample::good("no secret", r#"{"run":{"Env":["PATH=/usr/bin","PASSWORD_FILE=/run/secrets/db"]}}"#),
            ImageExample::good(
                "an allowed path",
                r#"{"content":{"secrets":[{"path":"srv/demo/tls/key.pem","layer":0,"kind":"a private key"}]}}"#,
            )
            .params(r#"{"allow":["/srv/demo/**"]}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

/// Parameters of `image-secrets`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageSecrets {
    /// Paths of files that are no secrets, as globs: `/srv/demo/**`. Default: none.
    allow: Vec<PathPattern>,
}

/// A glob of paths.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
struct PathPattern(glob::Pattern);

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pattern = glob::Pattern::new(text.trim_start_matches('/'));
        pattern.map(Self).map_err(|error| format!("`{text}` is no glob: {}", error.msg))
    }
}

/// A star does not pass a slash.
const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

const WANTED: &str = "no secret in the image";

impl ImageCheck for ImageSecrets {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::Secrets, Part::Variables, Part::History])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let allows = |path: &str| self.allow.iter().any(|pattern| pattern.0.matches_with(path, OPTIONS));
        for secret in image.content.iter().flat_map(|content| &content.secrets) {
            if allows(&secret.path) {
                continue;
            }
            let removed =
                secret.removed_in.map(|layer| format!(", which layers[{layer}] deletes or overwrites in vain"));
            let found = format!("{}{}", secret.kind, removed.unwrap_or_default());
            let at = Place::File { layer: secret.layer, path: &secret.path };
            findings.push(Finding::new(at, found, WANTED));
        }
        for (name, value) in image.run.env.iter().filter_map(|pair| pair.split_once('=')) {
            if let Some(found) = of_variable(name, value) {
                findings.push(Finding::new(Place::Env(name), found, WANTED));
            }
        }
        for (index, step) in image.history.iter().enumerate() {
            // The variables of the configuration are reported there.
            let is_variable = image.run.env.iter().any(|pair| step.created_by.ends_with(pair.as_str()));
            if let Some(found) = of_command(&step.created_by).filter(|_| !is_variable) {
                findings.push(Finding::new(Place::History(index), format!("{found} in the command"), WANTED));
            }
        }
    }
}

fn of_variable(name: &str, value: &str) -> Option<&'static str> {
    secret_value(value).or_else(|| is_named_secret(name, value, &[]).then_some("a secret by its name"))
}

fn of_command(command: &str) -> Option<&'static str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    secret_words(&words).first().map(|(_, kind)| *kind)
}

/// The words of a command that hold a secret, by their index, and the kind of secret. Arguments of a build are in front of its
/// commands, as variables are.
pub fn secret_words(words: &[&str]) -> Vec<(usize, &'static str)> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let of_pair = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let name = Some(name.trim_start_matches('-')).filter(|name| is_name(name))?;
        of_variable(name, value.trim_matches(['"', '\'']))
    };
    let pairs = words.iter().enumerate().filter_map(|(index, word)| Some((index, of_pair(word)?)));
    pairs.chain(secrets_in_words(words.iter().copied(), &[])).collect()
}
