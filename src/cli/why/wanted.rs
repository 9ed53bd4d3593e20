//! Which decisions the reader wants: by id, or by the object.

use crate::observe::decisions::record::DecisionLine;
use std::fmt;
use std::str::FromStr;

/// Fewer characters of a uid are no id.
const ID_MIN: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The beginning of a request's uid, in small letters.
    Id(String),
    Object {
        kind: Option<String>,
        namespace: String,
        name: String,
    },
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.trim().split('/').collect();
        let of = |kind: Option<&str>, namespace: &str, name: &str| Self::Object {
            kind: kind.map(ToOwned::to_owned),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        match parts[..] {
            [id] => {
                // As it stands in a denial: `(id 705ab4f5)`.
                let id = id.trim_matches(['(', ')']).trim_start_matches("id").trim();
                if id.chars().count() < ID_MIN {
                    return Err(format!("`{text}` is too short for an id; name an object as NAMESPACE/NAME"));
                }
                Ok(Self::Id(id.to_ascii_lowercase()))
            }
            [namespace, name] if !name.is_empty() => Ok(of(None, namespace, name)),
            [kind, namespace, name] if !kind.is_empty() && !name.is_empty() => Ok(of(Some(kind), namespace, name)),
            _ => Err("name an object as NAMESPACE/NAME or KIND/NAMESPACE/NAME".to_owned()),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Object { kind: None, namespace, name } => write!(f, "{namespace}/{name}"),
            Self::Object { kind: Some(kind), namespace, name } => write!(f, "{kind}/{namespace}/{name}"),
        }
    }
}

impl Wanted {
    #[must_use]
    pub fn is(&self, line: &DecisionLine) -> bool {
        match self {
            Self::Id(id) => line.uid.get(..id.len()).is_some_and(|start| start.eq_ignore_ascii_case(id)),
            Self::Object { kind, namespace, name } => {
                line.namespace == *namespace
                    && kind.as_ref().is_none_or(|kind| line.kind.eq_ignore_ascii_case(kind))
                    && (line.name == *name
                        || is_named_later(&line.name, name)
                        || (kind.is_none() && is_made_of(&line.kind, &line.name, name)))
            }
        }
    }
}

/// Whether the API server gave a pod with the name `web-5d9c-*` the wanted name.
fn is_named_later(line: &str, wanted: &str) -> bool {
    line.strip_suffix('*').and_then(|prefix| wanted.strip_prefix(prefix)).is_some_and(is_made_up)
}

/// Whether a controller made the object for an owner of the wanted name: `web-5d9c7f-*` for `web`.
fn is_made_of(kind: &str, line: &str, owner: &str) -> bool {
    if !matches!(kind, "Pod" | "ReplicaSet" | "Job") {
        return false;
    }
    let Some(suffix) = line.strip_prefix(owner).and_then(|rest| rest.strip_prefix('-')) else { return false };
    let mut parts = suffix.split('-');
    let first = parts.next().unwrap_or_default();
    let is_star = |part: &str| part == "*";
    match (parts.next(), parts.next()) {
        (None, _) => is_star(first) || is_made_up(first),
        (Some(second), None) => is_made_up(first) && (is_star(second) || is_made_up(second)),
        _ => false,
    }
}

/// Whether a controller made the part up: a number, or letters without a vowel, as Kubernetes does so that no word appears.
fn is_made_up(part: &str) -> bool {
    !part.is_empty()
        && (part.bytes().all(|b| b.is_ascii_digit())
            || part.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_stands_in_a_denial() {
        for text in ["705ab4f5", "(id 705ab4f5)", " 705AB4F5 "] {
            assert_eq!(text.parse(), Ok(Wanted::Id("705ab4f5".to_owned())), "{text}");
        }
        for text in ["", "web", "shop/", "a/b/c/d", "/a/b"] {
            assert!(text.parse::<Wanted>().is_err_and(|error| error.contains("NAMESPACE/NAME")), "{text}");
        }
        let object = |kind: Option<&str>| Wanted::Object {
            kind: kind.map(ToOwned::to_owned),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        assert_eq!(("shop/web".parse(), "Pod/shop/web".parse()), (Ok(object(None)), Ok(object(Some("Pod")))));
        assert_eq!(object(Some("Pod")).to_string(), "Pod/shop/web");
    }

    #[test]
    fn an_owner_finds_what_is_made_of_it_and_no_other() {
        for (kind, line, owner, is) in [
            ("Pod", "web-5d9c7f8c4-*", "web", true),
            ("Pod", "web-0", "web", true),
            ("Pod", "web-*", "web", true),
            ("ReplicaSet", "web-5d9c7f8c4", "web", true),
            ("Job", "web-29384756", "web", true),
            ("Pod", "web-29384756-*", "web", true),
            ("Pod", "web-api-5d9c7f8c4-*", "web", false),
            ("Pod", "web-api-*", "web", false),
            ("Pod", "website-*", "web", false),
            ("Deployment", "web-2", "web", false),
        ] {
            assert_eq!(is_made_of(kind, line, owner), is, "{kind} {line}");
        }
        assert!(is_named_later("web-5d9c7f8c4-*", "web-5d9c7f8c4-xz2bk"));
        assert!(!is_named_later("web-*", "web-api-xz2bk"));
    }
}
