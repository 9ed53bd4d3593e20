//! The published schema of policies is the schema of the code. tests/cli/commands.rs compares the whole files.

use podreeve::policy::document::PolicySpec;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

#[test]
fn the_published_schema_has_the_parameters_of_every_rule() {
    let published: Value = serde_json::from_str(include_str!("../../docs/policy.schema.json")).expect("it is JSON");
    let mut made: Value = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PolicySpec>().into();
    let map = made.as_object_mut().expect("a schema with keys");
    map.remove("$schema");
    map.remove("title");
    let definitions = map.remove("$defs").unwrap_or_else(|| json!({}));
    assert_eq!(
        published["properties"]["spec"], made,
        "docs/policy.schema.json is not the schema of the code. Run `make gen` and commit what it writes."
    );
    assert_eq!(
        published["$defs"], definitions,
        "docs/policy.schema.json is not the schema of the code. Run `make gen` and commit what it writes."
    );
}

/// The published files contain doc comments, and a link of rustdoc does not work there.
#[test]
fn published_text_has_no_links_of_rustdoc() {
    let published = [
        ("docs/policy.schema.json", include_str!("../../docs/policy.schema.json")),
        ("docs/check-report.schema.json", include_str!("../../docs/check-report.schema.json")),
        ("docs/scan-report.schema.json", include_str!("../../docs/scan-report.schema.json")),
        ("docs/policy-test.schema.json", include_str!("../../docs/policy-test.schema.json")),
        ("docs/test-report.schema.json", include_str!("../../docs/test-report.schema.json")),
        ("deploy/crds/policies.podreeve.dev.yaml", include_str!("../../deploy/crds/policies.podreeve.dev.yaml")),
        ("deploy/crds/exemptions.podreeve.dev.yaml", include_str!("../../deploy/crds/exemptions.podreeve.dev.yaml")),
        ("docs/rules.md", include_str!("../../docs/rules.md")),
        ("policies/README.md", include_str!("../../policies/README.md")),
    ];
    let links: Vec<String> = published
        .iter()
        .flat_map(|(file, text)| text.lines().enumerate().map(move |(n, line)| (file, n + 1, line.trim())))
        // A link of Markdown has a target.
        .filter(|(_, _, line)| line.replace("`](", "").contains("`]") || line.contains("crate::"))
        .map(|(file, number, line)| format!("{file}:{number}: {line}"))
        .collect();
    assert!(
        links.is_empty(),
        "these published texts have links of rustdoc. Write the name in the doc comment without a link, and run `make gen`:\n  {}",
        links.join("\n  ")
    );
}
