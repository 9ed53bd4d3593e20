//! Policies that come with the binary.

/// Name and YAML text of each.
pub static BUILTINS: &[(&str, &str)] = &[("owasp", include_str!("../../policies/owasp.yaml"))];

/// The YAML text of a built-in policy.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(builtin, _)| *builtin == name).map(|(_, yaml)| *yaml)
}
