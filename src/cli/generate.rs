//! The files that are generated from the code. `examples/gen.rs` writes them, and a test compares them.

mod built_in;
mod commands_page;
mod fields;
mod metrics_page;
mod owasp_page;
mod policies_page;
mod rule_pages;
mod rules_page;
mod schemas;

/// Every generated file: its path below the root of the repository, and its content.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let files = [
        ("src/workload/fields.txt", fields::fields()),
        ("docs/rules.md", rules_page::rules()),
        ("docs/owasp.md", owasp_page::owasp()),
        ("docs/reference/command-line.md", commands_page::commands()),
        ("docs/reference/metrics.md", metrics_page::metrics()),
        ("policies/README.md", policies_page::policies()),
        ("docs/check-report.schema.json", schemas::check_report()),
        ("docs/image-report.schema.json", schemas::image_report()),
        ("docs/node-report.schema.json", schemas::node_report()),
        ("docs/scan-report.schema.json", schemas::scan_report()),
        ("docs/why-report.schema.json", schemas::why_report()),
        ("docs/decision-line.schema.json", schemas::decision_line()),
        ("docs/policy.schema.json", schemas::policy()),
        ("docs/owasp-report.schema.json", schemas::owasp_report()),
        ("docs/policy-test.schema.json", schemas::policy_test()),
        ("docs/test-report.schema.json", schemas::test_report()),
        ("docs/trust.schema.json", schemas::trust()),
        ("docs/images.schema.json", schemas::images()),
        ("charts/podreeve/files/built-in.yaml", built_in::names()),
        ("deploy/crds/policies.podreeve.dev.yaml", schemas::policy_crd()),
        ("deploy/crds/exemptions.podreeve.dev.yaml", schemas::exemption_crd()),
        ("deploy/crds/imagefacts.podreeve.dev.yaml", schemas::image_facts_crd()),
    ];
    files.into_iter().map(|(path, content)| (path.to_owned(), content)).chain(rule_pages::pages()).collect()
}
