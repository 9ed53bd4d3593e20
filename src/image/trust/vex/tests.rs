use super::*;
use crate::reference::ImageRef;

fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

/// What a document says of an image that is pulled by this name, and was called so when it was signed.
fn read_for(names: [&str; 2], leaves: &[&str], text: &str) -> Vec<Statement> {
    let names = names.map(ImageRef::parse);
    let leaves: Vec<String> = leaves.iter().map(|leaf| (*leaf).to_owned()).collect();
    let subject = Subject { names: names.each_ref(), digest: "sha256:aa", leaves: &leaves };
    read(text, &subject, now()).unwrap()
}

fn document(more: &str, statements: &str) -> Vec<Statement> {
    let text = format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0"{more},"statements":[{statements}]}}"#);
    read_for(["registry.example.com/shop/web:1.2"; 2], &[], &text)
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
    let image = ImageRef::parse("registry.example.com/shop/web");
    let subject = Subject { names: [&image; 2], digest: "sha256:aa", leaves: &[] };
    for text in ["{}", r#"{"@context":"https://evil.example","statements":[]}"#] {
        assert!(read(text, &subject, now()).is_err());
    }
}

/// Whether `not_affected` of this product takes CVE-1 of openssl away, and whether `affected` of it takes an older exclusion back, from each platform.
fn of_product(name: &str, leaves: &[&str], product: &str) -> (bool, bool) {
    let product = if product.starts_with('{') { product.to_owned() } else { format!(r#""{product}""#) };
    let statement = |status: &str, day: u8| {
        format!(
            r#"{{"vulnerability":"CVE-1","status":"{status}","timestamp":"2026-01-{day:02}T00:00:00Z","products":[{product}]}}"#
        )
    };
    let all = r#"{"vulnerability":"CVE-1","status":"fixed","timestamp":"2026-01-01T00:00:00Z"}"#;
    let left = |statements: String| {
        let text = format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{statements}]}}"#);
        let read = read_for([name, "old.example.com/shop/web:1.2"], leaves, &text);
        let manifests = leaves.first().copied().unwrap_or("sha256:aa");
        !excludes([&*read], "CVE-1", "openssl", &[manifests, "sha256:aa"])
    };
    (!left(statement("not_affected", 2)), left(format!("{all},{}", statement("affected", 2))))
}

#[test]
fn a_product_counts_where_it_is_this_image() {
    let (web, by_digest) = ("registry.example.com/shop/web:1.2", "registry.example.com/shop/web@sha256:aa");
    for product in [
        // As vexctl and Trivy write them.
        "pkg:oci/web@sha256%3Aaa?repository_url=registry.example.com%2Fshop&arch=amd64&os=linux&tag=9",
        "pkg:oci/web@sha256:aa?repository_url=mirror.example.com/shop/web",
        "pkg:oci/web?repository_url=registry.example.com/shop/web",
        "pkg:oci/web?repository_url=registry.example.com/shop&tag=1.2",
        "pkg:oci/web?repository_url=https://registry.example.com:443/shop/web/",
        "pkg:oci/web?arch=amd64",
        "pkg:oci/web?digest=sha256:aa",
        "pkg:oci/web@1.2",
        "pkg:oci/shop/web",
        "pkg:docker/shop/web@1.2?repository_url=registry.example.com",
        "registry.example.com/shop/web:1.2",
        "registry.example.com:443/shop/web",
        "registry.example.com/shop/web@sha256:aa",
        "mirror.example.com/shop/web@sha256:aa",
        "sha256:aa",
        // As it was called when it was signed.
        "pkg:oci/web?repository_url=old.example.com/shop/web",
        "old.example.com/shop/web:1.2",
        "pkg:deb/debian/openssl@3.0?arch=amd64",
        r#"{"@id":"pkg:deb/debian/openssl","hashes":{"sha-256":"bb"}}"#,
        r#"{"@id":"https://example.com/products/web","identifiers":{"purl":"pkg:oci/web"}}"#,
        r#"{"subcomponents":["pkg:deb/debian/openssl"]}"#,
    ] {
        assert_eq!(of_product(web, &[], product), (true, true), "{product}");
    }
    for product in [
        "pkg:oci/other",
        "pkg:oci/web2",
        "pkg:oci/eb",
        "pkg:oci/other@1.2",
        "pkg:oci/other?repository_url=registry.example.com/db/other",
        "pkg:oci/web?repository_url=registry.example.com/db",
        "pkg:oci/web?repository_url=mirror.example.com/shop/web",
        "pkg:oci/web?tag=1.3",
        "pkg:oci/web@sha256:bb?repository_url=registry.example.com/shop/web",
        "pkg:oci/web?digest=sha256:bb",
        "pkg:docker/library/redis@7",
        "pkg:oci/",
        "registry.example.com/db/other:1",
        "registry.example.com/shop/web:1.3",
        "registry.example.com/shop/web@sha256:bb",
        "registry.example.com/shop/web@sha512:bb",
        "https://example.com/products/other-product",
        "https://example.com/products/web",
        "pkg:deb/debian/zlib",
        "",
        "{}",
    ] {
        assert_eq!(of_product(web, &[], product), (false, false), "{product}");
    }
    for product in
        ["nginx", "docker.io/nginx:1", "pkg:oci/nginx?repository_url=index.docker.io/library", "pkg:docker/nginx@1"]
    {
        assert_eq!(of_product("nginx:1", &[], product), (true, true), "{product}");
    }
    assert_eq!(of_product("shared.example.com/web:1", &[], "shared.example.com/web:1"), (true, true));
    assert_eq!(of_product("registry.example.com/shop/web", &[], "pkg:oci/web?tag=latest"), (true, true));
    assert_eq!(of_product("registry.example.com/shop/web", &[], "pkg:oci/web?tag=1"), (false, false));
    // What may be this image takes nothing away, and gives back.
    for product in ["pkg:oci/web@1.2", "pkg:oci/web?tag=1.2", "registry.example.com/shop/web:1.2"] {
        assert_eq!(of_product(by_digest, &[], product), (false, true), "{product}");
    }
    let (one, two): (&[&str], &[&str]) = (&["sha256:cc"], &["sha256:cc", "sha256:dd"]);
    for (leaves, product, wanted) in [
        (two, "pkg:oci/web?arch=amd64", (false, true)),
        (two, "pkg:oci/web@sha256:aa?arch=amd64", (false, true)),
        (two, "pkg:oci/web@sha256:aa", (true, true)),
        (two, "pkg:oci/web@sha256:cc?arch=amd64", (true, true)),
        (two, "pkg:oci/web@sha256:dd?arch=arm64", (false, false)),
        (one, "pkg:oci/web?arch=amd64", (true, true)),
    ] {
        assert_eq!(of_product(web, leaves, product), wanted, "{product}");
    }
}

#[test]
fn one_document_of_a_company_clears_the_image_of_nothing_that_another_product_is_cleared_of() {
    let statement = |product: &str, status: &str| {
        format!(r#"{{"vulnerability":"CVE-1","status":"{status}","products":["{product}"]}}"#)
    };
    let both = [statement("pkg:oci/web?digest=sha256:aa", "affected"), statement("pkg:oci/other", "not_affected")];
    assert!(!excludes([&*document("", &both.join(","))], "CVE-1", "openssl", &["sha256:aa"]));
}

#[test]
fn the_parts_of_an_older_document_are_those_of_all_of_its_products() {
    let old = r#"{"vulnerability":"CVE-1","status":"fixed","products":["pkg:oci/web"],"subcomponents":["pkg:deb/debian/zlib"]}"#;
    assert!(covers(old, "CVE-1", "zlib") && !covers(old, "CVE-1", "openssl"));
}

#[test]
fn a_time_that_is_still_to_come_counts_for_nothing() {
    let of = |safe: &str, affected: &str| {
        let at = |text: &str| format!(r#","timestamp":"{text}""#);
        let documents =
            [document("", &status("not_affected", &at(safe))), document("", &status("affected", &at(affected)))];
        excludes(documents.iter().map(Vec::as_slice), "CVE-1", "openssl", &[])
    };
    assert!(of("2026-11-27T12:04:00Z", "2026-11-27T11:00:00Z"), "clocks differ");
    assert!(!of("2027-11-27T12:00:00Z", "2026-11-27T11:00:00Z"));
    assert!(!of("2026-11-27T12:06:00Z", "2026-01-01T00:00:00Z"));
}
