//! The policies in the binary.

use crate::rule::pss::Version;
use std::borrow::Cow;

/// Name and YAML text of each.
pub static BUILTINS: &[(&str, &str)] = &[
    ("owasp", include_str!("../../policies/owasp.yaml")),
    ("pss-baseline", include_str!("../../policies/pss-baseline.yaml")),
    ("pss-restricted", include_str!("../../policies/pss-restricted.yaml")),
];

/// The text that `@version` replaces.
const LATEST: &str = "\n    version: latest\n";

/// The YAML text of a built-in policy; none when no policy has this name.
///
/// `pss-restricted@v1.30` is `pss-restricted` as of that version of the standard.
///
/// # Errors
/// The version is invalid, or the policy has no versions.
pub fn builtin(name: &str) -> Result<Option<Cow<'static, str>>, String> {
    let (base, version) = name.split_once('@').map_or((name, None), |(base, version)| (base, Some(version)));
    let Some((base, yaml)) = BUILTINS.iter().find(|(builtin, _)| *builtin == base) else { return Ok(None) };
    let Some(version) = version else { return Ok(Some(Cow::Borrowed(yaml))) };
    if !yaml.contains(LATEST) {
        return Err(format!(
            "`{base}` follows no Pod Security Standard, so it has no versions; leave `@{version}` out"
        ));
    }
    let version = String::from(Version::try_from(version.to_owned())?);
    Ok(Some(Cow::Owned(yaml.replacen(LATEST, &format!("\n    version: {version}\n"), 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_pinned_in_policies_that_have_one() {
        let pinned = builtin("pss-restricted@v1.30").unwrap().unwrap();
        assert!(pinned.contains("\n    level: restricted\n    version: v1.30\n"), "{pinned}");
        assert_eq!(builtin("pss-baseline@latest"), builtin("pss-baseline"));
        assert_eq!(builtin("other@v1.30"), Ok(None));
        for (wrong, says) in [
            ("pss-restricted@1.30", "`1.30` is not a version"),
            ("pss-restricted@", "`` is not a version"),
            ("owasp@v1.30", "`owasp` follows no Pod Security Standard"),
        ] {
            assert!(builtin(wrong).unwrap_err().contains(says), "{wrong}: {:?}", builtin(wrong));
        }
    }
}
