//! Attestations: what they must be signed by, and what they say.

use super::make::*;
use podreeve::image::trust::{Age, Evidence, ScanLimits, Target, verify};
use podreeve::workload::image::ImageRef;
use serde_json::{Value, json};

const CYCLONEDX: &str = "https://cyclonedx.org/bom";
const SPDX: &str = "https://spdx.dev/Document";
const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const VEX: &str = "https://openvex.dev/ns/v0.2.0";
const SLSA: &str = "https://slsa.dev/provenance/v1";
const NO_AGE: ScanLimits = ScanLimits { max_age: None, max_critical: 0 };
const WEEK: ScanLimits = ScanLimits { max_age: Some(Age::days(7)), max_critical: 0 };

fn sbom() -> Value {
    json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "openssl"}]})
}

fn scan(day: &str, critical: &[&str]) -> Value {
    let found: Vec<Value> = critical
        .iter()
        .map(|id| json!({"VulnerabilityID": id, "PkgName": "openssl", "FixedVersion": "3.1", "Severity": "CRITICAL"}))
        .collect();
    json!({
        "invocation": {},
        "scanner": {"uri": "pkg:generic/trivy", "result": {"SchemaVersion": 2, "Results": [{"Vulnerabilities": found}]}},
        "metadata": {"scanStartedOn": format!("{day}T00:00:00Z"), "scanFinishedOn": format!("{day}T00:00:00Z")},
    })
}

#[test]
fn an_sbom_counts_where_an_authority_signed_it_for_this_image() {
    let (key, digest) = (key(), digest_of("image"));
    let image = ImageRef::parse(REPOSITORY);
    let trust = trusting(&key);
    let missing = |evidence: &[Evidence]| judge(&trust, &image, &digest, evidence).sbom_problems().len();
    assert_eq!(missing(&[]), 1);
    assert_eq!(missing(&[bundle(&key, &digest, CYCLONEDX, &sbom())]), 0);
    assert_eq!(missing(&[bundle(&key, &digest, SPDX, &json!({"spdxVersion": "SPDX-2.3", "packages": []}))]), 0);
    assert_eq!(missing(&[bundle(&key, &digest, SPDX, &json!("SPDXVersion: SPDX-2.3\nPackageName: a\n"))]), 0);
    assert_eq!(missing(&[bundle(&super::make::key(), &digest, CYCLONEDX, &sbom())]), 1);
    assert_eq!(missing(&[bundle(&key, &digest, CYCLONEDX, &json!({}))]), 1);
    assert_eq!(missing(&[bundle(&key, &digest, "https://example.com/bom", &sbom())]), 1);
    let mut moved = bundle(&key, &digest_of("other"), CYCLONEDX, &sbom());
    moved.subject.clone_from(&digest);
    assert_eq!(missing(&[moved]), 1);
    let spdx = trust_with(&key, json!({"require": [{"predicate": "spdx"}]}));
    let problems = judge(&spdx, &image, &digest, &[bundle(&key, &digest, CYCLONEDX, &sbom())]).sbom_problems();
    assert_eq!(problems[0].wanted, "a signed SPDX SBOM");
}

fn trust_with(key: &rcgen::KeyPair, more: Value) -> podreeve::image::trust::Trust {
    trust(json!([by_key(key)]), more)
}

#[test]
fn critical_vulnerabilities_with_a_fix_are_counted() {
    let (key, digest) = (key(), digest_of("image"));
    let image = ImageRef::parse(REPOSITORY);
    let required = trust_with(&key, json!({"require": [{"predicate": "vuln", "maxAge": "7d", "maxCritical": 1}]}));
    let found = |evidence: &[Evidence]| -> Vec<String> {
        let verdict = judge(&required, &image, &digest, evidence);
        verdict.vulnerability_problems(now(), NO_AGE).into_iter().map(|problem| problem.found).collect()
    };
    let report = |day: &str, critical: &[&str]| bundle(&key, &digest, VULN, &scan(day, critical));
    assert_eq!(found(&[]), ["no vulnerability report that one of the authorities signed"]);
    assert!(found(&[report("2026-11-25", &["CVE-1"])]).is_empty());
    let two = report("2026-11-25", &["CVE-1", "CVE-2"]);
    let said =
        "2 critical vulnerabilities with a fix: CVE-1 in openssl (fixed in 3.1), CVE-2 in openssl (fixed in 3.1)";
    assert_eq!(found(std::slice::from_ref(&two)), [said]);
    assert_eq!(found(&[report("2026-11-01", &[])]), ["a scan of 2026-11-01"]);
    // A newer scan replaces an older one.
    assert!(found(&[report("2026-11-24", &["CVE-1", "CVE-2"]), report("2026-11-26", &[])]).is_empty());
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
        {"vulnerability": {"name": "CVE-2"}, "products": [{"@id": "pkg:oci/web"}], "status": "not_affected"}]});
    assert!(found(&[two.clone(), bundle(&key, &digest, VEX, &vex)]).is_empty());
    // A VEX document of somebody else takes nothing away.
    assert_eq!(found(&[two, bundle(&super::make::key(), &digest, VEX, &vex)]), [said]);
    let said = found(&[bundle(&key, &digest, VULN, &json!({"scanner": {"uri": "x", "result": {}}, "metadata": {}}))]);
    assert!(said[0].contains("neither Trivy's nor Grype's"), "{said:?}");
    // Without a requirement, a report that is not there is not missed; one that is there is judged.
    let silent = trusting(&key);
    assert!(judge(&silent, &image, &digest, &[]).vulnerability_problems(now(), WEEK).is_empty());
    let problems = judge(&silent, &image, &digest, &[report("2026-11-01", &["CVE-1"])]);
    assert_eq!(problems.vulnerability_problems(now(), WEEK).len(), 2);
}

#[test]
fn provenance_names_its_builder() {
    let (key, digest) = (key(), digest_of("image"));
    let image = ImageRef::parse(REPOSITORY);
    let provenance = |id: &str| {
        let predicate = json!({"buildDefinition": {}, "runDetails": {"builder": {"id": id}}});
        [signed(&key, &digest), bundle(&key, &digest, SLSA, &predicate)]
    };
    let wanted = json!({"require": [{"predicate": "slsaprovenance", "builder": "https://ci.example.com/*"}]});
    let trust = trust_with(&key, wanted);
    let found = |evidence: &[Evidence]| -> Vec<String> {
        judge(&trust, &image, &digest, evidence).signature_problems().into_iter().map(|problem| problem.found).collect()
    };
    assert!(found(&provenance("https://ci.example.com/1")).is_empty());
    assert_eq!(found(&provenance("https://evil.example/1")), ["provenance of the builder `https://evil.example/1`"]);
    assert_eq!(found(&[signed(&key, &digest)]), ["no provenance (SLSA) that one of the authorities signed"]);
    let custom = trust_with(&key, json!({"require": [{"predicate": "https://example.com/review/v1"}]}));
    let reviewed = [signed(&key, &digest), bundle(&key, &digest, "https://example.com/review/v1", &json!({}))];
    assert!(judge(&custom, &image, &digest, &reviewed).signature_problems().is_empty());
    assert_eq!(judge(&custom, &image, &digest, &reviewed[..1]).signature_problems().len(), 1);
}

#[test]
fn attestations_of_every_platform_stand_in_for_one_of_the_index() {
    let (key, index) = (key(), digest_of("index"));
    let leaves = [digest_of("amd64"), digest_of("arm64")];
    let image = ImageRef::parse(REPOSITORY);
    let trust = trusting(&key);
    let missing = |digests: &[&String]| {
        let evidence: Vec<Evidence> = digests.iter().map(|digest| bundle(&key, digest, CYCLONEDX, &sbom())).collect();
        let target = Target { image: &image, digest: &index, leaves: &leaves };
        verify(&trust, target, &evidence, now()).unwrap().sbom_problems().len()
    };
    assert_eq!(missing(&[&index]), 0);
    assert_eq!(missing(&[&leaves[0]]), 1);
    assert_eq!(missing(&[&leaves[0], &leaves[1]]), 0);
}

#[test]
fn a_vex_document_counts_for_its_digest_and_for_the_platforms_of_its_index() {
    let (key, index) = (key(), digest_of("index"));
    let leaves = [digest_of("amd64"), digest_of("arm64")];
    let image = ImageRef::parse(REPOSITORY);
    let trust = trusting(&key);
    let scans = leaves.each_ref().map(|leaf| bundle(&key, leaf, VULN, &scan("2026-11-25", &["CVE-1"])));
    let vex = |subject: &String, status: &str, day: u8| {
        let document = json!({"@context": VEX, "timestamp": format!("2026-11-{day:02}T00:00:00Z"), "version": 1, "statements": [
            {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:oci/web"}], "status": status}]});
        bundle(&key, subject, VEX, &document)
    };
    let left = |documents: Vec<Evidence>| {
        let evidence: Vec<Evidence> = scans.iter().cloned().chain(documents).collect();
        let target = Target { image: &image, digest: &index, leaves: &leaves };
        verify(&trust, target, &evidence, now()).unwrap().vulnerability_problems(now(), NO_AGE).len()
    };
    assert_eq!(left(vec![]), 2);
    assert_eq!(left(vec![vex(&leaves[0], "not_affected", 1)]), 1);
    assert_eq!(left(vec![vex(&index, "not_affected", 1)]), 0);
    assert_eq!(left(vec![vex(&index, "not_affected", 1), vex(&leaves[1], "affected", 2)]), 1);
    assert_eq!(left(vec![vex(&index, "not_affected", 3), vex(&leaves[1], "affected", 2)]), 0);
    assert_eq!(left(vec![vex(&digest_of("other"), "not_affected", 1)]), 2);
}

#[test]
fn a_scan_of_a_platform_counts_for_it_and_one_of_the_index_adds_to_an_older_one() {
    let (key, index) = (key(), digest_of("index"));
    let leaves = [digest_of("amd64"), digest_of("arm64")];
    let image = ImageRef::parse(REPOSITORY);
    let trust = trust_with(&key, json!({"require": [{"predicate": "vuln", "maxAge": "7d", "maxCritical": 0}]}));
    let found = |scans: &[(&String, &str, &[&str])]| -> Vec<String> {
        let report =
            |(digest, day, critical): &(&String, &str, &[&str])| bundle(&key, digest, VULN, &scan(day, critical));
        let evidence: Vec<Evidence> = scans.iter().map(report).collect();
        let target = Target { image: &image, digest: &index, leaves: &leaves };
        let problems = verify(&trust, target, &evidence, now()).unwrap().vulnerability_problems(now(), NO_AGE);
        problems.into_iter().map(|problem| problem.found).collect()
    };
    let bad: &[&str] = &["CVE-1"];
    let said = "1 critical vulnerability with a fix: CVE-1 in openssl (fixed in 3.1)";
    assert_eq!(found(&[(&index, "2026-11-24", &[]), (&leaves[1], "2026-11-26", bad)]), [said]);
    // A manifest never changes: its own scan is mended by a newer one of itself, and by none of the index.
    assert_eq!(found(&[(&index, "2026-11-26", &[]), (&leaves[1], "2026-11-24", bad)]), [said]);
    let rescanned: &[(&String, &str, &[&str])] =
        &[(&index, "2026-11-26", &[]), (&leaves[1], "2026-11-24", bad), (&leaves[1], "2026-11-25", &[])];
    assert!(found(rescanned).is_empty());
    // What a newer scan of the index found counts, too.
    assert_eq!(
        found(&[(&index, "2026-11-26", bad), (&leaves[0], "2026-11-24", &[]), (&leaves[1], "2026-11-24", &[])]),
        [said]
    );
    // The newest of both says how old they are.
    assert!(
        found(&[(&index, "2026-11-26", &[]), (&leaves[0], "2026-11-01", &[]), (&leaves[1], "2026-11-01", &[])])
            .is_empty()
    );
    assert_eq!(found(&[(&index, "2026-11-26", &[]), (&leaves[1], "2026-11-26", bad)]), [said]);
    // One scan of the index is said once, and a new one of a platform replaces it there alone.
    assert_eq!(found(&[(&index, "2026-11-24", bad)]), [said]);
    assert_eq!(found(&[(&index, "2026-11-24", bad), (&leaves[0], "2026-11-26", &[])]), [said]);
    let (new, old) = ("2026-11-26", "2026-11-01");
    assert!(found(&[(&index, old, bad), (&leaves[0], new, &[]), (&leaves[1], new, &[])]).is_empty());
    // A platform without a scan is missed, and what the other one says counts all the same.
    assert_eq!(found(&[(&leaves[0], new, bad)]).len(), 2);
    // A time that is still to come makes no scan the newest one.
    assert_eq!(
        found(&[(&index, "2099-01-01", &[]), (&leaves[1], "2026-11-26", bad)]),
        ["a scan of 2099-01-01, which is still to come", said]
    );
}

#[test]
fn every_platform_has_provenance_of_the_builder_where_the_index_has_none() {
    let (key, index) = (key(), digest_of("index"));
    let leaves = [digest_of("amd64"), digest_of("arm64")];
    let image = ImageRef::parse(REPOSITORY);
    let trust =
        trust_with(&key, json!({"require": [{"predicate": "slsaprovenance", "builder": "https://ci.example.com/*"}]}));
    let problems = |builders: &[(&String, &str)]| {
        let attested = |(digest, id): &(&String, &str)| {
            bundle(&key, digest, SLSA, &json!({"runDetails": {"builder": {"id": format!("https://{id}/1")}}}))
        };
        let evidence: Vec<Evidence> = [signed(&key, &index)].into_iter().chain(builders.iter().map(attested)).collect();
        let target = Target { image: &image, digest: &index, leaves: &leaves };
        verify(&trust, target, &evidence, now()).unwrap().signature_problems().len()
    };
    assert_eq!(problems(&[(&leaves[0], "ci.example.com"), (&leaves[1], "evil.example")]), 1);
    assert_eq!(problems(&[(&leaves[0], "ci.example.com"), (&leaves[1], "ci.example.com")]), 0);
    assert_eq!(
        problems(&[(&index, "evil.example"), (&leaves[0], "ci.example.com"), (&leaves[1], "ci.example.com")]),
        0
    );
}
