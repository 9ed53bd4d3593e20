//! Decisions arrive in a real rsyslog, which wants a certificate of the sender. Without rsyslog there is nothing to see.

use crate::harness::{Http, get, pod, post};
use crate::syslog::Certificates;
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The folders where distributions have rsyslog's modules.
const MODULES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/rsyslog",
    "/usr/lib/aarch64-linux-gnu/rsyslog",
    "/usr/lib64/rsyslog",
    "/usr/lib/rsyslog",
];

struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Rsyslog {
    /// None where rsyslog or its TLS is not installed.
    fn start(certificates: &Certificates, port: u16) -> Option<Self> {
        let has_tls = MODULES.iter().any(|folder| Path::new(folder).join("lmnsd_ossl.so").exists());
        if !has_tls {
            return None;
        }
        let path = |name| certificates.path(name);
        let settings = format!(
            r#"
global(workDirectory="{dir}" DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{ca}"
       DefaultNetstreamDriverCertFile="{cert}" DefaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="podreeve")
template(name="all" type="string" string="%syslogfacility-text% %syslogseverity-text% %app-name% %msgid% %msg%\n")
ruleset(name="podreeve") {{ action(type="omfile" file="{out}" template="all") }}
"#,
            dir = certificates.path(""),
            ca = path("senders-ca"),
            cert = path("receiver-cert"),
            key = path("receiver-key"),
            out = path("out"),
        );
        std::fs::write(path("rsyslog.conf"), settings).unwrap();
        let mut command = Command::new("rsyslogd");
        command.args(["-n", "-i", &path("pid"), "-f", &path("rsyslog.conf")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self(child))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_arrive_in_a_real_rsyslog() {
    let certificates = Certificates::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(mut rsyslog) = Rsyslog::start(&certificates, port) else {
        return eprintln!("skipped: it takes rsyslog and rsyslog-openssl; scripts/needs says so at the start");
    };
    let process = certificates.start(format!("localhost:{port}"));
    process.client.validate(Http::One, pod("u-1", true)).await.denies("u-1", "privileged");
    process.client.ask(Http::One, post("/mutate", pod("u-2", false))).await.allows("u-2");
    let out = certificates.path("out");
    let lines = loop {
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        if text.matches('\n').count() >= 2 {
            break text;
        }
        assert!(rsyslog.0.try_wait().unwrap().is_none(), "rsyslog ended");
        tokio::task::yield_now().await;
    };
    for (uid, severity) in [("u-1", "warning"), ("u-2", "notice")] {
        let line = lines.lines().find(|line| line.contains(uid)).unwrap();
        let text = line.strip_prefix(&format!("authpriv {severity} podreeve decision ")).expect(line);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap()["uid"], uid);
    }
    assert!(get(process.admin, "/metrics").await.1.contains("podreeve_syslog_messages_lost_total 0\n"));
    process.signal("TERM");
    process.rest();
}
