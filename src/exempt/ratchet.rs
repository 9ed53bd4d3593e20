//! Exemptions that may only become fewer.

use super::workload::{Denied, Workload};
use crate::workload::image::ImageRef;

/// An exemption that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    pub namespace: String,
    pub rules: Vec<String>,
    pub containers: Vec<String>,
    pub images: Vec<String>,
}

/// What exists, in view of what would be denied today.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ratcheted {
    /// For each exemption, in their order: the workloads with the violations that still need it.
    pub needed: Vec<Vec<Workload>>,
    /// The workloads with the violations that no exemption covers.
    pub new: Vec<Workload>,
}

/// Sorts each violation to the first exemption that covers it.
#[must_use]
pub fn ratchet(existing: &[Existing], workloads: &[Workload]) -> Ratcheted {
    let mut result = Ratcheted { needed: vec![Vec::new(); existing.len()], new: Vec::new() };
    for workload in workloads {
        let only = |denied: Vec<Denied>| Workload { denied, ..workload.clone() };
        let mut left = workload.denied.clone();
        for (exemption, needed) in existing.iter().zip(&mut result.needed) {
            let (covered, others) = left.into_iter().partition(|denied| exemption.covers(workload, denied));
            left = others;
            let covered: Vec<Denied> = covered;
            if !covered.is_empty() {
                needed.push(only(covered));
            }
        }
        if !left.is_empty() {
            result.new.push(only(left));
        }
    }
    result
}

impl Existing {
    fn covers(&self, workload: &Workload, denied: &Denied) -> bool {
        let names = |name: &str| self.containers.is_empty() || self.containers.iter().any(|known| known == name);
        let narrowed = !self.containers.is_empty() || !self.images.is_empty();
        let reaches = |name: &Option<String>| {
            let mut of_name = workload.containers.iter().filter(|c| name.as_ref().is_none_or(|name| c.name == *name));
            of_name.all(|container| names(&container.name) && self.covers_image(container.image.as_deref()))
        };
        self.namespace == workload.namespace
            && self.rules.contains(&denied.rule)
            && (!narrowed
                || reaches(&denied.container)
                    && (denied.container.is_some()
                        || workload.image_volumes.iter().all(|image| self.covers_image(Some(image)))))
    }

    fn covers_image(&self, image: Option<&str>) -> bool {
        self.images.is_empty()
            || image.map(ImageRef::parse).is_some_and(|image| {
                image.is_well_formed() && self.images.iter().any(|pattern| image.is_under(&ImageRef::pattern(pattern)))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exempt::Container;

    fn workload(denied: &[(&str, Option<&str>)]) -> Workload {
        let of = |(name, image): (&str, &str)| Container { name: name.into(), image: Some(image.into()) };
        Workload {
            namespace: "ci".into(),
            title: "Pod ci/a".into(),
            name: "a".into(),
            containers: [("app", "r.example.com/app:2"), ("dind", "r.example.com/dind:1")].map(of).into(),
            image_volumes: Vec::new(),
            denied: denied
                .iter()
                .map(|(rule, at)| Denied { rule: (*rule).into(), container: at.map(Into::into) })
                .collect(),
        }
    }

    fn exemption(rules: &[&str], containers: &[&str], images: &[&str]) -> Existing {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Existing { namespace: "ci".into(), rules: owned(rules), containers: owned(containers), images: owned(images) }
    }

    #[test]
    fn what_is_new_is_not_covered_and_what_is_gone_is_not_needed() {
        let existing = [
            exemption(&["privileged", "capabilities"], &["dind"], &["r.example.com/dind"]),
            exemption(&["host-pid"], &[], &[]),
        ];
        let found = [workload(&[("privileged", Some("dind")), ("privileged", Some("app"))])];
        let result = ratchet(&existing, &found);
        assert_eq!(result.needed, [vec![workload(&[("privileged", Some("dind"))])], vec![]]);
        assert_eq!(result.new, [workload(&[("privileged", Some("app"))])]);
    }

    #[test]
    fn a_violation_of_the_pod_needs_all_containers() {
        let found = [workload(&[("host-network", None)])];
        let partly = exemption(&["host-network"], &["dind"], &[]);
        let whole = exemption(&["host-network"], &["dind", "app"], &["r.example.com"]);
        assert_eq!(ratchet(&[partly], &found).new, found);
        assert_eq!(ratchet(std::slice::from_ref(&whole), &found).new, []);
        let mut mounts = found[0].clone();
        mounts.image_volumes.push("other.example.com/data:1".into());
        assert_eq!(ratchet(&[whole], &[mounts]).new.len(), 1, "an image volume must match, too");
    }
}
