//! Lists that narrow what a policy or an exemption is about. Left out, they match everything. An empty one could mean everything
//! or nothing, so it is refused.

use serde::de::{Deserialize, Deserializer, Error};

/// Reads a list of names that narrows.
///
/// # Errors
/// It is empty, or one of its names is.
pub fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.is_empty() {
        return Err(D::Error::custom(EMPTY));
    }
    match names.iter().position(|name| name.trim().is_empty()) {
        Some(index) => Err(D::Error::custom(format_args!("has an empty name at position {}; take it out", index + 1))),
        None => Ok(names),
    }
}

/// Also the message of the API server.
pub const EMPTY: &str =
    "is an empty list, which could mean all or none; name what it is about, or leave the key out, which means all";

#[cfg(test)]
mod tests {
    use crate::policy::{CompiledPolicy, ObjectExemption};
    use serde_json::{Value, json};

    fn policy(key: &str, list: &Value) -> String {
        let mut spec = json!({"rules": {}, "match": {}, "exemptions": [
            {"rules": ["privileged"], "namespaces": ["shop"], "reason": "a test"},
        ]});
        *spec.pointer_mut(key.rsplit_once('/').unwrap().0).unwrap() = {
            let (above, key) = key.rsplit_once('/').unwrap();
            let mut object = spec.pointer(above).unwrap().clone();
            object[key] = list.clone();
            object
        };
        match CompiledPolicy::from_object("p", Some(&spec.to_string()), crate::policy::Cluster::With) {
            Ok(_) => String::new(),
            Err(errors) => errors.to_string(),
        }
    }

    #[test]
    fn an_empty_list_that_narrows_is_refused() {
        for key in [
            "/match/namespaces",
            "/match/kinds",
            "/match/users",
            "/match/groups",
            "/exemptions/0/containers",
            "/exemptions/0/images",
        ] {
            let error = policy(key, &json!([]));
            let place = format!("spec{}: is an empty list", key.replace("/0", "[0]").replace('/', "."));
            assert!(error.starts_with(&place), "{key}: {error}");
            let error = policy(key, &json!(["Pod", " "]));
            assert!(error.contains("has an empty name at position 2"), "{key}: {error}");
        }
        for key in ["containers", "images"] {
            let spec = json!({"rules": ["privileged"], "reason": "a test", key: []}).to_string();
            let error = ObjectExemption::new("shop", "a", Some(&spec)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("spec.{key}: is an empty list")), "{error}");
        }
        // These mean what they say.
        assert_eq!(policy("/match/excludeNamespaces", &json!([])), "");
        assert_eq!(policy("/exemptions", &json!([])), "");
    }
}
