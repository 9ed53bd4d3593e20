//! The envelope of a request. `object` and `oldObject` stay raw until they are needed.

use super::object::Object;
use crate::json::{self, Raw};
use crate::outcome::Operation;
use crate::workload::{Kind, List, Templates, Text, read::Unreadable, read::without_position, text::nullable};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

pub const API_VERSION: &str = "admission.k8s.io/v1";
pub const KIND: &str = "AdmissionReview";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub api_version: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub request: Option<Request<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub uid: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub kind: GroupVersionKind<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub resource: GroupVersionResource<'a>,
    #[serde(borrow)]
    pub sub_resource: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub namespace: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub operation: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub user_info: UserInfo<'a>,
    #[serde(borrow)]
    object: Option<Object<'a>>,
    #[serde(borrow)]
    pub old_object: Option<Raw<'a>>,
    pub dry_run: Option<bool>,
    /// The options of the write: only its field manager is read, and only for podreeve's own kinds.
    #[serde(borrow)]
    pub options: Option<Raw<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct GroupVersionKind<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub group: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub version: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub kind: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub struct GroupVersionResource<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub group: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub resource: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub struct UserInfo<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub username: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub groups: List<Text<'a>>,
}

impl<'a> Request<'a> {
    #[must_use]
    pub fn operation(&self) -> Operation {
        Operation::from(&*self.operation.0)
    }

    /// Whether the request creates or changes its object. An operation that podreeve does not know counts as one that does.
    #[must_use]
    pub fn brings_object(&self) -> bool {
        !matches!(self.operation(), Operation::Delete | Operation::Connect)
    }

    /// The object as text.
    #[must_use]
    pub fn object(&self) -> Option<Raw<'a>> {
        self.object.as_ref().map(|object| object.raw)
    }

    /// The pods of the object, which is of this kind.
    ///
    /// # Errors
    /// The field that could not be read.
    pub fn take_pods(&mut self, kind: &Kind, object: Raw<'a>) -> Result<Templates<'a>, Unreadable> {
        match self.object.as_mut().and_then(|object| object.pod.take()) {
            Some(mut pod) if kind.is_pod() => {
                pod.kind.clone_from(&kind.kind);
                Ok(kind.placed(Some(pod)))
            }
            _ => kind.pods(object),
        }
    }
}

/// The text of a body.
///
/// # Errors
/// The position of the first byte that is not UTF-8.
pub fn text(body: &[u8]) -> Result<&str, String> {
    let text = simdutf8::basic::from_utf8(body).or_else(|_| std::str::from_utf8(body));
    text.map_err(|error| format!("the body is not UTF-8 from byte {}", error.valid_up_to()))
}

impl<'a> Review<'a> {
    /// Reads a review.
    ///
    /// # Errors
    /// A sentence about the mistake in the body.
    pub fn parse(text: &'a str) -> Result<(Self, Request<'a>), String> {
        let mut review: Self = match json::read(text) {
            Some(review) => review,
            None => serde_json::from_str(text).map_err(|error| unreadable(text, &error))?,
        };
        if *review.kind != *KIND || *review.api_version != *API_VERSION {
            return Err(format!(
                "the body is {} {}, and this webhook reads {API_VERSION} {KIND}",
                or_nothing(&review.api_version),
                or_nothing(&review.kind),
            ));
        }
        match review.request.take() {
            None => Err("the AdmissionReview has no `request`".to_owned()),
            Some(request) if request.uid.is_empty() => Err("the AdmissionReview has no `request.uid`".to_owned()),
            Some(request) => Ok((review, request)),
        }
    }
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { "(nothing)".to_owned() } else { crate::text::clean(text, 60) }
}

/// Reads the body again, slowly, to find the field with the error.
fn unreadable(text: &str, error: &serde_json::Error) -> String {
    if error.is_syntax() || error.is_eof() {
        return format!("the body is not JSON: {error}");
    }
    let mut json = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Review<'_>>(&mut json) {
        Err(error) => {
            let path = error.path().to_string();
            let message = without_position(error.inner());
            let words = crate::text::type_error(&message).map(|text| format!("it {text}"));
            let words = words.unwrap_or_else(|| crate::text::without_value(&message));
            format!("`{path}` of the AdmissionReview could not be read: {words}")
        }
        Ok(_) => without_position(error),
    }
}

/// The uid of a body that is broken or too large. It is the first key of `request`, so it is in the
/// first bytes. With a uid the answer can be a denial.
#[must_use]
pub fn uid(body: &[u8]) -> Option<String> {
    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(body);
    // An error is expected, since any bytes may follow the uid.
    let _ = Find { path: &["request", "uid"], found: &mut found }.deserialize(&mut json);
    found.filter(|uid| !uid.is_empty() && uid.len() <= 128)
}

/// Keeps the string at `path` as soon as it was read, so that a later error does not lose it.
struct Find<'p, 'f> {
    path: &'p [&'p str],
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Find<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        if self.path.is_empty() {
            *self.found = Some(value.to_owned());
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'_>>()? {
            match self.path.split_first() {
                Some((first, path)) if *key == **first => {
                    map.next_value_seed(Find { path, found: &mut *self.found })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_of_a_truncated_body_is_found() {
        let body = br#"{"kind":"AdmissionReview","request":{"uid":"u-1","object":{"a":[1,{"b":"#;
        for end in 0..body.len() {
            let known = end >= body.iter().position(|b| *b == b'1').unwrap_or_default() + 2;
            assert_eq!(uid(&body[..end]).is_some(), known, "{end}");
        }
        assert_eq!(uid(body).as_deref(), Some("u-1"));
    }

    #[test]
    fn another_uid_is_not_used() {
        assert_eq!(uid(br#"{"uid":"x","request":{"object":{"uid":"y"}}}"#), None);
        assert_eq!(uid(br#"{"request":{"uid":""}}"#), None);
        assert_eq!(uid(b"uid"), None);
    }
}
