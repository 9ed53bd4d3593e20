//! Signers of notation: attributes that the subject of a certificate must have.

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// `x509.subject: C=DE, ST=BE, O=Example`, read. The subject has each of these attributes, and may have more.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As it was written.
    pub text: String,
    /// Object identifiers and values. None: `*`, every certificate under the roots.
    attributes: Option<Vec<(&'static str, String)>>,
}

/// The names that RFC 4514 and notation have for attributes.
const NAMES: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("POSTALCODE", "2.5.4.17"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
];

impl Identity {
    /// Reads one identity.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self { text: text.to_owned(), attributes: None });
        }
        let Some(subject) = text.strip_prefix("x509.subject:") else {
            return Err(format!("`{text}` is no identity; write it as `x509.subject: C=DE, ST=BE, O=Example`"));
        };
        let mut attributes: Vec<(&'static str, String)> = Vec::new();
        for part in parts(subject) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{}` is no `name=value`", part.trim()))?;
            let name = name.trim();
            let oid = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, oid)| *oid);
            let oid = oid.ok_or_else(|| format!("`{name}` is no attribute of a subject that is known here"))?;
            let value = unescape(value)?;
            if value.is_empty() {
                return Err(format!("`{name}` has no value"));
            }
            if attributes.iter().any(|(known, _)| *known == oid) {
                return Err(format!("`{name}` occurs twice"));
            }
            attributes.push((oid, value));
        }
        for (name, oid) in [("C", "2.5.4.6"), ("ST", "2.5.4.8"), ("O", "2.5.4.10")] {
            if !attributes.iter().any(|(known, _)| *known == oid) {
                return Err(format!("`{text}` has no `{name}`; notation requires C, ST and O in each identity"));
            }
        }
        Ok(Self { text: text.to_owned(), attributes: Some(attributes) })
    }

    /// Whether the subject has all attributes. An attribute that it has twice matches nothing.
    #[must_use]
    pub fn matches(&self, subject: &X509Name<'_>) -> bool {
        let Some(wanted) = &self.attributes else { return true };
        wanted.iter().all(|(oid, value)| {
            let mut values = subject
                .iter_attributes()
                .filter(|attribute| attribute.attr_type().to_id_string() == *oid)
                .map(AttributeTypeAndValue::as_str);
            matches!((values.next(), values.next()), (Some(Ok(found)), None) if found == value)
        })
    }
}

/// The parts between commas that are not escaped. `+` joins attributes of one name and is refused with its part.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// The value without escapes and without the blanks around it.
fn unescape(value: &str) -> Result<String, String> {
    let value = value.trim_start();
    let (mut out, mut kept) = (String::new(), 0);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) if !c.is_ascii_hexdigit() => {
                    out.push(c);
                    kept = out.len();
                }
                _ => return Err(format!("`{value}` has an escape that is not known here; write the character itself")),
            },
            '+' | '"' | '<' | '>' | ';' | '=' => return Err(format!("`{value}` has a `{c}`, which needs a backslash")),
            c => {
                out.push(c);
                if c != ' ' {
                    kept = out.len();
                }
            }
        }
    }
    out.truncate(kept);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(&'static str, String)>, String> {
        Identity::parse(text).map(|identity| identity.attributes.unwrap_or_default())
    }

    #[test]
    fn attributes_are_read_with_their_escapes() {
        let attributes = read(r"x509.subject: C=DE, ST=BE ,O=Example\, Inc. , CN=a\=b").unwrap();
        let values: Vec<&str> = attributes.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["DE", "BE", "Example, Inc.", "a=b"]);
        assert!(read("*").unwrap().is_empty());
        assert!(read("x509.subject: c=DE, s=BE, o=Example").is_ok());
    }

    #[test]
    fn an_identity_that_would_match_too_much_does_not_load() {
        for bad in [
            "",
            "C=DE, ST=BE, O=Example",
            "x509.subject:",
            "x509.subject: O=Example",
            "x509.subject: C=DE, ST=BE, O=",
            "x509.subject: C=DE, ST=BE, O=a, O=b",
            "x509.subject: C=DE, ST=BE, O=a+OU=b",
            "x509.subject: C=DE, ST=BE, O=a, X=b",
            r"x509.subject: C=DE, ST=BE, O=\41",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
