//! Secrets in the layers, the variables and the history of an image.

mod commands;

pub use commands::{in_command, of_step};

use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::secret_shapes::{Names, fault};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-secrets",
    title: "Images hold no private keys, credentials or passwords",
    docs: "Everybody who may pull an image can read all its layers, its variables and the commands of its build. The rule reports private \
keys (PEM with a whole body) in any file, and secrets in variables and commands by their names or their \
shape, as `env-secrets` does: in `Env`, `Entrypoint`, `Cmd`, `Healthcheck`, `Shell` and `OnBuild` of the configuration, in the first 4096 \
bytes of each label, and in the history. A secret of the configuration is not reported again for the step that wrote it, and a name that \
several steps have is reported once. A file that a later layer deletes is reported too: the earlier layer still has it. No message repeats a \
secret.\n\n\
It reads these files of up to 1 MiB, and reports those that hold credentials:\n\n\
- of registries and clusters: `.docker/config.json`, `.dockercfg`, `.dockerconfigjson`, `containers/auth.json`, `.kube/config`, `kubeconfig`, \
`kubernetes/admin.conf`, `serviceaccount/token`.\n\
- of Git: `.git-credentials`, `git/credentials`, `.git/config`, `.gitconfig`, `gh/hosts.yml`.\n\
- of package managers: `.npmrc`, `.yarnrc.yml`, `.pypirc`, `pip.conf`, `NuGet.Config`, `auth.json` of composer, `.bundle/config`, \
`.gem/credentials`, `.cargo/credentials.toml`, `.m2/settings.xml`, `gradle.properties`, `apt/auth.conf`, `auth.conf.d/*`.\n\
- of databases and clouds: `.pgpass`, `.my.cnf`, `.aws/credentials`, `.aws/config`, `.s3cfg`, `rclone.conf`, \
`application_default_credentials.json`, `.terraformrc`, `credentials.tfrc.json`, `.vault-token`, `.netrc`.\n\
- of programs: `.env`, `.env.production`, `.envrc`, `config/master.key`, `credentials/production.key`, `application.properties`, `application.yml`, \
`bootstrap.yml`, `appsettings.json`, `wp-config.php`.\n\n\
Other files are searched for private keys alone: a token in a text of another name, and what is in `.p12`, `.jks` and archives, is not seen.\n\n\
Not reported are samples that libraries bring. These are keys in folders of tests, examples and documentation in a folder of a package manager \
(`node_modules/*/test`, `gems/*/spec`, `site-packages/*/tests`). They are also all keys in `pkg/mod` of Go, `cargo/registry`, the tests of Python itself, `/usr/share/doc`, and shared libraries of the system. \
`node_modules/mycompany/key.pem` is reported: people publish their own packages, keys and all. Examples (`.env.example`, `.env.test`, \
`application-dev.yml`) are none, nor are files of settings in a folder of libraries, tests or examples.\n\n\
`allow` names what is no secret: paths as globs, where `**` is any number of folders, and variables, options, settings and labels, as the \
message has them (`CSRF_TOKEN`, `--token` or `token`, `-Dkey.password`). Settings of a build stage that is not in the image are not seen.\n\n\
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
            ImageExample::bad(
                "what the configuration says of programs, once",
                r#"{"run":{"Entrypoint":["mysql","-uroot"],"Cmd":["-phunter2"],"Healthcheck":{"Test":["CMD-SHELL","curl -u jane:hunter2 http://localhost"]},
                    "Shell":["/bin/sh","--token=hunter2hunter2","-c"],"OnBuild":["RUN make NPM_TOKEN=hunter2hunter2","COPY . /app"],
                    "Labels":{"source":"https://jane:hunter2@git.example.com/a","title":"a"}},"history":[
                    {"created_by":"/bin/sh -c #(nop)  CMD [\"-phunter2\"]"},
                    {"created_by":"CMD [\"-phunter2\"]"},
                    {"created_by":"HEALTHCHECK &{[\"CMD-SHELL\" \"curl -u jane:hunter2 http://localhost\"] \"30s\"}"},
                    {"created_by":"ONBUILD RUN make NPM_TOKEN=hunter2hunter2"},
                    {"created_by":"LABEL source=https://jane:hunter2@git.example.com/a title=a"},
                    {"created_by":"LABEL source=https://jane:hunter3@git.example.com/a"},
                    {"created_by":"ENTRYPOINT [\"app\" \"--password\" \"hunter3\"]"},
                    {"created_by":"HEALTHCHECK --interval=30s CMD curl -u jane:hunter2 http://localhost"}]}"#,
                &[
                    "config.Cmd[0]",
                    "config.Healthcheck.Test[1]",
                    "config.Shell[1]",
                    "config.OnBuild[0]",
                    "config.Labels[source]",
                    "history[5]",
                    "history[6]",
                ],
            ),
            ImageExample::bad(
                "a command of a shell",
                r#"{"run":{"Entrypoint":["/bin/sh","-c","app --password hunter2"]},"history":[
                    {"created_by":"ENTRYPOINT [\"/bin/sh\" \"-c\" \"app --password hunter2\"]"}]}"#,
                &["config.Entrypoint[2]"],
            ),
            ImageExample::good(
                "commands and labels without a secret",
                r#"{"run":{"Entrypoint":["/bin/sh","-c","app --token \"$TOKEN\""],"Cmd":["--password","$(PASSWORD)"],"Healthcheck":{"Test":["NONE"]},
                    "Shell":["/bin/bash","-o","pipefail","-c"],"OnBuild":["RUN --mount=type=secret,id=npm npm ci"],
                    "Labels":{"org.opencontainers.image.revision":"0f3c1c1d1a54f1f0a4f0a0b0c0d0e0f001020304","maintainer":"a <a@example.com>"}}}"#,
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
            ImageExample::bad(
                "one name in several steps, once",
                r#"{"history":[{"created_by":"COPY a /"},{"created_by":"ARG GH_PAT=hunter2","empty_layer":true},{"created_by":"RUN |1 GH_PAT=hunter2 /bin/sh -c make # buildkit"},
                    {"created_by":"RUN |1 GH_PAT=hunter2 /bin/sh -c make install # buildkit"},{"created_by":"RUN /bin/sh -c echo hunter2 | docker login --password-stdin # buildkit"}],
                    "run":{"Labels":{"a.access_token":"hunter2"}}}"#,
                &["config.Labels[a.access_token]", "history[1]", "history[4]"],
            ),
            ImageExample::good(
                "allowed names",
                r#"{"run":{"Env":["JAVA_TOOL_OPTIONS=-Dkey.password=hunter2"],"Cmd":["app","--api-token","hunter2"],"Labels":{"csrf_token":"hunter2"}},
                    "history":[{"created_by":"RUN |1 CSRF_TOKEN=hunter2 /bin/sh -c make # buildkit"}]}"#,
            )
            .params(r#"{"allow":["key.password","api-token","csrf_token","CSRF_TOKEN"]}"#),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

/// Parameters of `image-secrets`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageSecrets {
    /// What is no secret: paths of files, as globs (`/srv/demo/**`), and variables, options, settings and labels, each by the name in the
    /// message (`CSRF_TOKEN`, `--token`). Default: none.
    allow: Vec<Allowed>,
}

/// A glob of paths, and what may be a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
struct Allowed {
    pattern: glob::Pattern,
    name: String,
}

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_path = text.contains(['/', '*', '?', '[']);
        if let Some(why) = fault(&text).filter(|_| !is_path || text.is_empty()) {
            return Err(format!("`{text}` is no name and no path: it {why}"));
        }
        let pattern = glob::Pattern::new(text.trim_start_matches('/'));
        let pattern = pattern.map_err(|error| format!("`{text}` is no glob: {}", error.msg))?;
        Ok(Self { pattern, name: text })
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
        let allows = |path: &str| self.allow.iter().any(|allowed| allowed.pattern.matches_with(path, OPTIONS));
        let allow: Vec<String> = self.allow.iter().map(|allowed| allowed.name.clone()).collect();
        let names = Names { more: &[], allow: &allow };
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
        let of_history = commands::in_history(image, names);
        for (at, found) in commands::in_config(&image.run, names).into_iter().chain(of_history) {
            findings.push(Finding::new(at, found, WANTED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_files_that_are_read() {
        for (folder, names) in crate::image::secrets::FOLDERS {
            assert!(names.iter().any(|name| RULE.docs.contains(name)), "{folder}: {names:?}");
        }
        for file in [
            "pip.conf",
            ".yarnrc.yml",
            "NuGet.Config",
            ".my.cnf",
            ".s3cfg",
            "wp-config.php",
            "appsettings.json",
            "gradle.properties",
        ] {
            assert!(RULE.docs.contains(file) && crate::image::secrets::named(&format!("a/{file}")).is_some(), "{file}");
        }
    }

    #[test]
    fn an_entry_that_can_match_nothing_is_refused() {
        for entry in ["", "--", "TOKEN=hunter2", "A B"] {
            assert!(compile_image::<ImageSecrets>(serde_json::json!({"allow": [entry]})).is_err(), "{entry}");
        }
        assert!(compile_image::<ImageSecrets>(serde_json::json!({"allow": ["/srv/a b/*=c", "TOKEN", "-p"]})).is_ok());
    }
}
