//! Cosign's vulnerability attestation: when a scanner looked, and what it found. The result is the scanner's own report; those of
//! Trivy and Grype are read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One scan of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    pub scanner: String,
    pub finished: Option<Timestamp>,
    /// Critical vulnerabilities that have a fix.
    pub critical: Vec<Vulnerability>,
}

/// One vulnerability of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerability {
    pub id: String,
    pub package: String,
    /// The package URL of the package, as the scanner has it. Empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purl: String,
    /// The version that is installed. Empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub installed: String,
    /// The version that has the fix.
    pub fixed_in: String,
}

#[derive(Deserialize)]
struct Predicate<'a> {
    #[serde(borrow)]
    scanner: Scanner<'a>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Scanner<'a> {
    #[serde(default)]
    uri: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    scan_finished_on: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trivy {
    // A report without findings has no results, but always a version.
    schema_version: u32,
    #[serde(default)]
    results: Option<Vec<TrivyResult>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct TrivyResult {
    vulnerabilities: Option<Vec<TrivyFinding>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TrivyFinding {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    pkg_name: String,
    pkg_identifier: Option<TrivyIdentifier>,
    installed_version: String,
    fixed_version: String,
    severity: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TrivyIdentifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Grype {
    matches: Vec<GrypeMatch>,
}

#[derive(Deserialize)]
struct GrypeMatch {
    vulnerability: GrypeFinding,
    artifact: GrypeArtifact,
}

#[derive(Deserialize)]
struct GrypeFinding {
    id: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    fix: GrypeFix,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GrypeFix {
    versions: Vec<String>,
    state: String,
}

#[derive(Deserialize)]
struct GrypeArtifact {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    purl: String,
}

/// Reads the predicate.
///
/// # Errors
/// It is of another form, or the report is one of another scanner.
pub fn read(text: &str) -> Result<Scan, String> {
    let predicate: Predicate<'_> = serde_json::from_str(text)
        .map_err(|_| "it is no vulnerability report in cosign's form (`cosign attest --type vuln`)")?;
    let report = predicate.scanner.result.get();
    let mut critical = match (serde_json::from_str::<Trivy>(report), serde_json::from_str::<Grype>(report)) {
        (Ok(trivy), _) if trivy.schema_version > 0 => of_trivy(trivy),
        (_, Ok(grype)) => of_grype(grype),
        _ => return Err("the report in it is neither Trivy's nor Grype's JSON".to_owned()),
    };
    critical.sort();
    critical.dedup();
    let finished = predicate.metadata.scan_finished_on.and_then(|time| time.parse().ok());
    Ok(Scan { scanner: predicate.scanner.uri, finished, critical })
}

fn of_trivy(report: Trivy) -> Vec<Vulnerability> {
    let results = report.results.unwrap_or_default().into_iter();
    let found = results.flat_map(|result| result.vulnerabilities.unwrap_or_default());
    found
        .filter(|one| one.severity.eq_ignore_ascii_case("critical") && !one.fixed_version.is_empty())
        .map(|one| Vulnerability {
            id: one.id,
            package: one.pkg_name,
            fixed_in: one.fixed_version,
            purl: one.pkg_identifier.and_then(|one| one.purl).unwrap_or_default(),
            installed: one.installed_version,
        })
        .collect()
}

fn of_grype(report: Grype) -> Vec<Vulnerability> {
    let found = report.matches.into_iter().filter(|one| {
        let fix = &one.vulnerability.fix;
        one.vulnerability.severity.eq_ignore_ascii_case("critical")
            && (fix.state == "fixed" || !fix.versions.is_empty())
    });
    found
        .map(|one| Vulnerability {
            id: one.vulnerability.id,
            package: one.artifact.name,
            purl: one.artifact.purl,
            installed: one.artifact.version,
            fixed_in: one.vulnerability.fix.versions.join(", "),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(result: &str) -> Result<Scan, String> {
        read(&format!(
            r#"{{"invocation":{{}},"scanner":{{"uri":"pkg:x","result":{result}}},"metadata":{{"scanFinishedOn":"2026-11-20T00:00:00Z"}}}}"#
        ))
    }

    #[test]
    fn reports_of_two_scanners_are_read() {
        let trivy = scan(
            r#"{"SchemaVersion":2,"Results":[{"Target":"a"},{"Vulnerabilities":[
                {"VulnerabilityID":"CVE-1","PkgName":"openssl","FixedVersion":"3.1","Severity":"CRITICAL"},
                {"VulnerabilityID":"CVE-1","PkgName":"openssl","FixedVersion":"3.1","Severity":"CRITICAL"},
                {"VulnerabilityID":"CVE-2","PkgName":"openssl","Severity":"CRITICAL"},
                {"VulnerabilityID":"CVE-3","PkgName":"zlib","FixedVersion":"2","Severity":"HIGH"}]}]}"#,
        );
        let trivy = trivy.unwrap();
        assert_eq!(trivy.critical.len(), 1, "{:?}", trivy.critical);
        assert!(trivy.finished.is_some());
        let grype = scan(
            r#"{"matches":[{"vulnerability":{"id":"CVE-9","severity":"Critical","fix":{"versions":["2"],"state":"fixed"}},"artifact":{"name":"a"}},
                {"vulnerability":{"id":"CVE-8","severity":"Critical","fix":{"versions":[],"state":"wont-fix"}},"artifact":{"name":"a"}}]}"#,
        );
        assert_eq!(
            grype.unwrap().critical,
            [Vulnerability {
                id: "CVE-9".into(),
                package: "a".into(),
                fixed_in: "2".into(),
                ..Vulnerability::default()
            }]
        );
        let named = [
            r#"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","InstalledVersion":"1","FixedVersion":"2",
                "PkgIdentifier":{"PURL":"pkg:npm/a@1"},"Severity":"CRITICAL"}]}]}"#,
            r#"{"matches":[{"vulnerability":{"id":"CVE-1","severity":"Critical","fix":{"versions":["2"]}},
                "artifact":{"name":"a","version":"1","purl":"pkg:npm/a@1"}}]}"#,
        ];
        for report in named {
            let found = scan(report).unwrap().critical;
            assert_eq!((found[0].purl.as_str(), found[0].installed.as_str()), ("pkg:npm/a@1", "1"));
        }
        assert!(scan(r#"{"SchemaVersion":2}"#).unwrap().critical.is_empty());
        assert!(scan(r#"{"runs":[]}"#).is_err());
        assert!(read("{}").is_err());
    }
}
