//! Quantities that a person may begin with.

use super::{Amount, EffectiveQuantity, is_free, positive};
use crate::rule::{Finding, Fix, Location, Scope};
use crate::workload::Pod;

/// What a rule about `resources` may set.
pub struct Suggestion<'s> {
    /// An amount to begin with, and its billionths of the unit.
    pub example: Option<(&'static str, i128)>,
    /// The policy's own amount to begin with.
    pub default: Option<&'s Amount>,
    pub max: Option<&'s Amount>,
}

impl Suggestion<'_> {
    /// The amount for a field that is absent.
    fn first(&self) -> Option<(String, i128)> {
        let of_policy = |amount: Option<&'_ Amount>| amount.map(|amount| (amount.text.clone(), amount.nano));
        let example = || self.example.map(|(text, nano)| (text.to_owned(), nano));
        of_policy(self.default).or_else(example).or_else(|| of_policy(self.max))
    }
}

/// Sets the quantity that the finding wants: the one that was meant, the policy's, or one to begin with. A limit is never below
/// its request.
pub fn suggest(
    pod: &Pod<'_>,
    finding: &Finding<'_>,
    fix: &mut Fix,
    resource: &'static str,
    suggestion: &Suggestion<'_>,
) -> bool {
    if fix.scope != Scope::Pod {
        return false;
    }
    let at = &finding.at;
    let is_limit = at.has_key("limits");
    let request = finding.container().map(|container| EffectiveQuantity::own(container, "requests", resource));
    let requested = request.and_then(|request| request.nano).filter(|_| is_limit && at.container_ref().is_some());
    if let Some((meant, nano)) = meant(&finding.wanted) {
        fix.set(at, meant.into());
        if let Some(request) = request.filter(|_| requested.is_some_and(|requested| requested > nano)) {
            fix.set(&request.at(), meant.into());
        }
        return true;
    }
    let of_pod = pod.spec.resources.as_ref();
    // The API server compares the quantities of the containers with the pod's.
    let has_pods = |list| of_pod.and_then(|r| r.list(list)).is_some_and(|list| list.get(resource).is_some());
    let pods_limit = of_pod.and_then(|r| r.limits.as_ref()?.get(resource)).map(|scalar| &*scalar.text);
    if is_limit && pods_limit.is_some() && is_free(pods_limit) && !has_pods("requests") {
        // The pod's own limit limits nothing.
        let Some((first, _)) = suggestion.first() else { return false };
        fix.remark(format!("{first} of {resource} is an example: measure"));
        fix.set(&Location::spec().key("resources", true).key("limits", true).key(resource, true), first.into());
        return true;
    }
    if has_pods("limits") || has_pods("requests") || at.container_ref().is_none() {
        return false;
    }
    let Some((first, nano)) = suggestion.first() else { return false };
    fix.remark(format!("{first} of {resource} is an example: measure"));
    match request.and_then(|request| request.text).filter(|_| requested.is_some_and(|requested| requested > nano)) {
        Some(text) if suggestion.max.is_none_or(|max| requested.is_some_and(|requested| requested <= max.nano)) => {
            fix.set(at, text.into());
        }
        Some(_) => {
            fix.set(at, first.clone().into());
            if let Some(request) = request {
                fix.set(&request.at(), first.into());
            }
        }
        None => fix.set(at, first.into()),
    }
    true
}

/// The quantity in the words of a finding: `512M or 512Mi`, `at most 2Gi`, `at least the request of 1Gi`.
fn meant(wanted: &str) -> Option<(&str, i128)> {
    let text = wanted.rsplit(" or ").next()?;
    let text =
        ["at most ", "at least the request of "].into_iter().find_map(|words| text.strip_prefix(words)).unwrap_or(text);
    Some((text, positive(text)?))
}
