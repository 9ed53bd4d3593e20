//! Secrets by the shape of a value.

use super::super::secret_value;
use base64::Engine;

/// A token, written in two parts so that secret scanners do not report this file.
fn token(prefix: &[&str], rest: &str) -> String {
    prefix.concat() + rest
}

#[test]
fn tokens_of_services() {
    let long = "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789".repeat(2);
    let part = |length: usize| long.get(..length).unwrap_or_default();
    let hex = "0123456789abcdef".repeat(4);
    let cases = [
        (token(&["AK", "IA"], "IOSFODNN7EXAMPLE"), "an AWS access key"),
        (token(&["AI", "za"], part(35)), "a Google API key"),
        (token(&["gh", "p_"], part(36)), "a GitHub token"),
        (token(&["github", "_pat_"], part(30)), "a GitHub token"),
        (token(&["gl", "pat-"], part(20)), "a GitLab token"),
        (token(&["xo", "xb-"], part(20)), "a Slack token"),
        (token(&["sk_", "live_"], part(24)), "a Stripe key"),
        (token(&["sk-", "ant-"], part(40)), "an Anthropic API key"),
        (token(&["sk-", ""], part(48)), "an API key"),
        (token(&["hf", "_"], part(34)), "a Hugging Face token"),
        (token(&["da", "pi"], &hex[..32]), "a Databricks token"),
        (token(&["np", "m_"], part(36)), "an npm token"),
        (token(&["py", "pi-AgEIcHlwaS5vcmc"], part(50)), "a PyPI token"),
        (token(&["S", "K"], &hex[..32]), "a Twilio key"),
        (token(&["hv", "s."], part(24)), "a Vault token"),
        (token(&["dop", "_v1_"], &hex), "a DigitalOcean token"),
        (token(&["AGE-SECRET", "-KEY-1"], &hex.to_uppercase()), "an age key"),
        (token(&["ya", "29."], part(30)), "a Google access token"),
        (token(&["S", "G."], &format!("{}.{}", part(22), part(43))), "a SendGrid key"),
        (token(&["123456789", ":AA"], part(33)), "a bot's token"),
        (token(&["M", "TIzNDU2Nzg5MDEyMzQ1Njc4"], &format!(".{}.{}", part(6), part(27))), "a bot's token"),
        (
            token(&["https://hooks.slack", ".com/services/"], &format!("T{}/B{}/{}", part(8), part(8), part(24))),
            "a webhook's URL",
        ),
        (
            token(&["https://discord", ".com/api/webhooks/"], &format!("123456789012345678/{}", part(68))),
            "a webhook's URL",
        ),
        (token(&["abc8", "Q~"], part(34)), "a Microsoft Entra client secret"),
        (token(&["ey", "JhbGciOiJIUzI1NiJ9"], ".eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4fw"), "a JSON web token"),
    ];
    for (token, what) in &cases {
        for value in [token.clone(), format!("a {token} b"), format!("x={token}"), format!("\"{token}\",")] {
            assert_eq!(secret_value(&value), Some(*what), "{value}");
        }
        // A token that is too short, or inside a word, is not recognised.
        assert_eq!(secret_value(token.get(..12).unwrap_or_default()), None, "{token}");
    }
    for (token, _) in cases.iter().take(18) {
        assert_eq!(secret_value(&format!("x{token}")), None, "{token}");
    }
    for value in [
        concat!("AK", "IA and then other words of any length"),
        "task-sk-short",
        "sk-learn-image-classification-model-of-the-shop",
        "SKU-0123",
        "a value that is as long as a web token and is nothing of the sort",
    ] {
        assert_eq!(secret_value(value), None, "{value}");
    }
}

#[test]
fn logins_in_addresses() {
    for value in [
        "postgres://app:hunter2@db:5432/app",
        "postgresql+psycopg2://app:hunter2@db/app",
        "mysql://root:1@db",
        "mongodb+srv://app:hunter2@c0.example.com/?retryWrites=true",
        "mongodb://app:hunter2@a,b,c/app",
        "redis://:hunter2@cache:6379/0",
        "amqp://app:hunter2@mq//",
        "https://$(USER):hunter2@example.com",
        "http://proxy:hunter2@proxy:3128",
        "postgres://app:hun/ter2@db/app",
        "jdbc:oracle:thin:app/hunter2@db:1521/x",
        "app/hunter2@//db:1521/x",
        "app:hunter2@tcp(db:3306)/app?parseTime=true",
        "app:hunter2@(db:3306)/",
        "DSN=app:hunter2@unix(/run/mysqld.sock)/app",
        "://:x@",
    ] {
        assert_eq!(secret_value(value), Some("a URL with a password"), "{value}");
    }
    for value in [
        "postgres://app@db/app",
        "postgres://app:@db/app",
        "postgres://app:$(PW)@db/app",
        "postgres://app:$(A)$(B)@db/app",
        "postgres://app:${PW}@db/app",
        "postgres://{user}:{password}@{host}/{db}",
        "postgres://app:<password>@db/app",
        "postgres://app:***@db/app",
        "$(USER):$(PW)@tcp(db:3306)/app",
        "jdbc:oracle:thin:$(USER)/$(PW)@db:1521/x",
        "jdbc:oracle:thin:@//db:1521/x",
        "https://example.com/a:b@c",
        "//user:password@example.com/a",
        "http://host:8080/path@x",
        "docker://shop/web:1.2@sha256:0123",
        "docker://web:1.2@sha256:0123",
        "git@github.com:shop/web.git",
        "jane@example.com",
        "oci://registry:5000/web",
        "postgres://@@USER@@:@@PASS@@@db/app",
        "postgres://app:__PASS__@db/app",
    ] {
        assert_eq!(secret_value(value), None, "{value}");
    }
}

#[test]
fn settings_inside_a_value() {
    for value in [
        "Server=db;User=sa;Password=hunter2;",
        "Server=tcp:db,1433;Initial Catalog=a;User ID=sa;Pwd=hunter2",
        "host=db user=app password=hunter2 sslmode=require",
        "cache:6379,password=hunter2,ssl=True",
        "jdbc:mysql://db/app?user=app&password=hunter2",
        "jdbc:sqlserver://db:1433;databaseName=a;user=sa;password=hunter2",
        "AccountName=a;AccountKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0;EndpointSuffix=core.windows.net",
        "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0",
        "https://a.blob.core.windows.net/c?sv=2024&sig=0123456789abcdefABCDEF0123456789abcdefAB%3D",
        "{\"db\":{\"password\":\"hunter2\"}}",
        "{\\\"password\\\": \\\"hunter2\\\"}",
        "{'password': 'hunter2'}",
        "{\"auths\":{\"registry.example.com\":{\"auth\":\"amFuZTpodW50ZXIy\"}}}",
        "password: hunter2",
        "db:\n  user: app\n  - password: hunter2 # of the shop\n",
        "spring.datasource.password = hunter2",
        "[db]\nuser = app\npassword = hunter2",
        "config['db_password'] = \"hunter2\"",
        "-Xmx1g -Djavax.net.ssl.keyStorePassword=changeit",
        "client_secret=hunter2",
        "api_key: \"hunter2\"",
        "export PGPASSWORD=hunter2; psql",
        "CREATE USER app IDENTIFIED BY 'hunter2';",
        "alter role app with password 'hunter2'",
        "pwd=x",
    ] {
        assert_eq!(secret_value(value), Some("a setting with a password or key"), "{value}");
    }
    for value in [
        "select 1 from u where password=?",
        "select 1 from u where password=:password and token = @token",
        "host={host} password={password}",
        "host=%s password=%s",
        "password=#{DB}#",
        "Server=db;Password=$(PW);",
        "password=true",
        "password=''",
        "password == other",
        "PASSWORD=$(cat /run/secrets/db)",
        "export PGPASSWORD=${REPLICATION_PASSWORD}",
        "password=os.environ['PW']",
        "password = args.password",
        "password = get_password()",
        "connect(user=user, password=password)",
        "{ token: localStorage.token, password: config.password }",
        "password: the one of the shop",
        "sslkey=/etc/tls.key sslpassword=",
        "--default-authentication-plugin=mysql_native_password",
        "{\"secretKeyRef\":{\"name\":\"db\",\"key\":\"password\"}}",
        "{\"secretKey\":\"username\",\"secretName\":\"db\",\"token\":\"x\"}",
        "{\"tokens\":4096,\"max_token\":\"4096\"}",
        "initial-cluster-token=etcd-cluster",
        "ENCRYPTED PASSWORD '#PASSWORD'",
        "key1:value1 key2:value2",
        "design=0123456789abcdefABCDEF0123456789abcdefAB",
    ] {
        assert_eq!(secret_value(value), None, "{value}");
    }
}

#[test]
fn headers_and_base64() {
    for value in [
        "Bearer abcdefghijklmnop",
        "bearer abcdefgh",
        "Basic amFuZTpodW50ZXIy",
        "Authorization: Bearer abcdefghijklmnop",
        "curl -H \"Authorization: Basic amFuZTpodW50ZXIy\" https://example.com",
        "{\"Authorization\":\"Bearer abcdefghijklmnop\"}",
    ] {
        assert_eq!(secret_value(value), Some("an Authorization header"), "{value}");
    }
    for value in [
        "Bearer $(TOKEN)",
        "Authorization: Bearer $(cat /run/token)",
        "Authorization: Bearer ${TOKEN}",
        "Authorization: Bearer <token>",
        "Bearer authentication is used",
        "a bearer certificate",
        "Basic realm",
        "basic configuration",
    ] {
        assert_eq!(secret_value(value), None, "{value}");
    }
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    for text in [
        "{\"db\":{\"password\":\"hunter2\"}}",
        "postgres://app:hunter2@db/app",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    ] {
        let once = encode(text);
        assert_eq!(secret_value(&once), Some("a secret in base64"), "{text}");
        assert_eq!(secret_value(&format!("{}\n{}\n", &once[..20], &once[20..])), Some("a secret in base64"), "{text}");
        assert_eq!(secret_value(once.trim_end_matches('=')), Some("a secret in base64"), "{text}");
        // A value is decoded once.
        assert_eq!(secret_value(&encode(&once)), None);
    }
    // Of a long value, only the beginning is decoded.
    let filled = |before: &str, after: &str| encode(&format!("{before}password: hunter2\n{after}"));
    assert_eq!(secret_value(&filled("", &"é".repeat(60_000))), Some("a secret in base64"));
    assert_eq!(secret_value(&filled(&"a: b\n".repeat(20_000), "")), None);
}
