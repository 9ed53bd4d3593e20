//! The header `WWW-Authenticate`: how a client authenticates.

use http::{HeaderMap, header};

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The first challenge that podreeve can answer. A token is better than a password on each request.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let all = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let found: Vec<Self> = all.flat_map(challenges).collect();
        let bearer = found.iter().find(|challenge| matches!(challenge, Self::Bearer { .. }));
        bearer.or(found.first()).cloned()
    }
}

/// All challenges of one header that are known and whole.
fn challenges(text: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        let (scheme, after) = rest.split_at(end);
        let (pairs, after) = parameters(after.trim_start());
        let get =
            |name: &str| pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = get("realm")
        {
            found.push(Challenge::Bearer { realm, service: get("service"), scope: get("scope") });
        }
        rest = after.trim_start_matches([' ', ',']);
    }
    found
}

/// `name="value", name=value` up to the next scheme. Returns the rest, too.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut pairs = Vec::new();
    let mut rest = text;
    loop {
        let start = rest.trim_start_matches([' ', ',']);
        let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let name_end = start.find(|c| !is_name(c)).unwrap_or(start.len());
        let (name, after) = start.split_at(name_end);
        // A word without `=` is the next scheme.
        let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else { return (pairs, rest) };
        if name.is_empty() {
            return (pairs, "");
        }
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            unquote(quoted)
        } else {
            let end = value.find([',', ' ']).unwrap_or(value.len());
            let (value, after) = value.split_at(end);
            (value.to_owned(), after)
        };
        pairs.push((name.to_owned(), value));
        rest = after;
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or("")),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::read(&headers)
    }

    #[test]
    fn the_forms_in_use() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
                scope: scope.map(str::to_owned),
            })
        };
        let text = r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:shop/web:pull,push""#;
        let scope = Some("repository:shop/web:pull,push");
        assert_eq!(read(&[text]), bearer("https://auth.example.com/token", Some("registry.example.com"), scope));
        assert_eq!(read(&["bearer realm=https://a/t , service = x"]), bearer("https://a/t", Some("x"), None));
        assert_eq!(read(&[r#"Basic realm="Registry \"x\"""#]), Some(Challenge::Basic));
        assert_eq!(
            read(&["Negotiate", r#"Basic realm="x", Bearer realm="https://a/t""#]),
            bearer("https://a/t", None, None)
        );
        assert_eq!(read(&["Negotiate abc=="]), None);
        assert_eq!(read(&["Bearer service=x"]), None);
        assert_eq!(read(&[]), None);
        for odd in ["Bearer realm=\"open", "=,=", "\"", "Bearer =x", ",,, ,", "Bearer realm"] {
            assert!(!matches!(read(&[odd]), Some(Challenge::Basic)), "{odd}");
        }
    }
}
