//! The edit that gives a container a user other than root.

use super::effective::EffectiveUser;
use super::image::{self, UserRepair};
use crate::rule::{Finding, Fix, Location, Scope};
use crate::workload::Pod;

/// Gives the container this user, where the value is set, or on the container.
pub(super) fn suggest(pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix, id: u32) -> bool {
    let at = &finding.at;
    if at.has_key("supplementalGroups") {
        fix.remove(at);
        return fix.scope == Scope::Pod;
    }
    if pod.is_windows() || pod.chooses_windows() {
        return on_windows(finding, fix);
    }
    if finding.container().is_some_and(|container| image::repair(pod, container) == UserRepair::Breaks)
        && !(at.has_key("runAsGroup") || at.has_key("fsGroup"))
    {
        return false;
    }
    let known = finding.container().and_then(|container| image::number(pod.traits_of(container)?));
    // A debug container cannot change the pod.
    let own = |field| match finding.container() {
        Some(container) if fix.scope == Scope::Containers => Some(Location::security_context(container, field, false)),
        _ => None,
    };
    let found = own(at.last_key().unwrap_or_default()).unwrap_or(*at);
    if at.has_key("runAsGroup") || at.has_key("fsGroup") {
        fix.set(&found, id.into());
        return true;
    }
    if known.is_none() {
        fix.remark("the image must run as this user, else it does not start");
    }
    let id = known.unwrap_or(id);
    if at.has_key("runAsUser") {
        fix.set(&found, id.into());
        if let Some(container) = finding.container() {
            let non_root = EffectiveUser::new(pod, container, |pod| pod.run_as_non_root, |own| own.run_as_non_root);
            if non_root.value() != Some(true) {
                fix.set(&Location::security_context(container, "runAsNonRoot", true), true.into());
            }
        }
        return true;
    }
    fix.set(&found, true.into());
    if let Some(container) = finding.container() {
        fix.set(&Location::security_context(container, "runAsNonRoot", true), true.into());
        let user = EffectiveUser::new(pod, container, |pod| pod.run_as_user, |own| own.run_as_user);
        if user.value().is_none() {
            fix.set(&Location::security_context(container, "runAsUser", false), id.into());
        }
    }
    true
}

/// Windows has no numbers of users: the image's user counts.
fn on_windows(finding: &Finding<'_>, fix: &mut Fix) -> bool {
    let is_inherited = finding.at.container_ref().is_none() && fix.scope == Scope::Containers;
    if is_inherited {
        return false;
    }
    if finding.at.has_key("runAsNonRoot") {
        fix.remark("the image must name a user other than ContainerAdministrator");
        fix.set_found(finding, true.into());
    } else {
        fix.remove(&finding.at);
    }
    true
}
