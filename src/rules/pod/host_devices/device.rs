//! A device in the parameters of the rule.

use crate::workload::{path, resources};
use schemars::JsonSchema;
use serde::Deserialize;

/// `/dev/fuse`, `nvidia.com/gpu`, `resourceclaims/gpu`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(super) struct Device(pub String);

impl TryFrom<String> for Device {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if path::is_absolute(&text) {
            let normal = path::normalise(&text);
            let inside = path::is_under(&normal, "/dev") && !text.split('/').any(|part| part == "..");
            return if inside { Ok(Self(normal.into_owned())) } else { Err(format!("`{text}` is no path under /dev")) };
        }
        let is_claim = |kind: &str| text.strip_prefix(kind).is_some_and(|name| !name.is_empty() && !name.contains('/'));
        if !text.contains(char::is_whitespace) && (is_claim(CLAIM) || is_claim(TEMPLATE) || is_extended(&text)) {
            return Ok(Self(text));
        }
        Err(format!(
            "`{text}` is no path under /dev, no resource such as nvidia.com/gpu, and no claim such as \
             resourceclaimtemplates/gpu"
        ))
    }
}

/// How `allow` names the two kinds of objects that a claim of a pod can refer to.
pub(super) const CLAIM: &str = "resourceclaims/";
pub(super) const TEMPLATE: &str = "resourceclaimtemplates/";

/// Whether a name is that of an extended resource or a device class.
fn is_extended(name: &str) -> bool {
    // The prefixes of claims look like a domain, but have no dot.
    resources::is_extended(name) && !name.starts_with(CLAIM) && !name.starts_with(TEMPLATE)
}
