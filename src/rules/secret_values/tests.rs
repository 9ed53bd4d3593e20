//! Where values are hidden, and where a hole would show them.

use super::*;
use crate::image::config::History;

fn of(text: &str) -> SecretValues {
    SecretValues::of_dockerfile(&Dockerfile::parse(text), &[])
}

#[test]
fn a_mark_without_a_name_stands_in_place_of_values() {
    let secrets = of(
        "ARG TOKEN=123456789\nFROM postgres\nENV POSTGRES_PASSWORD=postgres DB_PASSWORD=hunter2hunter2 MODE=fast A=$TOKEN\n",
    );
    for (text, shown) in [
        ("/123456789/a.sh from curl run", "/(not repeated)/a.sh from curl run"),
        ("/fast/a.sh", "/fast/a.sh"),
        ("postgres without a tag", "postgres without a tag"),
        ("/a/hunter2hunter2/b and hunter2hun… by curl", "/a/(not repeated)/b and (not repeated)… by curl"),
        ("/a/hu…", "/a/hu…"),
        ("a https://jane:hunter3@h/b c", "a (not repeated) c"),
    ] {
        assert_eq!(secrets.hide(text), shown);
    }
}

/// Everyone who knows the sentence would read the word that is missing.
#[test]
fn a_usual_word_is_hidden_at_its_variable_alone() {
    for word in
        ["secret", "value", "literal", "pod", "RUN", "mount", "app", "bash", "root", "postgres", "sha256", "python3"]
    {
        let secrets = of(&format!("FROM a\nENV DB_PASSWORD={word}\n"));
        for text in [
            "a literal value in ENV DB_PASSWORD",
            "RUN --mount=type=secret, or a Secret of the pod",
            "/opt/app/install.sh from curl, run by bash as root",
            "useradd postgres python3 sha256",
        ] {
            assert_eq!(secrets.hide(text), text, "{word}");
        }
        assert!(!secrets.are_in(&format!("useradd {word}")));
        for (before, after) in [("DB_PASSWORD=", " make"), ("A=1 DB_PASSWORD=\"", "\" B=2"), ("ENV DB_PASSWORD ", "")] {
            let hidden = secrets.hide(&format!("{before}{word}{after}"));
            assert_eq!(hidden, format!("{before}(not repeated){after}"), "{word}");
        }
        let other = format!("SHOW_DB_PASSWORD_HINT={word}x");
        assert_eq!(secrets.hide(&other).replace("(not repeated)", word), other);
    }
}

/// podreeve's own words stay as they are, whatever the values are.
#[test]
fn no_word_of_a_rule_is_hidden_everywhere() {
    let is_judged = |id: &str| id.starts_with("image-") || id.starts_with("dockerfile-");
    for rule in crate::rules::RULES.iter().filter(|rule| is_judged(rule.id)) {
        let texts = [rule.why, rule.title];
        for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())) {
            assert!(word.is_empty() || is_usual(word), "{word} of {}", rule.id);
        }
    }
}

#[test]
fn a_mark_is_no_place_of_a_value() {
    // Each name has the value of the next variable twice.
    let of = |number: usize| format!("x{number:02}y{number:02}");
    let env = |number| format!("{next}_{next}_PASSWORD={}", of(number), next = of(number + 1));
    let mut image = ImageFacts::default();
    image.run.env = (0..MOST).map(env).collect();
    let secrets = SecretValues::of_image(&image);
    assert_eq!(secrets.hide("/x00y00/x63y63x62y62…x6…"), "/(not repeated)/(not repeated)…x6…");
    image.run.env = vec!["B_PASSWORD=repeated1".to_owned(), "A_PASSWORD=hunter3hunter3".to_owned()];
    let secrets = SecretValues::of_image(&image);
    assert_eq!(secrets.hide("hunter3hun…, hunter3hu… repeated1"), "(not repeated)…, (not repeated)… (not repeated)");
}

#[test]
fn all_values_of_an_image_are_known() {
    let mut image = ImageFacts::default();
    let steps =
        ["RUN |2 MODE=fast TOKEN=abc123 /bin/sh -c make # buildkit", "/bin/sh -c #(nop)  ENV A_SECRET=abc12345"];
    image.history = steps.map(|step| History { created_by: step.to_owned(), empty_layer: false }).to_vec();
    image.run.env = vec!["PATH=/bin".to_owned(), "API_KEY=abcde9".to_owned()];
    image.run.on_build = vec!["ENV B_TOKEN=ghijk9".to_owned()];
    let secrets = SecretValues::of_image(&image);
    assert_eq!(
        secrets.hide("/abc123 /abc12345 /abcde9 ghijk9 /fast").replace("(not repeated)", "-"),
        "/- /- /- - /fast"
    );
    assert!(secrets.hides_all(&image.history[0].created_by, crate::rules::has_secret));
    image.run.env = (0..=MOST).map(|number| format!("A{number}_PASSWORD=hunter{number}")).collect();
    assert_eq!(SecretValues::of_image(&image).hide("a"), HIDDEN);
}
