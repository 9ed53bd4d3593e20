//! The pages of reports, as a reader sees them: nothing leaves the page at the width of a telephone, all text can be read in each scheme of
//! colours, and a page asks no other host for anything.

use super::binary::Dir;
use super::built::{Image, Tar};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const STYLE: &str = include_str!("../../templates/style.html");

/// Pages of all reports, with long words and with texts that a host or an image chose.
fn pages(dir: &Dir) -> Vec<(&'static str, String)> {
    let long = "x".repeat(300);
    let hostile = "<script>alert(1)</script><img src=http://example.com/x>\u{1b}[31m";
    dir.write(
        "root/usr/lib/systemd/system/docker.service",
        "[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2375\n",
    );
    dir.write("root/etc/docker/daemon.json", json!({"insecure-registries": [long, hostile]}).to_string());
    dir.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a".repeat(60)}, "spec": {"hostNetwork": true, "containers": [
        {"name": "web", "image": format!("registry.example.com/{long}:latest"), "env": [{"name": long, "value": hostile}]}]}});
    dir.write("pod.yaml", pod.to_string());
    dir.write("Dockerfile", format!("FROM debian\nRUN curl -k http://example.com/{long} | sh\n"));
    let image = Image::new("amd64", &json!({"Entrypoint": ["/app", hostile]}));
    dir.write(
        "image.tar",
        image.layer(&format!("RUN {long}"), Tar::default().program("app")).docker_save("shop/web:1"),
    );
    let runs: [(&str, &[&str]); 4] = [
        ("node", &["node", "--root", "root", "--name", &long]),
        ("owasp", &["owasp", "pod.yaml", "Dockerfile", "--report", "node.json"]),
        ("image", &["image", "image.tar"]),
        ("check", &["check", "pod.yaml", "Dockerfile"]),
    ];
    dir.run(&["node", "--root", "root", "-o", "json=node.json"]);
    let page = |(name, arguments): (&'static str, &[&str])| {
        let ran = dir.run(&[arguments, &["-o", "html=page.html"]].concat());
        assert!(matches!(ran.code, Some(0 | 1)), "{name}: {ran:?}");
        (name, std::fs::read_to_string(dir.0.join("page.html")).expect("written"))
    };
    runs.into_iter().map(page).collect()
}

#[test]
fn pages_ask_no_other_host() {
    let dir = Dir::new("html-alone", &[]);
    for (name, page) in pages(&dir) {
        for tag in ["<script", "<img", "<iframe", "<object", "<link", "<base", "<form", "url(", "@import", "\u{1b}"] {
            assert!(!page.contains(tag), "{name} has {tag}");
        }
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""), "{name}");
        assert!(
            page.contains("&#60;script&#62;alert(1)") || matches!(name, "image" | "check"),
            "{name} shows the text"
        );
    }
}

/// What a browser lays out: the parts that end right of a page as wide as a telephone.
#[test]
fn nothing_leaves_a_narrow_page() {
    let browser = ["chromium", "google-chrome"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    let Some(browser) = browser else {
        eprintln!("no chromium is here, so nothing was laid out");
        return;
    };
    let dir = Dir::new("html-narrow", &[]);
    let frames: String = pages(&dir)
        .into_iter()
        .map(|(name, page)| {
            // Without its policy, so that the script below may look into it.
            let page = page.replace("<meta http-equiv=\"Content-Security-Policy\"", "<meta name=\"policy\"");
            let page = page.replace("<details>", "<details open>").replace('&', "&amp;").replace('"', "&quot;");
            format!(
                "<iframe name=\"{name}\" width=\"360\" height=\"800\" style=\"border:0\" srcdoc=\"{page}\"></iframe>\n"
            )
        })
        .collect();
    dir.write(
        "all.html",
        format!(
            "<!doctype html><body>{frames}<pre id=found></pre><script>
onload = () => {{
  const found = {{}};
  for (const frame of document.querySelectorAll('iframe')) {{
    const page = frame.contentDocument, out = [];
    for (const element of page.querySelectorAll('body *')) {{
      const box = element.getBoundingClientRect();
      if (box.width > 0 && box.right > 360.5 && !element.closest('.name')) out.push(element.tagName + '.' + element.className);
      if (element.classList.contains('track') && box.width < 100) out.push('a bar without room');
    }}
    found[frame.name] = {{ elements: page.querySelectorAll('body *').length, out }};
  }}
  document.getElementById('found').textContent = 'FOUND' + JSON.stringify(found) + 'END';
}};
</script>"
        ),
    );
    let profile = dir.0.join("profile");
    let ran = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1600,1000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", dir.0.join("all.html").canonicalize().expect("a path").display()))
        .output()
        .expect("a browser");
    let dom = String::from_utf8_lossy(&ran.stdout).into_owned();
    let found =
        dom.rsplit_once("FOUND{").and_then(|(_, rest)| rest.split_once("END")).map(|(found, _)| format!("{{{found}"));
    let found: Value = serde_json::from_str(&found.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {dom} {}", String::from_utf8_lossy(&ran.stderr)));
    for name in ["node", "owasp", "image", "check"] {
        let elements = found[name]["elements"].as_u64().unwrap_or_default();
        assert!(
            elements > 20 && found[name]["out"] == json!([]),
            "{name}: {elements} elements, {:#}",
            found[name]["out"]
        );
    }
}

/// The relative luminance of `#rrggbb`, as WCAG 2.1 defines it.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour")) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn all_text_can_be_read_in_each_scheme() {
    // Light, dark, and print.
    let schemes: Vec<BTreeMap<&str, &str>> = STYLE
        .split(":root {")
        .skip(1)
        .map(|block| {
            let block = block.split('}').next().unwrap_or_default();
            block
                .split(';')
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim(), value.trim()))
                .collect()
        })
        .collect();
    assert_eq!(schemes.len(), 3);
    for scheme in schemes {
        for text in ["--front", "--soft", "--denied", "--warning", "--other", "--good", "--link"] {
            for back in ["--back", "--card"] {
                let found = contrast(scheme[text], scheme[back]);
                assert!(found >= 4.5, "{text} on {back} has a contrast of {found:.2} in {scheme:?}");
            }
        }
    }
}
