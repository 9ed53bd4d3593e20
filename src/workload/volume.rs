//! Volumes of a pod.

use super::list::List;
use super::text::{Scalar, Text, nullable};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// A volume: the sources whose fields rules judge, and the keys of all its sources.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    pub name: Text<'a>,
    pub host_path: Option<HostPath<'a>>,
    pub empty_dir: Option<EmptyDir<'a>>,
    pub projected: Option<Projected>,
    pub image: Option<Image<'a>>,
    pub csi: Option<Csi<'a>>,
    /// The keys of the sources that are set, also those that podreeve does not know. The API requires exactly one.
    pub sources: List<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct HostPath<'a> {
    #[serde(borrow)]
    pub path: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmptyDir<'a> {
    #[serde(borrow)]
    pub medium: Option<Text<'a>>,
    #[serde(borrow)]
    pub size_limit: Option<Scalar<'a>>,
}

/// An image that is mounted as a volume.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image<'a> {
    #[serde(borrow)]
    pub reference: Option<Text<'a>>,
    #[serde(borrow)]
    pub pull_policy: Option<Text<'a>>,
}

/// A volume that a CSI driver creates for this pod only, from values in the pod.
#[derive(Debug, Default, Deserialize)]
pub struct Csi<'a> {
    #[serde(borrow)]
    pub driver: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Projected {
    #[serde(default, deserialize_with = "nullable")]
    sources: List<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    service_account_token: Option<IgnoredAny>,
}

impl Volume<'_> {
    /// Whether it holds a token of the pod's ServiceAccount.
    #[must_use]
    pub fn projects_token(&self) -> bool {
        self.token_sources().next().is_some()
    }

    /// The indexes of those tokens in `projected.sources`.
    #[must_use]
    pub fn token_sources(&self) -> impl DoubleEndedIterator<Item = usize> {
        let sources = self.projected.iter().flat_map(|projected| projected.sources.iter().enumerate());
        sources.filter(|(_, source)| source.service_account_token.is_some()).map(|(index, _)| index)
    }
}

/// Whether a source was read already. The API has thirty sources, but a request may hold any number of other keys.
#[derive(Default)]
struct Keys<'a>(HashSet<Text<'a>>);

impl<'a> Keys<'a> {
    /// Up to this number the keys are compared one by one. No valid volume has more.
    const FEW: usize = 8;

    fn has(&mut self, sources: &List<Text<'a>>, key: &str) -> bool {
        if sources.len() <= Self::FEW {
            return sources.iter().any(|source| &**source == key);
        }
        // The keys since the last call.
        self.0.extend((self.0.len()..sources.len()).filter_map(|index| sources.get(index).cloned()));
        self.0.contains(key)
    }
}

/// Written by hand: a derive would need a field for each of thirty sources, and would skip a source of a newer Kubernetes.
impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sources;
        impl<'de> Visitor<'de> for Sources {
            type Value = Volume<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Volume<'de>, A::Error> {
                let mut volume = Volume::default();
                let (mut named, mut keys) = (false, Keys::default());
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if keys.has(&volume.sources, &key) || (named && &*key == "name") {
                        // With two values for one key, another program may read the other value.
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    let is_set = match &*key {
                        "name" => {
                            volume.name = map.next_value::<Option<_>>()?.unwrap_or_default();
                            named = true;
                            continue;
                        }
                        "hostPath" => {
                            volume.host_path = map.next_value()?;
                            volume.host_path.is_some()
                        }
                        "emptyDir" => {
                            volume.empty_dir = map.next_value()?;
                            volume.empty_dir.is_some()
                        }
                        "projected" => {
                            volume.projected = map.next_value()?;
                            volume.projected.is_some()
                        }
                        "image" => {
                            volume.image = map.next_value()?;
                            volume.image.is_some()
                        }
                        "csi" => {
                            volume.csi = map.next_value()?;
                            volume.csi.is_some()
                        }
                        _ => map.next_value::<Option<IgnoredAny>>()?.is_some(),
                    };
                    if is_set && volume.sources.push(key).is_none() {
                        return Err(A::Error::custom("too many keys"));
                    }
                }
                Ok(volume)
            }
        }
        deserializer.deserialize_map(Sources)
    }
}
