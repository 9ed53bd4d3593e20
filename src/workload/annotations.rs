//! Annotations of a pod.

use super::text::Text;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{collections::BTreeMap, fmt};

/// The annotations that later became fields of the pod. All others are skipped while reading.
#[derive(Debug, Default)]
pub struct Annotations<'a>(BTreeMap<Text<'a>, Text<'a>>);

impl Annotations<'_> {
    /// The prefixes of the annotations that are kept.
    const KEPT: [&'static str; 3] = [
        "seccomp.security.alpha.kubernetes.io/",
        "container.seccomp.security.alpha.kubernetes.io/",
        "container.apparmor.security.beta.kubernetes.io/",
    ];

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The annotation's key, borrowed from the pod, and its value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<(&str, &str)> {
        let (key, value) = self.0.get_key_value(key)?;
        Some((&**key, &**value))
    }

    /// The annotations whose keys begin with a prefix, sorted by key.
    pub fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().map(|(key, value)| (&**key, &**value));
        all.filter(move |(key, _)| key.starts_with(prefix))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kept;
        impl<'de> Visitor<'de> for Kept {
            type Value = Annotations<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations<'de>, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if Annotations::KEPT.iter().any(|prefix| key.starts_with(prefix)) {
                        kept.insert(key, map.next_value::<Option<Text<'de>>>()?.unwrap_or_default());
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations(kept))
            }
        }
        deserializer.deserialize_map(Kept)
    }
}
