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

/// Whether these documents exclude a vulnerability of this package: OpenSSL of Debian 3.0, or another one in version 1.
fn excludes<'d>(
    documents: impl IntoIterator<Item = &'d [Statement]>,
    id: &str,
    package: &str,
    manifests: &[&str],
) -> bool {
    let (purl, installed) =
        if package == "openssl" { ("pkg:deb/debian/openssl@3.0?arch=amd64", "3.0") } else { ("", "1") };
    excludes_of(documents, id, package, [purl, installed], manifests)
}

fn excludes_of<'d>(
    documents: impl IntoIterator<Item = &'d [Statement]>,
    id: &str,
    package: &str,
    [purl, installed]: [&str; 2],
    manifests: &[&str],
) -> bool {
    let (id, package, fixed_in) = (id.to_owned(), package.to_owned(), "9".to_owned());
    let found = Finding { id, package, fixed_in, purl: purl.to_owned(), installed: installed.to_owned() };
    Said::new(documents, std::slice::from_ref(&found)).excludes(&found, manifests)
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
        "pkg:OCI/web@SHA256:AA",
        "registry.example.com/shop/web@SHA256:AA",
        r#"{"@id":"x","hashes":{"sha-256":"sha256:AA"}}"#,
        "pkg:oci/web?repository_url=registry.example.com/shop/web:1.2",
        "pkg:oci/web?repository_url=registry.example.com:443/shop",
        "https://registry.example.com/shop/web:1.2",
        "docker://registry.example.com/shop/web:1.2",
        "oci://registry.example.com/shop/web",
        // The digest is that of this image, whatever the names are.
        r#"{"@id":"registry.example.com/db/other:1","identifiers":{"purl":"pkg:oci/web@sha256:aa"}}"#,
        "pkg:deb/debian/openssl@3.0?arch=amd64",
        "pkg:deb/openssl",
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
        "pkg:npm/openssl",
        "pkg:npm/openssl@3.0",
        "pkg:golang/github.com/x/openssl",
        "pkg:deb/ubuntu/openssl",
        "registry.example.com/shop/web@md5:aa",
        "pkg:oci/web?checksum=sha256:bb",
        "oci://registry.example.com/db/web:1.2",
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
    for product in [
        r#"{"@id":"pkg:oci/web","identifiers":{"purl":"pkg:oci/other"}}"#,
        r#"{"@id":"registry.example.com/db/other","identifiers":{"purl":"pkg:oci/web"}}"#,
        r#"{"@id":"pkg:oci/web","hashes":{"sha-256":"bb"}}"#,
        r#"{"@id":"pkg:oci/other@sha256:bb","identifiers":{"purl":"pkg:oci/web@sha256:aa"}}"#,
        "pkg:oci/web?tag=1.2&tag=9",
        "pkg:oci/web?repository_url=registry.example.com/shop/web&repository_url=registry.example.com/db/web",
        // A product with parts that is no image.
        r#"{"@id":"pkg:golang/example.com/other@v1","subcomponents":["pkg:deb/debian/openssl@3.0"]}"#,
        r#"{"@id":"pkg:generic/other@7","subcomponents":["pkg:deb/debian/openssl"]}"#,
        r#"{"identifiers":{"cpe23":"cpe:2.3:a:acme:other:1"},"subcomponents":["pkg:deb/debian/openssl"]}"#,
        r#"{"hashes":{"sha-512":"ee"},"subcomponents":["pkg:deb/debian/openssl"]}"#,
    ] {
        assert_eq!(of_product(web, &[], product), (false, true), "{product}");
    }
}

#[test]
fn a_product_of_one_platform_counts_for_it_alone() {
    let web = "registry.example.com/shop/web:1.2";
    let (one, two): (&[&str], &[&str]) = (&["sha256:cc"], &["sha256:cc", "sha256:dd"]);
    for (leaves, product, wanted) in [
        (two, "pkg:oci/web?arch=amd64", (false, true)),
        (two, "pkg:oci/web@sha256:aa?arch=amd64", (false, true)),
        (two, "pkg:oci/web?variant=v8", (false, true)),
        (two, "pkg:docker/shop/web@1.2?repository_url=registry.example.com&platform=linux%2Farm64", (false, true)),
        (two, "pkg:docker/shop/web@1.2?digest=sha256:aa&platform=linux%2Farm64", (false, true)),
        (
            two,
            r#"{"@id":"registry.example.com/shop/web","identifiers":{"purl":"pkg:oci/web?arch=arm64"}}"#,
            (false, true),
        ),
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

#[test]
fn the_parts_of_a_product_that_is_no_image_are_none_of_this_one() {
    let old = r#"{"vulnerability":"CVE-1","status":"fixed","products":["pkg:helm/acme/other@v1"],"subcomponents":["pkg:deb/debian/openssl"]}"#;
    assert!(!covers(old, "CVE-1", "openssl"));
}

#[test]
fn a_package_is_compared_by_type_namespace_name_and_version() {
    let of = |product: &str, package: &str, scan: [&str; 2]| {
        let of_status =
            |status: &str| format!(r#"{{"vulnerability":"CVE-1","status":"{status}","products":["{product}"]}}"#);
        let all = r#"{"vulnerability":"CVE-1","status":"fixed"}"#;
        let (safe, back) =
            (document("", &of_status("fixed")), document("", &format!("{all},{}", of_status("affected"))));
        (excludes_of([&*safe], "CVE-1", package, scan, &[]), !excludes_of([&*back], "CVE-1", package, scan, &[]))
    };
    let (same, other, unsure) = ((true, true), (false, false), (false, true));
    let debian = ["pkg:deb/debian/openssl@3.0.1-1?arch=amd64&epoch=1", "1:3.0.1-1"];
    let go = ["pkg:golang/github.com/x/y@v1.2.3", "1.2.3"];
    for (product, package, scan, wanted) in [
        ("pkg:deb/debian/openssl", "openssl", debian, same),
        ("pkg:deb/debian/openssl@3.0.1-1", "openssl", debian, same),
        ("pkg:deb/debian/openssl@1%3A3.0.1-1", "openssl", debian, same),
        ("pkg:deb/debian/openssl@3.0.1-1?epoch=1", "openssl", debian, same),
        ("pkg:deb/debian/openssl@3.0.1-1?epoch=2", "openssl", debian, other),
        ("pkg:deb/debian/openssl@3.0.2-1", "openssl", debian, other),
        ("pkg:deb/openssl", "openssl", debian, same),
        ("pkg:deb/ubuntu/openssl", "openssl", debian, other),
        ("pkg:rpm/debian/openssl", "openssl", debian, other),
        ("pkg:golang/github.com/x/y@1.2.3", "github.com/x/y", go, same),
        ("pkg:golang/github.com/x/y@v1.2.4", "github.com/x/y", go, other),
        ("pkg:golang/y", "github.com/x/y", go, other),
        ("pkg:apk/wolfi/git@2.39.0-r1?arch=armv7", "git", ["", "2.39.0-r1"], same),
        ("pkg:apk/wolfi/git@2.39.0-r1?arch=armv7", "git", ["", "2.39.0-r2"], other),
        ("pkg:apk/wolfi/git@2.39.0-r1?arch=armv7", "git", ["", ""], unsure),
        ("pkg:npm/%40angular/core@1", "@angular/core", ["pkg:npm/%40angular/core@1", "1"], same),
        ("pkg:npm/@angular/core", "@angular/core", ["", "1"], same),
        ("pkg:npm/core", "@angular/core", ["pkg:npm/%40angular/core@1", "1"], other),
        ("pkg:maven/org.example/log@1", "org.example:log", ["", "1"], same),
        ("pkg:pypi/Ruamel_yaml", "ruamel.yaml", ["pkg:pypi/ruamel.yaml@1", "1"], same),
    ] {
        assert_eq!(of(product, package, scan), wanted, "{product} {scan:?}");
    }
}

#[test]
fn products_share_the_names_and_the_parts_of_their_statement() {
    let list = |one: &dyn Fn(usize) -> String, count: usize| -> String {
        (0..count).map(|at| format!(r#""{}""#, one(at))).collect::<Vec<_>>().join(",")
    };
    let (products, parts) =
        (list(&|_| "pkg:oci/web@sha256:aa".into(), 20_000), list(&|at| format!("pkg:deb/debian/p{at}"), 20_000));
    let text = format!(
        r#"{{"vulnerability":{{"name":"CVE-1","aliases":[{}]}},"status":"fixed","products":[{products}],"subcomponents":[{parts}]}}"#,
        list(&|at| format!("GHSA-{at}"), 20_000)
    );
    let read = document("", &text);
    assert_eq!((read.len(), read[0].about.len(), read[0].size()), (1, 1, 40_003));
    assert!(excludes([&*read], "GHSA-7", "p19999", &["sha256:aa"]));
}

#[test]
fn a_document_that_says_more_than_is_kept_counts_for_nothing() {
    let image = ImageRef::parse("registry.example.com/shop/web");
    let subject = Subject { names: [&image; 2], digest: "sha256:aa", leaves: &[] };
    let of = |product: &str, count: usize| {
        let one = format!(r#"{{"vulnerability":"CVE-1","status":"fixed","products":["{product}"]}}"#);
        let statements = vec![one; count].join(",");
        read(&format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{statements}]}}"#), &subject, now())
    };
    assert_eq!(of("pkg:oci/web", 50_000).unwrap().len(), 50_000);
    let error = of("pkg:oci/web", 50_001).unwrap_err();
    assert_eq!(error, "it says more of this image than the 100000 names, packages and digests that are kept");
    assert!(of("pkg:oci/other", 50_001).unwrap().is_empty(), "what is said of other images is not kept");
}
