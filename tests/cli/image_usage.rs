//! `podreeve image`: the argument as people write it, options without effect, reports that cannot be written, and errors that say each
//! thing once.

use super::binary::Dir;
use super::built::{Image, Tar, as_tar, layout, write};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;

fn image() -> Image {
    Image::new("amd64", &json!({"User": "1000"}))
        .layer("COPY app /", Tar::default().program("app").file("noise", (0..=255).collect::<Vec<u8>>()))
}

/// A folder and archives with one image.
fn places(name: &str) -> Dir {
    let dir = Dir::new(name, &[]);
    let files = layout("1", &[image()]);
    write(&files, &dir.0.join("web"));
    dir.write("web.tar", as_tar(&files));
    dir.write("saved.tar", image().docker_save("shop/web:1"));
    dir
}

/// The error of a command that prints nothing else.
fn error(dir: &Dir, arguments: &[&str]) -> String {
    let ran = dir.run(&[&["image"], arguments].concat());
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
    ran.err
}

#[test]
fn an_image_is_named_as_for_skopeo() {
    let dir = places("image-usage-transports");
    dir.write("a:1/index.json", std::fs::read(dir.0.join("web/index.json")).expect("a layout"));
    for argument in [
        "oci:web",
        "oci:web:1",
        "oci:./web",
        "oci-archive:web.tar",
        "oci-archive:web.tar:1",
        "docker-archive:saved.tar",
        "docker-archive:saved.tar:shop/web:1",
    ] {
        let ran = dir.run(&["image", argument]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{argument}: {ran:?}");
    }
    for (argument, says) in [
        ("oci:nowhere", "error: nowhere: cannot be read: No such file"),
        ("oci:web:2", "error: web: there is no image `2` in it; it has 1\n"),
        ("oci:a:1", "error: a:1: the blob sha256:"),
        ("docker://shop/Web:1", "error: shop/Web:1: there is no such file, and it is no reference"),
        (
            "https://registry.example.com/shop/web:1",
            "error: a reference has no https:// before it; write registry.example.com/shop/web:1\n",
        ),
        (
            "http://localhost:5000/shop/web:1/",
            "error: a reference has no http:// before it; write localhost:5000/shop/web:1, and add --plain-http\n",
        ),
        (
            "docker-daemon:shop/web:1",
            "error: docker-daemon:shop/web:1: podreeve reads files, folders and registries; write the image to one first: \
             `docker save -o web.tar shop/web:1`, and then `podreeve image web.tar`\n",
        ),
        (
            "oci://registry.example.com/web",
            "error: a reference has no oci:// before it; write registry.example.com/web\n",
        ),
        ("oci:", "error: `oci:` names nothing; write the image behind it"),
        ("docker://", "error: `docker://` names nothing"),
        ("-", "error: an archive is read more than once, so not from stdin"),
        (
            "shop/web@sha256:abc",
            "error: shop/web@sha256:abc: there is no such file, and it is no reference such as \
             registry.example.com/shop/web:1; a digest is sha256: and 64 hexadecimal digits\n",
        ),
        ("containers-storage:web", "error: containers-storage:web: podreeve reads files"),
        ("dir:web", "error: dir:web: podreeve reads files"),
    ] {
        let error = error(&dir, &[argument]);
        assert!(error.starts_with(says), "{argument}: {error}");
    }
    let both = error(&dir, &["oci:web:1", "--name", "2"]);
    assert!(both.starts_with("error: --name says 2, and 1 stands behind the path; leave one of them out"), "{both}");
    let digest = format!("robot:hunter2@registry.example.com/web@sha256:{}", "0".repeat(64));
    for argument in [
        "https://robot:hunter2@registry.example.com/web",
        "robot:hunter2@registry.example.com/web",
        &digest,
        &format!("docker://{digest}"),
        &format!("oci://{digest}"),
    ] {
        let error = error(&dir, &[argument]);
        assert!(error.contains("registry.example.com/web") && !error.contains("hunter2"), "{error}");
    }
}

/// A registry that answers every connection with these bytes; without any, it ends the connection with the request unread.
fn answering(bytes: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = match bytes {
                Some(bytes) => stream.read(&mut [0; 16384]).and_then(|_| stream.write_all(bytes)),
                None => stream.peek(&mut [0]).map(drop),
            };
        }
    });
    format!("127.0.0.1:{port}/shop/web:1")
}

#[test]
fn http_and_tls_are_told_apart() {
    let dir = Dir::new("image-usage-tls", &[]);
    let plain = answering(Some(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    let at_digest = format!("{}@sha256:{}", plain.strip_suffix(":1").expect("a tag"), "a".repeat(64));
    for reference in [plain.clone(), format!("docker://{plain}"), at_digest] {
        let error = error(&dir, &[&reference]);
        let says = "cannot be reached: it answers without TLS; if it speaks HTTP alone, add --plain-http\n";
        assert!(error.ends_with(says), "{error}");
    }
    let says = "; if it speaks TLS, leave out --plain-http\n";
    // What OpenSSL sends, what servers in Go and nginx send, and what HAProxy and Python do.
    let alert: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46";
    for bytes in [Some(alert), Some(b"HTTP/1.0 400 Bad Request\r\n\r\n"), Some(b""), None] {
        let error = error(&dir, &[&answering(bytes), "--plain-http"]);
        assert!(error.ends_with(says), "{error}");
    }
}

#[test]
fn a_wrong_digest_is_named_once() {
    let dir = places("image-usage-digest");
    let layer = std::fs::read_dir(dir.0.join("web/blobs/sha256")).expect("a folder").flatten();
    let layer = layer.map(|entry| entry.path()).find(|path| std::fs::read(path).expect("a blob")[0] == 0x1f);
    let layer = layer.expect("a layer");
    let wanted = layer.file_name().expect("a name").to_string_lossy().into_owned();
    // The name of the program that compressed it, in the head of gzip, may be any.
    let mut bytes = std::fs::read(&layer).expect("a layer");
    bytes[9] ^= 1;
    std::fs::write(&layer, bytes).expect("written");
    let error = error(&dir, &["web"]);
    assert_eq!(error.matches("sha256:").count(), 2, "{error}");
    let begin = "error: web: the layer has the digest sha256:";
    assert!(error.starts_with(begin) && error.contains(&format!(" in place of sha256:{wanted}: ")), "{error}");
}

#[test]
fn options_without_effect_are_errors() {
    let dir = places("image-usage-options");
    let zero = format!("r.example.com/web@sha256:{}", "0".repeat(64));
    dir.write("trust.yaml", "trust: []\n");
    dir.write("seal.key", "0123456789abcdef0123456789ABCDEF-_");
    for (arguments, says) in [
        (
            &["web.tar", "--as", "r.example.com/web"][..],
            "--trust <FILE>|--seal <FILE>|--facts <FILE>|--namespace <NAMESPACE>",
        ),
        (
            &["web", "--ca", "nowhere.pem"],
            "error: --ca is for an image in a registry, and web is on this machine; leave the option out",
        ),
        (&["web.tar", "--plain-http"], "error: --plain-http is for an image in a registry, and web.tar is on"),
        (&["web.tar", "--timeout", "1h"], "error: --timeout is for an image in a registry"),
        (&["nowhere.tar", "--ca", "nowhere.pem"], "error: nowhere.tar: cannot be read"),
        (&["web", "--trust", "nowhere.yaml", "--as", "r.example.com/web"], "error: nowhere.yaml: cannot be read"),
        // The folder has the name `1`, which is a tag.
        (
            &["web", "--facts", "facts.json"],
            "error: --facts needs the name by which pods pull the image, and `1` in the file is none; add",
        ),
        (
            &["web", "--trust", "trust.yaml"],
            "error: --trust needs the name by which pods pull the image, and `1` in the file is none; add",
        ),
        (
            &["web", "--seal", "seal.key"],
            "error: --seal needs the name by which pods pull the image; add --as registry.example.com/shop/web:1",
        ),
        (
            &["saved.tar", "--as", "registry.example.com/shop/web:1", "--seal", "seal.key"],
            "error: --seal: `docker save` unpacks the layers, so this archive has another digest",
        ),
        // What is wrong with a name is said before an image is read.
        (&["nowhere.tar", "--as", "A B", "--seal", "seal.key"], "error: --as: `A B` is no reference of an image"),
        (&["nowhere.tar", "--as", "A B", "--trust", "trust.yaml"], "error: --as: `A B` is no reference of an image"),
        (&["web", "--as", "A B", "-n", "shop"], "error: --as: `A B` is no reference of an image"),
        (&["web", "--as", &zero, "--seal", "seal.key"], "error: --as names sha256:0000"),
        (&["web", "--as", &zero, "--trust", "trust.yaml"], "error: --as names sha256:0000"),
    ] {
        let error = error(&dir, arguments);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    assert!(!dir.0.join("facts.json").exists());
    // An archive of `docker save` has another digest than the registry.
    let ran = dir.run(&["image", "saved.tar", "--as", &zero, "--facts", "facts.json"]);
    assert!(ran.code == Some(0) && ran.err.starts_with("note: --as names sha256:0000"), "{ran:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_the_image_is_read() {
    let dir = places("image-usage-outputs");
    dir.write("old.json", "old");
    // What is read of this image is an error of its own.
    dir.write("text.txt", "no image");
    for arguments in [
        &["-o", "json=none/a.json"][..],
        &["-o", "json=web"],
        &["--facts", "none/facts.json"],
        &["-o", "json=new.json", "-o", "sarif=none/a.sarif"],
    ] {
        let error = error(&dir, &[&["text.txt"], arguments].concat());
        assert!(error.contains("cannot be written: "), "{arguments:?}: {error}");
    }
    let shared = error(&dir, &["text.txt", "-o", "json=a.json", "-o", "sarif=a.json"]);
    assert!(shared.starts_with("error: two formats go to a.json"), "{shared}");
    let shared = error(&dir, &["text.txt", "-o", "json=a.json", "--facts", "a.json"]);
    assert!(shared.starts_with("error: --facts and a report go to a.json; name another file"), "{shared}");
    let error = error(&dir, &["text.txt", "-o", "json=old.json", "-o", "sarif=new.sarif"]);
    assert!(error.starts_with("error: text.txt: it is no archive"), "{error}");
    assert_eq!(std::fs::read_to_string(dir.0.join("old.json")).expect("kept"), "old");
    assert!(!dir.0.join("new.sarif").exists() && !dir.0.join("new.json").exists());
    let ran = dir.run(&["image", "web", "-o", "json=old.json", "-o", "html=/dev/null", "-o", "text"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(std::fs::read_to_string(dir.0.join("old.json")).expect("written").starts_with('{'));
}

#[test]
fn an_unknown_format_is_explained_in_one_sentence() {
    let dir = Dir::new("image-usage-formats", &[]);
    let formats = "the formats are text, json, sarif, junit, github, gitlab, markdown, html, and FORMAT=FILE writes one into a file\n";
    for (format, says) in [
        ("foo", format!("there is no such format; {formats}")),
        ("sarf", format!("no such format (did you mean `sarif`?); {formats}")),
    ] {
        let error = error(&dir, &["web.tar", "-o", format]);
        assert!(error.contains(&says), "{error}");
    }
}

#[test]
fn the_version_of_windows_is_a_part_of_the_platform() {
    let dir = Dir::new("image-usage-windows", &[]);
    let mut files = layout("1", &[image(), image().layer("COPY b /", Tar::default().program("b"))]);
    let index: serde_json::Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest").replace(':', "/");
    let mut platforms: serde_json::Value = serde_json::from_slice(&files[&format!("blobs/{digest}")]).expect("JSON");
    for (at, version) in ["10.0.17763.6659", "10.0.20348.2582"].iter().enumerate() {
        platforms["manifests"][at]["platform"] =
            json!({"os": "windows", "architecture": "amd64", "os.version": version});
    }
    // The folder names the index of the platforms without a blob in between.
    files.insert("index.json".to_owned(), platforms.to_string().into_bytes());
    let bytes = platforms.to_string().into_bytes();
    let name = super::built::sha256(&bytes);
    files.insert(format!("blobs/{}", name.replace(':', "/")), bytes.clone());
    let root = json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": name, "size": bytes.len()});
    files.insert("index.json".to_owned(), json!({"schemaVersion": 2, "manifests": [root]}).to_string().into_bytes());
    write(&files, &dir.0.join("web"));
    let text = dir.run(&["image", "web"]).out;
    assert!(
        text.contains("\nwindows/amd64:10.0.17763.6659 ·") && text.contains("\nwindows/amd64:10.0.20348.2582 ·"),
        "{text}"
    );
    let one = dir.run(&["image", "web", "--platform", "windows/amd64:10.0.17763", "-o", "json"]).json();
    assert_eq!(one["platforms"].as_array().map(Vec::len), Some(1), "{one}");
    assert_eq!(one["platforms"][0]["platform"], "windows/amd64:10.0.17763.6659");
}
