//! Secrets as plain values in environment variables and on command lines.

use crate::rule::{Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Rule, Severity, compile, params};
use crate::secret_shapes::{Names, allowed_names, secrets_in_words};
use crate::workload::pod::{ContainerRef, EnvVar};
use crate::workload::{Pod, PodFeatures, Text};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub static RULE: Rule = Rule {
    id: "env-secrets",
    title: "Environment variables and command lines hold no secrets as plain values",
    docs: "Everybody who may read the pod, its Deployment, the repository or any copy of the manifest can read a plain \
`value`, `command` or `args`; every process of the node can read a command line. The rule refuses a literal value in a \
variable whose name is that of a secret (`DB_PASSWORD`, `PASSWORD_PROD`, `apiKey`, `REDIS_AUTH`), and a value that is \
or contains a secret by its shape, in any variable: private keys, tokens and keys of well-known services, URLs and \
connection strings with a password, settings (`\"password\": \"...\"`, `Password=...;`), `Authorization` headers, and \
any of these in base64. The words of `command`, `args`, and of probes and lifecycle handlers are judged by their \
shape, and as options (`--password=...`, `--password ...`, `mysql -p...`), in scripts too; headers of probes are \
judged like variables. No message repeats the value.\n\n\
The rule leaves alone references (`$(OTHER)`, `${OTHER}`, `vault:...`, `op://...`, `arn:...`), paths, URLs without a \
password, switches, numbers if the name is that of a token or key, methods (`REDIS_AUTH: ldap`), names of objects \
(`TLS_SECRET: web-tls`), values that are as a whole a placeholder (`<password>`, `INSERT_TOKEN`, `your-secret-here`), and \
names that say where or how (`..._FILE`, `..._NAME`, `..._TTL`, `..._URL`). `password`, `admin` and `postgres` count: people use them. \
So do passwords and tokens of services in variables that a bundler publishes (`NEXT_PUBLIC_...`, `VITE_...`, `REACT_APP_...`), whose other \
values do not. Java's `changeit` does not count for a trust store, which has certificates alone. Ambiguous names \
(`KEY`, `ACCESS_KEY`, `TOKENS`) count if the value looks generated.\n\n\
The rule catches mistakes, not attackers: it cannot recognise a secret if neither its name nor its shape shows it, if \
it is encoded twice, or if a script puts it together.\n\n\
Take the secret from a Secret: with `valueFrom.secretKeyRef`, or better from a mounted file; an option can use \
`$(NAME)` of such a variable. `names` are further last words of names. `allow` names variables, options, headers, \
and settings inside a value that hold no secret, as they are written there: `CSRF_TOKEN`, `--token` or `token`, `-Dkey.password` or \
`key.password`. A private key or a token of a service in an allowed variable is found all the same.",
    why: "everybody who may read the pod or its manifest reads the secret, and backups and logs keep it",
    owasp: &[11],
    severity: Severity::High,
    params: params::<EnvSecrets>,
    judges: Judges::Pod(PodRule {
        instead: "put the secret into a Secret, take a variable from it with `valueFrom.secretKeyRef`, and write `$(NAME)` in its place",
        compile: compile::<EnvSecrets>,
        examples: &[
            Example::bad(
                "a password among other values",
                r#"{"env":[{"name":"LOG_LEVEL","value":"debug"},{"name":"DB_PASSWORD","value":"hunter2"},{"name":"PASSWORD_FILE","value":"/run/db"}]}"#,
                &["env[1].value"],
            ),
            Example::bad(
                "names in several spellings",
                r#"{"env":[{"name":"apiKey","value":"a1"},{"name":"github.token","value":"a1"},{"name":"AWS_SECRET_ACCESS_KEY","value":"a1"}]}"#,
                &["env[0].value", "env[1].value", "env[2].value"],
            ),
            Example::bad(
                "a URL with a password",
                r#"{"env":[{"name":"DATABASE","value":"postgres://app:hunter2@db:5432/app"}]}"#,
                &["env[0].value"],
            ),
            Example::bad(
                "a private key",
                r#"{"env":[{"name":"TLS","value":"-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----"}]}"#,
                &["env[0].value"],
            ),
            Example::bad("a further word", r#"{"env":[{"name":"CARD_PIN","value":"1234"}]}"#, &["env[0].value"])
                .params(r#"{"names":["pin"]}"#),
            Example::bad(
                "an allowed name with a private key",
                r#"{"env":[{"name":"CSRF_TOKEN","value":"-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----"}]}"#,
                &["env[0].value"],
            )
            .params(r#"{"allow":["CSRF_TOKEN"]}"#),
            Example::bad(
                "names with more words after them",
                r#"{"env":[{"name":"DB_PASSWORD_PROD","value":"hunter2"},{"name":"REDIS_AUTH","value":"hunter2"},{"name":"SECRET_KEY_BASE","value":"hunter2"}]}"#,
                &["env[0].value", "env[1].value", "env[2].value"],
            ),
            Example::bad(
                "inside a value",
                r#"{"env":[{"name":"A","value":"{\"db\":{\"password\":\"hunter2\"}}"},{"name":"B","value":"Server=db;User=sa;Password=hunter2;"},{"name":"C","value":"Bearer hunter2hunter2"},{"name":"D","value":"cGFzc3dvcmQ6IGh1bnRlcjI="}]}"#,
                &["env[0].value", "env[1].value", "env[2].value", "env[3].value"],
            ),
            Example::bad(
                "on the command line",
                r#"{"command":["app","--password=hunter2"],"args":["--port","80","--api-key","hunter2","redis://:hunter2@cache"]}"#,
                &["command[1]", "args[3]", "args[4]"],
            ),
            Example::bad(
                "in a script",
                r#"{"command":["sh","-c"],"args":["export A=b\nmysql -uroot -phunter2 < /init.sql"]}"#,
                &["args[0]"],
            ),
            Example::bad(
                "in probes and lifecycle handlers",
                r#"{"livenessProbe":{"httpGet":null,"exec":{"command":["redis-cli","-a","hunter2","ping"]}},"lifecycle":{"preStop":{"exec":{"command":["curl","-u","jane:hunter2","http://localhost"]}}}}"#,
                &["livenessProbe.exec.command[2]", "lifecycle.preStop.exec.command[2]"],
            )
            .no_debug(),
            Example::bad(
                "in a header of a probe",
                r#"{"livenessProbe":{"httpGet":{"path":"/","port":80,"httpHeaders":[{"name":"Host","value":"shop"},{"name":"Authorization","value":"Basic amFuZTpodW50ZXIy"},{"name":"X-Api-Key","value":"hunter2"}]}},"lifecycle":{"preStop":{"httpGet":{"port":80,"httpHeaders":[{"name":"X-Auth-Token","value":"hunter2"}]}}}}"#,
                &[
                    "livenessProbe.httpGet.httpHeaders[1].value",
                    "livenessProbe.httpGet.httpHeaders[2].value",
                    "lifecycle.preStop.httpGet.httpHeaders[0].value",
                ],
            )
            .no_debug(),
            Example::good(
                "from a Secret",
                r#"{"env":[{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password"}}}]}"#,
            ),
            Example::good(
                "references, switches and nothing",
                r#"{"env":[{"name":"DB_PASSWORD","value":""},{"name":"NO_PASSWORD","value":"true"},{"name":"PGPASSWORD","value":"$(DB_PASSWORD)"},{"name":"DATABASE","value":"postgres://app:$(DB_PASSWORD)@db/app"}]}"#,
            ),
            Example::good(
                "references to stores, paths and addresses",
                r#"{"env":[{"name":"DB_PASSWORD","value":"vault:secret/data/db#password"},{"name":"TLS_KEY","value":"/etc/tls/tls.key"},{"name":"WEBHOOK_SECRET","value":"https://example.com"},{"name":"MAX_TOKEN","value":"4096"},{"name":"TOKEN_TTL","value":"1h"}]}"#,
            ),
            Example::good(
                "a command line without one",
                r#"{"command":["app","--password=$(DB_PASSWORD)","--password-file","/run/db"],"args":["sh","-c","mysql -p\"$PASSWORD\" -e 'select 1'"]}"#,
            ),
            Example::good("an allowed name", r#"{"env":[{"name":"CSRF_TOKEN","value":"header"},{"name":"DSN","value":"app:hunter2@tcp(db)/a"}]}"#)
                .params(r#"{"allow":["CSRF_TOKEN","DSN"]}"#),
            Example::good(
                "allowed options and settings",
                r#"{"env":[{"name":"JAVA_TOOL_OPTIONS","value":"-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2"}],"args":["--api-token","hunter2","-db-password=hunter2"]}"#,
            )
            .params(r#"{"allow":["-Djavax.net.ssl.keyStorePassword","api-token","--db-password"]}"#),
            Example::good(
                "what everybody knows or is meant to read, and what marks the place of a secret",
                r#"{"env":[{"name":"NEXT_PUBLIC_MAP_TOKEN","value":"pk.hunter2"},{"name":"VITE_API_KEY","value":"0a1b2c3d4e5f60718293"},
                    {"name":"JAVA_TOOL_OPTIONS","value":"-Djavax.net.ssl.trustStorePassword=changeit"},{"name":"DB_PASSWORD","value":"REPLACE_ME"},
                    {"name":"JWT_SECRET","value":"your-secret-here"},{"name":"SA_PASSWORD","value":"_"},{"name":"SONAR_TOKEN","value":"unset"}]}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `env-secrets`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct EnvSecrets {
    /// Further words with which the name of a secret ends, in any case: `pin`.
    names: Vec<Word>,
    /// Variables, options, settings and headers that are named like a secret and are none, each by its name: `CSRF_TOKEN`, `--token`,
    /// `-Djavax.net.ssl.keyStorePassword`.
    #[serde(deserialize_with = "allowed_names")]
    allow: Vec<String>,
}

/// One word of a name, in capitals.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = String;
    fn try_from(word: String) -> Result<Self, String> {
        if !word.is_empty() && word.chars().all(char::is_alphanumeric) {
            Ok(Self(word.to_uppercase()))
        } else {
            Err(format!("`{word}` is not one word of letters and digits; names are compared word by word"))
        }
    }
}

impl Check for EnvSecrets {
    fn requires(&self) -> PodFeatures {
        PodFeatures::ENV | PodFeatures::COMMANDS | PodFeatures::PROBES | PodFeatures::LIFECYCLE
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let more: Vec<String> = self.names.iter().map(|word| word.0.clone()).collect();
        findings.of_each(pod.all_containers(), |container, findings| {
            for (index, variable) in container.container.env.iter().enumerate() {
                let Some(what) = self.secret(variable, &more) else { continue };
                let at = Location::container(container).key("env", true).index(index).key("value", true);
                // The text has the name, so that a second secret in a container is a violation of its own. A name may
                // contain the secret by mistake, as in `PASSWORD=x`: the part after `=` is left out.
                let name = variable.name.split('=').next().unwrap_or_default();
                let found = format!("{what} in {name}");
                findings.add(Finding::new(at, found, "valueFrom.secretKeyRef, or a file from a Secret"));
            }
            self.check_commands(container, &more, findings);
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let (Some(container), Some(index)) = (finding.container(), finding.at.list_index()) else { return false };
        let Some(variable) = container.container.env.get(index).filter(|_| is_variable(&finding.at)) else {
            return false;
        };
        // A name may contain the secret by mistake, as in `PASSWORD=x`.
        let name = variable.name.split('=').next().unwrap_or_default();
        let key: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        if key.is_empty() || variable.name.contains('=') {
            return false;
        }
        fix.remark("make the Secret first");
        fix.remove(&finding.at);
        let at = Location::container(container).key("env", true).index(index).key("valueFrom", false);
        fix.set_with(&at, || json!({"secretKeyRef": {"name": container.name, "key": key}}));
        true
    }
}

/// Whether the finding is about `env`, and not about a word of a command or a header.
fn is_variable(at: &Location<'_>) -> bool {
    at.has_key("env") && !at.has_key("httpHeaders")
}

impl EnvSecrets {
    fn secret(&self, variable: &EnvVar<'_>, more: &[String]) -> Option<&'static str> {
        let value = variable.value.as_deref()?;
        Names { more, allow: &self.allow }.secret(&variable.name, value).map(|secret| secret.what)
    }

    /// `command` and `args` are one command line; each command of a probe or a lifecycle handler is another.
    fn check_commands<'p>(&self, container: ContainerRef<'p>, more: &[String], findings: &mut Findings<'p>) {
        let at = Location::container(container);
        let container = container.container;
        let command = container.command.len();
        self.check_words(container.command.iter().chain(&container.args), findings, |index| {
            match index.checked_sub(command) {
                Some(index) => at.key("args", true).index(index),
                None => at.key("command", true).index(index),
            }
        });
        let lifecycle = at.key("lifecycle", true);
        let probes = container.probes().map(|(field, handler)| (at.key(field, true), handler));
        let handlers = container.lifecycle_handlers().map(|(field, handler)| (lifecycle.key(field, true), handler));
        for (at, handler) in probes.chain(handlers) {
            if let Some(exec) = &handler.exec {
                let at = at.key("exec", true).key("command", true);
                self.check_words(exec.command.iter(), findings, |index| at.index(index));
            }
            let headers = handler.http_get.iter().flat_map(|request| &request.http_headers);
            for (index, header) in headers.enumerate() {
                let Some(what) = self.secret(header, more) else { continue };
                let at = at.key("httpGet", true).key("httpHeaders", true).index(index).key("value", true);
                findings.add(Finding::new(
                    at,
                    format!("{what} in a header {}", &*header.name),
                    "no secret in a probe or handler",
                ));
            }
        }
    }

    fn check_words<'p>(
        &self,
        words: impl Iterator<Item = &'p Text<'p>>,
        findings: &mut Findings<'p>,
        at: impl Fn(usize) -> Location<'p>,
    ) {
        for (index, secret) in secrets_in_words(words.map(|word| &**word), &self.allow) {
            let found = format!("{} in word {} of the command line", secret.what, index + 1);
            findings.add(Finding::new(
                at(index),
                found,
                "$(NAME) of a variable from a Secret, or a file from a Secret",
            ));
        }
    }
}
