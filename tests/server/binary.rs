//! The process of `podreeve serve`: options, log, signals and exit code.

use crate::harness::{Client, Http, get, pod, pod_with, post, roots};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

pub struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    pub client: Client,
    pub admin: SocketAddr,
}

/// A test that fails leaves no server behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podreeve"));
    command.arg("serve").args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Process {
    /// Starts the server and waits for the log line with its address.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |_| {})
    }

    /// The same with a change of the command.
    pub fn start_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let dir = TempDir::new().unwrap();
        let to = dir.path().join("new").to_str().unwrap().to_owned();
        let listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--self-signed", &to];
        let mut command = command(&[&listen, arguments].concat());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = loop {
            let line = log.next().unwrap().unwrap();
            if line.contains("serving") {
                break line;
            }
        };
        // `"listen":"ADDRESS"` in JSON, `listen=ADDRESS` in text.
        let address = |key: &str| {
            let rest = line.split_once(key).unwrap().1.trim_start_matches(['"', ':', '=']);
            rest.split(['"', ' ']).next().unwrap().parse().unwrap()
        };
        let ca = std::fs::read_to_string(dir.path().join("new/ca.crt")).unwrap();
        let client = Client { address: address("listen"), roots: Arc::new(roots(&ca)) };
        Self { child, log, client, admin: address("admin") }
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// The rest of the log.
    pub fn rest(self) -> (Option<i32>, Vec<Value>) {
        let (code, lines) = self.rest_as_text();
        (code, lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    pub fn rest_as_text(mut self) -> (Option<i32>, Vec<String>) {
        let lines = self.log.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), lines)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_until_sigterm_and_ends_with_0() {
    let process = Process::start(&["--drain-delay", "100ms"]);
    for http in Http::BOTH {
        process.client.validate(http, pod("u-1", true)).await.denies("u-1", "privileged");
    }
    assert_eq!(get(process.admin, "/readyz").await.0, 200);
    process.signal("TERM");
    let (code, lines) = process.rest();
    assert_eq!(code, Some(0));
    assert_eq!(lines.last().unwrap()["message"], "drained");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_is_its_own_option() {
    let large = pod_with("u-1", &json!([{"name": "a", "image": "x".repeat(20_000)}]));
    let process = Process::start(&["--max-body", "10KiB", "--memory-budget", "64MiB"]);
    process.client.validate(Http::One, large.clone()).await.denies("u-1", "larger than");
    process.client.ask(Http::One, post("/mutate", pod("u-2", false))).await.allows("u-2");
    process.signal("TERM");
    process.rest();
    let process = Process::start(&["--memory-budget", "10KiB"]);
    let answer = process.client.validate(Http::One, large).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    process.client.ask(Http::One, post("/mutate", pod("u-2", false))).await.allows("u-2");
    process.signal("TERM");
    process.rest();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let process = Process::start(&["--drain-delay", "35s"]);
    process.signal("INT");
    while get(process.admin, "/readyz").await.0 == 200 {}
    process.signal("TERM");
    let (code, lines) = process.rest();
    assert_eq!(code, Some(0));
    assert!(lines.last().unwrap()["message"].as_str().unwrap().starts_with("second signal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_one_line_without_the_body() {
    let process = Process::start(&["--drain-delay", "0"]);
    let container = json!({"name": "\u{1b}[31mred", "image": "secret-image", "env": [{"name": "A", "value": "hunter2"}],
        "securityContext": {"privileged": true}});
    let body = pod_with("u-\\u001b[31m", &json!([container])).replacen("\"jane\"", r#""ja\nne\u202e""#, 1);
    process.client.validate(Http::One, body).await;
    process.client.ask(Http::Two, post("/mutate", pod("u-2", false))).await.allows("u-2");
    process.client.validate(Http::One, "{").await;
    process.signal("TERM");
    let (_, lines) = process.rest();
    let decisions: Vec<_> = lines.iter().filter(|line| line["target"] == "podreeve::decision").collect();
    assert_eq!(decisions.len(), 2, "{lines:#?}");
    let first = decisions[0];
    for (key, value) in [
        ("level", "INFO"),
        ("hook", "validate"),
        ("uid", "u-\\u{1b}[31m"),
        ("user", "ja\\u{a}ne\\u{202e}"),
        // A client needs no certificate.
        ("caller", "unauthenticated"),
        ("operation", "CREATE"),
        ("kind", "Pod"),
        ("namespace", "default"),
        ("name", "web"),
        ("verdict", "deny"),
    ] {
        assert_eq!(first[key], value, "{first:#}");
    }
    assert!(first["rules"].as_array().unwrap().contains(&json!({"rule": "privileged", "effect": "deny", "count": 1})));
    assert!(first["micros"].is_u64());
    for line in &lines {
        let mut line = line.clone();
        // Of the object the line repeats what a rule found, here the image, and nothing else.
        for violation in line["violations"].as_array_mut().into_iter().flatten() {
            violation["found"].take();
        }
        let line = line.to_string();
        assert!(!line.contains("hunter2") && !line.contains("secret-image") && !line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn an_error_in_the_options_names_the_next_step() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path().to_str().unwrap();
    for (arguments, says) in [
        (&[][..], "--tls-cert FILE --tls-key FILE"),
        (&["--tls-cert", "a"], "--tls-key"),
        (&["--tls-cert", "a", "--tls-key", "b", "--self-signed", dir], "cannot be used with"),
        (&["--tls-cert", "no-such-file", "--tls-key", "b"], "no-such-file: No such file"),
        (&["--self-signed", dir, "--policy", "no-such-policy"], "no-such-policy"),
        (&["--self-signed", dir, "--policy", "none"], "add --cluster, or name a policy"),
        (&["--self-signed", dir, "--policy", "none", "--policy", "owasp"], "leave it out, or leave out the others"),
        (&["--self-signed", dir, "--drain-delay", "12"], "write it with its unit"),
        (&["--self-signed", dir, "--drain-delay", "40s"], "at most 45s"),
        (&["--self-signed", dir, "--max-body", "big"], "not a size"),
        (&["--self-signed", dir, "--listen", "192.0.2.1:1"], "name another address with --listen"),
        (&["--self-signed", dir, "--self-signed-name", "a b\u{e9}"], "certificate cannot be made"),
    ] {
        let output = command(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}
