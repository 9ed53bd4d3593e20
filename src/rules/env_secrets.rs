//! Secrets that stand in environment variables as they are.

use super::secret_shapes::{is_literal, is_secret_name, secret_value};
use super::{Check, ContainerKind, Example, Finding, Findings, Location, Rule, Severity, compile, params};
use crate::workload::pod::EnvVar;
use crate::workload::{Parts, Pod};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "env-secrets",
    title: "Environment variables hold no secrets as plain values",
    docs: "A plain `value` is for everybody who may read the pod, its Deployment, the repository and every copy of the \
manifest. Refused is a literal value in a variable whose name ends like that of a secret (`DB_PASSWORD`, `apiKey`, \
`GITHUB_TOKEN`), and a value that is one by its shape: private keys, keys of clouds, tokens, URLs and connection strings with \
a password. References (`$(OTHER)`), switches (`true`) and empty values pass. The value is never repeated.\n\n\
Take it from a Secret: `valueFrom.secretKeyRef`, or better a mounted file. `names` are further last words of names; `allow` \
are variables, by exact name, whose name says nothing of a secret; the shape of their value is judged all the same.",
    why: "everybody who may read the pod or its manifest reads the secret, and it stays in backups and logs",
    owasp: &[11],
    pss: None,
    severity: Severity::High,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: false,
    implied_by: &[],
    compile: compile::<EnvSecrets>,
    params: params::<EnvSecrets>,
    examples: &[
        Example::bad(
            "a password beside what is none",
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
            "an allowed name with a telling value",
            r#"{"env":[{"name":"CSRF_TOKEN","value":"postgres://app:hunter2@db/app"}]}"#,
            &["env[0].value"],
        )
        .params(r#"{"allow":["CSRF_TOKEN"]}"#),
        Example::good(
            "from a Secret",
            r#"{"env":[{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password"}}}]}"#,
        ),
        Example::good(
            "references, switches and nothing",
            r#"{"env":[{"name":"DB_PASSWORD","value":""},{"name":"NO_PASSWORD","value":"true"},{"name":"PGPASSWORD","value":"$(DB_PASSWORD)"},{"name":"DATABASE","value":"postgres://app:$(DB_PASSWORD)@db/app"}]}"#,
        ),
        Example::good("an allowed name", r#"{"env":[{"name":"CSRF_TOKEN","value":"header"}]}"#)
            .params(r#"{"allow":["CSRF_TOKEN"]}"#),
    ],
};

/// Parameters of `env-secrets`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct EnvSecrets {
    /// Further words with which the name of a secret ends, in any case: `pin`.
    names: Vec<Word>,
    /// Variables, by exact name, that are named like a secret and are none.
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
    fn needs(&self) -> Parts {
        Parts::ENV
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let more: Vec<String> = self.names.iter().map(|word| word.0.clone()).collect();
        for container in pod.all_containers() {
            for (index, variable) in container.container.env.iter().enumerate() {
                let Some(what) = self.secret(variable, &more) else { continue };
                let at = Location::container(container).key("env", true).index(index).key("value", true);
                // With the name, so that a second secret in a container is a violation of its own.
                let found = format!("{what} in {}", &*variable.name);
                findings.add(Finding::new(at, found, "valueFrom.secretKeyRef, or a file from a Secret"));
            }
        }
    }
}

impl EnvSecrets {
    fn secret(&self, variable: &EnvVar<'_>, more: &[String]) -> Option<&'static str> {
        let value = variable.value.as_deref()?;
        let named = || {
            let allowed = self.allow.iter().any(|name| *name == *variable.name);
            (is_literal(value) && !allowed && is_secret_name(&variable.name, more)).then_some("a literal value")
        };
        secret_value(value).or_else(named)
    }
}
