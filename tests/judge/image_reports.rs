//! What scanners in the cluster report of images, for the pods that it counts for.

use super::common::snapshot;
use super::images::{WEB, create, deployment, facts, found, known, pod, unknown, with_images};
use podreeve::admit::{Hook, Snapshot};
use podreeve::facts::reported_scans::ReportedScans;
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, KnownImage, Reader, UnknownKind};
use podreeve::image::trust::{Reported, Scan, Vulnerability};
use serde_json::{Value, json};
use std::sync::Arc;

/// A report of these vulnerabilities in openssl, with a scan of this day in November 2026.
fn report(source: &str, day: u8, critical: &[&str]) -> Reported {
    let one = |id: &&str| Vulnerability {
        id: (*id).to_owned(),
        package: "openssl".to_owned(),
        fixed_in: "3.1".to_owned(),
        ..Vulnerability::default()
    };
    let finished = format!("2026-11-{day:02}T00:00:00Z").parse().ok();
    let scan = Scan { scanner: "Trivy".to_owned(), finished, critical: critical.iter().map(one).collect() };
    Reported { source: source.into(), others: 0, scan: Arc::new(scan), unnamed: 0 }
}

/// The snapshot, with reports by namespace and digest.
fn with_reports(mut snapshot: Snapshot, reports: &[(&str, &Digest, Reported)]) -> Snapshot {
    let mut scans = ReportedScans::default();
    for (namespace, digest, report) in reports {
        scans.set(namespace, [(digest.as_str().into(), report.clone())].into());
    }
    snapshot.facts.scans = Arc::new(scans);
    snapshot
}

fn rules(params: &Value) -> Snapshot {
    snapshot(json!({"image-vulnerabilities": {"action": "deny", "params": params}}))
}

fn of_web(image: ImageAnswer, params: &Value, reports: &[(&str, &Digest, Reported)]) -> Vec<String> {
    let snapshot = with_reports(with_images(rules(params), &json!({}), vec![(WEB, image)]), reports);
    found(&create(&pod(WEB), Hook::Validate, &snapshot))
}

const AT: &str = "deny image-vulnerabilities /spec/containers/0/image";

#[test]
fn a_report_counts_in_its_namespace_and_one_of_the_cluster_everywhere() {
    let digest = Digest::sha256(b"web");
    let good = || known("web", &[json!({})]);
    let bad = |source| report(source, 20, &["CVE-1"]);
    let text =
        |source: &str| format!("{AT} {source}: 1 critical vulnerability with a fix: CVE-1 in openssl (fixed in 3.1)");
    let none = json!({});
    assert!(of_web(good(), &none, &[]).is_empty());
    assert_eq!(of_web(good(), &none, &[("shop", &digest, bad("R shop/a"))]), [text("R shop/a")]);
    assert_eq!(of_web(good(), &none, &[("", &digest, bad("C a"))]), [text("C a")]);
    for elsewhere in ["other", "sho", "shop2"] {
        assert!(of_web(good(), &none, &[(elsewhere, &digest, bad("R a"))]).is_empty(), "{elsewhere}");
    }
    assert!(of_web(good(), &none, &[("shop", &Digest::sha256(b"api"), bad("R a"))]).is_empty());
    assert!(of_web(good(), &json!({"maxCritical": 1}), &[("shop", &digest, bad("R a"))]).is_empty());
    // The worst counts, whatever a newer one says.
    let both = [("shop", &digest, report("R shop/a", 21, &[])), ("", &digest, bad("C a"))];
    assert_eq!(of_web(good(), &none, &both), [text("C a")]);
    // In a template, too.
    let snapshot = with_images(rules(&none), &none, vec![(WEB, good())]);
    let snapshot = with_reports(snapshot, &[("shop", &digest, bad("R shop/a"))]);
    let found = found(&create(&deployment(WEB), Hook::Validate, &snapshot));
    assert_eq!(found, [text("R shop/a").replace("/spec/", "/spec/template/spec/")]);
}

#[test]
fn a_report_may_be_of_the_manifest_of_one_platform() {
    let (index, leaf) = (Digest::sha256(b"index"), Digest::sha256(b"leaf"));
    let image = || {
        let image = KnownImage::new(index.clone(), vec![facts(&json!({}))], Reader::Podreeve);
        ImageAnswer::Known(Arc::new(image.with_leaves(&[leaf.to_string()])))
    };
    for digest in [&index, &leaf] {
        assert_eq!(of_web(image(), &json!({}), &[("shop", digest, report("R", 20, &["CVE-1"]))]).len(), 1);
    }
}

#[test]
fn an_unknown_image_is_judged_by_the_reports_of_its_namespace_alone() {
    let digest = Digest::sha256(b"web");
    let pinned = format!("{WEB}@{digest}");
    let of = |image: &str, namespace: &str| {
        let refused = || ImageAnswer::Unknown(Arc::new(unknown(UnknownKind::Refused)));
        let snapshot = with_images(rules(&json!({})), &json!({}), vec![(WEB, refused()), (&*pinned, refused())]);
        let snapshot = with_reports(snapshot, &[(namespace, &digest, report("R", 20, &["CVE-1"]))]);
        found(&create(&pod(image), Hook::Validate, &snapshot)).len()
    };
    // Where its tag leads is not known.
    assert_eq!([of(&pinned, "shop"), of(&pinned, ""), of(&pinned, "other"), of(WEB, "shop")], [1, 0, 0, 0]);
}

#[test]
fn an_old_report_is_reported_where_no_scan_is_signed() {
    let digest = Digest::sha256(b"web");
    let old = |day| [("shop", &digest, report("R shop/a", day, &[]))];
    let week = json!({"maxAge": "7d"});
    assert!(of_web(known("web", &[json!({})]), &json!({}), &old(1)).is_empty(), "30 days are the default");
    let found = of_web(known("web", &[json!({})]), &week, &old(1));
    assert_eq!(found, [format!("{AT} R shop/a: a scan of 2026-11-01")]);
    // The newest one counts.
    let both = [("shop", &digest, report("R shop/a", 1, &[])), ("", &digest, report("C a", 22, &[]))];
    assert!(of_web(known("web", &[json!({})]), &week, &both).is_empty());
    let signed = known("web", &[signed(&digest, &[])]);
    assert!(of_web(signed, &week, &old(1)).is_empty());
}

/// Facts with a signed scan of 21 November that found nothing, and with more that is signed.
fn signed(digest: &Digest, more: &[Value]) -> Value {
    let attested = |predicate: &str, facts: &Value| json!({"digest": digest, "predicate": predicate, "authority": "a", "evidence": "sha256:dd", "provedAt": null, "facts": facts});
    let scan = json!({"scan": {"scanner": "trivy", "finished": "2026-11-21T00:00:00Z", "critical": []}});
    let vex = more.iter().map(|statement| attested("openVex", &json!({"openVex": [statement]})));
    let all: Vec<Value> = std::iter::once(attested("vulnerabilities", &scan)).chain(vex).collect();
    json!({"trust": {"digest": digest, "wanted": [digest], "attested": all}})
}

#[test]
fn a_report_adds_to_what_is_signed_and_a_signed_vex_document_takes_away() {
    let digest = Digest::sha256(b"web");
    let bad = [("shop", &digest, report("R shop/a", 20, &["CVE-1"]))];
    assert_eq!(of_web(known("web", &[signed(&digest, &[])]), &json!({}), &bad).len(), 1);
    let statement = |excludes: bool| json!({"names": ["CVE-1"], "excludes": excludes});
    assert!(of_web(known("web", &[signed(&digest, &[statement(true)])]), &json!({}), &bad).is_empty());
    assert_eq!(
        of_web(known("web", &[signed(&digest, &[statement(true), statement(false)])]), &json!({}), &bad).len(),
        1
    );
    // A clean report clears nothing: neither what is signed, nor what must be.
    let clean = [("shop", &digest, report("R shop/a", 22, &[]))];
    let mut required = signed(&digest, &[]);
    required["trust"]["attested"] = json!([]);
    required["trust"]["require"] = json!([{"predicate": "vulnerabilities", "maxCritical": 1}]);
    let found = of_web(known("web", std::slice::from_ref(&required)), &json!({}), &clean);
    assert_eq!(found, [format!("{AT} no vulnerability report that one of the authorities signed")]);
    // The limits of the trust document count for reports, too.
    assert_eq!(of_web(known("web", &[required]), &json!({}), &bad).len(), 1);
}

#[test]
fn what_is_not_named_counts() {
    let digest = Digest::sha256(b"web");
    let mut many = report("R shop/a", 20, &["CVE-1"]);
    (many.unnamed, many.others) = (70, 2);
    let found = of_web(known("web", &[json!({})]), &json!({}), &[("shop", &digest, many)]);
    let text =
        "R shop/a and 2 more: 71 critical vulnerabilities with a fix: CVE-1 in openssl (fixed in 3.1) and 70 more";
    assert_eq!(found, [format!("{AT} {text}")]);
}
