//! The keys of manifests and configurations, as container runtimes read them.
//!
//! Runtimes are written in Go, which compares keys without the case of their letters, and of two equal keys takes the last one. A reader
//! that knows `layers` alone would judge one image, and a node would run another one that stands at `Layers`.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// The keys of one kind of document. Which object has which key does not matter: no key means two things.
pub struct Keys {
    pub known: &'static [&'static str],
    /// Known ones whose object has keys of its own, such as labels.
    pub free: &'static [&'static str],
}

pub const MANIFEST: Keys = Keys {
    known: &[
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
        "manifests",
        "subject",
        "annotations",
        "digest",
        "size",
        "platform",
        "os",
        "architecture",
        "variant",
    ],
    free: &["annotations"],
};

pub const CONFIG: Keys = Keys {
    known: &[
        "os",
        "architecture",
        "variant",
        "created",
        "config",
        "rootfs",
        "diff_ids",
        "history",
        "created_by",
        "empty_layer",
        "User",
        "ExposedPorts",
        "Env",
        "Entrypoint",
        "Cmd",
        "Volumes",
        "WorkingDir",
        "Labels",
        "Healthcheck",
        "Test",
        "OnBuild",
        "Shell",
    ],
    free: &["Labels", "ExposedPorts", "Volumes"],
};

impl Keys {
    /// The document with each known key as it is spelled here. It is a copy only if one is spelled in another way.
    ///
    /// # Errors
    /// No JSON, or an object with the same key twice.
    pub fn spelled<'j>(&self, json: &'j [u8]) -> Result<Cow<'j, [u8]>, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let mut walk = Walk { keys: self, respelled: false };
        walk.deserialize(&mut reader)?;
        reader.end()?;
        if !walk.respelled {
            return Ok(Cow::Borrowed(json));
        }
        let mut value: Value = serde_json::from_slice(json)?;
        self.respell(&mut value);
        serde_json::to_vec(&value).map(Cow::Owned)
    }

    /// The known key that a runtime reads this one as, by its place.
    fn known(&self, key: &str) -> Option<(usize, &'static str)> {
        let found = self.known.iter().enumerate().find(|(_, known)| is_same(key, known));
        found.map(|(at, known)| (at, *known))
    }

    fn is_free(&self, key: &str) -> bool {
        self.free.contains(&key)
    }

    /// At most as deep as the reader allows.
    fn respell(&self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|one| self.respell(one)),
            Value::Object(object) => {
                let spelled: Map<String, Value> = std::mem::take(object)
                    .into_iter()
                    .map(|(key, mut value)| {
                        let key = self.known(&key).map_or(key, |(_, known)| known.to_owned());
                        if !self.is_free(&key) {
                            self.respell(&mut value);
                        }
                        (key, value)
                    })
                    .collect();
                *object = spelled;
            }
            _ => {}
        }
    }
}

/// Whether Go takes both for the same key. Two letters outside of ASCII fold to one of it.
fn is_same(key: &str, known: &str) -> bool {
    let fold = |c: char| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key == known || (key.len() >= known.len() && key.chars().map(fold).eq(known.chars().map(fold)))
}

/// Looks at each key once.
struct Walk<'k> {
    keys: &'k Keys,
    /// A known key is spelled in another way.
    respelled: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = 0_u64;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let Some((at, known)) = self.keys.known(&key) else {
                map.next_value_seed(&mut *self)?;
                continue;
            };
            self.respelled |= key != known;
            if seen & (1 << at) != 0 {
                return Err(A::Error::custom(format_args!(
                    "`{known}` is there twice, so programs read it as two images"
                )));
            }
            seen |= 1 << at;
            if self.keys.is_free(known) {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(&mut *self)?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(keys: &Keys, json: &str) -> Result<String, String> {
        let spelled = keys.spelled(json.as_bytes()).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(spelled.into_owned()).unwrap())
    }

    #[test]
    fn a_key_is_read_as_go_reads_it() {
        let usual = r#"{"layers":[{"digest":"a","annotations":{"Digest":"x","digest":"y"}}],"other":{"Other":1}}"#;
        assert_eq!(spelled(&MANIFEST, usual).as_deref(), Ok(usual));
        assert!(matches!(MANIFEST.spelled(usual.as_bytes()), Ok(Cow::Borrowed(_))));
        let odd = r#"{"LAYERS":[{"Digest":"a"}],"manifeſts":null}"#;
        assert_eq!(spelled(&MANIFEST, odd).as_deref(), Ok(r#"{"layers":[{"digest":"a"}],"manifests":null}"#));
        let labels = r#"{"config":{"labels":{"User":"x","user":"y"},"user":"0"}}"#;
        let read = r#"{"config":{"Labels":{"User":"x","user":"y"},"User":"0"}}"#;
        assert_eq!(spelled(&CONFIG, labels).as_deref(), Ok(read));
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused() {
        let (manifest, config) = (
            [r#"{"layers":[],"Layers":[]}"#, r#"{"layers":[],"layers":[]}"#, r#"{"a":[{"digest":1,"dige\u017ft":2}]}"#],
            [r#"{"config":{"User":"1","USER":"0"}}"#, r#"{"rootfs":{"diff_ids":[],"Diff_IDs":[]}}"#],
        );
        for (keys, json) in manifest.map(|json| (&MANIFEST, json)).into_iter().chain(config.map(|json| (&CONFIG, json)))
        {
            let error = spelled(keys, json).unwrap_err();
            assert!(error.contains("is there twice"), "{json}: {error}");
        }
        assert!(spelled(&MANIFEST, "{} {}").is_err() && spelled(&MANIFEST, "<html>").is_err());
    }

    #[test]
    fn a_free_object_is_of_a_known_key_and_the_keys_fit_into_the_mask() {
        for keys in [&MANIFEST, &CONFIG] {
            assert!(keys.known.len() <= 64 && keys.free.iter().all(|free| keys.known.contains(free)));
        }
    }
}
