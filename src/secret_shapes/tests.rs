//! Which values are secrets, and which are not.

mod names;
mod shapes;

use super::{is_named_secret, secret_value, secrets_in_words};

fn words(line: &[&str]) -> Vec<usize> {
    secrets_in_words(line.iter().copied(), &[]).into_iter().map(|(index, _)| index).collect()
}

#[test]
fn secrets_on_a_command_line() {
    for (line, found) in [
        (&["app", "--password=hunter2"] as &[_], &[1_usize] as &[usize]),
        (&["app", "--password", "hunter2", "--port", "80"], &[2]),
        (&["app", "-db_password=hunter2"], &[1]),
        (&["app", "--client-secret=app-secret", "--api-key", "hunter2"], &[1, 3]),
        (&["redis-server", "--requirepass", "hunter2"], &[2]),
        (&["env", "DB_PASSWORD=hunter2", "app"], &[1]),
        (&["/usr/bin/mysqladmin", "ping", "-uroot", "-phunter2"], &[3]),
        (&["redis-cli", "-a", "hunter2", "ping"], &[2]),
        (&["curl", "-u", "jane:hunter2", "https://example.com"], &[2]),
        (&["openssl", "pkcs12", "-passin", "pass:hunter2"], &[3]),
        (&["sh", "-c", "export X=1; mysql -uroot \\\n  -phunter2 < a.sql"], &[2]),
        (&["sh", "-c", "app --password hunter2 & wait"], &[2]),
        (&["sh", "-c", "curl -s -u jane:hunter2 https://example.com | sh"], &[2]),
        (&["app", "postgres://app:hunter2@db/app"], &[1]),
        (&["npm", "config", "get", "//app:hunter2@r.example.com/:a"], &[3]),
        (&["app", "--header", "Authorization: Bearer abcdefghijklmnop"], &[2]),
    ] {
        assert_eq!(words(line), found, "{line:?}");
    }
    for line in [
        &["app", "--password=$(PASSWORD)", "--password", "$(PASSWORD)"] as &[_],
        &["app", "--password-file=/run/db", "--token-ttl=60", "--max-tokens=4096", "--password", "--verbose"],
        &["app", "--webhook-ca-secret=app-ca", "--secret", "app", "--token", "web", "--key", "app"],
        &[
            "app",
            "--tls-private-key-file=/tls.key",
            "--tls-key",
            "/tls.key",
            "--authorization-mode=RBAC",
            "--ssh-key",
            "shop-ssh-key",
        ],
        &["etcd", "--initial-cluster-token=etcd-cluster", "--client-cert-auth=true"],
        &["mysqld", "-p3306"],
        &["psql", "-p5432"],
        &["mysql", "-p", "shop", "-p$(PW)", "-p\"$PW\""],
        &["redis-cli", "-a", "$(PW)", "ping"],
        &["curl", "-u", "jane", "-u", "jane:$(PW)", "-H", "Authorization: Bearer $(T)"],
        &["sh", "-c", "mysql -uroot -p\"$MYSQL_ROOT_PASSWORD\" -e 'select 1'"],
        &["sh", "-c", "mysql; tar -phunter2"],
        &["mongod", "-p", "recordcount=1"],
    ] {
        assert_eq!(words(line), [0; 0], "{line:?}");
    }
    let allow = ["csrf-token".to_owned(), "secret_key".to_owned()];
    assert_eq!(secrets_in_words(["app", "--secret_key", "hunter2"].into_iter(), &allow), []);
}

/// With a search that is worse than linear, this test would not end.
#[test]
fn every_search_takes_linear_time() {
    const SIZE: usize = 1 << 18;
    #[rustfmt::skip]
    let parts = [
        "AKIA", "ghp_", "sk-", "SG.", ":AA", "Q~", "eyJ", "eyJ.", "eyJ-", "hooks.slack.com/services/T", "://",
        "://a:b", "://a:@", "a:@", "@tcp(", "jdbc:oracle:", "@//", "password=;", "password=$(", "password=\"",
        "password: ", "\"password\":", "=", "a=", "a:", "$(", "${", "{{", "<", "%", "identified by '", "sig=",
        "Bearer ", "Basic ", "authorization: bearer ", "-----BEGIN ", "a", "A1b", "/", "-", "_", " ", "\\", "\"",
        "é",
    ];
    for part in parts {
        let value = part.repeat(SIZE / part.len());
        std::hint::black_box((
            secret_value(&value),
            is_named_secret("PASSWORD", &value, &[]),
            is_named_secret(&value, "hunter2", &[]),
        ));
        std::hint::black_box(words(&[&value, "--password", &value]));
    }
    let behind_blanks = " ".repeat(SIZE / 2) + &"earer ".repeat(SIZE / 12);
    let many_words = "ACCESS_KEY_".repeat(SIZE / 11) + "FOO";
    std::hint::black_box((secret_value(&behind_blanks), is_named_secret(&many_words, "hunter2x", &[])));
}

#[test]
fn a_web_token_is_found_anywhere_in_a_value() {
    let part = "JhbGciOiJIUzI1NiJ9";
    for before in ["", "Bearer ", "x.y.", "token-", "eyJ.", "a.eyJ"] {
        for after in ["", " more", ".x"] {
            let value = format!("{before}eyJ{part}.{part}.{part}{after}");
            assert_eq!(secret_value(&value), Some("a JSON web token"), "{value}");
        }
    }
    // The last part has the same least length as the others, and the character that ends it does not count.
    let last = |last: &str| secret_value(&format!("eyJ{part}.{part}.{last}"));
    assert_eq!(last("0123456789abcdef"), Some("a JSON web token"));
    assert_eq!([last("0123456789abcde"), last("0123456789abcde ")], [None, None]);
    for value in [
        format!("eyJ{part}.{part}"),
        format!("eyJ{part}.short.{part}"),
        format!("eyJ{part} {part}.{part}"),
        format!("eyJ.{part}.{part}.{part}"),
    ] {
        assert_eq!(secret_value(&value), None, "{value}");
    }
}
