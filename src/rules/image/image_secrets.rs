//! Secrets in the layers, the variables and the history of an image.

use super::step::{self, Step};
use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::secret_commands::{self, Names};
use crate::rules::secret_shapes::{is_named_secret, secret_value};
use crate::shell::Script;
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
            ImageExample::bad(
                "passwords in commands",
                r#"{"history":[
                    {"created_by":"RUN /bin/sh -c echo 'root:hunter2' | chpasswd # buildkit"},
                    {"created_by":"RUN /bin/sh -c export DB_PASSWORD=hunter2 && ./setup # buildkit"},
                    {"created_by":"RUN /bin/sh -c make NPM_TOKEN=hunter2hunter2 # buildkit"},
                    {"created_by":"/bin/sh -c #(nop)  CMD [\"app\" \"--db-password=hunter2\"]"},
                    {"created_by":"HEALTHCHECK &{[\"CMD-SHELL\" \"mysql -uroot -phunter2 -e 1\"] \"30s\"}"},
                    {"created_by":"ADD https://jane:hunter2@example.com/a /a # buildkit"}]}"#,
                &["history[0]", "history[1]", "history[2]", "history[3]", "history[4]", "history[5]"],
            ),
            ImageExample::good(
                "secrets that the build mounts, and public keys",
                r#"{"run":{"Env":["PATH=/bin","GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568"]},"history":[
                    {"created_by":"RUN /bin/sh -c TOKEN=$(cat /run/secrets/token) npm ci # buildkit"},
                    {"created_by":"RUN /bin/sh -c NPM_TOKEN=`cat /run/secrets/npm` npm ci # buildkit"},
                    {"created_by":"RUN /bin/sh -c export TOKEN=\"$(cat /run/secrets/token)\" && npm ci # buildkit"},
                    {"created_by":"RUN /bin/sh -c curl -H \"Authorization: Bearer $TOKEN\" https://example.com # buildkit"},
                    {"created_by":"ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568"},
                    {"created_by":"RUN /bin/sh -c echo \"root:$PASSWORD\" | chpasswd; echo 'app:*' | chpasswd -e # buildkit"},
                    {"created_by":"CMD [\"postgres\" \"-c\" \"password_encryption=scram-sha-256\"]"}]}"#,
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
            let is_known =
                |name: &str, value: &str| image.run.env.iter().any(|pair| pair.split_once('=') == Some((name, value)));
            if let Some(found) = of_step(&step.created_by, &is_known) {
                findings.push(Finding::new(Place::History(index), format!("{found} in the command"), WANTED));
            }
        }
    }
}

fn of_variable(name: &str, value: &str) -> Option<&'static str> {
    secret_value(value).or_else(|| is_named_secret(name, value, &[]).then_some("a secret by its name"))
}

/// The secret in a step of the build. `is_known` is whether the configuration has this variable.
pub fn of_step(step: &str, is_known: &dyn Fn(&str, &str) -> bool) -> Option<&'static str> {
    let variables = |text| {
        let pairs = step::pairs(text).into_iter().filter(|(name, value)| !is_known(name, value));
        pairs.filter(|(_, value)| !value.starts_with(['$', '`'])).find_map(|(name, value)| of_variable(name, value))
    };
    match Step::read(step) {
        Step::Run { arguments, script } => variables(arguments).or_else(|| of_script(script)),
        Step::Instruction("ARG" | "ENV", text) => variables(text),
        Step::Instruction("CMD" | "ENTRYPOINT" | "HEALTHCHECK" | "SHELL", text) => of_script(words_of(text)),
        Step::Instruction(_, text) => text.split_whitespace().find_map(secret_value).or_else(|| secret_value(text)),
    }
}

fn of_script(script: &str) -> Option<&'static str> {
    secret_commands::in_script(&Script::new(script), &Names::default())
}

/// The words of `["a" "b"]`, or of `&{["CMD-SHELL" "a"] "30s"}`, as builders write them.
fn words_of(text: &str) -> &str {
    let Some(list) = text.trim_start_matches("&{").strip_prefix('[') else { return text };
    list.find("\"]").and_then(|end| list.get(..=end)).unwrap_or(list)
}
