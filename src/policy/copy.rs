//! Copies of the built-in policies in the cluster: the leader writes each one that podreeve serves as a Policy object, so that
//! `kubectl get policies` has it. Nothing is judged by a copy.

/// The label of a copy. Its value is the name of the webhook configurations, which differs between two installations.
pub const LABEL: &str = "podreeve.dev/copy-of-built-in";

/// The field manager that writes copies.
pub const WRITER: &str = "podreeve-built-in";

/// What to do instead of a change to a copy.
pub const INSTEAD: &str = "it is a copy of a built-in policy, which podreeve writes; change the chart values `policyOverrides` and `exemptions`, or \
     the files of --policy";
