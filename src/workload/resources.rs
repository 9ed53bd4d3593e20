//! `resources` of a container or a pod.

use super::list::List;
use super::text::{Scalar, Text, nullable};
use crate::effort;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::{collections::BTreeMap, fmt};

#[derive(Debug, Default, Deserialize)]
pub struct Resources<'a> {
    #[serde(borrow)]
    pub limits: Option<ResourceList<'a>>,
    #[serde(borrow)]
    pub requests: Option<ResourceList<'a>>,
    /// The pod's claims whose devices the container gets.
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub claims: List<Claim<'a>>,
}

/// Names one of the pod's [`PodClaim`]s.
#[derive(Debug, Default, Deserialize)]
pub struct Claim<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
}

/// An entry of `spec.resourceClaims`: devices of dynamic resource allocation. The named object holds the class of the
/// devices, the pod does not.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodClaim<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub resource_claim_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub resource_claim_template_name: Option<Text<'a>>,
}

impl<'a> Resources<'a> {
    /// `limits` or `requests`.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&ResourceList<'a>> {
        match name {
            "limits" => self.limits.as_ref(),
            "requests" => self.requests.as_ref(),
            _ => None,
        }
    }
}

/// The quantities that rules judge. All others are skipped while reading.
#[derive(Debug, Default)]
pub struct ResourceList<'a> {
    pub cpu: Option<Scalar<'a>>,
    pub memory: Option<Scalar<'a>>,
    pub ephemeral_storage: Option<Scalar<'a>>,
    /// KEP-6063.
    pub pids: Option<Scalar<'a>>,
    /// Resources of device plugins and device classes, by name.
    pub extended: BTreeMap<Text<'a>, Scalar<'a>>,
}

impl<'a> ResourceList<'a> {
    /// The quantity of this resource, if podreeve reads it.
    #[must_use]
    pub fn get(&self, resource: &str) -> Option<&Scalar<'a>> {
        match resource {
            "cpu" => self.cpu.as_ref(),
            "memory" => self.memory.as_ref(),
            "ephemeral-storage" => self.ephemeral_storage.as_ref(),
            "pids" => self.pids.as_ref(),
            _ => None,
        }
    }
}

/// The memory of an entry of [`ResourceList::extended`], with its share of the tree.
const ENTRY: usize = 2 * size_of::<(Text<'_>, Scalar<'_>)>();

/// The prefix of a device class that a container requests as an extended resource (`DRAExtendedResource`).
pub const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

/// Whether this is a resource of a device plugin or of a device class. As in Kubernetes, its name has a domain other than
/// Kubernetes' own, or begins with [`DEVICE_CLASS`].
#[must_use]
pub fn is_extended(name: &str) -> bool {
    name.contains('/') && (!name.contains("kubernetes.io/") || name.starts_with(DEVICE_CLASS))
}

/// Written by hand, because a derive cannot keep only some of the unknown keys.
impl<'de: 'a, 'a> Deserialize<'de> for ResourceList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Quantities;
        impl<'de> Visitor<'de> for Quantities {
            type Value = ResourceList<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ResourceList<'de>, A::Error> {
                let mut list = ResourceList::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let before = match &*key {
                        "cpu" => map.next_value::<Option<_>>()?.and_then(|value| list.cpu.replace(value)),
                        "memory" => map.next_value::<Option<_>>()?.and_then(|value| list.memory.replace(value)),
                        "ephemeral-storage" => {
                            map.next_value::<Option<_>>()?.and_then(|value| list.ephemeral_storage.replace(value))
                        }
                        "pids" => map.next_value::<Option<_>>()?.and_then(|value| list.pids.replace(value)),
                        name if is_extended(name) => {
                            if !effort::hold(ENTRY) {
                                return Err(A::Error::custom("too many resources"));
                            }
                            map.next_value::<Option<_>>()?.and_then(|value| list.extended.insert(key.clone(), value))
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            None
                        }
                    };
                    if before.is_some() {
                        // With two values for one key, another program may read the other value.
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                }
                Ok(list)
            }
        }
        deserializer.deserialize_map(Quantities)
    }
}
