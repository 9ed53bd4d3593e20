use super::*;

fn document(more: &str, statements: &str) -> Vec<Statement> {
    let text = format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0"{more},"statements":[{statements}]}}"#);
    read(&text).unwrap()
}

fn covers(statement: &str, id: &str, package: &str) -> bool {
    excludes([&*document("", statement)], id, package, &["sha256:aa"])
}

#[test]
fn a_statement_excludes_what_it_names() {
    let image = r#"{"vulnerability":{"name":"CVE-1","aliases":["GHSA-1"]},"products":[{"@id":"pkg:oci/web"}],"status":"not_affected"}"#;
    assert!(covers(image, "CVE-1", "openssl"));
    assert!(covers(image, "GHSA-1", "openssl"));
    assert!(!covers(image, "CVE-2", "openssl"));
    assert!(!covers(&image.replace("not_affected", "affected"), "CVE-1", "openssl"));
    let one = r#"{"vulnerability":"CVE-1","products":[{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:deb/debian/openssl@3.0?arch=amd64"}]}],"status":"fixed"}"#;
    assert!(covers(one, "CVE-1", "openssl"));
    assert!(!covers(one, "CVE-1", "zlib"));
    let bare = r#"{"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-1"},"products":["pkg:npm/left-pad@1"],"status":"not_affected"}"#;
    assert!(covers(bare, "CVE-1", "left-pad"));
    assert!(!covers(bare, "CVE-1", "openssl"));
    assert!(covers(r#"{"vulnerability":"CVE-1","status":"fixed"}"#, "CVE-1", "openssl"));
}

#[test]
fn a_product_that_is_another_image_counts_for_that_one_alone() {
    let of = |product: &str| {
        let statement = format!(r#"{{"vulnerability":"CVE-1","status":"fixed","products":[{product}]}}"#);
        covers(&statement, "CVE-1", "openssl")
    };
    for (digest, wanted) in [("aa", true), ("bb", false)] {
        for product in [
            format!(r#""pkg:oci/web@sha256:{digest}""#),
            format!(r#"{{"@id":"pkg:oci/web@sha256%3A{digest}?repository_url=a.example.com"}}"#),
            format!(r#"{{"@id":"https://example.com/web","identifiers":{{"purl":"pkg:oci/web@sha256:{digest}"}}}}"#),
            format!(r#"{{"@id":"https://example.com/web","hashes":{{"sha-256":"{digest}"}}}}"#),
        ] {
            assert_eq!(of(&product), wanted, "{product}");
        }
    }
    // Each product has parts of its own.
    let two = r#"{"vulnerability":"CVE-1","status":"fixed","products":[
        {"@id":"pkg:oci/web@sha256:aa","subcomponents":["pkg:deb/debian/zlib"]},
        {"@id":"pkg:oci/api@sha256:bb","subcomponents":["pkg:deb/debian/openssl"]}]}"#;
    assert!(covers(two, "CVE-1", "zlib") && !covers(two, "CVE-1", "openssl"));
}

/// One statement about CVE-1 with this status, and more keys.
fn status(status: &str, more: &str) -> String {
    format!(r#"{{"vulnerability":"CVE-1","status":"{status}"{more}}}"#)
}

#[test]
fn the_newest_statement_of_a_document_counts() {
    let at = |day: u8| format!(r#","timestamp":"2026-01-{day:02}T00:00:00Z""#);
    let of = |statements: &[String]| {
        let document = document(&at(10), &statements.join(","));
        excludes([&*document], "CVE-1", "openssl", &[])
    };
    let (safe, affected) = (|more: &str| status("not_affected", more), |more: &str| status("affected", more));
    assert!(of(&[safe("")]));
    // Without times of their own, the last one counts.
    assert!(!of(&[safe(""), affected("")]));
    assert!(of(&[affected(""), safe("")]));
    assert!(!of(&[safe(""), status("under_investigation", "")]));
    // A time of its own counts before the place, and before that of the document.
    assert!(!of(&[affected(&at(12)), safe(&at(11))]));
    assert!(of(&[affected(&at(9)), safe("")]));
    assert!(of(&[safe(""), affected(&at(9))]));
    assert!(!of(&[affected(""), safe(&at(9))]));
    // The time of a change is one, too.
    let updated = r#","timestamp":"2026-01-01T00:00:00Z","last_updated":"2026-01-20T00:00:00Z""#;
    assert!(!of(&[affected(updated), safe(&at(15))]));
    assert!(!of(&[affected(r#","version":2"#), safe(r#","version":1"#)]));
    // A statement about one package says nothing of another.
    let zlib = r#","products":["pkg:deb/debian/zlib"]"#;
    assert!(of(&[safe(""), affected(zlib)]));
    // A status that OpenVEX does not have says nothing.
    assert!(of(&[safe(""), status("maybe", "")]));
}

#[test]
fn the_newest_of_several_documents_counts() {
    let of = |documents: &[(&str, &str)]| {
        let read: Vec<Vec<Statement>> = documents.iter().map(|(more, one)| document(more, &status(one, ""))).collect();
        let forward = excludes(read.iter().map(Vec::as_slice), "CVE-1", "openssl", &[]);
        let backward = excludes(read.iter().rev().map(Vec::as_slice), "CVE-1", "openssl", &[]);
        assert_eq!(forward, backward, "the order in which they are attached decides nothing: {documents:?}");
        forward
    };
    let (old, new) = (r#","timestamp":"2026-01-01T00:00:00-06:00""#, r#","timestamp":"2026-02-01T00:00:00Z""#);
    let (first, second) =
        (&*format!(r#"{old},"version":1"#), &*format!(r#"{old},"version":"2","last_updated":"2026-01-03T00:00:00Z""#));
    assert!(!of(&[(old, "not_affected"), (new, "affected")]));
    assert!(of(&[(old, "affected"), (new, "not_affected")]));
    assert!(!of(&[(first, "not_affected"), (second, "affected")]));
    assert!(of(&[(first, "affected"), (second, "fixed")]));
    // Where nothing says which is newer, the vulnerability stays.
    assert!(!of(&[(old, "not_affected"), (old, "affected")]));
    assert!(!of(&[("", "not_affected"), ("", "affected")]));
    assert!(!of(&[(new, "not_affected"), ("", "affected")]));
    assert!(!of(&[(r#","timestamp":"yesterday""#, "not_affected"), (old, "affected")]));
}

#[test]
fn another_document_is_refused() {
    assert!(read("{}").is_err());
    assert!(read(r#"{"@context":"https://evil.example","statements":[]}"#).is_err());
}
