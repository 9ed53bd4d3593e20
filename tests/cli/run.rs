//! `scripts/run`, which `make run` starts, shows both verdicts and then serves.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

#[test]
fn it_shows_two_verdicts_and_serves() {
    let dir = tempfile::tempdir().expect("a folder");
    let port =
        || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").to_string();
    let (listen, admin) = (port(), port());
    let mut child = Command::new("bash")
        .arg("scripts/run")
        .env("PODREEVE_BIN", env!("CARGO_BIN_EXE_podreeve"))
        .env("PODREEVE_LISTEN", &listen)
        .env("PODREEVE_ADMIN_LISTEN", &admin)
        .env("PODREEVE_RUN_DIR", dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash");
    let mut text = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    while let Some(Ok(line)) = lines.next() {
        text.push_str(&line);
        text.push('\n');
        // The last line before it serves.
        if line.starts_with("stop ") {
            break;
        }
    }
    for said in ["a good pod is sent", "a bad deployment is sent", "Deployment default/web denied", "== serving"] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
    let ready = Command::new("curl").args(["-fsS", &format!("http://{admin}/readyz")]).output().expect("curl");
    assert!(ready.status.success(), "{ready:?}");
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(asked.success());
    assert!(child.wait().expect("it ends").success());
}
