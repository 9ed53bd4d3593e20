//! `podreeve image` with a reference: a small registry on loopback answers.

use super::binary::Dir;
use super::built::{Files, Image, Tar, layout, sha256};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A registry with one image, and the paths that were read.
struct Registry {
    address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    fn start(files: Files) -> Self {
        Self::start_with(files, answer)
    }

    fn start_with(files: Files, answer: fn(TcpStream, &Files, &Mutex<Vec<String>>)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let paths = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&paths);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, seen) = (files.clone(), Arc::clone(&seen));
                std::thread::spawn(move || answer(stream, &files, &seen));
            }
        });
        Self { address, paths }
    }

    fn reference(&self) -> String {
        format!("127.0.0.1:{}/shop/web:1", self.address.port())
    }
}

fn answer(stream: TcpStream, files: &Files, seen: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    seen.lock().expect("no panic").push(path.to_owned());
    let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let root = index["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
    let end = path.rsplit('/').next().unwrap_or_default();
    let digest = if end == "1" { root } else { end.to_owned() };
    let mut stream = &stream;
    let _ = match files.get(&format!("blobs/{}", digest.replace(':', "/"))) {
        None => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Some(bytes) => {
            let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
            let media_type = json["mediaType"].as_str().unwrap_or("application/octet-stream");
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nDocker-Content-Digest: {digest}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                bytes.len()
            );
            stream
                .write_all(head.as_bytes())
                .and_then(|()| if method == "HEAD" { Ok(()) } else { stream.write_all(bytes) })
        }
    };
}

fn image(architecture: &str, user: &str) -> Image {
    Image::new(architecture, &json!({"User": user}))
        .layer("COPY app /", Tar::default().program("app").file("a", architecture))
}

#[test]
fn an_image_in_a_registry_is_read_without_a_file() {
    let files = layout("1", &[image("amd64", "1000"), image("arm64", "")]);
    let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let registry = Registry::start(files);
    let dir = Dir::new("image-registry", &[]);
    let ran = dir.run(&["image", &registry.reference(), "--plain-http", "-o", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let report = ran.json();
    assert_eq!(report["image"], json!(registry.reference()));
    assert_eq!(report["digest"], index["manifests"][0]["digest"]);
    assert_eq!(report["summary"]["layers"], json!(2));
    assert_eq!(report["violations"][0]["platforms"], json!(["linux/arm64"]));
    // Of a platform that is not chosen, nothing is read.
    registry.paths.lock().expect("no panic").clear();
    let ran = dir.run(&["image", &registry.reference(), "--plain-http", "--platform", "linux/amd64"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let arm64 = sha256(&image("arm64", "").config());
    let paths = registry.paths.lock().expect("no panic").clone();
    assert!(paths.len() == 5 && paths.iter().all(|path| !path.ends_with(&arm64)), "{paths:?}");
}

#[test]
fn a_registry_that_sends_a_little_now_and_then_does_not_hold_the_command() {
    // Each part comes within the limits for one body, and the last one never.
    let registry = Registry::start_with(layout("1", &[image("amd64", "1000")]), |mut stream, _, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: 4000000\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let dir = Dir::new("image-registry-slow", &[]);
    let digest = format!("sha256:{}", "a".repeat(64));
    let reference = format!("127.0.0.1:{}/shop/web@{digest}", registry.address.port());
    let ran = dir.run(&["image", &reference, "--plain-http", "--timeout", "300ms"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    let says = "reading from the registry took longer than 300ms; try again when it answers faster, or give it more time, such as --timeout 1h";
    assert!(ran.err.contains(says), "{}", ran.err);
    for (timeout, says) in [("10", "is not a duration"), ("0", "took longer")] {
        let ran = dir.run(&["image", "./nowhere", "--timeout", timeout]);
        assert!(ran.code == Some(2) && ran.err.contains(says) == (timeout == "10"), "{}", ran.err);
    }
}

#[test]
fn a_registry_that_closes_when_tls_begins_may_speak_http_alone() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 16384]);
        }
    });
    let dir = Dir::new("image-registry-closes", &[]);
    let ran = dir.run(&["image", &format!("127.0.0.1:{port}/shop/web:1")]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    let says = "it closes the connection when TLS begins; if it speaks HTTP alone, add --plain-http";
    assert!(ran.err.contains(says), "{}", ran.err);
}

#[test]
fn a_registry_that_cannot_be_read_is_an_error_that_says_why() {
    let registry = Registry::start(layout("1", &[image("amd64", "1000")]));
    let dir = Dir::new("image-registry-errors", &[]);
    let missing = format!("{}:2", registry.reference().rsplit_once(':').expect("a tag").0);
    for (reference, says) in
        [(missing.as_str(), "error: 127.0.0.1:"), ("no reference", "error: no reference: there is no such file")]
    {
        let ran = dir.run(&["image", reference, "--plain-http"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.starts_with(says), "{}", ran.err);
    }
    for (reference, says) in
        [("UPPER/x:1", "error: UPPER/x:1: its registry \"upper\" "), ("example.com/UPPER/x:1", "are in lower case")]
    {
        let ran = dir.run(&["image", reference]);
        assert!(ran.code == Some(2) && ran.err.contains(says) && !ran.err.contains("registries[0]"), "{}", ran.err);
    }
    let ca = dir.run(&["image", &registry.reference(), "--ca", "nowhere.pem"]);
    assert!(ca.err.starts_with("error: --ca nowhere.pem: No such file"), "{}", ca.err);
    let path = dir.run(&["image", "./nowhere"]);
    assert!(
        path.code == Some(2) && path.err.starts_with("error: ./nowhere: cannot be read: No such file"),
        "{}",
        path.err
    );
}

#[test]
fn other_bytes_are_an_error_that_names_each_digest_once() {
    let layer = |bytes: &[u8]| bytes.starts_with(&[0x1f, 0x8b]);
    let config = |bytes: &[u8]| bytes.starts_with(b"{") && !bytes.windows(13).any(|part| part == b"schemaVersion");
    let dir = Dir::new("image-registry-bytes", &[]);
    for is_changed in [layer as fn(&[u8]) -> bool, config] {
        let mut files = layout("1", &[image("amd64", "1000")]);
        let changed = files.iter_mut().find(|(path, bytes)| path.starts_with("blobs/") && is_changed(bytes));
        // The system on which gzip ran, or a sign of the JSON.
        changed.expect("a blob").1[9] ^= 1;
        let registry = Registry::start(files);
        let ran = dir.run(&["image", &registry.reference(), "--plain-http"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert_eq!(ran.err.matches("sha256:").count(), 2, "{}", ran.err);
        assert!(ran.err.contains(" sent other bytes than sha256:"), "{}", ran.err);
    }
}

/// The error of a registry that wants a login. `config` is Docker's `config.json`; `podreeve` finds programs in `bin` first.
fn refused(dir: &Dir, host: &str, config: &str, timeout: &str) -> String {
    let registry = Registry::start_with(Files::default(), |mut stream, _, _| {
        let _ = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
        let head =
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
    });
    dir.write("config.json", config);
    let path = format!("{}:{}", dir.0.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let reference = format!("{host}:{}/shop/web:1", registry.address.port());
    let mut command = dir.command(&["image", &reference, "--plain-http", "--timeout", timeout]);
    let output = command.env("PATH", path).env("DOCKER_CONFIG", &dir.0).env("HOME", &dir.0).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn a_helper_that_fails_is_named_with_the_file_that_names_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("image-registry-helpers", &[]);
    for (name, script) in [
        ("fails", "echo 'the keyring is locked' >&2; exit 1"),
        ("hangs", "exec sleep 600"),
        ("empty", "echo 'credentials not found in native keychain'; exit 1"),
    ] {
        let program = format!("bin/docker-credential-{name}");
        dir.write(&program, format!("#!/bin/sh\n{script}\n"));
        let path = dir.0.join(program);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    for (name, says) in [
        ("fails", "config.json names, gave none: it ended with exit status: 1: the keyring is locked"),
        ("hangs", "config.json names, gave none: it gave no answer in 1s"),
        ("missing", "config.json names, gave none: it cannot be started: "),
        ("empty", ", without credentials; log in with `docker login`"),
    ] {
        let error = refused(&dir, "127.0.0.1", &json!({"credsStore": name}).to_string(), "2s");
        assert!(error.contains(says), "{name}: {error}");
        assert_eq!(error.contains(&format!("docker-credential-{name}")), name != "empty", "{error}");
    }
    // No loopback address, as it is written.
    let error = refused(&dir, "0x7f.1", "{}", "1m");
    assert!(error.contains("since it has no TLS; a login is sent without TLS to a loopback address alone"), "{error}");
    assert!(!error.contains("log in"), "{error}");
}

#[test]
fn a_proxy_that_is_not_used_is_named() {
    let dir = Dir::new("image-registry-proxy", &[]);
    let mut command = dir.command(&["image", "name.invalid/shop/web:1"]);
    let output = command.env("HTTPS_PROXY", "http://127.0.0.1:9").output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("podreeve uses no proxy, so HTTPS_PROXY does not count"), "{error}");
}

#[test]
fn a_chart_and_a_signature_are_no_images() {
    let dir = Dir::new("image-registry-charts", &[]);
    for media_type in
        ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/vnd.dev.cosign.simplesigning.v1+json"]
    {
        let mut files = layout("1", &[image("amd64", "1000")]);
        let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let path = |digest: &Value| format!("blobs/{}", digest.as_str().expect("a digest").replace(':', "/"));
        let mut manifest: Value =
            serde_json::from_slice(&files[&path(&index["manifests"][0]["digest"])]).expect("JSON");
        manifest["layers"][0]["mediaType"] = json!(media_type);
        let bytes = manifest.to_string().into_bytes();
        let mut root = index;
        root["manifests"][0]["digest"] = json!(sha256(&bytes));
        root["manifests"][0]["size"] = json!(bytes.len());
        files.insert(path(&root["manifests"][0]["digest"]), bytes);
        files.insert("index.json".to_owned(), root.to_string().into_bytes());
        let registry = Registry::start(files);
        let ran = dir.run(&["image", &registry.reference(), "--plain-http"]);
        let says = format!("this is no container image: its layers have the type `{media_type}`");
        assert!(ran.code == Some(2) && ran.err.contains(&says), "{ran:?}");
    }
}
