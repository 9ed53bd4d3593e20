//! Secrets by the name of a variable.

use super::super::is_named_secret;

fn named(name: &str, value: &str) -> bool {
    is_named_secret(name, value, &[])
}

#[track_caller]
fn all_are(names: &[&str], value: &str, secret: bool) {
    for name in names {
        assert_eq!(named(name, value), secret, "{name}={value}");
    }
}

#[test]
fn names_of_secrets() {
    #[rustfmt::skip]
    let names = [
        "PASSWORD", "DB_PASSWORD", "PGPASSWORD", "dbPassword", "smtp.pass", "DB_PWD", "DBPASS", "GITHUB_TOKEN",
        "API_KEY", "apiKey", "X-Api-Key", "AWS_SECRET_ACCESS_KEY", "ENCRYPTION_KEY", "GOOGLE_CREDENTIALS", "PASS",
        "SESSION_SALT", "KEY_PASSPHRASE",
        // With more words: what the secret is for, its number or version.
        "PASSWORD_2", "PASSWORD2",
        "TOKEN_BASE64", "DB_PASSWORD_PROD", "PASSWORD_DB", "ENCRYPTION_KEY_V2", "SECRET_KEY_BASE",
        "API_TOKEN_STAGING", "PASSWORD_OF_THE_SHOP", "ROOT_PASSWORD_OLD", "CLIENT_SECRET_DEV",
        "VAULT_DEV_ROOT_TOKEN_ID", "REDIS_AUTH", "HTTP_BASIC_AUTH", "AUTHORIZATION", "MASTERAUTH", "DEFAULT_PASSWORD",
    ];
    all_are(&names, "hunter2", true);
    all_are(&names, "", false);
    #[rustfmt::skip]
    let others = [
        "", "_", "PWD", "OLDPWD", "OLD_PWD", "MAX_TOKENS", "PUBLIC_KEY", "CACHE_KEY", "KEYBOARD", "BYPASS", "COMPASS",
        "AUTHOR", "2", "MONKEY", "KEY", "AWS_ACCESS_KEY_ID", "ACCESS_KEY", "SOME_KEY", "EOS_TOKEN", "API_KEYS",
        "AUTH", "CLIENT_AUTH",
    ];
    all_are(&others, "hunter2", false);
    assert!(is_named_secret("STRIPE_PIN", "1234", &["PIN".to_owned()]));
    // A name of one word has nothing to qualify.
    assert!(is_named_secret("NEW", "hunter2", &["NEW".to_owned()]));
}

#[test]
fn names_that_describe_a_secret() {
    #[rustfmt::skip]
    let endings = [
        "FILE", "PATH", "NAME", "HEADER", "TTL", "URL", "DIR", "ID", "TYPE", "LENGTH", "MIN_LENGTH", "EXPIRY",
        "ENABLED", "REF", "POLICY", "SECRET_NAME", "KEY_REF", "ALGORITHM", "STORE", "HASHER", "VERSION", "COUNT",
        "ISSUER", "FILE_PROD", "ROTATION_DAYS",
    ];
    for secret in ["DB_PASSWORD", "API_TOKEN", "CLIENT_SECRET", "SIGNING_KEY", "REDIS_AUTH"] {
        for ending in endings {
            all_are(&[&format!("{secret}_{ending}")], "hunter2", false);
        }
    }
}

#[test]
fn an_ambiguous_name_needs_a_value_that_looks_generated() {
    let names = ["KEY", "ACCESS_KEY", "SOME_KEY", "API_TOKENS", "TLS_SECRET", "IMAGE_PULL_SECRET", "TOKEN_OF_THE_SHOP"];
    all_are(&names, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", true);
    all_are(&names, "Zq7RvX2mKw9T", true);
    all_are(&names, "8d3e1f00-5b1c-4c7f-9a51-1f3a2b4c5d6e", true);
    all_are(&names, "shop-web-v2-2024", false);
    all_are(&names, "regcred", false);
}

#[test]
fn references_paths_and_placeholders_are_no_secrets() {
    #[rustfmt::skip]
    let values = [
        // References of Kubernetes, shells, templates and other tools.
        "$(DB_PASSWORD)", "$(A)$(B)", "$(A)-$(B)",
        "${DB_PASSWORD}", "$DB_PASSWORD", "$1", "\"$PW\"", "${A:-}", "${A:-$(B)}", "${A:?unset}",
        "{{ .Values.password }}", "{password}", "%(password)s", "%PASSWORD%", "$(params.a.b)",
        "$(cat /run/secrets/db)", "${{ secrets.A }}",
        // References to stores of secrets.
        "vault:secret/data/db#PASSWORD",
        "db-secret@azurekeyvault", "op://prod/db/password", "projects/1/secrets/db/versions/latest",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db", "ref+vault://a/b#c", "secretref:db",
        "<path:secret/data/db#password>", "sm://p/db",
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/db)", "ENC[k8s_secret@shop/db/password]",
        "ENC(yKlmn3+0aB==)", "{cipher}0aB1", "ENC[AES256_GCM,data:p673w==,iv:YY=,tag:A=,type:str]",
        "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt+Z9HPMfLEIRVz50hmLXPXRuDBXaJi0LwfYbIbNXpoSQ==",
        // Paths and addresses.
        "/run/secrets/db", "/etc/tls/tls.key", "./key",
        "~/.pgpass", "C:\\secrets\\db", "C:/secrets/db", "tls.key", "certs/ca.pem", "secret/data/db",
        "https://vault.example.com/v1", "file:///run/db", "spiffe://shop/web",
        // Switches, empty values and placeholders.
        " ", "true", "False", "enabled", "none", "null",
        "required", "1", "<password>", "<Client Secret>", "***", "xxxx", "[REDACTED]", "__PASSWORD__",
        "__db pass__", "@@DB@@", "@DB_PASSWORD@", "@db.password@", "((db-password))", "[[DB]]", "%%DB%%", "#{DB}#", "<%= @db %>",
        "INSERT_TOKEN_HERE", "YOUR-PASSWORD", ".Values.password", "TODO", "%s", "?",
        "your-password", "your-secret-here", "unset", "_", "placeholder", "{}", "[]",
    ];
    for value in values {
        all_are(&["PASSWORD", "CLIENT_SECRET", "API_TOKEN", "TLS_KEY", "REDIS_AUTH"], value, false);
    }
    // These work as passwords.
    for value in [
        "hunter2",
        "password",
        "secret",
        "admin",
        "postgres",
        "123456",
        "$()",
        "50%",
        "a<b",
        "Pa$SWORD1",
        "${A:-hunter2}",
        "${db.password:hunter2}",
        "correct horse",
        "@hunter2@",
        "@@hunter2",
        "((hunter2)",
        "encrypted:hunter2",
        "-x1y",
    ] {
        all_are(&["PASSWORD", "DB_PASSWORD_PROD"], value, true);
    }
    // Base64 contains slashes as well.
    all_are(&["MAIL_PASSWORD", "API_KEY"], "/cQvz/E8vFzeizGqdeASNtCs6+Nv", true);
}

#[test]
fn the_meaning_of_a_value_depends_on_the_name() {
    all_are(
        &["MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD", "MAX_TOKEN", "USE_PASSWORD", "NO_SECRET"],
        "1",
        false,
    );
    all_are(&["MAX_TOKEN", "MIN_TOKEN", "API_TOKEN", "SIGNING_KEY"], "4096", false);
    all_are(&["PIN_PASSWORD", "CLIENT_SECRET", "PASSPHRASE"], "4096", true);
    all_are(&["API_TOKEN"], "123456789", true);
    // Names of objects in the cluster.
    for value in ["regcred", "web-tls", "webhook-server-cert", "my-registry-creds"] {
        all_are(&["IMAGE_PULL_SECRET", "TLS_SECRET", "WEBHOOK_SECRET", "STORE_SECRET"], value, false);
    }
    // Methods of authentication.
    for value in ["_auth", "ldap", "basic-auth", "md5", "scram-sha-256", "oidc,ldap"] {
        all_are(&["REDIS_AUTH", "HTTP_BASIC_AUTH", "AUTHORIZATION"], value, false);
    }
    // The value repeats the name.
    all_are(&["HF_TOKEN"], "HF_TOKEN", false);
    all_are(&["GOOGLE_API_KEY"], "GOOGLE_API_KEY_VAL", false);
    all_are(&["OPENID_CLIENT_SECRET"], "CLIENT SECRET", false);
    all_are(&["PASSWORD"], "PASSWORD-1", true);
    for value in ["your-api-key", "dummyApiKey", "upload-script.js"] {
        all_are(&["API_KEY", "SECRET_KEY"], value, false);
    }
    // The name of a key pair.
    all_are(&["SSH_KEY", "TLS_KEY", "DEPLOY_KEY"], "k8s-v2-ssh-key", false);
    all_are(&["PASSWORD"], "your-0a1b2c3d4e5f6071", true);
}

#[test]
fn what_visitors_of_a_page_read_is_public() {
    all_are(&["NEXT_PUBLIC_TOKEN", "VITE_API_KEY", "REACT_APP_MAP_TOKEN", "PUBLIC_API_KEY"], "a1b2c3d4e5f60718", false);
    all_are(
        &["NEXT_PUBLIC_DB_PASSWORD", "VITE_CLIENT_SECRET", "MY_PUBLIC_TOKEN", "VITE_DB_PWD", "PUBLIC_ADMIN_TOKEN"],
        "a1b2c3d4e5f60718",
        true,
    );
    let names = crate::secret_shapes::Names::default();
    let google = ["AI", "za"].concat() + "SyA0123456789abcdefghijklmnopqrstuv";
    let github = ["gh", "p_"].concat() + "abcdefghijklmnopqrstuvwxyz0123456789";
    assert_eq!(names.secret("VITE_KEY", &google), None);
    assert!(names.secret("KEY", &google).is_some() && names.secret("VITE_KEY", &github).is_some());
}

#[test]
fn the_password_of_a_trust_store_is_public() {
    all_are(
        &["TRUSTSTORE_PASSWORD", "KAFKA_SSL_TRUSTSTORE_PASSWORD", "javax.net.ssl.trustStorePassword"],
        "changeit",
        false,
    );
    all_are(&["KEYSTORE_PASSWORD", "DB_PASSWORD"], "changeit", true);
    all_are(&["TRUSTSTORE_PASSWORD"], "hunter2", true);
}

#[test]
fn personal_access_tokens_have_short_names() {
    all_are(&["GH_PAT", "GITHUB_PAT", "AZURE_DEVOPS_PAT"], "hunter2x", true);
    all_are(&["FILE_PAT", "PAT", "PATH", "GH_PATTERN"], "hunter2x", false);
}
