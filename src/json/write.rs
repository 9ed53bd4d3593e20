//! Writes JSON by hand. serde looks at each byte of a text, and a denial is some thousand bytes.

use super::scan;
use serde_json::Value;
use std::fmt;

/// Appends a text as it stands inside a JSON string: as serde_json escapes it.
pub fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some((plain, special, after)) = scan::first_special(rest) {
        out.extend_from_slice(plain.as_bytes());
        escaped(out, special);
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Appends the escape of a quote, a backslash or a control character.
fn escaped(out: &mut Vec<u8>, special: u8) {
    let short = match special {
        b'"' | b'\\' => special,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |four: u8| if four < 10 { b'0' + four } else { b'a' + four - 10 };
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(special >> 4), digit(special & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Escapes what is formatted into it, without a text in between.
struct Escaped<'o>(&'o mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// Appends a JSON string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text);
    out.push(b'"');
}

/// Appends a value.
pub fn value(out: &mut Vec<u8>, json: &Value) {
    match json {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::String(text) => string(out, text),
        Value::Number(_) => {
            // Writing to memory cannot fail.
            let _ = serde_json::to_writer(out, json);
        }
        Value::Array(elements) => list(out, elements.iter(), value),
        Value::Object(members) => {
            let mut object = Object::new(out);
            for (key, member) in members {
                value(object.escaped_key(key), member);
            }
        }
    }
}

/// Appends a list, each element of which `element` writes.
pub fn list<T>(out: &mut Vec<u8>, elements: impl Iterator<Item = T>, mut element: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (number, value) in elements.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        element(out, value);
    }
    out.push(b']');
}

/// An object whose members are written one after another. It is closed when it is dropped.
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Writes a key, which needs no escape. The value has to follow.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes any key. The value has to follow.
    pub fn escaped_key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
    }

    /// A value that is JSON already.
    pub fn literal(&mut self, key: &str, json: &str) {
        self.key(key).extend_from_slice(json.as_bytes());
    }

    pub fn string(&mut self, key: &str, text: &str) {
        string(self.key(key), text);
    }

    /// A text that is formatted.
    pub fn text(&mut self, key: &str, text: fmt::Arguments<'_>) {
        let out = self.key(key);
        out.push(b'"');
        // Writing to memory cannot fail.
        let _ = fmt::write(&mut Escaped(out), text);
        out.push(b'"');
    }

    pub fn object(&mut self, key: &str) -> Object<'_> {
        Object::new(self.key(key))
    }

    /// As [`list`].
    pub fn list<T>(&mut self, key: &str, elements: impl Iterator<Item = T>, element: impl FnMut(&mut Vec<u8>, T)) {
        list(self.key(key), elements, element);
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every place of a sixteen, and behind it.
    #[test]
    fn a_text_is_escaped_as_serde_escapes_it() {
        for special in (0..=0x20).chain([b'"', b'\\', b'/', 0x7f]).map(char::from).chain(['é', '\u{2028}', '🙂']) {
            for before in 0..40 {
                let text = format!("{}{special}{special}rest", "x".repeat(before));
                let mut out = Vec::new();
                string(&mut out, &text);
                assert_eq!(String::from_utf8(out).ok(), serde_json::to_string(&text).ok());
            }
        }
    }

    #[test]
    fn a_value_is_written_as_serde_writes_it() {
        let json = r#"{"":null,"a\"b":[true,false,[],{},-1,1.5,18446744073709551615,"\n"],"c":{"d":"é"}}"#;
        let read: Value = serde_json::from_str(json).expect("JSON");
        let mut out = Vec::new();
        value(&mut out, &read);
        assert_eq!(String::from_utf8(out).ok(), serde_json::to_string(&read).ok());
    }

    #[test]
    fn an_object_is_closed_and_has_its_commas() {
        let mut out = Vec::new();
        {
            let mut object = Object::new(&mut out);
            object.string("a", "\n");
            object.text("b", format_args!("{}\"", 1));
            drop(object.object("c"));
            object.list("d", ["x", "y"].into_iter(), string);
        }
        assert_eq!(String::from_utf8(out).as_deref(), Ok(r#"{"a":"\n","b":"1\"","c":{},"d":["x","y"]}"#));
    }
}
