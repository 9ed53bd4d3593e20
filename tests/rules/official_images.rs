//! Variables and commands of official images, as the rules about secrets and downloads see them; and those that leak.

use podreeve::dockerfile::Dockerfile;
use podreeve::rule::{ImageExample, Judges};
use podreeve::rules::find;
use serde_json::{Value, json};
use std::fmt::Write;

/// The finding of each place of an image with these facts.
fn in_image(rule: &str, facts: &Value) -> Vec<String> {
    let facts = serde_json::to_string(facts).expect("JSON");
    let facts = ImageExample::good("", Box::leak(facts.into_boxed_str())).image().expect("facts");
    let Judges::Image(image) = &find(rule).expect("a rule").judges else { panic!("{rule}") };
    let check = (image.compile)(Value::Null).expect("no parameters");
    let mut findings = Vec::new();
    check.check(&facts, ImageExample::TODAY, &mut findings);
    findings.iter().map(|finding| format!("{rule} {}: {}", finding.at, finding.found)).collect()
}

fn in_dockerfile(rule: &str, text: &str) -> Vec<String> {
    let Judges::Dockerfile(file) = &find(rule).expect("a rule").judges else { panic!("{rule}") };
    let check = (file.compile)(Value::Null).expect("no parameters");
    let parsed = Dockerfile::parse(text);
    assert_eq!(parsed.errors, [], "{text}");
    let mut findings = Vec::new();
    check.check(&parsed, &mut findings);
    let line = |line: usize| text.lines().nth(line - 1).unwrap_or_default();
    findings.iter().map(|finding| format!("{rule} {}: {}", finding.found, line(finding.at.line))).collect()
}

/// What the builders write for an instruction.
fn step(instruction: &str) -> String {
    match instruction.split_once(' ') {
        Some(("RUN", script)) => format!("RUN /bin/sh -c {script} # buildkit"),
        Some(("CMD", words)) => format!("CMD {}", words.replace("\", \"", "\" \"")),
        _ => instruction.to_owned(),
    }
}

#[test]
fn official_images_have_no_findings() {
    let mut images = include_str!("official-images.txt").split("\n== ").skip(1).peekable();
    assert!(images.peek().is_some());
    for image in images {
        let (name, instructions) = image.split_once('\n').expect("a name");
        let lines: Vec<&str> = instructions.lines().collect();
        let env: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("ENV ")).collect();
        let history: Vec<Value> = lines.iter().map(|line| json!({"created_by": step(line)})).collect();
        let facts = json!({"run": {"Env": env}, "history": history});
        // As arguments of the build, and by the older builder.
        let arguments = env.iter().map(|pair| json!({"created_by": format!("|1 {pair} /bin/sh -c make")}));
        let older = env.iter().map(|pair| json!({"created_by": format!("/bin/sh -c #(nop)  ENV {pair}")}));
        let others = json!({"history": arguments.chain(older).collect::<Vec<_>>()});
        let mut file = "FROM debian:12\n".to_owned();
        for line in &lines {
            let variable = line.strip_prefix("ENV ").and_then(|pair| pair.split_once('='));
            let written =
                variable.map_or_else(|| (*line).to_owned(), |(name, value)| format!("ENV {name}=\"{value}\""));
            writeln!(file, "{written}").expect("a text");
        }
        let mut found = in_image("image-secrets", &facts);
        found.extend(in_image("image-secrets", &others));
        found.extend(in_image("image-unverified-packages", &facts));
        found.extend(in_dockerfile("dockerfile-secrets", &file));
        found.extend(in_dockerfile("dockerfile-unverified-packages", &file));
        assert_eq!(found, [""; 0], "{name}");
    }
}

#[test]
fn leaks_are_found_in_images_and_dockerfiles() {
    for leak in [
        "ENV DB_PASSWORD=hunter2",
        "ENV GPG_PASSPHRASE=a035c8c19219ba821ecea86b64e628f8d684696d",
        "ENV GPG_TOKEN=a035c8c19219ba821ecea86b64e628f8d684696d",
        "ENV SIGNING_KEY=a035c8c19219ba821ecea86b64e628f8d684696d",
        "ENV DATABASE_URL=postgres://app:hunter2@db/app",
        "ENV AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY1",
        "ENV GITHUB_TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "RUN export NPM_TOKEN=hunter2hunter2 && npm ci",
        "RUN NPM_TOKEN=hunter2hunter2 npm ci",
        "RUN set -eux; key=ghp_abcdefghijklmnopqrstuvwxyz0123456789; echo $key > /k",
        "RUN mysql -uroot -phunter2 -e 'select 1'",
        "RUN sshpass -p hunter2x ssh a",
        "RUN echo 'root:hunter2x' | chpasswd",
        "RUN printf 'root:hunter2x\\n' | chpasswd",
        "RUN chpasswd <<< 'root:hunter2x'",
        "RUN echo hunter2x | passwd --stdin root",
        "RUN git clone https://oauth2:glpat-abcdefghij1234567890@gitlab.com/a",
        "RUN curl --header 'PRIVATE-TOKEN: glpat-abcdefghij1234567890' https://example.com",
        "RUN curl -u jane:hunter2 https://example.com",
        "RUN make API_TOKEN=hunter2hunter2",
        "CMD [\"app\", \"--db-password=hunter2\"]",
        "CMD [\"app\", \"--token=hunter2hunter2\"]",
        "ENTRYPOINT [\"/bin/sh\", \"-c\", \"redis-cli -a hunter2 ping\"]",
    ] {
        let facts = json!({"run": {"Env": []}, "history": [{"created_by": step(leak)}]});
        assert_eq!(in_image("image-secrets", &facts).len(), 1, "{leak}");
        let file = format!("FROM debian:12\n{leak}\n");
        assert_eq!(in_dockerfile("dockerfile-secrets", &file).len(), 1, "{leak}");
    }
}
