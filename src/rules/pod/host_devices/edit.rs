//! The edit that takes a device away.

use crate::rule::{Finding, Fix, Location, Scope};
use crate::rules::pod::removal;
use crate::workload::Pod;

/// Removes the device, and says what the operator can allow.
pub(super) fn suggest(pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
    let (Some(container), at) = (finding.container(), &finding.at) else {
        let Some(index) = finding.at.list_index() else { return false };
        if finding.at.has_key("volumes") {
            return removal::volume(pod, index, fix);
        }
        fix.remove(&finding.at);
        return fix.scope == Scope::Pod;
    };
    if let (Some(index), true) = (at.list_index(), at.has_key("volumeDevices")) {
        fix.remove(&Location::container(container).key("volumeDevices", true).index(index));
    } else if at.has_key("claims") {
        fix.remove(at);
    } else {
        let Some(name) = at.last_key() else { return false };
        fix.remark(format!(
            "needed? The operator allows it: rules: {{host-devices: {{action: deny, params: {{allow: [{}]}}}}}}",
            crate::text::clean(name, 100)
        ));
        // A limit and its request go together.
        let resources = container.container.resources.as_deref();
        for list in ["limits", "requests"] {
            let named = resources.and_then(|resources| resources.list(list));
            if named.is_some_and(|quantities| quantities.extended.contains_key(name)) {
                fix.remove(&Location::container(container).key("resources", true).key(list, true).key(name, true));
            }
        }
    }
    true
}
