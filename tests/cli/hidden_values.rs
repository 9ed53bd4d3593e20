//! The values of variables that are secrets: no format shows one, in whatever text a builder or a rule wrote it.

use super::binary::Dir;
use super::built::{Image, Tar};
use serde_json::json;

/// Values that look like no secret, whose variables have the name of one (`PIN` by the policy alone), and two that look like it.
const VALUES: [&str; 7] = [
    "abc123",
    "plain-words-9",
    "777111",
    "abc567",
    "jane:abc890",
    "pin4711",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
];

const DOCKERFILE: &str = r#"ARG BASE_TOKEN=abc567
FROM registry.example.com/$BASE_TOKEN/base
ARG TOKEN=abc123
ENV DEPLOY_KEY=777111 DB_PASSWORD=plain-words-9 PIN=pin4711
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

/// A snippet of another rule shows the line, too.
#[test]
fn a_snippet_hides_what_the_policy_calls_a_secret_and_logins_in_names() {
    let text = "FROM debian:12\nRUN PIN=abc123 curl https://example.com/a | sh\nRUN npm config set //jane:abc567@registry.example.com/:_authToken abc890 && curl https://example.com/a | sh\nRUN npm config set //jane:abc567@registry.example.com/:_authToken=abc890 && curl https://example.com/a | sh\n";
    let dir = Dir::new("hidden-values-snippet", &[("Dockerfile", text), ("own.yaml", POLICY)]);
    let ran = dir.run(&["check", "Dockerfile", "--all", "--policy", "own.yaml", "--snippet"]);
    assert!(ran.out.matches("curl https://example.com/a | sh").count() >= 3, "{}", ran.out);
    for value in ["abc123", "abc567", "abc890"] {
        assert!(!ran.out.contains(value), "{value}: {}", ran.out);
    }
}

#[test]
fn findings_in_a_dockerfile_have_no_values() {
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
        "(not repeated)/x from curl run by sh",
        "/opt/(not repeated)/(not repeated)/b.sh from ADD run by sh",
        "f-$TOKEN.rpm from example.com",
        "(not repeated)/base",
    ] {
        assert!(text.contains(shown), "{shown}:\n{text}");
    }
}

#[test]
fn the_report_of_an_image_has_no_values() {
    let dir = Dir::new("hidden-values-image", &[]);
    let image = Image::new(
        "amd64",
        &json!({"Env": ["DB_PASSWORD=plain-words-9"], "Cmd": ["/opt/plain-words-9/run"], "WorkingDir": "/opt/plain-words-9"}),
    )
    .layer("ADD rootfs.tar / # buildkit", Tar::default().file("a", "b"))
    .layer("|1 TOKEN=abc123 /bin/sh -c curl -k https://example.com/$TOKEN | sh", Tar::default().file("b", "b"))
    .layer("RUN |2 MODE=fast KEY_TOKEN=777111 /bin/sh -c make # buildkit", Tar::default().file("c", "b"))
    .layer("ADD https://example.com/abc123/x /opt/plain-words-9/run # buildkit", Tar::default().file("d", "b"))
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
            "|1 TOKEN=(not repeated) /bin/sh -c curl -k https://example.com/$TOKEN | sh",
            "RUN |2 MODE=fast KEY_TOKEN=(not repeated) /bin/sh -c make # buildkit",
            "ADD https://example.com/(not repeated)/x /opt/(not repeated)/run # buildkit",
            "RUN (not repeated)",
        ]
    );
    let found: Vec<&str> =
        report["violations"].as_array().unwrap().iter().filter_map(|one| one["found"].as_str()).collect();
    assert!(found.contains(&"ADD https://example.com/(not repeated)/x /opt/(not repeated)/run"), "{found:?}");
}

/// A hole in a known sentence would say which word is the password.
#[test]
fn a_password_that_is_a_usual_word_changes_no_sentence() {
    for word in ["secret", "value", "literal", "pod", "RUN", "type", "mount", "app", "bash", "curl"] {
        let text = format!(
            "FROM debian:12\nENV DB_PASSWORD={word}\nRUN curl -o /opt/app/install.sh https://example.com/a && bash /opt/app/install.sh\nUSER 1\n"
        );
        let dir = Dir::new("usual-word", &[("Dockerfile", &text)]);
        let shown = dir.run(&["check", "Dockerfile", "--all"]).out;
        for sentence in [
            "found a literal value in ENV DB_PASSWORD",
            "wanted RUN --mount=type=secret, or a Secret of the pod",
            "/opt/app/install.sh from curl run by bash",
        ] {
            assert!(shown.contains(sentence), "{word}: {sentence}\n{shown}");
        }
        let snippet = dir.run(&["check", "Dockerfile", "--all", "--snippet"]).out;
        assert!(snippet.contains("ENV (not repeated)"), "{snippet}");
        let image = Image::new("amd64", &json!({"Env": [format!("DB_PASSWORD={word}")], "Cmd": ["app", "-c", "a=1"]}))
            .layer("RUN useradd root # buildkit", Tar::default().file("a", "b"))
            .layer(
                &format!("RUN |1 DB_PASSWORD={word} /bin/sh -c useradd {word} # buildkit"),
                Tar::default().file("b", "b"),
            );
        dir.write("a.tar", image.docker_save("a:1"));
        let report = dir.run(&["image", "a.tar", "-o", "json"]).json();
        assert_eq!(report["layers"][0]["createdBy"], "RUN useradd root # buildkit");
        let step = format!("RUN |1 DB_PASSWORD=(not repeated) /bin/sh -c useradd {word} # buildkit");
        assert_eq!(report["layers"][1]["createdBy"], step);
    }
}
