//! The values of variables that are secrets: no format shows one, in whatever text a builder or a rule wrote it.

use super::binary::Dir;
use super::built::{Image, Tar};
use serde_json::json;

/// Values that look like no secret, whose variables have the name of one (`PIN` by the policy alone), and two that look like it.
const VALUES: [&str; 7] =
    ["abc123", "plain-words", "777111", "abc567", "jane:abc890", "4711", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"];

const DOCKERFILE: &str = r#"ARG BASE_TOKEN=abc567
FROM registry.example.com/$BASE_TOKEN/base
ARG TOKEN=abc123
ENV DEPLOY_KEY=777111 DB_PASSWORD=plain-words PIN=4711
RUN curl -k -H "Authorization: Bearer $TOKEN" -o $TOKEN/x https://example.com/x && sh $TOKEN/x
RUN curl -o /tmp/x https://user:$DB_PASSWORD@example.com/x && sh /tmp/x
WORKDIR /opt/$DB_PASSWORD
ADD https://example.com/b.sh ./$PIN/
RUN sh $PIN/b.sh && sh ./$PIN/b.sh
RUN dnf install -y https://jane:abc890@example.com/f-$TOKEN.rpm
COPY $DB_PASSWORD/id_rsa /root/
ADD $TOKEN/local /local
ADD ghp_abcdefghijklmnopqrstuvwxyz0123456789/ /x
USER $DEPLOY_KEY
"#;

const POLICY: &str = "apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: own}
spec:
  extends: owasp
  rules:
    dockerfile-secrets: {action: warn, params: {names: [pin]}}
    dockerfile-add: {action: warn}
";

const FORMATS: [&str; 8] = ["text", "json", "sarif", "html", "junit", "github", "gitlab", "markdown"];

#[test]
fn findings_in_a_dockerfile_name_variables() {
    let dir = Dir::new("hidden-values-file", &[("Dockerfile", DOCKERFILE), ("own.yaml", POLICY)]);
    for format in FORMATS {
        for more in [&["--diff"][..], &["--snippet"], &[]] {
            let args = [&["check", "Dockerfile", "--all", "--policy", "own.yaml", "-o", format][..], more].concat();
            let ran = dir.run(&args);
            for value in VALUES {
                assert!(
                    !ran.out.contains(value) && !ran.err.contains(value),
                    "{args:?} {value}:\n{}{}",
                    ran.out,
                    ran.err
                );
            }
        }
    }
    let text = dir.run(&["check", "Dockerfile", "--all", "--policy", "own.yaml"]).out;
    for shown in [
        "$TOKEN/x from curl run by sh",
        "/opt/$DB_PASSWORD/$PIN/b.sh from ADD run by sh",
        "f-$TOKEN.rpm from example.com",
        "$BASE_TOKEN/base",
    ] {
        assert!(text.contains(shown), "{shown}:\n{text}");
    }
}

#[test]
fn the_report_of_an_image_names_variables() {
    let dir = Dir::new("hidden-values-image", &[]);
    let image = Image::new(
        "amd64",
        &json!({"Env": ["DB_PASSWORD=plain-words"], "Cmd": ["/opt/plain-words/run"], "WorkingDir": "/opt/plain-words"}),
    )
    .layer("ADD rootfs.tar / # buildkit", Tar::default().file("a", "b"))
    .layer("|1 TOKEN=abc123 /bin/sh -c curl -k https://example.com/$TOKEN | sh", Tar::default().file("b", "b"))
    .layer("RUN |2 MODE=fast KEY_TOKEN=777111 /bin/sh -c make # buildkit", Tar::default().file("c", "b"))
    .layer("ADD https://example.com/abc123/x /opt/plain-words/run # buildkit", Tar::default().file("d", "b"))
    .layer("RUN /bin/sh -c curl -u jane:abc890 https://example.com/777111 # buildkit", Tar::default().file("e", "b"));
    dir.write("a.tar", image.docker_save("a:1"));
    for format in FORMATS {
        let ran = dir.run(&["image", "a.tar", "--all", "-o", format]);
        for value in VALUES {
            assert!(!ran.out.contains(value) && !ran.err.contains(value), "{format} {value}:\n{}{}", ran.out, ran.err);
        }
    }
    let report = dir.run(&["image", "a.tar", "-o", "json"]).json();
    let steps: Vec<&str> =
        report["layers"].as_array().unwrap().iter().map(|layer| layer["createdBy"].as_str().unwrap()).collect();
    assert_eq!(
        steps[1..],
        [
            "|1 TOKEN=$TOKEN /bin/sh -c curl -k https://example.com/$TOKEN | sh",
            "RUN |2 MODE=fast KEY_TOKEN=$KEY_TOKEN /bin/sh -c make # buildkit",
            "ADD https://example.com/$TOKEN/x /opt/$DB_PASSWORD/run # buildkit",
            "RUN (not repeated)",
        ]
    );
    let found: Vec<&str> =
        report["violations"].as_array().unwrap().iter().filter_map(|one| one["found"].as_str()).collect();
    assert!(found.contains(&"ADD https://example.com/$TOKEN/x /opt/$DB_PASSWORD/run"), "{found:?}");
}
