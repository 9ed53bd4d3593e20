//! Entries of `allow`, what a message says, and commands of Windows.

use super::*;

#[test]
fn an_entry_that_can_match_nothing_is_refused() {
    for entry in ["", "-", "TOKEN=hunter2", "A B"] {
        assert!(compile_file::<DockerfileSecrets>(serde_json::json!({"allow": [entry]})).is_err(), "{entry}");
    }
    assert!(compile_file::<DockerfileSecrets>(serde_json::json!({"allow": ["TOKEN", "--a", ".env"]})).is_ok());
}

/// What is in no image is a warning, and says where the value stays.
#[test]
fn an_argument_of_another_stage_is_no_denial() {
    let text = "FROM node:22 AS build\nARG NPM_TOKEN\nFROM debian:12\nARG NPM_TOKEN\n";
    let file = Dockerfile::parse(text);
    let mut findings = Vec::new();
    DockerfileSecrets::default().check(&file, &mut findings);
    let [cached, shipped] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((cached.most, cached.severity), (Some(AtMost::Warn), Some(Severity::Low)));
    assert!(cached.found.contains("provenance") && cached.found.ends_with("in ARG NPM_TOKEN"), "{}", cached.found);
    assert_eq!((shipped.most, shipped.severity), (None, Some(Severity::Medium)));
}

#[test]
fn a_message_has_the_name_that_allow_takes() {
    let text = "FROM a\nRUN app --token=a1b2c3d4e5f6a7b8c9\nENV A=-Dkey.password=hunter2\n";
    let mut findings = Vec::new();
    let file = Dockerfile::parse(text);
    DockerfileSecrets::default().check(&file, &mut findings);
    let found: Vec<&str> = findings.iter().map(|finding| &*finding.found).collect();
    assert!(
        found[0].contains("token") && found[1] == "a setting with a password or key (-Dkey.password) in ENV A",
        "{found:?}"
    );
}

#[test]
fn what_windows_writes_is_found() {
    let found = |line: &str| {
        let text = format!("FROM a\nSHELL [\"powershell\", \"-Command\"]\nRUN {line}\n");
        let (file, mut findings) = (Dockerfile::parse(&text), Vec::new());
        DockerfileSecrets::default().check(&file, &mut findings);
        findings.len()
    };
    for line in [
        "Set-Content -Path C:\\app\\.npmrc -Value '//r.example.com/:_authToken=0a1b2c'",
        "Set-Content C:\\app\\.env 'PORT=80', 'DB_PASSWORD=hunter2'",
        "'DB_PASSWORD=hunter2' | Out-File -Encoding ascii .env",
        "Add-Content -Value 'PORT=80', 'DB_PASSWORD=hunter2' -Path .env",
        "'machine a login b password hunter2' > C:\\app\\.netrc",
        "Add-Content app.conf 'db_password=hunter2'",
        "setx DB_PASSWORD hunter2 /M",
        "setx /M DB_PASSWORD 'hunter2'",
    ] {
        assert_eq!(found(line), 1, "{line}");
    }
    for line in [
        "Set-Content -Path .env -Value \"DB_PASSWORD=$env:DB_PASSWORD\"",
        "Set-Content .env 'PORT=80'; Get-Content .env | Out-File other.env",
        "Add-Content -Path hunter2 -Encoding ascii -Value 'a'",
        "setx PATH 'C:\\app' /M; setx DB_PASSWORD $env:PASSWORD",
        "Set-Content version.txt 'hunter2'",
    ] {
        assert_eq!(found(line), 0, "{line}");
    }
    let text = "FROM a\nRUN psql \"host=db user=app password=hunter2\" -c 'select 1'\nRUN JAVA_OPTS='-Xmx1g -Dkey.password=hunter2' app\n";
    let (file, mut findings) = (Dockerfile::parse(text), Vec::new());
    DockerfileSecrets::default().check(&file, &mut findings);
    assert!(findings[0].found.contains("(password)"), "{}", findings[0].found);
    assert!(findings[1].found.contains("(JAVA_OPTS)"), "{}", findings[1].found);
}
