//! The server goes on with a disk that is full or read-only.

use crate::binary::command;
use crate::harness::{Client, Http, get, pod, roots};
use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let dir = TempDir::new().unwrap();
    let (listen, admin) = (free(), free());
    let arguments = ["--drain-delay", "0", "--listen", &listen.to_string(), "--admin-listen", &admin.to_string()];
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let own = ["--self-signed", dir.path().to_str().unwrap()];
    let mut child = command(&[&arguments[..], &own].concat()).stderr(full).spawn().unwrap();
    while TcpStream::connect(admin).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    let ca = std::fs::read_to_string(dir.path().join("ca.crt")).unwrap();
    let client = Client { address: listen, roots: Arc::new(roots(&ca)) };
    for http in Http::BOTH {
        client.validate(http, pod("u-1", true)).await.denies("u-1", "privileged");
    }
    assert_eq!(get(admin, "/readyz").await.0, 200);
    while get(admin, "/metrics").await.1.contains("podreeve_log_lines_lost_total 0\n") {}
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A disk that takes nothing more, and again when `ended` has run. In a mount namespace of its own; without the right to make one there is nothing to see.
async fn on_a_small_disk(prepare: &str, ended: &str, says: &str) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap();
    let mount = "mount -t tmpfs -o size=16k none \"$0\"";
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "--propagation", "private", "sh", "-ec", mount, path]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: mounting a small disk takes Linux and root");
    }
    let (listen, admin) = (free(), free());
    let mut child = Command::new("unshare");
    child.args(["--mount", "--propagation", "private", "sh", "-ec", &format!("{mount}; {prepare}; exec \"$@\""), path]);
    child.args([env!("CARGO_BIN_EXE_podreeve"), "serve", "--listen", &listen.to_string()]);
    child.args(["--admin-listen", &admin.to_string(), "--drain-delay", "0", "--poll", "100ms", "--self-signed", path]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while TcpStream::connect(admin).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    let (status, text) = get(admin, "/readyz").await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains(&format!("the CA certificate cannot be written to {path}/ca.crt: {says}")), "{text}");

    let pid = child.id().to_string();
    let there = Command::new("nsenter").args(["--mount", "--target", &pid, "sh", "-ec", ended, path]).status();
    assert!(there.unwrap().success());
    while get(admin, "/readyz").await.1.contains("cannot be written") {}
    let ca = std::fs::read_to_string(format!("/proc/{pid}/root{path}/ca.crt")).unwrap();
    let client = Client { address: listen, roots: Arc::new(roots(&ca)) };
    client.validate(Http::One, pod("u-1", true)).await.denies("u-1", "privileged");

    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    for line in ["cannot be written to", "the CA certificate is written"] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_served_from_memory_while_the_disk_is_full() {
    // The rest of the disk after `dd` has failed.
    let fill = "dd if=/dev/zero of=\"$0/fill\" bs=1k 2>/dev/null || true";
    on_a_small_disk(fill, "rm \"$0/fill\"", "No space left on device").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_served_from_memory_while_the_disk_is_read_only() {
    let remount = |how| format!("mount -o remount,{how} \"$0\"");
    on_a_small_disk(&remount("ro"), &remount("rw"), "Read-only file system").await;
}
