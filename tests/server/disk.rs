//! A disk that is full, or may not be written: serving goes on, and what cannot go on says why.

use crate::binary::command;
use crate::harness::{Client, Http, get, pod, roots};
use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
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

/// In a mount namespace of its own; without the right to make one there is nothing to see.
fn on_a_small_disk(prepare: &str) -> Option<(Option<i32>, String)> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap();
    let unshared = |script: &str, more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", script, path]).args(more).output()
    };
    let mount = "mount -t tmpfs -o size=16k none \"$0\"";
    if !unshared(mount, &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: mounting a small disk takes Linux and root");
        return None;
    }
    let script = format!("{mount}; {prepare}; exec \"$@\" --self-signed \"$0\"");
    let output = unshared(&script, &[env!("CARGO_BIN_EXE_podreeve"), "serve", "--listen", "127.0.0.1:0"]).unwrap();
    Some((output.status.code(), String::from_utf8(output.stderr).unwrap().replace(path, "DIR")))
}

#[test]
fn a_certificate_that_cannot_be_written_says_why() {
    // Whatever is left of the disk after `dd` has been told that it is full.
    let full = "dd if=/dev/zero of=\"$0/fill\" bs=1k 2>/dev/null || true";
    for (prepare, says) in [(full, "No space left on device"), ("mount -o remount,ro \"$0\"", "Read-only file system")]
    {
        let Some((code, text)) = on_a_small_disk(prepare) else { return };
        assert_eq!(code, Some(2), "{text}");
        let wanted = format!("the CA certificate cannot be written to DIR/ca.crt: {says}");
        assert!(text.contains(&wanted), "{text}");
    }
}
