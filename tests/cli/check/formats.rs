//! The formats of `check`, as their readers read them.

use super::{BAD, GOOD, POLICY, check};
use crate::binary::Dir;
use crate::planted::{assert_none, objects};
use crate::xsd;
use podreeve::rules::RULES;
use serde_json::{Value, json};

/// Findings of each level, a file that cannot be read, and names that are no plain text.
fn dir(name: &str) -> Dir {
    let odd = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a<b>&\\\"'|`@x]]>\\e[31m\"}\nspec: {hostNetwork: true, containers: [{name: 'a,b:c', image: nginx, securityContext: {privileged: true}}]}\n";
    let unreadable = "apiVersion: v1\nkind: Pod\nmetadata: {name: u}\nspec: {hostNetwork: 7}\n";
    let hint = "apiVersion: v1\nkind: Pod\nmetadata: {name: h}\nspec: {hostNetwrok: true, containers: [{name: a}]}\n";
    let exempt = "  exemptions:\n  - {rules: [privileged], namespaces: [exempt], reason: a driver}\n";
    Dir::new(
        name,
        &[
            ("bad.yaml", BAD),
            ("good.yaml", GOOD),
            ("with space/\u{e4} #1.yaml", odd),
            ("unreadable.yaml", unreadable),
            ("hint.yaml", hint),
            ("exempt.yaml", &BAD.replace("shop", "exempt")),
            ("broken.yaml", "a: [1"),
            (
                "p/policy.yaml",
                &format!("{POLICY}{exempt}").replace(
                    "host-network: {action: warn}",
                    "host-network: {action: warn}\n    image-tag: {action: audit}",
                ),
            ),
        ],
    )
}

const FILES: [&str; 7] = [
    "bad.yaml",
    "good.yaml",
    "with space/\u{e4} #1.yaml",
    "unreadable.yaml",
    "hint.yaml",
    "exempt.yaml",
    "broken.yaml",
];

fn run(name: &str, args: &[&str]) -> String {
    let ran = dir(name).run(&[&["check", "--policy", "p/policy.yaml"], args, &FILES].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    ran.out
}

#[test]
fn sarif_fits_the_published_schema() {
    // The published pattern of `language` has a bracket too many, which not every reader of patterns takes.
    let schema = include_str!("../../schemas/sarif-2.1.0.json").replace("{2}]?$", "{2}?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for args in [&["-o", "sarif"][..], &["-o", "sarif", "--all"]] {
        let report: Value = serde_json::from_str(&run(&format!("sarif-{}", args.len()), args)).expect("JSON");
        let faults: Vec<String> =
            validator.iter_errors(&report).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    // The validator notices.
    assert!(!validator.is_valid(&json!({"version": "2.1.0", "runs": [{"tool": {}}]})));
}

#[test]
fn sarif_has_the_rule_the_place_and_the_help() {
    let report: Value = serde_json::from_str(&run("sarif-content", &["-o", "sarif", "--all"])).expect("JSON");
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    // What the run did not judge by would be taken for rules that found nothing.
    let ids: Vec<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.first(), Some(&"privileged"), "{ids:?}");
    assert!(ids.len() < 15 && ids.contains(&"image-tag") && !ids.contains(&"host-pid"), "{ids:?}");
    for rule in RULES.iter().filter(|rule| ids.contains(&rule.id)) {
        let described = rules.iter().find(|described| described["id"] == rule.id).expect("each rule");
        assert!(described["help"]["markdown"].as_str().is_some_and(|help| help.contains(rule.why)));
        assert!(described["helpUri"].as_str().is_some_and(|uri| uri.ends_with(&format!("/docs/rules/{}.md", rule.id))));
    }
    let results = run["results"].as_array().expect("results");
    let of = |rule: &str| results.iter().find(|result| result["ruleId"] == rule).expect(rule);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(rules[usize::try_from(index).expect("small")]["id"], result["ruleId"]);
    }
    let privileged = of("privileged");
    assert_eq!(privileged["level"], "error");
    let place = &privileged["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "bad.yaml");
    assert_eq!(place["region"], json!({"startLine": 15, "startColumn": 13}));
    assert_eq!(privileged["partialFingerprints"].as_object().map(serde_json::Map::len), Some(1));
    let suppressed: Vec<_> = results.iter().filter(|result| result.get("suppressions").is_some()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "exempt.yaml");
    assert_eq!(of("unreadable")["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "broken.yaml");
    assert!(results.iter().any(|result| result.to_string().contains("with%20space/%C3%A4%20%231.yaml")));
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    // A run without findings is valid, too.
    let clean = check(&dir("sarif-clean"), &["-o", "sarif", "good.yaml"]).json();
    assert_eq!(clean["runs"][0]["results"], json!([]));
}

#[test]
fn junit_has_a_case_for_each_object() {
    let xml = run("junit", &["-o", "junit"]);
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let suites = document.root_element();
    assert_eq!((suites.tag_name().name(), suites.attribute("tests")), ("testsuites", Some("7")));
    let count = |name: &str| suites.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure"), count("error")), (7, 7, 3, 1));
    assert_eq!((suites.attribute("failures"), suites.attribute("errors")), (Some("3"), Some("1")));
    let case = suites.descendants().find(|node| node.attribute("classname") == Some("bad.yaml")).expect("a case");
    assert_eq!(case.attribute("name"), Some("Deployment shop/web (line 2)"));
    let failure = case.children().find(|node| node.has_tag_name("failure")).expect("a failure");
    assert_eq!(failure.attribute("message"), Some("denied: privileged"));
    assert!(failure.text().is_some_and(|text| text.starts_with("bad.yaml:15:13 privileged critical denied: ")));
    let passed = suites.descendants().find(|node| node.attribute("classname") == Some("good.yaml")).expect("a case");
    assert!(!passed.has_children());
}

#[test]
fn junit_fits_the_schema_that_its_readers_agree_on() {
    let schema = include_str!("../../schemas/junit.xsd");
    for (name, args) in [("junit-schema", &["-o", "junit"][..]), ("junit-schema-all", &["-o", "junit", "--all"])] {
        let report = run(name, args);
        assert_eq!(xsd::faults(schema, &report), [""; 0], "{report}");
    }
    // The validator notices.
    for (xml, says) in [
        ("<testsuites><testcase name='a' classname='b'/></testsuites>", "is not allowed here"),
        ("<testsuites><testsuite name='a' tests='1' failures='0'/></testsuites>", "the attribute errors is missing"),
        ("<testsuites tests='-1'/>", "tests=\"-1\""),
        ("<testsuites time='1s'/>", "time=\"1s\""),
        ("<testsuites id='1'/>", "the attribute id is not allowed"),
        ("<testsuites>text</testsuites>", "has a text"),
        ("<suite/>", "no schema for <suite>"),
        ("<testsuites>", "root node"),
    ] {
        let faults = xsd::faults(schema, xml);
        assert!(faults.len() == 1 && faults[0].contains(says), "{xml}: {faults:?}");
    }
    let suite = |inside: &str| {
        format!(
            "<testsuites><testsuite name='a' tests='1' failures='1' errors='0'><testcase name='a' classname='b'>{inside}</testcase></testsuite></testsuites>"
        )
    };
    let failure = "<failure type='a' message='b'>c</failure>";
    assert_eq!(xsd::faults(schema, &suite(&format!("{failure}<system-out>x</system-out>"))), [""; 0]);
    for wrong in
        [format!("{failure}{failure}"), format!("<system-out>x</system-out>{failure}"), failure.replace("type='a'", "")]
    {
        assert_eq!(xsd::faults(schema, &suite(&wrong)).len(), 1, "{wrong}");
    }
}

#[test]
fn github_annotates_the_line() {
    let text = run("github", &["-o", "github"]);
    let line = "::error file=bad.yaml,line=15,col=13,title=privileged (critical)::Deployment shop/web, container \"app\", securityContext.privileged: found true, wanted false or not set%0A";
    assert!(text.lines().any(|found| found.starts_with(line)), "{text}");
    assert!(text.contains("\n::warning file=bad.yaml,line=10,col=7,title=host-network (high)::"), "{text}");
    assert!(
        text.contains("\n::error file=broken.yaml,line=1,col=4,title=unreadable (critical)::this `[` has no `]`"),
        "{text}"
    );
    assert!(text.contains("::notice file=hint.yaml,"), "{text}");
    // One command a line, and no name is a command.
    assert!(text.lines().rev().skip(1).all(|line| line.starts_with("::")), "{text}");
}

#[test]
fn gitlab_knows_each_issue_by_its_fingerprint() {
    let text = run("gitlab", &["-o", "gitlab"]);
    let issues: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let mut fingerprints: Vec<&str> = issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), issues.len());
    for issue in &issues {
        let keys: Vec<&String> = issue.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["check_name", "description", "fingerprint", "location", "severity"]);
        assert!(
            ["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().expect("a word"))
        );
        assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0));
    }
    assert_eq!(check(&dir("gitlab-clean"), &["-o", "gitlab", "good.yaml"]).out, "[]\n");
    // A moved line is the same issue.
    let moved = Dir::new("gitlab-moved", &[("bad.yaml", &format!("# one more line\n{BAD}")), ("old.yaml", BAD)]);
    let of = |file: &str| -> Vec<Value> {
        let issues = check(&moved, &["-o", "gitlab", file]).json();
        issues.as_array().expect("a list").iter().map(|issue| issue["fingerprint"].clone()).collect()
    };
    assert_eq!(of("bad.yaml"), of("old.yaml"));
}

#[test]
fn markdown_fits_a_comment() {
    let text = run("markdown", &["-o", "markdown"]);
    assert!(text.starts_with("### \u{274c} podreeve denies\n\n"), "{text}");
    assert!(
        text.contains(
            "| \u{274c} denied | critical | `privileged` | `bad.yaml:15` | Deployment shop/web, container \"app\"<br>"
        ),
        "{text}"
    );
    assert!(!text.contains("<b>") && !text.contains("@x"), "{text}");
    let many = Dir::new("markdown-many", &[("many.yaml", &format!("{BAD}---\n").repeat(700))]);
    let text = check(&many, &["-o", "markdown", "many.yaml"]).out;
    assert!(text.chars().count() < 65_536 && text.contains("more are left out"), "{}", text.len());
    // The denials come first.
    assert!(!text.contains("| warning |") && !text.contains(" warning | "), "{}", &text[..500]);
    let clean = check(&dir("markdown-clean"), &["-o", "markdown", "good.yaml"]).out;
    assert!(clean.starts_with("### \u{2705} podreeve admits everything"), "{clean}");
}

#[test]
fn html_is_one_file_without_any_other() {
    let text = run("html", &["-o", "html", "--all"]);
    assert!(text.starts_with("<!doctype html>") && text.ends_with("</html>"), "{text}");
    assert!(text.contains("prefers-color-scheme: dark") && text.contains("default-src 'none'"));
    for outside in ["<script", "src=", "@import", "url(", "<link"] {
        assert!(!text.contains(outside), "{outside}");
    }
    // Names of an author are text.
    assert!(!text.contains("a<b>") && text.contains("a&#60;b&#62;&#38;"), "{text}");
    assert!(text.contains("<h2>By rule</h2>") && text.contains("<h2>By namespace</h2>"));
    let tags = |name: &str| text.matches(&format!("<{name}")).count() - text.matches(&format!("</{name}>")).count();
    for name in ["div", "section", "details", "table", "span>", "main"] {
        if !name.ends_with('>') {
            assert_eq!(tags(name), 0, "{name}");
        }
    }
}

#[test]
fn several_formats_are_written_in_one_run() {
    let dir = dir("several");
    let args = [
        "check",
        "--policy",
        "p/policy.yaml",
        "-o",
        "sarif=out.sarif",
        "-o",
        "text",
        "-o",
        "json=out.json",
        "-o",
        "text=out.txt",
        "bad.yaml",
    ];
    let output = dir.command(&args).env("CLICOLOR_FORCE", "1").output().expect("runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let read = |file: &str| std::fs::read_to_string(dir.0.join(file)).expect(file);
    assert!(read("out.sarif").contains("\"version\": \"2.1.0\""));
    let report: Value = serde_json::from_str(&read("out.json")).expect("JSON");
    assert_eq!(report["summary"]["denied"], 1);
    assert!(output.stdout.contains(&0x1b));
    assert!(
        !read("out.txt").contains('\u{1b}') && read("out.txt").contains("bad.yaml:15:13 privileged critical denied")
    );
    for (outputs, fault) in [
        (&["-o", "text", "-o", "json"][..], "two formats go to stdout"),
        (&["-o", "json=a", "-o", "sarif=a"], "two formats go to a"),
        (&["-o", "json=nowhere/a"], "nowhere/a: cannot be written"),
        (&["-o", "jsn"], "did you mean `json`?"),
        (&["-o", "json="], "name a file behind `json=`"),
    ] {
        let ran = dir.run(&[&["check", "bad.yaml"], outputs].concat());
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{outputs:?}: {ran:?}");
        assert!(ran.err.contains(fault), "{outputs:?}: {}", ran.err);
    }
}

/// The parts that are written one by one make the same document as all at once.
#[test]
fn json_in_parts_is_pretty_as_a_whole() {
    for files in [&["bad.yaml", "exempt.yaml", "broken.yaml"][..], &["good.yaml"], &["broken.yaml"]] {
        let ran = check(&dir(&format!("json-{}", files.len())), &[&["-o", "json"], files].concat());
        let report = ran.json();
        let mut keys =
            ran.out.lines().filter(|line| line.starts_with("  \"")).map(|line| line.split('"').nth(1).expect("a key"));
        assert!(keys.by_ref().eq(["apiVersion", "kind", "objects", "errors", "passedOver", "withoutPod", "summary"]));
        let width = |text: &str| text.lines().map(|line| line.len() - line.trim_start().len()).collect::<Vec<_>>();
        let whole = serde_json::to_string_pretty(&report).expect("JSON");
        let (mut mine, mut other) = (width(&ran.out), width(&whole));
        mine.sort_unstable();
        other.sort_unstable();
        assert_eq!(mine, other);
    }
}

#[test]
fn no_format_prints_a_secret() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects()});
    let dir = Dir::new("format-secrets", &[("list.yaml", &podreeve::manifest::to_yaml(&list))]);
    for format in ["text", "sarif", "junit", "github", "gitlab", "markdown", "html"] {
        let ran = dir.run(&["check", "--all", "--snippet", "-o", format, "list.yaml"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.out.contains("env-secrets"), "{format}");
        assert_none(ran.out.as_bytes(), format);
        assert_none(ran.err.as_bytes(), "stderr");
    }
    let ran = dir.run(&["check", "--write-baseline", "known.json", "list.yaml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_none(&std::fs::read(dir.0.join("known.json")).expect("written"), "the baseline");
}
