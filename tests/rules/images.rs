//! Every example of a rule about images.

use super::cases::chosen;
use podreeve::image::{ImageFacts, Part, Parts};
use podreeve::rule::{ImageCheck, ImageExample, ImageRule, Judges, Rule};

fn each(mut test: impl FnMut(&'static Rule, &'static ImageRule, &'static ImageExample, &str)) {
    for rule in chosen() {
        if let Judges::Image(image) = &rule.judges {
            for example in image.examples {
                test(rule, image, example, &format!("{} / {}", rule.id, example.name));
            }
        }
    }
}

fn check(image: &ImageRule, example: &ImageExample) -> Box<dyn ImageCheck> {
    let params = if example.params.is_empty() { "null" } else { example.params };
    let params = serde_json::from_str(params).expect("params of an example are JSON");
    (image.compile)(params).expect("params of an example")
}

#[test]
fn every_example_of_an_image_has_its_findings() {
    each(|_, image, example, case| {
        let facts = example.image().unwrap_or_else(|error| panic!("{case}: {error}"));
        let mut findings = Vec::new();
        check(image, example).check(&facts, ImageExample::TODAY, &mut findings);
        let places: Vec<String> = findings.iter().map(|finding| finding.at.to_string()).collect();
        assert_eq!(places, example.places, "{case}: the places of the findings (left) and of the example (right)");
        for finding in &findings {
            assert!(!finding.found.is_empty() && !finding.wanted.is_empty(), "{case}: {finding:?}");
            assert!(!finding.found.contains("hunter2") && !finding.found.contains("npm_"), "{case}: {finding:?}");
        }
    });
}

/// The facts that examples vary pass each rule, and facts that are not known violate none.
#[test]
fn a_good_image_passes_every_rule() {
    each(|_, image, _, case| {
        let Ok(check) = (image.compile)(serde_json::Value::Null) else { panic!("{case}") };
        for facts in ["{}", r#"{"content":null,"created":null,"history":[]}"#] {
            let facts = ImageExample::good("good", facts).image().expect("facts");
            let mut findings = Vec::new();
            check.check(&facts, ImageExample::TODAY, &mut findings);
            assert!(findings.is_empty(), "{case}: {findings:?}");
        }
    });
}

/// A rule that finds less where a part of the facts is missing must name this part: else what is not known passes in silence.
#[test]
fn a_rule_names_the_parts_that_it_judges() {
    type Remove = fn(&mut ImageFacts);
    let without: [(Parts, Remove); 3] = [
        (Parts::OF_LAYERS, |facts| facts.content = None),
        (Parts::of(&[Part::Variables]), |facts| facts.run.env.clear()),
        (Parts::of(&[Part::History]), |facts| facts.history.clear()),
    ];
    each(|_, image, example, case| {
        let check = check(image, example);
        let count = |facts: &ImageFacts| {
            let mut findings = Vec::new();
            check.check(facts, ImageExample::TODAY, &mut findings);
            findings.len()
        };
        let facts = example.image().expect("facts");
        for (part, remove) in without {
            let mut less = facts.clone();
            remove(&mut less);
            let is_named = check.parts().has_any(part) || count(&less) >= count(&facts);
            assert!(is_named, "{case}: `parts` lacks what this finding is from: {part:?}");
        }
    });
}
